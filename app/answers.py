"""The classifiers there are, what one of them says of each file, and the keeping of files where it is wanted."""

import base64
import io
import json
import threading
import time
from pathlib import Path

from PIL import Image

from app.settings import MAX_FILE_BYTES
from cifar_lab import card, files, formats, images
from cifar_lab.classifier import Classifier

_lock = threading.Lock()


def load_classifiers(log) -> dict[str, Classifier]:
    """All classifiers that can be loaded, by name, the default one first; the others are named in the log."""
    loaded, first = {}, card.default()
    for name in sorted(card.available(), key=lambda name: (name != first, name)):
        try:
            loaded[name] = Classifier.load(name, threads=1)  # several requests are in work at once
        except ValueError as error:
            log.error("left out: %s", error)
    return loaded


def answer(uploads: list, classifier: Classifier, top_k: int, shows: bool) -> list[dict]:
    """What the API says of each file, or its `error` and `code`; with `shows` also `picture` and `seen` to show."""
    answers, inputs = [{"filename": _shown(upload.filename)} for upload in uploads], []
    for upload, found in zip(uploads, answers, strict=True):
        content = upload.read(MAX_FILE_BYTES + 1)
        try:
            picture = images.open_picture(content, max_bytes=MAX_FILE_BYTES)
        except images.PictureError as error:
            found |= {"error": str(error), "code": error.code}
            continue
        inputs.append(classifier.see(picture))
        found |= _described(Image.open(io.BytesIO(content), formats=formats.ACCEPTED))
        if shows:
            picture.thumbnail((320, 320))
            found |= {"picture": _address(picture, "JPEG"), "seen": _address(Image.fromarray(inputs[-1]), "PNG")}
    predictions = iter(classifier.predict(inputs, top=top_k))  # one batch
    for found in (found for found in answers if "error" not in found):
        said = next(predictions)
        found |= {name: getattr(said, name) for name in ("label", "index", "score", "known")}
        found["top"] = [{"label": guess.label, "score": guess.score} for guess in said.top]
    return answers


def _shown(name: str | None) -> str | None:
    """A file's name to show, never to open: no folders, no control or direction characters, not endless."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:80] or None


def _described(header: Image.Image) -> dict:
    """What came in, by its header alone: a large JPEG was decoded at a smaller size."""
    is_animated = "loop" in header.info if header.format == "GIF" else getattr(header, "n_frames", 1) > 1
    notes = {
        "Only the square in the middle is looked at.": max(header.size) > 1.05 * min(header.size),
        "Transparent parts are laid on white.": header.has_transparency_data,
        "Only the first frame is looked at.": is_animated and header.format != "MPO",
    }
    size = {"format": header.format.replace("MPO", "JPEG"), "width": header.width, "height": header.height}
    return {"input": size, "notes": [note for note, applies in notes.items() if applies]}


def _address(picture: Image.Image, kind: str) -> str:
    picture.save(stream := io.BytesIO(), kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"


def keep(upload, model: str, found: dict, folder: str, limit: int) -> None:
    """Keep a file under its SHA-256, and a line of JSON on it, unless the folder would grow beyond its limit."""
    upload.seek(0)
    digest = files.sha256_of(content := upload.read())
    path = Path(folder) / f"{digest}.{formats.recognise(content).lower()}"
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "sha256": digest, "model": model}
    line |= {name: found[name] for name in ("label", "score", "known")}
    with _lock:
        path.parent.mkdir(parents=True, exist_ok=True)
        if sum(file.stat().st_size for file in path.parent.iterdir()) + len(content) > limit:
            return
        if not path.exists():
            files.write_whole(path, lambda unfinished: unfinished.write_bytes(content))
        with open(path.with_name("uploads.jsonl"), "ab", buffering=0) as lines:
            lines.write(json.dumps(line).encode() + b"\n")
