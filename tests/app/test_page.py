"""The page itself: what every answer carries, what is kept, who has to wait, and that no part of it is heavy."""

import hashlib
import html
import io
import json
import logging
import re
import subprocess
import sys
import threading
import weakref

import pytest

from app import create_app, inference, routes, upload_store
from cifar_lab.images import formats
from tests.app.conftest import ROOT, saved

ADDRESSES = ("/", "/api", "/api/openapi.json", "/api/models", "/healthz", "/readyz", "/samples/cat.png", "/nothing",
             "/static/page.css", "/static/page.js", "/static/theme.js", "/static/icon.svg")  # fmt: skip


def send(client, content: bytes, *, to: str = "/api/predict", name: str = "holiday at home.png"):
    return client.post(to, data={"file": (io.BytesIO(content), name)})


# --- what every answer carries ---


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_protected(client, address):
    response = client.get(address)
    assert response.status_code == (404 if address == "/nothing" else 200)
    policy = dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response.headers
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
    assert response.headers["Cache-Control"]


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "a b", 'a"$(date)', "[::1", "\x80"])
def test_a_strange_host_is_no_error_of_ours(client, host):
    for address in ("/", "/api", "/api/models"):
        response = client.get(address, headers={"Host": host})
        assert response.status_code in (200, 400)
        assert response.headers["Content-Security-Policy"]
        assert "$(" not in response.text


def test_results_are_not_cached(client, png):
    assert send(client, png, to="/result").headers["Cache-Control"] == "no-store"


def test_no_code_in_the_pages_and_nothing_from_elsewhere(client, png):
    for response in (client.get("/"), client.get("/api"), send(client, png, to="/result"), client.get("/nothing")):
        for tag in re.findall(r"<[a-z][^>]*>", response.text):
            assert not re.search(r"\s(on[a-z]+|style)\s*=", tag), tag
            assert not re.match(r"<style", tag), tag
            assert not re.match(r"<script(?! src=\"/static/)", tag), tag
            address = re.search(r"(?:src|href|action)=\"([^\"]*)", tag)
            assert not address or re.match(r"/(?!/)|data:image/", address[1]), tag


def test_the_form_works_without_javascript(client, png):
    page = client.get("/").text
    form = re.search(r"<form[^>]*>", page)[0]
    assert 'method="post"' in form and 'enctype="multipart/form-data"' in form and 'action="/result"' in form
    assert f'accept="{",".join(formats.EXTENSIONS)}"' in page
    shown = send(client, png, to="/result").text
    label = send(client, png).json["predictions"][0]["label"]
    assert f"<h3>{label} <span" in shown
    assert shown.count('<rect width="') == 3
    assert "holiday at home.png" in shown
    assert "data:image/jpeg;base64," in shown and "data:image/png;base64," in shown


def test_none_of_these_is_said(client, make_app, png):
    asked = client.post("/result", data={"file": (io.BytesIO(png), "a.png"), "model": "softer"})
    assert "<h3>none of these</h3>" in asked.text  # every score is about 0.1 there


# --- models ---


def test_a_model_that_cannot_be_loaded_is_named_and_left_out(make_app, caplog):
    app = make_app()
    (message,) = (message for message in caplog.messages if "left out" in message)
    assert "'broken'" in message and "not the file its card states" in message
    assert "broken" not in app.test_client().get("/").text


def test_without_any_model_the_page_says_so(tmp_path, monkeypatch, png):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
    client = create_app().test_client()
    assert "no classifier here yet" in client.get("/").text
    assert client.get("/healthz").status_code == 200
    for response in (client.get("/readyz"), send(client, png)):
        assert (response.status_code, response.json["code"]) == (503, "no_model")
        assert int(response.headers["Retry-After"]) > 0


# --- who has to wait ---


def test_a_full_queue_answers_503_and_everybody_else_is_served(make_app, png, monkeypatch):
    app = make_app(AT_ONCE=1, WAITING=2)
    begun, go_on, answered = threading.Event(), threading.Event(), []
    real = routes.predict_files

    def slow(*arguments):
        begun.set()
        assert go_on.wait(20)
        return real(*arguments)

    monkeypatch.setattr(routes, "predict_files", slow)
    askers = [threading.Thread(target=lambda: answered.append(send(app.test_client(), png))) for _ in range(3)]
    for asker in askers:
        asker.start()
    assert begun.wait(20)
    while app.extensions["places"]._value:  # until all three have their place
        pass
    turned_away = send(app.test_client(), png)
    page = send(app.test_client(), png, to="/result")
    assert app.test_client().get("/healthz").status_code == 200
    go_on.set()
    for asker in askers:
        asker.join(20)
    assert (turned_away.status_code, turned_away.json["code"], page.status_code) == (503, "busy", 503)
    assert turned_away.headers["Retry-After"] == page.headers["Retry-After"] == "2"
    assert turned_away.json["error"] in page.text
    assert [response.status_code for response in answered] == [200, 200, 200]
    assert send(app.test_client(), png).status_code == 200  # all places are free again


def test_only_one_large_picture_is_held_at_a_time(client, pictures, monkeypatch):
    opened, real = [], inference.images.read_picture

    def watched(source, **options):
        if not isinstance(source, bytes):  # the classifier, with a picture that is open
            return real(source, **options)
        assert not any(picture() for picture in opened)  # those before are gone
        picture = real(source, **options)
        opened.append(weakref.ref(picture))
        return picture

    monkeypatch.setattr(inference.images, "read_picture", watched)
    large = saved(pictures["bird"].resize((900, 700)))
    for to in ("/api/predict", "/result"):
        files = [(io.BytesIO(large), "a.png") for _ in range(5)]
        assert client.post(to, data={"file": files}).status_code == 200
    assert len(opened) == 10


def test_two_pictures_are_in_work_at_once(make_app, png, monkeypatch):
    app, together = make_app(AT_ONCE=2), threading.Barrier(2, timeout=20)
    real = inference.images.read_picture

    def meeting(*arguments, **options):
        together.wait()  # breaks, and gives a 500, if one waits for the other
        return real(*arguments, **options)

    monkeypatch.setattr(inference.images, "read_picture", meeting)
    statuses = []
    askers = [threading.Thread(target=lambda: statuses.append(send(app.test_client(), png).status_code)) for _ in "ab"]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert statuses == [200, 200]


def test_an_error_of_ours_is_a_500_without_details(make_app, png, monkeypatch):
    monkeypatch.setattr(routes, "predict_files", lambda *_: 1 / 0)
    client = make_app().test_client()
    response, page = send(client, png), send(client, png, to="/result")
    assert (response.status_code, response.json["code"]) == (500, "server_error")
    assert page.status_code == 500
    assert "ZeroDivision" not in response.text + page.text


# --- what is kept, and what is logged ---


def test_nothing_is_kept_unless_a_folder_is_named(client, png, monkeypatch):
    monkeypatch.setattr(upload_store.UploadStore, "add", lambda *_: pytest.fail("kept"))
    assert send(client, png).status_code == 200
    assert "nothing is stored" in client.get("/").text


def test_uploads_are_kept_under_their_sha256(make_app, png, tmp_path):
    client = make_app(UPLOADS=str(tmp_path / "kept")).test_client()
    assert "are kept" in client.get("/").text
    for name in ("../../escape.png", "b.png"):
        assert send(client, png, name=name).status_code == 200
    send(client, b"%PDF-1.7")
    digest = hashlib.sha256(png).hexdigest()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [f"{digest}.png", "uploads.jsonl"]
    assert (tmp_path / "kept" / f"{digest}.png").read_bytes() == png
    lines = [json.loads(line) for line in (tmp_path / "kept" / "uploads.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    found = send(client, png).json["predictions"][0]
    for line in lines:
        assert line.pop("time").endswith("Z")
        expected = {"sha256": digest, "model": "tutorial"} | {key: found[key] for key in ("label", "score", "known")}
        assert line == expected


def test_a_full_folder_takes_no_more(make_app, pictures, tmp_path):
    client = make_app(UPLOADS=str(tmp_path), UPLOADS_MB=1).test_client()
    large = saved(pictures["cat"].resize((700, 700)), "BMP")  # 1.5 MB
    small = saved(pictures["cat"])
    assert send(client, large).status_code == send(client, small).status_code == 200
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix != ".jsonl"] == [".png"]


def test_a_folder_that_fails_costs_nobody_the_answer(make_app, png, tmp_path, caplog):
    client = make_app(UPLOADS=str(tmp_path / "kept")).test_client()
    (tmp_path / "kept").rmdir()
    (tmp_path / "kept").write_text("a file in the place of the folder")
    assert send(client, png).status_code == 200
    assert "not stored" in caplog.messages[-1]


def test_a_prediction_is_one_line_of_log_without_names(client, png, caplog):
    with caplog.at_level(logging.INFO):
        send(client, png)
    assert len(caplog.messages) == 1
    assert re.fullmatch(r"tutorial predicted \['[a-z]+'\] in [0-9.]+ ms", caplog.messages[0])


# --- the whole ---


def test_the_api_page_shows_lines_that_fit_this_address(client):
    page = html.unescape(client.get("/api", headers={"Host": "lab.example:8000"}).text)
    assert 'curl -F file=@cat.png "http://lab.example:8000/api/predict"' in page


def test_the_page_needs_no_tensorflow(models, png, tmp_path):
    (tmp_path / "picture.png").write_bytes(png)
    program = (
        "import sys\n"
        "heavy = ('tensorflow', 'keras', 'matplotlib', 'sklearn', 'scipy', 'ipywidgets', 'IPython')\n"
        "sys.modules.update(dict.fromkeys(heavy))\n"  # importing one of them now fails
        "from app import create_app\n"
        "answer = create_app().test_client().post('/api/predict', data={'file': open(sys.argv[1], 'rb')})\n"
        "print(answer.status_code)"
    )
    environment = {"CIFAR_LAB_MODELS": str(models), "PATH": "", "SYSTEMROOT": ""}
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path / "picture.png")],
                            cwd=ROOT, env=environment, capture_output=True, text=True)  # fmt: skip
    assert result.stdout.strip() == "200", result.stderr


def test_a_wrong_setting_ends_in_a_sentence():
    result = subprocess.run([sys.executable, "-c", "import app.settings"], cwd=ROOT, capture_output=True, text=True,
                            env={"PORT": "80a", "PATH": "", "SYSTEMROOT": ""})  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.strip() == "PORT must be a whole number from 1, but it is '80a'."
