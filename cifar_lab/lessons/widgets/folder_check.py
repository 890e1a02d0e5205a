"""Folder check: find problems in a folder of your own pictures before training on it.

FolderCheck()                 # in a notebook, as the last line of a cell
FolderCheck("~/Pictures/pets")
"""

import contextlib
import html
import io
import threading
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from PIL import Image

from cifar_lab import plots
from cifar_lab.data.folder import checks
from cifar_lab.data.folder.scan import FolderScan, scan_folder
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported

_SIZES = (16, 32, 64, 96)  # pixels
_HINT = (
    "A folder with one subfolder per class, such as <code>pets/cats</code> and <code>pets/dogs</code>; or a CSV file "
    "with the columns path and label. The folder is only read, never changed, and nothing leaves this computer."
)


class FolderCheck(widgets.VBox):
    """A field for the path of a folder, a report on its files, and some pictures of each class.

    Attributes:
        folder: the path of the last folder checked, as `data.load` takes it, or `None`.
        report: the report on it, or `None`.
        path, size, keep_alike, look: the path field, the image size, whether near-duplicates are kept, the button.
        progress, status, alert: progress, the summary, and errors.
        words, sheet, next: the report, the contact sheet, and the code to continue with.
    """

    def __init__(self, folder: str | Path = ""):
        """Create the widget. Nothing is read until the button is clicked.

        Args:
            folder: initial content of the path field.
        """
        self.one_at_a_time = threading.RLock()  # JupyterLab may handle two events in two threads
        self.folder: Path | None = None
        self.report: checks.FolderReport | None = None
        self.path = widgets.Text(
            str(folder),
            description="folder",
            placeholder="e.g. C:\\Users\\me\\Pictures\\pets or ~/Pictures/pets",
            layout={"width": "min(100%, 44em)"},
        )
        self.size = widgets.Dropdown(options=_SIZES, value=32, description="image size", layout={"width": "12em"})
        self.keep_alike = widgets.Checkbox(
            False, description="keep near-duplicates", indent=False, layout={"width": "14em"}
        )
        self.look = widgets.Button(description="check folder", button_style="primary")
        self.progress, self.status, self.alert = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.words, self.sheet, self.next = widgets.HTML(), widgets.HTML(), widgets.HTML()
        choices = widgets.HBox([self.size, self.keep_alike, self.look], layout={"flex_flow": "row wrap"})
        outputs = [self.progress, self.status, self.alert, self.words, self.sheet, self.next]
        super().__init__([self.path, widgets.HTML(f"<small>{_HINT}</small>"), choices, *outputs])
        self.look.on_click(self._look)
        self._set_status("No folder checked yet.")

    def __repr__(self) -> str:  # shown in a stored notebook
        return "Folder check: problems in a folder of your own pictures. Run this cell to use it."

    @property
    def wishes(self) -> dict:
        """The keyword arguments for `data.load`, apart from the folder."""
        options = {"size": self.size.value} if self.size.value != 32 else {}
        options |= {"keep_alike": True} if self.keep_alike.value else {}
        return options | ({"balance": "up"} if self.report and self.report.is_uneven else {})

    @property
    def code(self) -> str:
        """The Python line that loads the folder, and the command that trains a classifier on it."""
        arguments, options = "", ""
        for name, value in self.wishes.items():
            arguments += f", {name}={value!r}"
            options += f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        load = f"dataset = data.load({str(self.folder)!r}{arguments})"
        return f'{load}\n\ncifar-lab make "{self.folder}" --name mine{options}'

    @reported
    def _look(self, _button) -> None:
        self._clear()
        typed = self.path.value.strip().strip("\"'")  # Windows copies paths in quotes
        if not typed:
            self._fail("Enter the path of a folder first.")
            return
        folder = Path(typed).expanduser()
        self._set_status(f"Checking {folder}. The first time, this takes about a minute per 10,000 photographs.")
        self.look.disabled = True
        try:
            self._show(folder, self._survey(folder))
        except OSError as error:
            self._fail(f"{folder} cannot be read: {error.strerror or error}.")
        except ValueError as error:
            self._fail(str(error))
        except KeyboardInterrupt:
            self._set_status("Stopped. Click the button again to continue where it stopped.")
        finally:
            self.progress.value, self.look.disabled = "", False

    def _survey(self, folder: Path) -> FolderScan:
        # JupyterLab would write a progress bar into its log, where nobody sees it.
        with contextlib.redirect_stdout(_Line(self.progress)), contextlib.redirect_stderr(_Line(self.progress)):
            return scan_folder(folder, size=self.size.value, keep_alike=self.keep_alike.value)

    def _show(self, folder: Path, survey: FolderScan) -> None:
        self.folder, self.report = folder, checks.report_on(survey)
        details = str(self.report).partition("\n\n")[2]  # the summary is shown above
        self.words.value = f'<pre style="white-space: pre-wrap; line-height: 1.3">{html.escape(details)}</pre>'
        if self.report.used:
            self.sheet.value = _picture(*plots.folder_contact_sheet(survey))
            self.next.value = f'To continue:<pre style="white-space: pre-wrap">{html.escape(self.code)}</pre>'
        self._set_status(self.report.summary)

    def _clear(self) -> None:
        self.folder = self.report = None
        for box in (self.progress, self.alert, self.words, self.sheet, self.next):
            box.value = ""

    def _fail(self, sentence: str) -> None:
        self._set_status("")
        self.alert.value = tags.alert([sentence])

    def _set_status(self, text: str) -> None:
        self.status.value = tags.status(text)


class _Line(io.TextIOBase):
    """A stream that shows its latest line in a widget."""

    encoding = "utf-8"  # so that progress bars use block characters

    def __init__(self, place: widgets.HTML):
        self._place = place

    def write(self, text: str) -> int:
        if line := text.strip():
            self._place.value = f'<pre style="white-space: pre-wrap; margin: 0">{html.escape(line)}</pre>'
        return len(text)


def _picture(figure, description: str) -> str:
    """Return an `<img>` tag of a figure, with its description as alt text."""
    figure.savefig(stream := io.BytesIO(), format="png")
    pixels = np.asarray(Image.open(stream).convert("RGB"))
    return tags.img(pixels, description, width=pixels.shape[1])
