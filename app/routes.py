"""The routes: the page for people, the API for programs, and two for monitoring."""

import io
import time

from flask import Blueprint, abort, current_app, jsonify, render_template, request, send_file
from werkzeug.datastructures import FileStorage

from app.errors import STATUS, Refusal
from app.inference import predict_files
from app.settings import MAX_FILE_BYTES, MAX_FILES, MAX_TOP_K
from cifar_lab.data import sketches
from cifar_lab.images import display

_DRAWINGS = {name: display.encode(picture, "PNG") for name, picture in sketches.sample_pictures(128).items()}
routes = Blueprint("routes", __name__)
routes.add_url_rule("/", "index", lambda: render_template("page.html"))
routes.add_url_rule("/api", "api", lambda: render_template("api.html"))
routes.add_url_rule("/api/openapi.json", "openapi", lambda: send_file("openapi.json"))
routes.add_url_rule("/samples/<name>.png", "sample", lambda name: send_file(_drawing(name), "image/png", max_age=86400))
routes.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
routes.add_url_rule("/readyz", "readyz", lambda: jsonify(status="ready", model=_model(None)[0]))


@routes.get("/api/models")
def models():
    """List the classifiers, the default one first."""
    here = current_app.extensions["classifiers"].items()
    return jsonify(models=[{"name": name, **classifier.card.summary} for name, classifier in here])


@routes.post("/result")
def result():
    """Render the page with the predictions."""
    facts = _predictions(with_pictures=True)
    codes = [found.get("code") for found in facts["predictions"]]
    return render_template("page.html", **facts), STATUS[codes[0]] if all(codes) else 200


@routes.post("/api/predict")
def predict():
    """Return the predictions as JSON; or the error of the first file that can't be read."""
    facts = _predictions(with_pictures=False)
    for number, found in enumerate(facts["predictions"], 1):
        if "error" in found:
            which = f"File {number}: " if len(facts["predictions"]) > 1 else ""
            raise Refusal(STATUS[found["code"]], found["code"], which + found["error"])
    return jsonify(facts)


def _predictions(*, with_pictures: bool) -> dict:
    """Predict for a request: what `/api/predict` sends. Write a line to the log, and store the pictures if asked to."""
    started = time.perf_counter()
    sent, top_k = _sent(), request.values.getlist("top_k") or ["3"]  # the address may hold one, and the form
    wrong = set(top_k) - set(map(str, range(1, MAX_TOP_K + 1)))
    if wrong:
        raise Refusal(400, "bad_top_k", f"top_k must be a whole number from 1 to {MAX_TOP_K}, not {min(wrong)[:20]!r}.")
    model, classifier = _model(request.values.get("model"))
    workers, places = current_app.extensions["workers"], current_app.extensions["places"]
    if not places.acquire(blocking=False):
        raise Refusal(503, "busy", "The server is busy. Try again in a few seconds.")
    try:
        found = workers.submit(predict_files, sent, classifier, int(top_k[0]), with_pictures).result()
    finally:
        places.release()
    time_ms = round(1000 * (time.perf_counter() - started), 1)
    current_app.logger.info(
        "%s predicted %s in %s ms", model, [one.get("code") or one["label"] for one in found], time_ms
    )
    if current_app.config["UPLOADS"]:
        current_app.extensions["upload_store"].add(sent, model, found)
    return {"model": model, "predictions": found, "time_ms": time_ms}


def _sent() -> list[FileStorage]:
    """Return the uploaded files: fields `file`, a raw `image/*` body, or a drawing named in the field `sample`."""
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
    """Return a classifier's name and the classifier; the default one if no name is given."""
    classifiers = current_app.extensions["classifiers"]
    if not classifiers:
        raise Refusal(503, "no_model", "There is no classifier here yet. Make one: cifar-lab train, cifar-lab export.")
    name = name or next(iter(classifiers))
    if name not in classifiers:
        raise Refusal(404, "unknown_model", f"There is no model {name[:64]!r}. Choose from: {', '.join(classifiers)}.")
    return name, classifiers[name]


def _drawing(name: str) -> io.BytesIO:
    """Return one of the built-in drawings as a PNG file, to try the page without a file."""
    return io.BytesIO(_DRAWINGS.get(name) or abort(404))
