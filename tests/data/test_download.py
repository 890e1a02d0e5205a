"""Downloading, against a server of our own on loopback that does everything a mirror can do wrong."""

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
    """Serves CONTENT; the first part of the path says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
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
        """Breaks off after 100,000 bytes, wherever it began."""
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
        """Answers a range with another one."""
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
    server.daemon_threads, server.asked, server.handle_error = True, [], lambda *_: None
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


def test_a_good_mirror_gives_the_file_and_leaves_nothing_else(get, tmp_path):
    assert get("good").read_bytes() == CONTENT
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"file", "file.lock"}


def test_a_file_that_is_there_is_not_fetched_again(get, mirror):
    get("good")
    get("good")
    assert len(mirror.asked) == 1


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("missing", "404"),
        ("failing", "500"),
        ("slow", "too slow"),
        ("stalling", "no answer"),
        ("wrong", "SHA-256 differs"),
        ("page", "12 bytes instead of 300000"),
        ("endless", "more than the file has"),
    ],
)
def test_a_bad_mirror_gives_way_to_the_next_and_the_reason_is_said(get, capsys, way, reason):
    assert get(way, "good", progress=True).read_bytes() == CONTENT
    assert reason in capsys.readouterr().out


def test_a_connection_that_breaks_off_is_taken_up_where_it_was(get, mirror):
    assert get("cutting", "good").read_bytes() == CONTENT
    ranges = [asked for _, asked in mirror.asked]
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_what_came_from_a_slow_mirror_is_kept_for_the_next(get, mirror):
    get("slow", "good")
    assert mirror.asked[-1][1] not in (None, "bytes=0-")


def test_a_server_that_ignores_ranges_starts_over(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 5000)
    assert get("rangeless").read_bytes() == CONTENT


def test_a_server_that_sends_another_range_is_left(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:5000])
    assert get("misplaced", "good").read_bytes() == CONTENT


def test_half_a_file_that_is_wrong_is_thrown_away(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 5000)  # resuming this can never give the right SHA-256
    assert get("good").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(get, tmp_path):
    part = tmp_path / "data" / "file.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * (len(CONTENT) + 1))
    assert get("good").read_bytes() == CONTENT


def test_redirects_are_followed(get):
    assert get("moved").read_bytes() == CONTENT


def test_no_mirror_left_says_what_was_tried_and_what_to_do(get, tmp_path):
    with pytest.raises(DownloadError, match=r"404.*500.*CIFAR_LAB_DATA"):
        get("missing", "failing")
    assert not (tmp_path / "data" / "file").exists()


def test_a_wrong_file_never_stands_under_the_name(get, tmp_path):
    with pytest.raises(DownloadError, match="SHA-256 differs"):
        get("wrong")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"file.lock"}


def test_the_last_mirror_is_waited_for_when_asked(get):
    with pytest.raises(DownloadError, match="too slow"):
        get("steady", slowest=10_000_000, patience=0.2)
    assert get("missing", "steady", slowest=10_000_000, patience=0.2, last_is_waited_for=True).read_bytes() == CONTENT


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch_file(["http://127.0.0.1:9/file"], tmp_path / "file", sha256=SHA256, size=1, patience=0.5, progress=False)
    assert not reachable("http://127.0.0.1:9/", seconds=0.5)


def test_a_running_server_is_reachable(mirror):
    assert reachable(f"http://127.0.0.1:{mirror.server_port}/", seconds=2)


def test_other_schemes_are_refused(tmp_path):
    with pytest.raises(DownloadError, match="no http or https"):
        fetch_file(["file:///etc/passwd"], tmp_path / "file", sha256=SHA256, size=1, progress=False)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
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
def test_a_killed_download_goes_on_where_it_was(mirror, tmp_path):
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
    assert int(mirror.asked[-1][1][6:-1]) > 50_000


def test_two_processes_at_once_fetch_it_once(mirror, tmp_path):
    processes = [child(mirror, "steady", tmp_path / "file") for _ in range(2)]
    assert [process.wait(timeout=30) for process in processes] == [0, 0]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(mirror.asked) == 1
