"""Predictions for the files of a request, in the form that the API sends and the page shows."""

from app.settings import MAX_FILE_BYTES
from cifar_lab import images
from cifar_lab.images import display
from cifar_lab.inference import Classifier


def predict_files(sent: list, classifier: Classifier, top_k: int, with_pictures: bool) -> list[dict]:
    """Predict for each file; a file that cannot be read gets an `error` and its `code` instead.

    Args:
        sent: the uploaded files.
        classifier: predicts for all of them in one batch.
        top_k: how many classes to list for each.
        with_pictures: add the picture and what the network saw, as data URLs.
    """
    results, readable, frames = [], [], []
    for file in sent:
        result = {"filename": display.safe_name(file.filename)}
        results.append(result)
        try:
            picture = images.read_picture(file.read(MAX_FILE_BYTES + 1), max_bytes=MAX_FILE_BYTES)
        except images.PictureError as error:
            result.update(error=str(error), code=error.code)
            continue
        frames.append(classifier.frame(picture.image))
        result["input"] = {"format": picture.format, "width": picture.width, "height": picture.height}
        result["notes"] = display.framing_notes(picture, classifier.card.framings)
        if with_pictures:
            picture.image.thumbnail((320, 320))  # in place: the frames are made
            result["picture"] = display.data_url(picture.image, "JPEG")
        readable.append(result)
        del picture  # before the next is opened: a decoded one can take 100 MB
    for result, prediction in zip(readable, classifier.predict_frames(frames, top=top_k), strict=True):
        result.update(label=prediction.label, index=prediction.index, score=prediction.score, known=prediction.known)
        result["top"] = [{"label": guess.label, "score": guess.score} for guess in prediction.top]
        if with_pictures:
            result["seen"] = display.data_url(prediction.image, "PNG")
    return results
