"""Progress bars: on the terminal's error stream, in a notebook as plain text under the cell, gone when done."""

import sys

from tqdm import tqdm


def progress_bar(iterable=None, *, shown: bool = True, **options) -> tqdm:
    """A tqdm bar for anything that takes longer than two seconds; `TQDM_DISABLE=1` in the environment hides all.

    Args:
        iterable: what to walk over, or `None` to call `.update()` by hand.
        shown: no bar when False.
        **options: tqdm's own, such as `total`, `desc`, `unit`.
    """
    # JupyterLab paints the error stream red, as if the bar were a mistake.
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    if not shown:  # else not said at all, so that TQDM_DISABLE is heard
        options["disable"] = True
    return tqdm(iterable, file=stream, leave=False, dynamic_ncols=True, mininterval=0.5, **options)
