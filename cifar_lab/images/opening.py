"""Load any picture and convert it to network input.

    picture = images.open_picture("cat.jpg")      # upright, RGB
    image = images.to_input(picture, size=32)     # (32, 32, 3) uint8

Training, notebooks, the command line and the page all use these functions, so that the same file gives the same
prediction everywhere. Input is untrusted: the format is read from the content, sizes are checked in the header before
anything is decoded, and whatever a broken file makes Pillow raise becomes a `PictureError` that says what to do.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, WebPImagePlugin  # noqa: F401  (Pillow knows WebP only once this is imported)

from cifar_lab.images import formats

MAX_BYTES = 32 * 2**20  # fits a 25-megapixel JPEG of the best quality; a server should set a lower limit
MAX_PIXELS = 25_000_000
MAX_SIDE = 10_000
# Large JPEGs are decoded at 1/2, 1/4 or 1/8 size, as long as both sides keep this many pixels: several times what a
# network takes, and much faster. It is one constant, so that every caller gets the same pixels.
WORKING_SIDE = 256
FRAMINGS = ("centre", "squash")
_BAND = 256  # rows
MAX_INPUT = 1024  # pixels: more than any network here takes

# What Pillow's decoders raise on broken or hostile files, besides OSError.
_DECODER_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(MemoryError, NotImplementedError, RuntimeError, struct.error, zlib.error),
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# Otherwise every phone picture with odd metadata would print a warning; what can't be read is handled below.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")

Source = str | Path | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray


class PictureError(ValueError):
    """A picture that can't be used, with a message for the person who chose it.

    Attributes:
        code: `no_file`, `too_large`, `unsupported_format`, `corrupt_image` or `too_many_pixels`.
    """

    def __init__(self, code: str, sentence: str):
        super().__init__(sentence)
        self.code = code

    def __reduce__(self):  # so that a worker process can return it
        return type(self), (self.code, str(self))


@dataclass(frozen=True)
class Picture:
    """An opened picture, and what its file says about it.

    Attributes:
        image: upright, mode RGB, without metadata. A large JPEG is decoded at reduced size.
        format: such as `"JPEG"`; `None` if the source was not a file.
        width: of the upright picture at full size, in pixels.
        height: likewise.
        transparent: the file has transparency, which was laid on white.
        animated: the file has more than one frame, of which the first was taken.
    """

    image: Image.Image
    format: str | None
    width: int
    height: int
    transparent: bool = False
    animated: bool = False


def open_picture(source: Source, *, max_bytes: int = MAX_BYTES) -> Image.Image:
    """Open a picture: upright, RGB, the first frame of an animation, transparency on white.

    Args:
        source: as in `read_picture`.
        max_bytes: the largest file that is read.

    Returns:
        A PIL image of mode RGB without metadata. A large JPEG is reduced by 2, 4 or 8, with both sides at least
        `WORKING_SIDE`. An image that this function returned is passed through.

    Raises:
        PictureError: it can't be used; `code` and the message say why.
    """
    return read_picture(source, max_bytes=max_bytes).image


def read_picture(source: Source, *, max_bytes: int = MAX_BYTES) -> Picture:
    """Open a picture as `open_picture` does, and keep what its file says about it.

    Colour profiles are not applied: the pictures that networks are trained on carry none.

    Args:
        source: a path, the bytes of a file, a file opened for reading bytes, a PIL image, or an array: `(height,
            width)` or `(height, width, 1, 3 or 4)` of uint8 0-255, uint16 0-65535 or float 0-1.
        max_bytes: the largest file that is read.

    Raises:
        PictureError: it can't be used; `code` and the message say why.
    """
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if isinstance(source, Image.Image):
        _check_size(source)
        opened = source if _is_opened(source) else _decoded(source)
        return Picture(opened, None, *opened.size)
    content = _read(source, max_bytes)
    try:
        picture = Image.open(io.BytesIO(content), formats=formats.ACCEPTED)
    except _BOMBS as error:
        raise _too_many_pixels("more than this reads") from error
    except _DECODER_ERRORS as error:
        raise _not_a_picture(content) from error
    _check_size(picture)
    width, height = picture.size
    kind = picture.format.replace("MPO", "JPEG")  # a phone's JPEG that holds further pictures
    transparent, animated = picture.has_transparency_data, _is_animated(picture)
    picture.draft(None, (WORKING_SIDE, WORKING_SIDE))  # for JPEGs; other formats ignore it
    opened = _decoded(picture)
    if (width - height) * (opened.width - opened.height) < 0:  # it was turned upright
        width, height = height, width
    return Picture(opened, kind, width, height, transparent, animated)


def _is_animated(picture: Image.Image) -> bool:
    if picture.format == "GIF":
        return "loop" in picture.info  # counting the frames would read all of a file that may be broken
    try:
        return picture.format in ("PNG", "WEBP") and picture.n_frames > 1
    except _DECODER_ERRORS:
        return False


def to_input(picture: Source, size: int = 32, *, framing: str = "centre") -> np.ndarray:
    """Convert a picture to network input.

    Shrinking averages over all pixels (bicubic, antialiased): nearest-neighbour sampling instead costs a network 7 to
    18 points of accuracy on photographs. A picture that already has the size is not resampled.

    Args:
        picture: anything that `open_picture` takes.
        size: height and width of the result in pixels.
        framing: `"centre"` crops the largest square in the middle; `"squash"` keeps the whole picture and changes its
            aspect ratio.

    Returns:
        `(size, size, 3)` uint8, 0-255, RGB.

    Raises:
        PictureError: the picture can't be used.
        ValueError: there is no such framing, or the size is not from 1 to `MAX_INPUT`.
    """
    if framing not in FRAMINGS:
        raise ValueError(f"There is no framing {framing!r}. Choose one of: {', '.join(FRAMINGS)}.")
    if not 1 <= size <= MAX_INPUT:
        raise ValueError(f"size must be from 1 to {MAX_INPUT} pixels, but it is {size}.")
    opened = open_picture(picture)
    if opened.size == (size, size):
        return np.array(opened)
    box = _centre_square(opened.size) if framing == "centre" else None
    return np.array(opened.resize((size, size), Image.Resampling.BICUBIC, box=box))


def _centre_square(size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _read(source, max_bytes: int) -> bytes:
    """Read the content of a file from any source, unless it is empty or too large."""
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source[: max_bytes + 1])
    elif isinstance(source, str | Path):
        content = _read_path(Path(source), max_bytes)
    elif hasattr(source, "read"):
        content = source.read(max_bytes + 1)
        if not isinstance(content, bytes):
            raise PictureError("no_file", "The file was opened as text. Open it for reading bytes: open(path, 'rb').")
    else:
        kind = type(source).__name__
        raise PictureError("no_file", f"A picture can be a path, bytes, a file, a PIL image or an array, not {kind}.")
    if not content:
        raise PictureError("no_file", "The file is empty. Choose a picture.")
    if len(content) > max_bytes:
        limit = f"{max_bytes / 2**20:.0f} MiB"
        raise PictureError("too_large", f"The file is larger than {limit}. Make it smaller, or save it as JPEG.")
    return content


def _read_path(path: Path, max_bytes: int) -> bytes:
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise PictureError("no_file", f"{path} {what}. Give the path of a picture file.")
        with open(path, "rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, PictureError):
            raise
        raise PictureError("no_file", f"{str(path)!r} cannot be read: {error}.") from error


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise PictureError(
            "unsupported_format", f"An array must be (height, width) or (height, width, 3 or 4), not {array.shape}."
        )
    if array.dtype == np.uint16:
        array = array // 257  # 65535 -> 255
    elif np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise PictureError("unsupported_format", "An array of floats must lie between 0 and 1, without NaN.")
        array = np.rint(array * 255)
    elif array.dtype != np.uint8:
        raise PictureError("unsupported_format", f"An array must be uint8, uint16 or float, not {array.dtype}.")
    return Image.fromarray(array.astype(np.uint8))


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise PictureError("corrupt_image", "The picture has no pixels. Choose another one.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_many_pixels(f"{width} x {height} pixels")


def _is_opened(picture: Image.Image) -> bool:
    """Return whether it is as `open_picture` returns it: another copy of 25 megapixels would take 100 MB."""
    return type(picture) is Image.Image and picture.mode == "RGB" and not picture.info and not picture.getexif()


def _decoded(picture: Image.Image) -> Image.Image:
    try:
        picture.load()
        decoded = _to_rgb(_upright(picture))
        decoded.info = {}  # it is upright: a tag that stayed would have it turned again
        return decoded
    except _BOMBS as error:
        raise _too_many_pixels("more than this reads") from error
    except _DECODER_ERRORS as error:
        raise _damaged("picture") from error


def _upright(picture: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF orientation says; leave it alone if that can't be read."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except (*_DECODER_ERRORS, Warning):
        return picture
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        # Pillow clips 16-bit grey at 255, which turns it white.
        return Image.fromarray((np.asarray(picture) // 257).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        return _from_wide(np.asarray(picture, np.float64))
    if picture.mode in ("La", "RGBa"):  # colours multiplied by their opacity
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[picture.mode])
    return _on_white(picture) if picture.has_transparency_data else picture.convert("RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    """Composite the picture on white, in bands: all at once would hold a large one in memory five times."""
    paper = Image.new("RGB", picture.size)
    for top in range(0, picture.height, _BAND):
        bottom = min(top + _BAND, picture.height)
        band = picture.crop((0, top, picture.width, bottom)).convert("RGBA")
        white = Image.new("RGBA", band.size, "white")
        paper.paste(Image.alpha_composite(white, band).convert("RGB"), (0, top))
    return paper


def _from_wide(values: np.ndarray) -> Image.Image:
    """Convert 32-bit grey, whose full scale is not stored: 1, 255 or 65535, the smallest that holds the values."""
    values = np.nan_to_num(values, posinf=0, neginf=0)
    full = next((full for full in (1, 255, 65535) if values.max() <= full), values.max())
    return Image.fromarray(np.rint(np.clip(values / full, 0, 1) * 255).astype(np.uint8)).convert("RGB")


def _too_many_pixels(found: str) -> PictureError:
    limit = f"{MAX_PIXELS // 10**6} megapixels and {MAX_SIDE:,} pixels a side"
    return PictureError("too_many_pixels", f"The picture has {found}; the limit is {limit}. Make it smaller.")


def _damaged(what: str) -> PictureError:
    return PictureError("corrupt_image", f"The {what} is damaged and cannot be decoded. Save or send it again.")


def _not_a_picture(content: bytes) -> PictureError:
    kind = formats.recognise(content)
    if kind in formats.ACCEPTED:
        return _damaged(f"{kind} file")
    what = f"{kind} files are not supported" if kind else "The file is not a picture of a supported format"
    return PictureError("unsupported_format", f"{what}. Save it as {formats.IN_WORDS}.")
