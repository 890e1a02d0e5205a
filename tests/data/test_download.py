"""Test downloads from a local server that makes every mistake a mirror can make."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from cifar_lab.data.download import DownloadError, fetch_file, reachable

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Mirror(BaseHTTPRequestHandler):
    """Serve CONTENT in the way named by the first part of the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        getattr(self, self.path.split("/")[1])()

    def good(self, content=CONTENT, pause=0.0, step=1_000_000):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        for position in range(start, len(content), step):
            self.wfile.write(content[position : position + step])
            self.wfile.flush()
            time.sleep(pause)

    def slow(self):
        self.good(pause=0.05, step=500)  # 10 kB/s

    def steady(self):
        self.good(pause=0.02, step=10_000)  # 500 kB/s

    def stalling(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        time.sleep(3)

    def cutting(self):
        """Close the connection after 100,000 bytes."""
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + 100_000])
        self.close_connection = True

    def rangeless(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def misplaced(self):
        """Respond with a different range than requested."""
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-999/{len(CONTENT)}")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(CONTENT[:1000])

    def wrong(self):
        self.good(content=bytes(len(CONTENT)))

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(10_000))

    def page(self):
        self.send_response(200)
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b"please log in"[:12])

    def missing(self):
        self.send_error(404)

    def failing(self):
        self.send_error(500)

    def moved(self):
        self.send_response(302)
        self.send_header("Location", "/good/file")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.daemon_threads, server.requests, server.handle_error = True, [], lambda *_: None
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(mirror, tmp_path):
    def get(*ways, **options):
        mirrors = [f"http://127.0.0.1:{mirror.server_port}/{way}/file" for way in ways]
        options = {"sha256": SHA256, "size": len(CONTENT), "patience": 0.5, "progress": False, **options}
        return fetch_file(mirrors, tmp_path / "data" / "file", **options)

    return get


def test_good_mirror_leaves_the_file_only(get, tmp_path):
    assert get("good").read_bytes() == CONTENT
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"file", "file.lock"}


def test_existing_file_is_not_downloaded_again(get, mirror):
    get("good")
    get("good")
    assert len(mirror.requests) == 1


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("missing", "404"),
        ("failing", "500"),
        ("slow", "too slow"),
        ("stalling", "no response"),
        ("wrong", "SHA-256 differs"),
        ("page", "12 bytes instead of 300000"),
        ("endless", "more than the file has"),
    ],
)
def test_bad_mirror_is_abandoned_with_a_reason(get, capsys, way, reason):
    assert get(way, "good", progress=True).read_bytes() == CONTENT
    assert reason in capsys.readouterr().out


def test_broken_connection_is_resumed(get, mirror):
    assert get("cutting", "good").read_bytes() == CONTENT
    ranges = [requested for _, requested in mirror.requests]
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_next_mirror_resumes_the_download_of_a_slow_one(get, mirror):
    get("slow", "good")
    assert mirror.requests[-1][1] not in (None, "bytes=0-")


def test_server_without_ranges_restarts_the_download(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 5000)
    assert get("rangeless").read_bytes() == CONTENT


def test_server_with_a_wrong_range_is_abandoned(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:5000])
    assert get("misplaced", "good").read_bytes() == CONTENT


def test_wrong_partial_download_is_discarded(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 5000)  # resuming this can never give the right SHA-256
    assert get("good").read_bytes() == CONTENT


def test_oversized_partial_download_is_discarded(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * (len(CONTENT) + 1))
    assert get("good").read_bytes() == CONTENT


def test_redirects_are_followed(get):
    assert get("moved").read_bytes() == CONTENT


def test_error_lists_all_mirrors_and_the_remedy(get, tmp_path):
    with pytest.raises(DownloadError, match=r"404.*500.*CIFAR_LAB_DATA"):
        get("missing", "failing")
    assert not (tmp_path / "data" / "file").exists()


def test_wrong_file_never_gets_the_final_name(get, tmp_path):
    with pytest.raises(DownloadError, match="SHA-256 differs"):
        get("wrong")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"file.lock"}


def test_last_mirror_may_be_slow_if_requested(get):
    with pytest.raises(DownloadError, match="too slow"):
        get("steady", slowest=10_000_000, patience=0.2)
    assert get("missing", "steady", slowest=10_000_000, patience=0.2, last_is_waited_for=True).read_bytes() == CONTENT


def test_unreachable_server_is_reported(tmp_path):
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch_file(["http://127.0.0.1:9/file"], tmp_path / "file", sha256=SHA256, size=1, patience=0.5, progress=False)
    assert not reachable("http://127.0.0.1:9/", seconds=0.5)


def test_running_server_is_reachable(mirror):
    assert reachable(f"http://127.0.0.1:{mirror.server_port}/", seconds=2)


def test_other_url_schemes_are_rejected(tmp_path):
    with pytest.raises(DownloadError, match="not an http or https"):
        fetch_file(["file:///etc/passwd"], tmp_path / "file", sha256=SHA256, size=1, progress=False)


def test_unwritable_folder_is_reported(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch_file(["http://127.0.0.1:9/"], tmp_path / "data" / "file", sha256=SHA256, size=1, progress=False)


CHILD = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from cifar_lab.data.download import fetch_file
    fetch_file([sys.argv[1]], Path(sys.argv[2]), sha256=sys.argv[3], size=int(sys.argv[4]), patience=5, progress=False)
"""
)


def child(mirror, way, destination):
    address = f"http://127.0.0.1:{mirror.server_port}/{way}/file"
    return subprocess.Popen([sys.executable, "-c", CHILD, address, str(destination), SHA256, str(len(CONTENT))])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_download_is_resumed(mirror, tmp_path):
    destination, part = tmp_path / "file", tmp_path / "file.part"
    process = child(mirror, "steady", destination)
    while not (part.exists() and part.stat().st_size > 50_000):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not destination.exists()
    assert child(mirror, "steady", destination).wait(timeout=30) == 0
    assert destination.read_bytes() == CONTENT
    assert int(mirror.requests[-1][1][6:-1]) > 50_000


def test_concurrent_processes_download_once(mirror, tmp_path):
    processes = [child(mirror, "steady", tmp_path / "file") for _ in range(2)]
    assert [process.wait(timeout=30) for process in processes] == [0, 0]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(mirror.requests) == 1
