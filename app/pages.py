"""The addresses: the page for people, the API for programs, and two for whoever watches over the server."""

import io
import time

from flask import Blueprint, abort, current_app, jsonify, render_template, request, send_file
from werkzeug.datastructures import FileStorage

from app.answers import answer
from app.errors import STATUS, Refusal
from app.settings import MAX_FILE_BYTES, MAX_FILES, MAX_TOP_K
from cifar_lab.data import sketches
from cifar_lab.images import display

_DRAWINGS = {name: display.encode(picture, "PNG") for name, picture in sketches.sample_pictures(128).items()}
pages = Blueprint("pages", __name__)
pages.add_url_rule("/", "index", lambda: render_template("page.html"))
pages.add_url_rule("/api", "api", lambda: render_template("api.html"))
pages.add_url_rule("/api/openapi.json", "openapi", lambda: send_file("openapi.json"))
pages.add_url_rule("/samples/<name>.png", "sample", lambda name: send_file(_drawing(name), "image/png", max_age=86400))
pages.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
pages.add_url_rule("/readyz", "readyz", lambda: jsonify(status="ready", model=_model(None)[0]))


@pages.get("/api/models")
def models():
    """The classifiers that there are, the default one first."""
    here = current_app.extensions["classifiers"].items()
    return jsonify(models=[{"name": name, **classifier.card.summary} for name, classifier in here])


@pages.post("/result")
def result():
    """The page with what is said of the pictures."""
    facts = _answered(with_pictures=True)
    codes = [found.get("code") for found in facts["predictions"]]
    return render_template("page.html", **facts), STATUS[codes[0]] if all(codes) else 200


@pages.post("/api/predict")
def predict():
    """The same as JSON; when a file can't be read, what is wrong with the first such file."""
    facts = _answered(with_pictures=False)
    for number, found in enumerate(facts["predictions"], 1):
        if "error" in found:
            which = f"File {number}: " if len(facts["predictions"]) > 1 else ""
            raise Refusal(STATUS[found["code"]], found["code"], which + found["error"])
    return jsonify(facts)


def _answered(*, with_pictures: bool) -> dict:
    """What `/api/predict` sends. It leaves a line in the log too, and the pictures where they are to be kept."""
    started = time.perf_counter()
    sent, top_k = _sent(), request.values.getlist("top_k") or ["3"]  # the address may hold one, and the form
    wrong = set(top_k) - set(map(str, range(1, MAX_TOP_K + 1)))
    if wrong:
        raise Refusal(400, "bad_top_k", f"top_k must be a whole number from 1 to {MAX_TOP_K}, not {min(wrong)[:20]!r}.")
    model, classifier = _model(request.values.get("model"))
    workers, places = current_app.extensions["workers"], current_app.extensions["places"]
    if not places.acquire(blocking=False):
        raise Refusal(503, "busy", "Too many pictures are being looked at just now. Try again in a few seconds.")
    try:
        found = workers.submit(answer, sent, classifier, int(top_k[0]), with_pictures).result()
    finally:
        places.release()
    time_ms = round(1000 * (time.perf_counter() - started), 1)
    current_app.logger.info("%s said %s in %s ms", model, [one.get("code") or one["label"] for one in found], time_ms)
    if current_app.config["UPLOADS"]:
        current_app.extensions["keeper"].keep(sent, model, found)
    return {"model": model, "predictions": found, "time_ms": time_ms}


def _sent() -> list[FileStorage]:
    """The pictures that came: fields `file`, a raw `image/*` body, or a drawing named in the field `sample`."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refusal(403, "cross_site", "This was sent from another site's page. Open this page itself.")
    if request.mimetype.startswith("image/"):
        request.max_content_length = MAX_FILE_BYTES  # the body is one file
        return [FileStorage(io.BytesIO(request.get_data()))]
    if request.mimetype == "multipart/form-data" and not request.files and not request.form:
        abort(400)  # a body that breaks off looks like an empty form
    files = [file for file in request.files.getlist("file") if file.filename]
    if len(files) > MAX_FILES:
        raise Refusal(413, "too_many_files", f"{len(files)} files came, and the limit is {MAX_FILES}. Send fewer.")
    if (name := request.form.get("sample")) and "file" not in request.form:
        return [FileStorage(_drawing(name), f"{name}.png")]
    if not files:
        raise Refusal(400, "no_file", "No picture came with the request. Choose one; its form field is named 'file'.")
    return files


def _model(name: str | None) -> tuple:
    """A classifier's name and itself; the default one when none is named."""
    classifiers = current_app.extensions["classifiers"]
    if not classifiers:
        raise Refusal(503, "no_model", "There is no classifier here yet. Make one: cifar-lab train, cifar-lab export.")
    name = name or next(iter(classifiers))
    if name not in classifiers:
        raise Refusal(404, "unknown_model", f"There is no model {name[:64]!r}. Choose from: {', '.join(classifiers)}.")
    return name, classifiers[name]


def _drawing(name: str) -> io.BytesIO:
    """One of our drawings as a PNG file, to try the page without a file."""
    return io.BytesIO(_DRAWINGS.get(name) or abort(404))
