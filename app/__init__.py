"""The web page of the lab: upload pictures, see what a classifier says. `make app` starts it."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, request

from app import answers, errors, pages, settings

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(config: dict | None = None) -> Flask:
    """Make the application: settings from the environment, then those of `config`."""
    app = Flask(__name__)
    app.logger.setLevel(logging.INFO)
    app.json.sort_keys = False
    app.config.from_object(settings)
    app.config.update(config or {})
    app.extensions["classifiers"] = classifiers = answers.load_classifiers()
    app.extensions["workers"] = ThreadPoolExecutor(app.config["AT_ONCE"])
    app.extensions["places"] = threading.Semaphore(app.config["AT_ONCE"] + app.config["WAITING"])
    app.jinja_env.globals |= {"classifiers": classifiers, "samples": pages.sketches.CLASS_NAMES}
    app.register_blueprint(pages.pages)
    app.register_error_handler(Exception, errors.respond)
    app.before_request(_refuse_other_sites)
    app.after_request(_protect)
    return app


def _refuse_other_sites() -> None:
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise errors.Refusal(403, "cross_site", "This was sent from another site's page. Open this page itself.")


def _protect(response):
    response.headers.update(_HEADERS)
    if not response.cache_control:
        response.cache_control.no_store = True
    return response
