"""Show exceptions of widget callbacks to the user."""

import functools
from collections.abc import Callable

from cifar_lab.lessons.widgets import tags


def reported(callback: Callable) -> Callable:
    """Wrap a method of a widget so that exceptions are shown in `alert`; JupyterLab would swallow them.

    The widget needs an `alert` and a re-entrant lock `one_at_a_time`, since JupyterLab may handle two events in two
    threads.
    """

    @functools.wraps(callback)
    def reporting(self, change=None):
        with self.one_at_a_time:
            try:
                callback(self, change)
            except Exception as error:
                self.alert.value = tags.alert([f"That did not work ({type(error).__name__}): {error}"])

    return reporting
