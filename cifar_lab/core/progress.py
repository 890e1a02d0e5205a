"""Progress bars: on stderr in a terminal, as plain text below the cell in a notebook; removed when done."""

import sys

from tqdm import tqdm


def progress_bar(iterable=None, *, shown: bool = True, **options) -> tqdm:
    """Return a tqdm bar, for anything that takes longer than two seconds; `TQDM_DISABLE=1` hides all of them.

    Args:
        iterable: what to iterate over, or `None` to call `.update()` yourself.
        shown: whether to show the bar.
        **options: tqdm's own, such as `total`, `desc`, `unit`.
    """
    # JupyterLab shows stderr in red, as if the bar were an error.
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    if not shown:  # otherwise leave it unset, so that TQDM_DISABLE applies
        options["disable"] = True
    return tqdm(iterable, file=stream, leave=False, dynamic_ncols=True, mininterval=0.5, **options)
