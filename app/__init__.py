"""The web page of the lab: upload pictures, see what a classifier predicts. `make app` starts it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from app import errors, routes, settings, upload_store
from cifar_lab.data.sketches import CLASS_NAMES
from cifar_lab.images import display
from cifar_lab.inference import classifier

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # unless the response says otherwise
}


def create_app(config: dict | None = None) -> Flask:
    """Create the application from the settings of the environment, overridden by `config`."""
    app = Flask(__name__)
    app.config.from_object(settings)
    app.config.update(config or {})
    app.logger.setLevel("INFO")
    app.json.sort_keys = False
    classifiers, left_out = classifier.load_classifiers(threads=1)  # several requests are processed at once
    for sentence in left_out:
        app.logger.error("left out: %s", sentence)
    app.extensions["classifiers"] = classifiers
    app.extensions["workers"] = ThreadPoolExecutor(app.config["AT_ONCE"])
    app.extensions["places"] = threading.Semaphore(app.config["AT_ONCE"] + app.config["WAITING"])
    if app.config["UPLOADS"]:
        app.extensions["upload_store"] = upload_store.UploadStore(app.config["UPLOADS"], app.config["UPLOADS_MB"])
    app.jinja_env.globals.update(classifiers=classifiers, samples=CLASS_NAMES, listed=display.join_names)
    app.register_blueprint(routes.routes)
    app.register_error_handler(Exception, errors.respond)
    app.after_request(_protect)
    return app


def _protect(response):
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
