"""Which files a bulk classification takes: names of every kind, circles of links, lists of every kind."""

import io
import os
import tracemalloc

import pytest

from cifar_lab.inference.batch.listing import FileListing, read_list, walk

ODD_NAMES = [
    b"a,b.jpg",
    b"line\nbreak.jpg",
    b"caf\xe9.jpg",
    "käse.jpg".encode(),
    b'quo"te.jpg',
    b"=1+1.jpg",
    b" x .jpg",
]


def listed(content: bytes) -> list[bytes]:
    return list(read_list(io.BytesIO(content), "the list"))


def test_a_folder_is_walked_in_the_order_of_names(tmp_path):
    for name in (
        "b/2.jpg",
        "b/10.jpg",
        "a/deep/er/1.jpg",
        "z.jpg",
        "A.jpg",
        ".hidden.jpg",
        ".git/1.jpg",
        "b/.DS_Store",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [os.fsdecode(path) for path in walk(os.fsencode(tmp_path))]
    expected = ["A.jpg", "z.jpg", "a/deep/er/1.jpg", "b/10.jpg", "b/2.jpg"]
    assert found == [str(tmp_path / name) for name in expected]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_come_as_the_system_has_them(tmp_path):
    for name in ODD_NAMES:
        (tmp_path / os.fsdecode(name)).touch()
    assert list(walk(os.fsencode(tmp_path))) == [
        os.path.join(os.fsencode(tmp_path), name) for name in sorted(ODD_NAMES)
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_circles_of_links_end_and_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").touch()
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = [os.path.relpath(os.fsdecode(path), tmp_path) for path in walk(os.fsencode(tmp_path))]
    assert found == ["gone.jpg", "self", "in/a.jpg", "in/up"]


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_listed(tmp_path, monkeypatch):
    for name in ("open", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
    scan = os.scandir  # root may read everything, so the refusal is played

    def scandir(path):
        if os.fsdecode(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = [os.path.relpath(os.fsdecode(path), tmp_path) for path in walk(os.fsencode(tmp_path))]
    assert found == [os.path.join("open", "a.jpg"), "shut"]
    with pytest.raises(PermissionError):
        list(walk(os.fsencode(tmp_path / "shut")))


def test_the_table_and_its_parts_are_no_pictures(tmp_path, monkeypatch):
    (tmp_path / "answers.csv.parts").mkdir()
    for name in ("answers.csv", "answers.csv.parts/paths", "b.jpg"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    out = (tmp_path / "answers.csv", tmp_path / "answers.csv.parts")
    assert list(FileListing(".", leave_out=out)) == [os.path.join(b".", b"b.jpg")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a.jpg\nb.jpg\n", [b"a.jpg", b"b.jpg"]),
        (b"a.jpg\nb.jpg", [b"a.jpg", b"b.jpg"]),
        (b"\xef\xbb\xbfa.jpg\r\n\r\nb c.jpg\r\n", [b"a.jpg", b"b c.jpg"]),
        (b"line\nbreak.jpg\0caf\xe9.jpg\0", [b"line\nbreak.jpg", b"caf\xe9.jpg"]),
        (b" a.jpg \na.jpg\na.jpg\n", [b" a.jpg ", b"a.jpg", b"a.jpg"]),
        (b"", []),
    ],
)
def test_a_list_has_one_path_a_line_or_a_nul_behind_each(content, expected):
    assert listed(content) == expected


def test_a_list_may_be_of_any_length():
    count = 60_000
    content = b"".join(b"folder/%06d.jpg\n" % number for number in range(count))
    tracemalloc.start()
    for number, path in enumerate(read_list(io.BytesIO(content), "the list")):  # noqa: B007
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (number, path) == (count - 1, b"folder/059999.jpg")
    assert peak < 0.8 * len(content)  # a block and its lines, whatever the length


@pytest.mark.parametrize("content", [b"x" * 40_000, b"a.jpg\n" + b"x" * 5_000_000, b"a\n" * 2**20 + b"b\0c\n"])
def test_what_is_no_list_is_refused(content):
    with pytest.raises(ValueError, match=r"of the list is no path. Give a text file with one path a line"):
        listed(content)


def test_a_picture_is_no_list(tmp_path):
    (tmp_path / "cat.JPG").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match=r"is a picture, not a list of paths. One picture: cifar-lab predict"):
        FileListing(tmp_path / "cat.JPG")
    with pytest.raises(ValueError, match="does not exist"):
        FileListing(tmp_path / "nothing")
