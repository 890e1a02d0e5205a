"""Twenty digits by twenty hands, drawn as people write them, photographed or scanned: what the digits are tested on.

Nothing here comes from a dataset, and nothing of it is used in training. Each digit comes in two ways, as people
are taught it or have grown used to it: a one with and without a foot, a four open and closed, a seven with and without
a bar. A hand has a pen, a slant, a size, a place on the sheet, a sheet, a light, and a camera.

    python -m tests.handwriting sheet.png        # to look at them
    python -m tests.handwriting 400              # what the shipped network says of 400 more, by hands of chance
"""

import io
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
        pen: the width of the line, as a part of the digit's height.
        slant: how far the top lies to the right of the foot, as a part of the height.
        height: of the digit, as a part of the picture's shorter side.
        place: the middle of the digit in the picture, `(across, down)`, 0-1.
        paper, ink: colours.
        picture: width and height in pixels.
        width: of the digit, as a part of its height.
        unsteady: how far the points are off, as a part of the height.
        turn: how far the sheet is turned, in degrees.
        sheet: `"plain"`, `"ruled"` or `"squared"`.
        shadow: how much darker it is in the darkest corner, 0-1.
        grain: of the camera, 0-255.
        blur: out of focus, in pixels of a picture 300 wide.
        quality: of the JPEG file; 0 for PNG.
    """

    pen: float
    slant: float
    height: float
    place: tuple[float, float]
    paper: tuple[int, int, int]
    ink: tuple[int, int, int]
    picture: tuple[int, int] = (300, 300)
    width: float = 0.62
    unsteady: float = 0.015
    turn: float = 0
    sheet: str = "plain"
    shadow: float = 0.0
    grain: float = 3
    blur: float = 0.5
    quality: int = 0


WHITE, CREAM, GREY, YELLOW, PINK, BLUISH = (
    *((250, 250, 248), (243, 232, 205), (205, 205, 203)),
    *((250, 236, 130), (246, 205, 214), (214, 228, 244)),
)
BLACK, BLUE, RED, PENCIL, GREEN = (25, 25, 28), (35, 50, 130), (170, 35, 40), (110, 110, 112), (25, 95, 55)

# Twenty people; who writes which digit is given by the order: 0 to 9 in the first way, then 0 to 9 in the second.
HANDS = (
    Hand(0.09, 0.15, 0.60, (0.50, 0.50), WHITE, BLUE, quality=85),  # a ballpoint, scanned
    Hand(0.05, 0.05, 0.55, (0.45, 0.55), WHITE, BLACK, picture=(640, 480), shadow=0.3, quality=70),
    Hand(0.15, 0.00, 0.75, (0.50, 0.48), (28, 30, 34), (235, 235, 230), width=0.7, grain=6),  # chalk
    Hand(0.07, 0.25, 0.50, (0.40, 0.42), CREAM, BLUE, sheet="ruled", picture=(480, 640), shadow=0.2, quality=80),
    Hand(0.10, -0.10, 0.62, (0.58, 0.50), YELLOW, BLACK, turn=-6, quality=75),  # on a sticky note, left-handed
    Hand(0.06, 0.20, 0.70, (0.50, 0.52), WHITE, PENCIL, picture=(200, 200), grain=5),  # a pencil
    Hand(0.20, 0.08, 0.80, (0.48, 0.50), WHITE, RED, width=0.75),  # a thick felt-tip
    Hand(0.08, 0.12, 0.45, (0.62, 0.40), GREY, BLACK, picture=(1200, 900), shadow=0.35, quality=60, grain=8),  # a phone
    Hand(0.11, 0.10, 0.66, (0.50, 0.50), (20, 60, 45), (240, 240, 225), turn=5, quality=80),  # a green board
    Hand(0.05, 0.30, 0.60, (0.52, 0.46), BLUISH, BLUE, sheet="squared", picture=(400, 400), unsteady=0.025),
    Hand(0.12, 0.00, 0.50, (0.38, 0.60), PINK, BLACK, width=0.8, unsteady=0.03),  # a child
    Hand(0.08, 0.18, 0.64, (0.54, 0.50), WHITE, GREEN, picture=(900, 1200), shadow=0.25, quality=70),
    Hand(0.07, 0.22, 0.72, (0.50, 0.50), (12, 12, 14), (250, 250, 250), picture=(28, 28), grain=0, blur=0),  # a tablet
    Hand(0.13, 0.05, 0.55, (0.60, 0.56), CREAM, BLACK, sheet="ruled", turn=4, quality=85),
    Hand(0.06, -0.05, 0.68, (0.46, 0.50), WHITE, BLUE, picture=(1600, 1200), shadow=0.4, quality=75, blur=1.2),
    Hand(0.10, 0.15, 0.42, (0.35, 0.38), WHITE, BLACK, turn=-4, grain=6),
    Hand(0.16, 0.10, 0.70, (0.50, 0.52), (60, 30, 80), (245, 220, 90), width=0.7),  # a gel pen on dark card
    Hand(0.07, 0.28, 0.58, (0.55, 0.45), GREY, PENCIL, picture=(500, 400), quality=80),
    Hand(0.09, 0.08, 0.65, (0.48, 0.53), WHITE, BLACK, sheet="squared", shadow=0.3, unsteady=0.02, quality=65),
    Hand(0.08, 0.14, 0.60, (0.50, 0.50), YELLOW, RED, picture=(350, 300), turn=7, blur=1.0),
)  # fmt: skip


def drawn() -> dict[str, tuple[str, bytes]]:
    """The twenty: a file name each, with the digit that was written, and the content of the file."""
    files = {}
    for number, hand in enumerate(HANDS):
        digit, way = str(number % 10), number // 10
        picture = _picture(SHAPES[digit][way], hand, np.random.default_rng(number))
        stream = io.BytesIO()
        picture.save(stream, "jpeg", quality=hand.quality) if hand.quality else picture.save(stream, "png")
        files[f"hand {number + 1:02}.{'jpg' if hand.quality else 'png'}"] = (digit, stream.getvalue())
    return files


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


def contact_sheet(side: int = 180) -> Image.Image:
    """All of them in two rows, as a whole each."""
    sheet = Image.new("RGB", (10 * side, 2 * side), "white")
    for number, (_, content) in enumerate(drawn().values()):
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        picture.thumbnail((side - 4, side - 4))
        sheet.paste(picture, (number % 10 * side + 2, number // 10 * side + 2))
    return sheet


def hand_of_chance(rng: np.random.Generator) -> Hand:
    """Somebody else: every part by chance, within what the twenty have."""
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


def measure(count: int, seed: int = 0) -> str:
    """How many of `count` more are right, and in which shapes the others are."""
    from cifar_lab.inference.classifier import Classifier

    classifier, rng = Classifier.load("digits"), np.random.default_rng(seed)
    drawn_shapes = [(str(number % 10), number // 10 % 2) for number in range(count)]
    predictions = classifier.predict([_picture(SHAPES[d][way], hand_of_chance(rng), rng) for d, way in drawn_shapes])
    wrong = Counter(
        f"{digit} in way {way + 1} as {said.label}"
        for (digit, way), said in zip(drawn_shapes, predictions, strict=True)
        if said.label != digit
    )
    known = sum(said.known for said in predictions)
    return f"{count - wrong.total()} of {count} right, {known} known; wrong: {dict(wrong.most_common())}"


if __name__ == "__main__":
    if sys.argv[1].isdecimal():
        print(measure(int(sys.argv[1])))
    else:
        contact_sheet().save(sys.argv[1])
