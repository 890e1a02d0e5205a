"""A folder of pictures as people really have them, made by code: most files are fine, and some are not.

    planted = messy.pets("pets")      # drawn cats and dogs, enlarged to the sizes of photographs
    planted["empty"]                  # the paths of the empty files among them

To learn on, to test with, and to measure how much of what is wrong is found.
"""

import io
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_lab.data.folder.problems import shown

_ENDINGS = (".jpg", ".png", ".jpg", ".webp", ".jpg", ".bmp", ".jpg", ".gif")  # of the good pictures, in turns
_WRONG_ENDING = 41  # every so many-th of them has another ending than its format
_HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
_TINY = 9  # pixels a side
_MISTAKES = ("broken", "empty", "no_picture", "heic", "unsupported", "too_small")
_REPEATS = ("bytes", "saved", "brighter", "mirrored", "class")


def make_example_folder(
    folder: str | Path, pictures: Iterable[tuple[str, Image.Image]], *, mistakes: int = 0, repeats: int = 0
) -> dict[str, set[str]]:
    """Fill a folder with a subfolder a class, with good pictures and with bad files.

    Both kinds of bad files are spread over the classes as the good pictures are.

    Args:
        folder: a new or an empty one.
        pictures: the good ones, each with its class; a generator does, no two are in memory at once.
        mistakes: files that can't be used: damaged, empty, text, HEIC, TIFF and tiny ones, in turns.
        repeats: files that repeat a picture: byte by byte, saved anew in another size, brighter, mirrored, or in
            another class, in turns.

    Returns:
        The paths of the bad files by the reason for which they should be left out (`problems.REASONS`); and under
            `"misnamed"` those of good pictures whose ending is wrong, which does no harm here.

    Raises:
        ValueError: there is something in the folder.
    """
    folder, planted, good = Path(folder), defaultdict(set), []
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(
            f"{shown(str(folder))} is not empty, and nothing in it is to be overwritten. Name a new folder."
        )
    for number, (name, picture) in enumerate(pictures):
        path = f"{name}/{number:06}{_ENDINGS[number % len(_ENDINGS)]}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        misnamed = number % _WRONG_ENDING == _WRONG_ENDING - 1
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
    """Fill a folder with drawn cats and dogs, enlarged and framed like photographs, and with bad files, as
    `make_example_folder` does.

    Args:
        folder: a new or an empty one.
        cats: how many good pictures of cats, up to 500.
        dogs: how many good pictures of dogs, up to 500.
        mistakes: as for `make_example_folder`.
        repeats: as for `make_example_folder`.
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
    """Enlarge small images to pictures as a camera would give them: of many sizes, upright and wide, with a margin.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        seed: fixes sizes and margins.
    """
    rng = np.random.default_rng(seed)
    for image in images:
        side = int(rng.integers(80, 200))
        enlarged = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
        margins = rng.integers(0, side // 12 + 1, (2, 2))
        margins[rng.integers(2)] += side // 6  # the third and fourth side of a photograph are longer
        yield Image.fromarray(np.pad(enlarged, (*margins, (0, 0)), mode="reflect"))


def _save(picture: Image.Image, path: Path, *, kind: str | None = None) -> None:
    picture.save(path, format=kind, quality=90)


def _other_kind(path: str) -> str:
    return "JPEG" if path.endswith(".png") else "PNG"


def _mistake(reason: str, original: Path) -> bytes:
    """The content of a file that can't be used."""
    if reason in ("broken", "too_small"):
        with Image.open(original) as picture:
            picture = picture.convert("RGB")
        picture = picture.resize((_TINY, _TINY)) if reason == "too_small" else picture
        picture.save(stream := io.BytesIO(), "JPEG")
        return stream.getvalue()[: -len(stream.getvalue()) // 2 if reason == "broken" else None]
    contents = {"empty": b"", "no_picture": b"This is a note and no picture.", "heic": _HEIC}
    return contents.get(reason, b"II*\x00" + bytes(100))  # the last is the beginning of a TIFF


def _repeat(folder: Path, original: str, number: int) -> tuple[str, str]:
    """Make one more file of an original; returns why it should be left out, and its path."""
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
