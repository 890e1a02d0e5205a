"""The addresses: the page for people, the API for programs, and two for whoever watches over the server."""

import io
import time
from functools import cache
from pathlib import Path

from flask import Blueprint, abort, current_app, jsonify, render_template, request, send_file
from werkzeug.datastructures import FileStorage

from app.answers import answer
from app.errors import STATUS, Refusal
from app.settings import MAX_TOP_K
from app.uploads import keep, read
from cifar_lab.data import sketches

pages = Blueprint("pages", __name__)
pages.add_url_rule("/", "index", lambda: render_template("page.html"))
pages.add_url_rule("/api", "api", lambda: render_template("api.html"))
pages.add_url_rule("/api/openapi.json", "openapi", lambda: send_file("openapi.json"))
pages.add_url_rule("/samples/<name>.png", "sample", lambda name: send_file(_drawing(name), "image/png", max_age=86400))
pages.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
pages.add_url_rule("/readyz", "readyz", lambda: jsonify(status="ready", model=_model("")[0]))
_drawings = cache(lambda: sketches.sample_pictures(128))


@pages.get("/api/models")
def models():
    """The classifiers that there are, the default one first."""
    cards = [(name, classifier.card) for name, classifier in current_app.extensions["classifiers"].items()]
    return jsonify(models=[{"name": n, "class_names": c.class_names, "input_size": c.input_size} for n, c in cards])


@pages.post("/result")
def result():
    """The page with what is said of the pictures, or of a drawing."""
    name = request.form.get("sample")
    facts = _answered([FileStorage(_drawing(name), f"{name}.png")] if name else read(request), shows=True)
    codes = [found.get("code") for found in facts["predictions"]]
    return render_template("page.html", **facts), STATUS[codes[0]] if all(codes) else 200


@pages.post("/api/predict")
def predict():
    """The same as JSON; when a file can't be read, what is wrong with the first such file."""
    facts = _answered(read(request), shows=False)
    for number, found in enumerate(facts["predictions"], 1):
        if "error" in found:
            which = f"File {number}: " if len(facts["predictions"]) > 1 else ""
            raise Refusal(STATUS[found["code"]], found["code"], which + found["error"])
    return jsonify(facts)


def _answered(uploads: list[FileStorage], *, shows: bool) -> dict:
    """Answer for files as the request asks, log that in one line, and keep the files where that is wanted."""
    started, config, top_k = time.perf_counter(), current_app.config, request.values.get("top_k", "3")
    if not (top_k.isdecimal() and 1 <= int(top_k[:9]) <= MAX_TOP_K):
        raise Refusal(400, "bad_top_k", f"top_k must be a whole number from 1 to {MAX_TOP_K}, not {top_k[:20]!r}.")
    model, classifier = _model(request.values.get("model"))
    found = _in_turn(answer, uploads, classifier, int(top_k), shows)
    facts = {"model": model, "predictions": found, "time_ms": round(1000 * (time.perf_counter() - started), 1)}
    said = ",".join(one["code"] if "error" in one else one["label"] for one in found)
    current_app.logger.info("%s said %s in %s ms", model, said, facts["time_ms"])
    for upload, one in zip(uploads, found, strict=True):
        if config["UPLOADS"] and "label" in one:
            upload.seek(0)
            kept = {"model": model, "label": one["label"], "score": one["score"], "known": one["known"]}
            keep(upload.read(), kept, Path(config["UPLOADS"]), config["UPLOADS_MB"] * 10**6)
    return facts


def _in_turn(task, *arguments):
    """Do a task among the few that are in work at once; some wait for their turn, the rest are refused."""
    workers, places = current_app.extensions["workers"], current_app.extensions["places"]
    if not places.acquire(blocking=False):
        raise Refusal(503, "busy", "Too many pictures are being looked at just now. Try again in a few seconds.")
    try:
        return workers.submit(task, *arguments).result()
    finally:
        places.release()


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
    (_drawings().get(name) or abort(404)).save(stream := io.BytesIO(), "PNG")
    return io.BytesIO(stream.getvalue())
