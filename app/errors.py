"""Whatever goes wrong ends in a status, a code and a sentence: JSON for programs, the same sentence on the page."""

from flask import current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from app.settings import MAX_CONTENT_LENGTH

STATUS = {"no_file": 400, "too_large": 413, "unsupported_format": 415, "corrupt_image": 422, "too_many_pixels": 422}
_SENTENCES = {
    400: ("bad_request", "The request arrived damaged or incomplete. Send it again."),
    404: ("not_found", "There is nothing at this address. The upload page is at /, the API at /api."),
    405: ("method_not_allowed", "This address does not take that method. The page /api says what it takes."),
    413: ("too_large", f"A request may hold up to {MAX_CONTENT_LENGTH // 2**20} MiB. Send fewer or smaller pictures."),
    500: ("server_error", "Something went wrong here, and not with your picture. Try again later."),
}


class Refusal(Exception):
    """A request that is not answered: status, code, and a sentence for whoever sent it."""


def respond(error: Exception):
    """The response to any error, in the form that its asker reads."""
    status = error.args[0] if isinstance(error, Refusal) else error.code if isinstance(error, HTTPException) else 500
    code, sentence = error.args[1:] if isinstance(error, Refusal) else _SENTENCES.get(status, ("http", str(error)))
    if status == 500:
        current_app.logger.error("unforeseen", exc_info=error)
    is_api = request.path.startswith(("/api/", "/healthz", "/readyz"))
    body = jsonify(error=sentence, code=code) if is_api else render_template("page.html", error=sentence)
    headers = {503: {"Retry-After": "2"}, 405: {"Allow": ", ".join(getattr(error, "valid_methods", None) or [])}}
    return body, status, headers.get(status, {})
