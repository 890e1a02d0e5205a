"""All settings, read from the environment in this one place, and all limits; the README explains each."""

import os


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} must be a whole number from 1, but it is {text!r}.")
    return int(text)


HOST, PORT = os.environ.get("HOST") or "127.0.0.1", _whole("PORT", 8000)
PROCESSES = _whole("WEB_CONCURRENCY", 1)
AT_ONCE = _whole("CIFAR_LAB_AT_ONCE", os.cpu_count() or 1)  # requests processed at once, in each process
WAITING = _whole("CIFAR_LAB_WAITING", 16)  # requests that may wait; further ones are refused
UPLOADS = os.environ.get("CIFAR_LAB_UPLOADS")  # the folder where uploads are stored; none are without it
UPLOADS_MB = _whole("CIFAR_LAB_UPLOADS_MB", 1000)
MAX_FILES, MAX_FILE_BYTES, MAX_TOP_K = 16, 5 * 2**20, 10
MAX_CONTENT_LENGTH, MAX_FORM_PARTS = 16 * 2**20, 64  # Flask's names: bytes of a request, and fields
