"""Random numbers for drawings, reproducible per picture on every machine and in any batch.

NumPy's generators may change their streams between versions, and one generator per picture would be slow. Here every
picture has a 64-bit counter, and SplitMix64 turns each count into a number (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014). Integer arithmetic is exact, and NumPy processes all pictures at once.
"""

import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: counts repeat after 2**64 steps only


class Rng:
    """A random number generator for n pictures: each call draws n numbers, one per picture.

    Args:
        counters: `(n,)` uint64: the counter of each picture.
    """

    def __init__(self, counters: np.ndarray):
        self._counters = counters

    @classmethod
    def for_series(cls, seed: int, count: int) -> "Rng":
        """Return the generator of the pictures 0 to `count` - 1 of the series `seed`."""
        series = _scramble(np.array([int(seed) % 2**64], np.uint64))
        return cls(_scramble(series + np.arange(1, count + 1, dtype=np.uint64) * _STEP))

    def of(self, pictures: np.ndarray) -> "Rng":
        """Return a generator for some of the pictures, by index; they draw the same numbers as here."""
        return Rng(self._counters[pictures])

    def bits(self) -> np.ndarray:
        """Draw `(n,)` uint64, uniform from 0 to 2**64 - 1."""
        self._counters = self._counters + _STEP
        return _scramble(self._counters)

    def between(self, low: float, high: float) -> np.ndarray:
        """Draw `(n,)` float32, uniform from `low` to `high`, exclusive."""
        return low + (high - low) * _fraction(self.bits())

    def chance(self, probability: float) -> np.ndarray:
        """Draw `(n,)` float32: 1 with this probability, else 0."""
        return (_fraction(self.bits()) < probability).astype(np.float32)

    def pick(self, choices) -> np.ndarray:
        """Draw one of `choices` for each picture: `(n,)` numbers or `(n, 3)` colours, float32."""
        choices = np.asarray(choices, np.float32)
        return choices[(_fraction(self.bits()) * len(choices)).astype(np.int64)]

    def colour(self, palette) -> np.ndarray:
        """Draw a colour of the palette and vary it a little: `(n, 3)` float32, RGB, 0-1."""
        tint = np.stack([self.between(-0.04, 0.04) for _ in range(3)], axis=1)
        return np.clip(self.pick(palette) * self.between(0.85, 1.15)[:, None] + tint, 0, 1)

    def field(self, height: int, width: int) -> np.ndarray:
        """Draw a grid of numbers for each picture: `(n, height, width)` float32, uniform from 0 to 1, exclusive."""
        places = np.arange(height * width, dtype=np.uint64) * _STEP
        return _fraction(_scramble(_scramble(self.bits())[:, None] + places)).reshape(-1, height, width)


def _scramble(counts: np.ndarray) -> np.ndarray:
    """Mix counts into pseudorandom numbers with the output function of SplitMix64, uint64 to uint64."""
    mixed = (counts ^ (counts >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _fraction(bits: np.ndarray) -> np.ndarray:
    """Convert the upper 24 bits, as many as a float32 holds exactly, to float32 from 0 to 1, exclusive."""
    return (bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
