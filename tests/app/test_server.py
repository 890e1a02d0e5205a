"""The page as it is served: bodies of unknown length, a kind stop, and a worker that dies."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.app.conftest import ROOT, Server

pytestmark = pytest.mark.skipif(os.name == "nt", reason="gunicorn does not run on Windows")
EDGE = "edge of the parts"


def body(content: bytes) -> bytes:
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return head.encode() + content + f"\r\n--{EDGE}--\r\n".encode()


def head(length: str) -> bytes:
    lines = (
        "POST /api/predict HTTP/1.1",
        "Host: here",
        f'Content-Type: multipart/form-data; boundary="{EDGE}"',
        length,
    )
    return ("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode()


def answer(connection: socket.socket) -> tuple[int, dict]:
    content = b""
    while block := connection.recv(2**16):
        content += block
    top, _, rest = content.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(rest)


def ask(server, length: str, *blocks: bytes) -> tuple[int, dict]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head(length))
        for block in blocks:
            connection.sendall(block)
        return answer(connection)


def chunked(content: bytes):
    for start in range(0, len(content), 2**16):
        block = content[start : start + 2**16]
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"
    yield b"0\r\n\r\n"


def test_a_body_of_unknown_length(server, png):
    status, found = ask(server, "Transfer-Encoding: chunked", *chunked(body(png)))
    assert status == 200
    assert found["predictions"][0]["filename"] == "a.png"


def curl(server, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-s", *arguments], capture_output=True, text=True, timeout=60, **options)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.parametrize("header", ["Expect:", "Transfer-Encoding: chunked"])
def test_20_megabytes_are_refused_with_a_sentence(server, header, tmp_path):
    (tmp_path / "large.png").write_bytes(bytes(20_000_000))
    file = f"file=@{tmp_path / 'large.png'}"
    found = json.loads(curl(server, "-H", header, "-F", file, f"{server.address}/api/predict").stdout)
    assert found["code"] == "too_large"
    assert "16 MiB per request" in found["error"]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_lines_of_the_api_page_work_when_pasted(server, tmp_path):
    page = curl(server, f"{server.address}/api").stdout
    blocks = [block for block in re.findall(r"<code>(curl.*?)</code>", page, re.S)]
    assert len(blocks) == 4
    for block in blocks:
        lines = block.replace("curl ", "curl -sS --fail-with-body ")
        result = subprocess.run(["sh", "-ec", lines], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, (lines, result.stdout, result.stderr)
        assert json.loads(result.stdout)


def test_a_client_that_leaves_in_the_middle_does_no_harm(server, png):
    for content in (b"", body(png)[:200]):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head(f"Content-Length: {len(body(png))}") + content)
    assert ask(server, f"Content-Length: {len(body(png))}", body(png))[0] == 200


def test_a_running_request_is_finished_at_a_stop(models, tmp_path, png):
    server, content = Server(tmp_path, CIFAR_LAB_MODELS=str(models)), body(png)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(head(f"Content-Length: {len(content)}") + content[:100])
            time.sleep(0.5)  # the worker has begun with it
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(content[100:])
            assert answer(connection)[0] == 200
        assert server.process.wait(timeout=30) == 0
    finally:
        server.process.kill()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks for the worker as Linux shows it")
def test_a_killed_worker_is_replaced(models, tmp_path, png):
    server = Server(tmp_path, CIFAR_LAB_MODELS=str(models))
    try:
        (first,) = server.workers()
        os.kill(first, signal.SIGKILL)
        end = time.monotonic() + 30
        while not (server.is_ready() and server.workers() != [first]):
            assert time.monotonic() < end
            time.sleep(0.1)
        assert ask(server, f"Content-Length: {len(body(png))}", body(png))[0] == 200
    finally:
        server.stop()


# --- the files that hosts read ---


def test_the_files_for_hosts_agree():
    dockerfile = (ROOT / "app" / "Dockerfile").read_text()
    procfile = (ROOT / "app" / "Procfile").read_text()
    assert 'CMD ["gunicorn", "-c", "app/gunicorn.conf.py"]' in dockerfile
    assert procfile.strip().endswith("gunicorn -c app/gunicorn.conf.py")
    assert "USER page" in dockerfile and "HEALTHCHECK" in dockerfile
    for source in re.findall(r"^COPY (.*) \S+$", dockerfile, re.M):
        for name in source.split():
            assert (ROOT / name).exists(), name
    render = (ROOT / "app" / "render.yaml").read_text()
    assert "dockerfilePath: ./app/Dockerfile" in render and "healthCheckPath: /readyz" in render
