"""What a classifier says of the files of a request, as the API sends it and the page shows it."""

from app.settings import MAX_FILE_BYTES
from cifar_lab import images
from cifar_lab.images import display
from cifar_lab.inference.classifier import Classifier


def answer(sent: list, classifier: Classifier, top_k: int, with_pictures: bool) -> list[dict]:
    """Answer for each file, or give its `error` and `code`; the page's answers also hold the pictures to show."""
    answers = [{"filename": display.safe_name(file.filename)} for file in sent]

    def pictures():
        """Those that can be read. Each is made small before the next is opened, for it can hold 100 MB."""
        for file, found in zip(sent, answers, strict=True):
            content = file.read(MAX_FILE_BYTES + 1)
            try:
                picture = images.open_picture(content, max_bytes=MAX_FILE_BYTES)
            except images.PictureError as error:
                found.update(error=str(error), code=error.code)
                continue
            kind, width, height, notes = display.describe_file(content, picture, classifier.card.framings)
            found.update(input={"format": kind, "width": width, "height": height}, notes=notes)
            yield picture
            picture.thumbnail((320, 320))
            if with_pictures:
                found["picture"] = display.data_url(picture, "JPEG")

    predictions = classifier.predict(pictures(), top=top_k)  # one batch
    readable = [found for found in answers if "error" not in found]
    for found, said in zip(readable, predictions, strict=True):
        found.update(label=said.label, index=said.index, score=said.score, known=said.known)
        found["top"] = [{"label": guess.label, "score": guess.score} for guess in said.top]
        if with_pictures:
            found["seen"] = display.data_url(said.image, "PNG")
    return answers
