"""Make an example folder of pictures with typical faults, for the lessons and the tests.

planted = make_pets_folder("pets")   # drawn cats and dogs, enlarged to the sizes of photographs
planted["empty"]                     # the paths of the empty files among them
"""

import io
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_lab.core.text import printable

_EXTENSIONS = (".jpg", ".png", ".jpg", ".webp", ".jpg", ".bmp", ".jpg", ".gif")  # of the good pictures, in turn
_MISNAMED_EVERY = 41  # every 41st of them has an extension that does not match its format
_HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
_TINY = 9  # pixels per side
_MISTAKES = ("broken", "empty", "no_picture", "heic", "unsupported", "too_small")
_REPEATS = ("bytes", "saved", "brighter", "mirrored", "class")


def make_example_folder(
    folder: str | Path, pictures: Iterable[tuple[str, Image.Image]], *, mistakes: int = 0, repeats: int = 0
) -> dict[str, set[str]]:
    """Fill a folder of one subfolder per class with good pictures and bad files.

    The bad files are distributed over the classes like the good pictures.

    Args:
        folder: a new or empty folder.
        pictures: pairs of class name and good picture; with a generator, only one is in memory at a time.
        mistakes: the number of unusable files: damaged, empty, text, HEIC, TIFF and tiny, in turn.
        repeats: the number of files that repeat a picture: byte by byte, saved again in a different size, brighter,
            mirrored, or in another class, in turn.

    Returns:
        The paths of the bad files, by the reason for which they should be left out (`problems.REASONS`), and under
            `"misnamed"` the good pictures with a wrong file extension.

    Raises:
        ValueError: the folder is not empty.
    """
    folder, planted, good = Path(folder), defaultdict(set), []
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(
            f"{printable(str(folder))} is not empty, and its files are not overwritten. Give a new folder."
        )
    for number, (name, picture) in enumerate(pictures):
        path = f"{name}/{number:06}{_EXTENSIONS[number % len(_EXTENSIONS)]}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        misnamed = number % _MISNAMED_EVERY == _MISNAMED_EVERY - 1
        _save(picture, folder / path, kind=_other_kind(path) if misnamed else None)
        if misnamed:
            planted["misnamed"].add(path)
        else:
            good.append(path)
    for number in range(mistakes):
        original = good[number * len(good) // mistakes]
        reason, path = _MISTAKES[number % len(_MISTAKES)], f"{Path(original).parent.name}/m{number:05}.jpg"
        (folder / path).write_bytes(_mistake(reason, folder / original))
        planted[reason].add(path)
    for number in range(repeats):
        original = good[number * len(good) // repeats]
        reason, path = _repeat(folder, original, number)
        planted[reason] |= {path, original} if reason == "conflict" else {path}
    return planted


def make_pets_folder(
    folder: str | Path, *, cats: int = 400, dogs: int = 100, mistakes: int = 12, repeats: int = 18
) -> dict:
    """Fill a folder with drawings of cats and dogs, enlarged like photographs, and with bad files.

    Args:
        folder: a new or empty folder.
        cats: the number of good pictures of cats, up to 500.
        dogs: the number of good pictures of dogs, up to 500.
        mistakes: as for `make_example_folder`.
        repeats: as for `make_example_folder`.

    Returns:
        As `make_example_folder`.
    """
    from cifar_lab.data import sketches

    drawn = sketches.load_sketches()
    counts = {"cats": ("cat", cats), "dogs": ("dog", dogs)}
    pictures = (
        (name, picture)
        for name, (class_name, count) in counts.items()
        for picture in as_photographs(
            drawn.train.images[drawn.train.labels == drawn.class_names.index(class_name)][:count]
        )
    )
    return make_example_folder(folder, pictures, mistakes=mistakes, repeats=repeats)


def as_photographs(images: np.ndarray, *, seed: int = 0) -> Iterator[Image.Image]:
    """Enlarge small images to pictures of varying sizes, portrait and landscape, with a mirrored margin.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        seed: fixes sizes and margins.
    """
    rng = np.random.default_rng(seed)
    for image in images:
        side = int(rng.integers(80, 200))
        enlarged = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
        margins = rng.integers(0, side // 12 + 1, (2, 2))
        margins[rng.integers(2)] += side // 6  # one pair of sides is longer, as in a photograph
        yield Image.fromarray(np.pad(enlarged, (*margins, (0, 0)), mode="reflect"))


def _save(picture: Image.Image, path: Path, *, kind: str | None = None) -> None:
    picture.save(path, format=kind, quality=90)


def _other_kind(path: str) -> str:
    return "JPEG" if path.endswith(".png") else "PNG"


def _mistake(reason: str, original: Path) -> bytes:
    """Return the content of an unusable file."""
    if reason in ("broken", "too_small"):
        with Image.open(original) as picture:
            picture = picture.convert("RGB")
        picture = picture.resize((_TINY, _TINY)) if reason == "too_small" else picture
        picture.save(stream := io.BytesIO(), "JPEG")
        return stream.getvalue()[: -len(stream.getvalue()) // 2 if reason == "broken" else None]
    contents = {"empty": b"", "no_picture": b"This is a note and no picture.", "heic": _HEIC}
    return contents.get(reason, b"II*\x00" + bytes(100))  # the start of a TIFF file


def _repeat(folder: Path, original: str, number: int) -> tuple[str, str]:
    """Write a copy of a file; return the reason for which it should be left out, and its path."""
    kind, name = _REPEATS[number % len(_REPEATS)], Path(original).parent.name
    if kind in ("bytes", "class"):
        others = sorted(place.name for place in folder.iterdir() if place.is_dir() and place.name != name)
        path = f"{others[0] if kind == 'class' else name}/repeat-{number:05}{Path(original).suffix}"
        shutil.copyfile(folder / original, folder / path)
        return ("conflict" if kind == "class" else "copy"), path
    path = f"{name}/repeat-{number:05}.jpg"
    with Image.open(folder / original) as picture:
        picture = picture.convert("RGB")
    changed = {
        "saved": lambda: picture.resize((round(1.5 * picture.width), round(1.5 * picture.height))),
        "brighter": lambda: picture.point(lambda value: min(255, value + 15)),
        "mirrored": lambda: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    }[kind]()
    changed.save(folder / path, quality=75)
    return "alike", path
