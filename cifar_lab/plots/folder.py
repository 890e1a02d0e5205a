"""Contact sheet of a folder: some pictures of each class."""

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.data.folder.image_cache import read_images
from cifar_lab.data.folder.scan import FolderScan
from cifar_lab.plots.images import contact_sheet

_MOST_CLASSES = 30


def folder_contact_sheet(survey: FolderScan, *, per_class: int = 10, seed: int = 0) -> tuple[Figure, str]:
    """Plot random pictures of each class, one row per class, with the number of pictures in the class.

    Show it with `plots.show(*plots.folder_contact_sheet(survey))`. Only the 30 largest classes are drawn.

    Args:
        survey: from `cifar_lab.data.folder.scan.scan_folder`.
        per_class: pictures per class.
        seed: which pictures are drawn.

    Returns:
        The figure and its description for screen readers.
    """
    names, labels = survey.listing.class_names, survey.labels[survey.used]
    counts = np.bincount(labels, minlength=len(names))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    rows = np.argsort(-counts, kind="stable")[:_MOST_CLASSES]
    chosen = np.concatenate([shuffled[labels[shuffled] == label][:per_class] for label in rows])
    images = np.empty((len(chosen), survey.size, survey.size, 3), np.uint8)
    for places, found in read_images(survey.parts, survey.used[chosen], survey.size):
        images[places] = found
    row_of = {label: row for row, label in enumerate(rows.tolist())}
    titles = [f"{names[label]} ({counts[label]:,})" for label in rows]
    figure = contact_sheet(
        images, np.array([row_of[label] for label in labels[chosen].tolist()]), titles, per_class=per_class
    )
    more = f"; {len(names) - len(rows)} smaller classes are not shown" if len(names) > len(rows) else ""
    return figure, f"Up to {per_class} pictures of each class of {survey.listing.name}: {', '.join(titles)}{more}."
