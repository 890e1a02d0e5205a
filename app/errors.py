"""Errors: a status, a code and a sentence, as JSON for programs and as the page for people."""

from flask import current_app, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from app.settings import MAX_CONTENT_LENGTH, MAX_FILE_BYTES

STATUS = {"no_file": 400, "too_large": 413, "unsupported_format": 415, "corrupt_image": 422, "too_many_pixels": 422}
_SENTENCES = {
    400: ("bad_request", "The request arrived damaged or incomplete. Send it again."),
    404: ("not_found", "There is nothing at this address. The upload page is at /, the API at /api."),
    405: ("method_not_allowed", "This address does not take that method. The page /api says what it takes."),
    413: (
        "too_large",
        f"The upload is too large: at most {MAX_FILE_BYTES >> 20} MiB per picture and {MAX_CONTENT_LENGTH >> 20} MiB "
        "per request. Send fewer or smaller ones.",
    ),
    500: ("server_error", "Something went wrong here, and not with your picture. Try again later."),
}


class Refusal(Exception):
    """A request that is refused: status, code, and a sentence for the client."""


def respond(error: Exception):
    """Return the response to any error: JSON for the API, the page otherwise."""
    if isinstance(error, Refusal):
        status, code, sentence = error.args
    else:
        status = error.code if isinstance(error, HTTPException) else 500
        code, sentence = _SENTENCES.get(status, ("http_error", str(error)))
    if status == 500:
        current_app.logger.error("unforeseen", exc_info=error)
    is_program = request.path.startswith(("/api/", "/healthz", "/readyz"))
    body = jsonify(error=sentence, code=code) if is_program else render_template("page.html", error=sentence)
    response = make_response(body, status)
    response.allow.update(getattr(error, "valid_methods", None) or ())
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response
