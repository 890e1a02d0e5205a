"""Point it at your folder: what is right and wrong with your own pictures, before anything is learnt from them.

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
    "A folder with a subfolder a class, such as <code>pets/cats</code> and <code>pets/dogs</code>; or a CSV file with "
    "the columns path and label. It is only read: nothing in it is changed, and nothing leaves this computer."
)


class FolderCheck(widgets.VBox):
    """A field for a folder's path, and below it the report on its files and some pictures of each class.

    Attributes:
        folder: the path that was looked through last, or `None`; what `data.load` takes.
        report: the report on it, or `None`.
        path, size, keep_alike, look: the field, the size of the images, whether look-alikes are used, the button.
        progress, status, alert: how far it is, what came of it, what went wrong.
        words, sheet, next: the report, the contact sheet, the lines that go on from here.
    """

    def __init__(self, folder: str | Path = ""):
        """Make one; nothing is read before the button is pressed.

        Args:
            folder: what stands in the field at first.
        """
        self.one_at_a_time = threading.RLock()  # JupyterLab may hand two events to two threads
        self.folder: Path | None = None
        self.report: checks.FolderReport | None = None
        self.path = widgets.Text(
            str(folder),
            description="folder",
            placeholder="such as C:\\Users\\me\\Pictures\\pets or ~/Pictures/pets",
            layout={"width": "min(100%, 44em)"},
        )
        self.size = widgets.Dropdown(options=_SIZES, value=32, description="image size", layout={"width": "12em"})
        self.keep_alike = widgets.Checkbox(
            False, description="use look-alikes too", indent=False, layout={"width": "14em"}
        )
        self.look = widgets.Button(description="look through it", button_style="primary")
        self.progress, self.status, self.alert = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.words, self.sheet, self.next = widgets.HTML(), widgets.HTML(), widgets.HTML()
        choices = widgets.HBox([self.size, self.keep_alike, self.look], layout={"flex_flow": "row wrap"})
        said = [self.progress, self.status, self.alert, self.words, self.sheet, self.next]
        super().__init__([self.path, widgets.HTML(f"<small>{_HINT}</small>"), choices, *said])
        self.look.on_click(self._look)
        self._say("Nothing looked at yet.")

    def __repr__(self) -> str:  # what stands in a stored notebook, where nothing runs
        return (
            "Folder check: the path of a folder, what is wrong with its files, and some of its pictures. Run this cell."
        )

    @property
    def wishes(self) -> dict:
        """The arguments that `data.load` should get besides the folder."""
        wishes = {"size": self.size.value} if self.size.value != 32 else {}
        wishes |= {"keep_alike": True} if self.keep_alike.value else {}
        return wishes | ({"balance": "up"} if self.report and self.report.is_uneven else {})

    @property
    def code(self) -> str:
        """The line that loads the folder in Python, and the one that makes a classifier of it in a terminal."""
        arguments, options = "", ""
        for name, value in self.wishes.items():
            arguments += f", {name}={value!r}"
            options += f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        load = f"dataset = data.load({str(self.folder)!r}{arguments})"
        return f'{load}\n\ncifar-lab make "{self.folder}" --name mine{options}'

    @reported
    def _look(self, _button) -> None:
        self._forget()
        typed = self.path.value.strip().strip("\"'")  # Windows copies paths in quotes
        if not typed:
            self._fail("Write the path of a folder into the field first.")
            return
        folder = Path(typed).expanduser()
        self._say(f"Looking through {folder}. The first time takes about a minute for 10,000 photographs.")
        self.look.disabled = True
        try:
            self._show(folder, self._survey(folder))
        except OSError as error:
            self._fail(f"{folder} cannot be read: {error.strerror or error}.")
        except ValueError as error:
            self._fail(str(error))
        except KeyboardInterrupt:
            self._say("Stopped. What was read is kept: press again, and it goes on from there.")
        finally:
            self.progress.value, self.look.disabled = "", False

    def _survey(self, folder: Path) -> FolderScan:
        # A bar would be written into JupyterLab's log, where nobody looks.
        with contextlib.redirect_stdout(_Line(self.progress)), contextlib.redirect_stderr(_Line(self.progress)):
            return scan_folder(folder, size=self.size.value, keep_alike=self.keep_alike.value)

    def _show(self, folder: Path, survey: FolderScan) -> None:
        self.folder, self.report = folder, checks.report_on(survey)
        details = str(self.report).partition("\n\n")[2]  # the summary stands above them
        self.words.value = f'<pre style="white-space: pre-wrap; line-height: 1.3">{html.escape(details)}</pre>'
        if self.report.used:
            self.sheet.value = _picture(*plots.folder_contact_sheet(survey))
            self.next.value = f'To go on with it:<pre style="white-space: pre-wrap">{html.escape(self.code)}</pre>'
        self._say(self.report.summary)

    def _forget(self) -> None:
        self.folder = self.report = None
        for box in (self.progress, self.alert, self.words, self.sheet, self.next):
            box.value = ""

    def _fail(self, sentence: str) -> None:
        self._say("")
        self.alert.value = tags.alert([sentence])

    def _say(self, text: str) -> None:
        self.status.value = tags.status(text)


class _Line(io.TextIOBase):
    """A stream whose latest line stands in a widget."""

    encoding = "utf-8"  # so that bars are drawn in blocks

    def __init__(self, place: widgets.HTML):
        self._place = place

    def write(self, text: str) -> int:
        if line := text.strip():
            self._place.value = f'<pre style="white-space: pre-wrap; margin: 0">{html.escape(line)}</pre>'
        return len(text)


def _picture(figure, description: str) -> str:
    """A figure as an `<img>` with its description."""
    figure.savefig(stream := io.BytesIO(), format="png")
    pixels = np.asarray(Image.open(stream).convert("RGB"))
    return tags.img(pixels, description, width=pixels.shape[1])
