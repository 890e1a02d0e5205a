"""Random numbers for drawings: picture 7 of seed 0 throws the same numbers on every machine, alone or among others.

NumPy promises the same stream from its generators only within a version, and one generator a picture is slow. Here
each picture has a 64-bit counter, and SplitMix64 scrambles it into a number (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014). That is integer arithmetic: exact, and done for many pictures at once.
"""

import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio


def scramble(counter: np.ndarray) -> np.ndarray:
    """Turn counters into unrelated 64-bit numbers: the mixing half of SplitMix64.

    Args:
        counter: any shape, uint64.

    Returns:
        The same shape, uint64, each value from 0 to 2**64 - 1.
    """
    mixed = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class Dice:
    """Dice for n pictures: each throw gives n numbers, one a picture.

    Args:
        seed: which series of pictures.
        pictures: `(n,)` integers: the numbers of the pictures in the series.
    """

    def __init__(self, seed: int, pictures: np.ndarray):
        series = scramble(np.array([seed % 2**64], np.uint64) + _STEP)
        self._counter = scramble(series + pictures.astype(np.uint64) * _STEP)  # (n,)

    def bits(self) -> np.ndarray:
        """Throw `(n,)` uint64, each value equally likely."""
        self._counter = self._counter + _STEP
        return scramble(self._counter)

    def between(self, low: float, high: float) -> np.ndarray:
        """Throw `(n,)` float32, evenly from `low` up to, not including, `high`."""
        return low + (high - low) * _unit(self.bits())

    def chance(self, probability: float) -> np.ndarray:
        """Throw `(n,)` float32: 1 with this probability, else 0."""
        return (_unit(self.bits()) < probability).astype(np.float32)

    def pick(self, choices) -> np.ndarray:
        """Pick one row of `choices` for each picture: `(n,)` numbers or `(n, 3)` colours, float32."""
        choices = np.asarray(choices, np.float32)
        return choices[(self.bits() >> np.uint64(33)) % np.uint64(len(choices))]

    def colour(self, palette) -> np.ndarray:
        """Pick a colour of the palette and vary it a little: `(n, 3)` float32, RGB, 0-1."""
        base = self.pick(palette)
        varied = base * self.between(0.85, 1.15)[:, None]
        varied = varied + np.stack([self.between(-0.06, 0.06) for _ in range(3)], axis=1)
        return np.clip(varied, 0, 1)

    def field(self, height: int, width: int) -> np.ndarray:
        """Throw a grid for each picture: `(n, height, width)` float32, evenly from 0 to 1."""
        places = np.arange(height * width, dtype=np.uint64) * _STEP
        return _unit(scramble(self.bits()[:, None] + places)).reshape(-1, height, width)


def _unit(bits: np.ndarray) -> np.ndarray:
    """The upper 24 bits as a fraction: that is what a float32 holds exactly."""
    return (bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
