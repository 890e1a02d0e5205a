"""The web page of the lab: upload pictures, see what a classifier says. `make app` starts it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from app import answers, errors, pages, settings
from cifar_lab.data.sketches import CLASS_NAMES

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # unless the answer says otherwise
}


def create_app(config: dict | None = None) -> Flask:
    """Make the application: settings from the environment, then those of `config`."""
    app = Flask(__name__)
    app.logger.setLevel("INFO")
    app.json.sort_keys = False
    app.config.from_mapping(vars(settings) | (config or {}))
    app.extensions["classifiers"] = classifiers = answers.load_classifiers(app.logger)
    app.extensions["workers"] = ThreadPoolExecutor(app.config["AT_ONCE"])
    app.extensions["places"] = threading.Semaphore(app.config["AT_ONCE"] + app.config["WAITING"])
    app.jinja_env.globals |= {"classifiers": classifiers, "samples": CLASS_NAMES}
    app.register_blueprint(pages.pages)
    app.register_error_handler(Exception, errors.respond)
    app.after_request(_protect)
    return app


def _protect(response):
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
