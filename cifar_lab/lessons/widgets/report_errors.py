"""Callbacks of widgets that never fail in silence."""

import functools
from collections.abc import Callable

from cifar_lab.lessons.widgets import tags


def reported(callback: Callable) -> Callable:
    """Show whatever goes wrong in a widget's callback in its `alert`; JupyterLab would drop it without a word.

    The widget also has a lock `one_at_a_time`, since JupyterLab may hand two events to two threads.
    """

    @functools.wraps(callback)
    def careful(self, change=None):
        with self.one_at_a_time:
            try:
                callback(self, change)
            except Exception as error:
                self.alert.value = tags.alert([f"That did not work ({type(error).__name__}): {error}"])

    return careful
