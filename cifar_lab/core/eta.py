"""Estimate the remaining time of a training run on this machine."""

import time


class TimeEstimate:
    """Update the progress bar, and report the estimated remaining time once."""

    FIRST, MEASURED = 3, 20  # the first steps are slower than the rest, and so are not measured

    def __init__(self, steps_bar, say, *, work: float):
        """Start with all steps ahead.

        Args:
            steps_bar: the progress bar.
            say: function called with the line to print.
            work: total work: image height times width, summed over all steps. Steps without images count as 0.
        """
        self._bar, self._say, self._left, self._steps, self._times = steps_bar, say, work, 0, []

    def step(self, *, work: float) -> None:
        """Count a finished step, whose images have `work` pixels (height times width)."""
        self._bar.update()
        if not work:
            return
        self._left -= work
        self._steps += 1
        if len(self._times) > self.MEASURED:
            return
        if self._steps >= self.FIRST:
            self._times.append(time.perf_counter())
        if len(self._times) == self.MEASURED + 1:
            seconds = (self._times[-1] - self._times[0]) / self.MEASURED / work * self._left
            self._bar.clear()
            self._say(f"measured here: what is left will take about {_duration(seconds)}.")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
