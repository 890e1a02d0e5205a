"""Files that are whole or not there."""

import hashlib

import pytest

from cifar_lab.core import files


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("old")

    def fail(unfinished):
        unfinished.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "card.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_hashlibs(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert files.sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


def test_a_new_folder_gets_a_number_if_the_name_is_taken(tmp_path):
    assert [files.new_folder(tmp_path / "runs", "a").name for _ in range(3)] == ["a", "a-2", "a-3"]
