"""Unpack classifier archives into the models folder, where page, widget and command line find them."""

from pathlib import Path

from cifar_lab.core import files
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier


def unpack(path: str | Path, name: str | None = None, *, replace: bool = False) -> Classifier:
    """Unpack a classifier archive into the models folder.

    Args:
        path: path of the archive, as written by `Classifier.save`.
        name: name of the new classifier; by default the name in its card.
        replace: replace an existing classifier of that name.

    Returns:
        The classifier, loaded from its new folder.

    Raises:
        ValueError: there is no such file, it is damaged, does not match its card or has a newer format, or the name is
            taken or invalid.
    """
    if not Path(path).is_file():
        raise ValueError(f"There is no file {str(path)!r} to unpack.")
    packed = model_card.ModelCard.load(Path(path))
    name = packed.name if name is None else name
    with model_card.new_folder(name, replace=replace) as unfinished:
        for file in packed.content["files"]:
            (unfinished / file).write_bytes(packed.read_verified(file))
        files.write_json(unfinished / model_card.CARD, packed.content | {"name": name})
        Classifier.load(unfinished)  # refuse a classifier that cannot be loaded
    return Classifier.load(name)
