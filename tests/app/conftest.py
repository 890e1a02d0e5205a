"""What the tests of the page share: two classifiers that differ, pictures of our own, and a running server."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from cifar_lab.data import sketches

ROOT = Path(__file__).parent.parent.parent


def saved(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture(scope="session")
def pictures() -> dict[str, Image.Image]:
    """Our own drawings, 96 x 96, by class name."""
    return sketches.sample_pictures(96)


@pytest.fixture(scope="session")
def png(pictures) -> bytes:
    """A drawing as a PNG file."""
    return saved(pictures["ship"])


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A models folder, each made from the one that is shipped.

    `softer` has another temperature, `views` asks for two framings and both mirror images, the file of `broken` was
    changed.
    """
    folder, shipped = tmp_path_factory.mktemp("models"), ROOT / "data" / "models" / "tutorial"
    card = json.loads((shipped / "card.json").read_text())
    changes = {
        "tutorial": {},
        "softer": {"temperature": 50.0},
        "views": {"framings": ["centre", "squash"], "mirror": True},
        "broken": {},
    }
    for name, change in changes.items():
        (folder / name).mkdir()
        shutil.copy(shipped / "model.tflite", folder / name)
        (folder / name / "card.json").write_text(json.dumps(card | {"name": name} | change))
    with open(folder / "broken" / "model.tflite", "ab") as file:
        file.write(b"more")
    return folder


@pytest.fixture(scope="session")
def make_app(models):
    """Makes the application on that folder."""
    from app import create_app

    def make(**config):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CIFAR_LAB_MODELS", str(models))
            return create_app({"TESTING": False, **config})

    return make


@pytest.fixture(scope="session")
def client(make_app):
    """A client of the application with its usual settings."""
    return make_app().test_client()


class Server:
    """The page as `make app` serves it, on a free port."""

    def __init__(self, folder: Path, **environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address, self.log = f"http://127.0.0.1:{self.port}", folder / "log"
        command = [sys.executable, "-m", "gunicorn", "-c", "app/gunicorn.conf.py"]
        with open(self.log, "wb") as log:
            environment = os.environ | {"HOST": "127.0.0.1", "PORT": str(self.port)} | environment
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not self.is_ready():
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.address}/readyz", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def workers(self) -> list[int]:
        """The process numbers of the workers (Linux)."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture(scope="session")
def server(models, tmp_path_factory):
    """One server for all tests that only ask it."""
    if os.name == "nt":
        pytest.skip("gunicorn does not run on Windows")
    server = Server(tmp_path_factory.mktemp("server"), CIFAR_LAB_MODELS=str(models))
    yield server
    server.stop()
