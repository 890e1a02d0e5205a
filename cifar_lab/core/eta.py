"""The clock of a training: says once how long what is left will take on this machine."""

import time


class TimeEstimate:
    """Moves the progress bar, and says once how long this will take here."""

    FIRST, MEASURED = 3, 20  # the first steps are slower than the rest: they are left out

    def __init__(self, steps_bar, say, *, work: float):
        """Make a clock.

        Args:
            steps_bar: the progress bar.
            say: a function that takes a line.
            work: what lies ahead, in pixels of height times width over all steps. Steps that show no image count for
                nothing.
        """
        self._bar, self._say, self._left, self._steps, self._times = steps_bar, say, work, 0, []

    def step(self, *, work: float) -> None:
        """One step has been taken."""
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
