"""Digits as people draw them, photographed: independent of any dataset, and never used in training.

Each digit comes in two ways: a one with and without a foot, a four open and closed, a seven with and without a bar.

    python -m tests.helpers.drawn_digits 400     # the accuracy of the shipped network on 400 digits
"""

import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# Per digit two ways to write it. A stroke is a round line through points, in hundredths: "across,down". A point that
# comes twice is a corner; / begins a new stroke.
SHAPES = {
    "0": (
        "55,2 20,12 6,50 20,90 52,99 82,85 93,48 80,10 50,1",
        "70,8 40,2 14,25 10,65 34,97 68,90 88,50 78,15 52,6",
    ),
    "1": (
        "52,0 50,50 50,100",
        "20,30 40,16 58,0 58,0 57,50 56,98 / 22,100 55,98 90,100",
    ),
    "2": (
        "8,26 28,4 64,3 84,24 70,50 38,76 6,98 6,98 50,97 95,97",
        "10,20 42,0 78,14 72,48 40,82 14,96 6,86 20,78 50,92 76,99 98,86",
    ),
    "3": (
        "12,12 42,0 76,14 70,38 38,47 38,47 74,54 86,76 60,97 26,97 6,84",
        "10,4 45,4 86,3 86,3 62,24 42,42 42,42 78,50 86,76 58,98 14,90",
    ),
    "4": (
        "30,2 20,34 8,60 8,60 50,60 95,58 / 68,28 66,64 64,100",
        "66,98 68,50 70,2 70,2 40,36 6,68 6,68 50,68 96,67",
    ),
    "5": (
        "24,4 20,24 16,44 16,44 50,38 84,54 84,82 52,99 10,90 / 22,4 50,5 88,2",
        "86,2 55,3 26,5 26,5 22,26 20,46 20,46 52,40 82,60 72,88 40,100 8,92",
    ),
    "6": (
        "72,2 36,22 12,58 16,86 46,100 78,88 82,64 54,50 26,60 15,76",
        "56,0 30,30 14,66 28,96 62,96 76,74 60,56 32,60 17,78",
    ),
    "7": (
        "8,4 50,4 90,3 90,3 62,45 40,100",
        "10,14 12,5 12,5 50,7 92,3 92,3 64,44 42,99 / 28,50 55,48 84,47",
    ),
    "8": (
        "78,14 46,1 18,16 30,38 62,55 84,78 56,99 20,88 22,64 54,42 78,22 72,10",
        "50,46 22,34 26,8 54,0 78,14 74,36 50,46 20,60 14,84 46,100 82,88 80,62 50,46",
    ),
    "9": (
        "82,20 56,1 22,10 14,34 38,50 68,42 82,20 82,20 80,60 76,100",
        "80,14 50,0 18,18 26,46 60,46 80,14 80,14 82,50 66,86 34,100 12,90",
    ),
}


@dataclass(frozen=True)
class Hand:
    """How somebody writes, on what, and how it got into the computer.

    Attributes:
        pen, slant, width, unsteady: line width, distance of the top to the right of the foot, width of the digit, and
            deviation of the points, all relative to the digit's height.
        height: of the digit, relative to the picture's shorter side.
        place: the middle of the digit in the picture, `(across, down)`, 0-1.
        paper, ink: colours.
        picture: width and height in pixels.
        turn: rotation of the sheet in degrees.
        sheet: `"plain"`, `"ruled"` or `"squared"`.
        shadow: how much darker it is in the darkest corner, 0-1.
        grain: noise of the camera, 0-255.
        blur: out of focus, in pixels of a picture 300 wide.
    """

    pen: float
    slant: float
    height: float
    place: tuple[float, float]
    paper: tuple[int, int, int]
    ink: tuple[int, int, int]
    picture: tuple[int, int]
    width: float
    unsteady: float
    turn: float
    sheet: str
    shadow: float
    grain: float
    blur: float


WHITE, CREAM, GREY, YELLOW, PINK, BLUISH = (
    *((250, 250, 248), (243, 232, 205), (205, 205, 203)),
    *((250, 236, 130), (246, 205, 214), (214, 228, 244)),
)
BLACK, BLUE, RED, PENCIL, GREEN = (25, 25, 28), (35, 50, 130), (170, 35, 40), (110, 110, 112), (25, 95, 55)


def drawn(count: int, seed: int = 0) -> list[tuple[str, Image.Image]]:
    """Return digits and their pictures, in random handwriting: 0 to 9 in the first way, then in the second."""
    rng = np.random.default_rng(seed)
    shapes = [(str(number % 10), number // 10 % 2) for number in range(count)]
    return [(digit, _picture(SHAPES[digit][way], random_hand(rng), rng)) for digit, way in shapes]


def _picture(shape: str, hand: Hand, rng: np.random.Generator) -> Image.Image:
    paper = _sheet(hand)
    mask = Image.new("L", paper.size)
    pencil = ImageDraw.Draw(mask)
    height = hand.height * min(paper.size)
    pen = max(1.0, hand.pen * height)
    for stroke in shape.split(" / "):
        exact = np.array([point.split(",") for point in stroke.split()], float) / 100
        points = _round(exact + rng.normal(0, hand.unsteady, exact.shape))
        pressure = 1 + 0.12 * np.sin(np.linspace(0, rng.uniform(3, 7), len(points)) + rng.uniform(0, 6))
        for (x, y), width in zip(_placed(points, hand, paper.size, height), pen * pressure / 2, strict=True):
            pencil.ellipse((x - width, y - width, x + width, y + width), fill=255)
    paper.paste(Image.new("RGB", paper.size, hand.ink), mask=mask)
    return _photographed(paper, hand, rng)


def _sheet(hand: Hand) -> Image.Image:
    """The paper, twice as large as the picture will be: lines are drawn without smoothing."""
    paper = Image.new("RGB", (2 * hand.picture[0], 2 * hand.picture[1]), hand.paper)
    if hand.sheet == "plain":
        return paper
    pencil, gap = ImageDraw.Draw(paper), min(paper.size) // (7 if hand.sheet == "ruled" else 11)
    line = tuple(round(share * part) for share, part in zip((0.72, 0.72, 0.88), hand.paper, strict=True))
    for at in range(gap // 2, max(paper.size), gap):
        pencil.line((0, at, paper.width, at), fill=line, width=3)
        if hand.sheet == "squared":
            pencil.line((at, 0, at, paper.height), fill=line, width=3)
    return paper


def _round(points: np.ndarray) -> np.ndarray:
    """Many points on a curve through a few (Catmull-Rom)."""
    before, after = np.vstack([points[:1], points[:-1]]), np.vstack([points[1:], points[-1:]])
    slopes = (after - before) / 2
    close = np.linalg.norm(np.diff(points, axis=0), axis=1) < 0.08  # the two points of a corner, by an unsteady hand
    slopes[np.append(close, False) | np.insert(close, 0, False)] *= 0.25
    t = np.linspace(0, 1, 60)[:, None]
    pieces = [
        (2 * t**3 - 3 * t**2 + 1) * a + (t**3 - 2 * t**2 + t) * m + (3 * t**2 - 2 * t**3) * b + (t**3 - t**2) * n
        for a, b, m, n in zip(points[:-1], points[1:], slopes[:-1], slopes[1:], strict=True)
    ]
    return np.vstack(pieces)


def _placed(points: np.ndarray, hand: Hand, size: tuple[int, int], height: float) -> np.ndarray:
    """Points of the box in pixels of the sheet."""
    x, y = points[:, 0] - 0.5, points[:, 1] - 0.5
    x, y = (x * hand.width - y * hand.slant) * height, y * height
    angle = np.deg2rad(hand.turn)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    return np.stack([x + hand.place[0] * size[0], y + hand.place[1] * size[1]], axis=1)


def _photographed(paper: Image.Image, hand: Hand, rng: np.random.Generator) -> Image.Image:
    picture = paper.resize(hand.picture, Image.Resampling.BOX)
    picture = picture.filter(ImageFilter.GaussianBlur(hand.blur * hand.picture[0] / 300))
    across, down = np.meshgrid(*(np.linspace(0, 1, side) for side in hand.picture))
    light = 1 - hand.shadow * np.clip(1.6 * (across * 0.7 + down * 0.6) - 0.6, 0, 1)
    pixels = np.asarray(picture) * light[..., None] + rng.normal(0, hand.grain, (*light.shape, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def random_hand(rng: np.random.Generator) -> Hand:
    """Return a random hand."""
    is_chalk = rng.random() < 0.25
    chalk, board = rng.integers(225, 256, 3), rng.integers(10, 70, 3)
    papers, inks = (WHITE, CREAM, GREY, YELLOW, PINK, BLUISH), (BLACK, BLUE, RED, PENCIL, GREEN)
    return Hand(
        pen=rng.uniform(0.04, 0.16),
        slant=rng.uniform(-0.1, 0.3),
        height=rng.uniform(0.35, 0.8),
        place=(rng.uniform(0.38, 0.62), rng.uniform(0.42, 0.58)),
        paper=tuple(board.tolist()) if is_chalk else papers[rng.integers(6)],
        ink=tuple(chalk.tolist()) if is_chalk else inks[rng.integers(5)],
        picture=((300, 300), (320, 240), (240, 320))[rng.integers(3)],
        width=rng.uniform(0.5, 0.8),
        unsteady=rng.uniform(0.01, 0.03),
        turn=rng.uniform(-8, 8),
        sheet=("plain", "plain", "ruled", "squared")[rng.integers(4)],
        shadow=rng.uniform(0, 0.4) * (rng.random() < 0.5),
        grain=rng.uniform(1, 8),
        blur=rng.uniform(0.3, 1.2),
    )


def measure(count: int) -> str:
    """Return how many of `count` digits the shipped network classifies correctly, and which it does not."""
    from cifar_lab.inference.classifier import Classifier

    digits, pictures = zip(*drawn(count), strict=True)
    predictions = Classifier.load("digits").predict(list(pictures))
    pairs = [f"{digit} as {one.label}" for digit, one in zip(digits, predictions, strict=True) if digit != one.label]
    known = sum(prediction.known for prediction in predictions)
    return f"{count - len(pairs)} of {count} correct, {known} known; wrong: {dict(Counter(pairs).most_common())}"


if __name__ == "__main__":
    print(measure(int(sys.argv[1])))
