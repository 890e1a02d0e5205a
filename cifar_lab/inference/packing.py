"""Packing: a classifier's single file becomes a folder of the models folder, where the page and the widget find it."""

from pathlib import Path

from cifar_lab.core import files
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier


def unpack(path: str | Path, name: str | None = None, *, replace: bool = False) -> Classifier:
    """Put a classifier that came as a single file into the models folder.

    Args:
        path: of the file, as `Classifier.save` makes it.
        name: what it is called here; as its card says when not given.
        replace: put it in the place of one that has that name.

    Returns:
        The classifier, loaded from its folder.

    Raises:
        ValueError: there is no such file, it is damaged, not what its card states or of a newer format, or the name is
            taken or no name.
    """
    if not Path(path).is_file():
        raise ValueError(f"There is no file {str(path)!r} to unpack.")
    packed = model_card.ModelCard.load(Path(path))
    name = packed.name if name is None else name
    with model_card.new_folder(name, replace=replace) as unfinished:
        for file in packed.content["files"]:
            (unfinished / file).write_bytes(packed.read_verified(file))
        files.write_json(unfinished / model_card.CARD, packed.content | {"name": name})
        Classifier.load(unfinished)  # one that cannot answer is not let in
    return Classifier.load(name)
