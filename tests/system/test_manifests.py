"""Described folders: what a manifest must say, and what is said when it does not."""

import json
import sys
from pathlib import Path

import pytest

from fastw2v.errors import CorpusError, MissingDependencyError, ModelFormatError, VocabularyError
from fastw2v.system.dependencies import optional_module
from fastw2v.system.manifests import (
    FolderKind,
    file_description,
    file_digest,
    read_json,
    require_described,
    require_digest,
    require_signed,
    signed,
    write_json,
)
from fastw2v.system.renames import temporary_prefix
from fastw2v.version import VERSION
from tests.support.traps_made import open_folder, without_privileges

KIND = FolderKind(
    manifest="what.json",
    format="fastw2v-test",
    schema_version=3,
    oldest_version=2,
    expected="a folder of tests",
    what="the tests are",
    remedy="write them again",
    error=ModelFormatError,
    files=("arrays-*.bin",),
)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "folder"
    made.mkdir()
    write_json(made / "what.json", KIND.header() | {"n": 5})
    return made


def test_a_manifest_comes_back(folder):
    content = KIND.read(folder)
    assert content == {
        "format": "fastw2v-test", "schema_version": 3, "fastw2v_version": VERSION, "n": 5,
    }  # fmt: skip
    write_json(folder / "what.json", content | {"schema_version": 2})
    assert KIND.read(folder)["schema_version"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, 'expected "format": "fastw2v-test"; this is another program'),
        (
            {"schema_version": 4, "fastw2v_version": "9"},
            "2 or 3, got 4, written by fastw2v 9; in",
        ),
        ({"schema_version": 1}, "schema version 2 or 3, got 1; write them again"),
        ({"schema_version": True}, "schema version 2 or 3, got True; write them again"),
        ({"schema_version": "3"}, "schema version 2 or 3, got '3'; write them again"),
        ({"schema_version": 3.0}, r"schema version 2 or 3, got 3\.0; write them again"),
    ],
)
def test_a_manifest_of_another_kind_or_version_is_refused(folder, change, message):
    write_json(folder / "what.json", KIND.header() | change)
    with pytest.raises(ModelFormatError, match=message) as caught:
        KIND.read(folder)
    assert str(folder / "what.json") in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json_is_refused(folder, text):
    (folder / "what.json").write_bytes(text)
    with pytest.raises(ModelFormatError, match=r"what\.json: cannot be read as JSON"):
        KIND.read(folder)


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(ModelFormatError, match=r"expected a folder of tests, found no what\.json"):
        KIND.read(tmp_path)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ModelFormatError, match=r"^x+: expected a folder of tests"):
        KIND.read(Path("x" * 300))


@pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
@pytest.mark.parametrize("name", ["closed", "closed/below"])
def test_a_folder_that_may_not_be_entered_is_refused(name):
    with open_folder() as folder:
        (folder / "closed").mkdir(mode=0o000)
        with without_privileges(), pytest.raises(ModelFormatError) as caught:
            KIND.read(folder / name)
        assert str(caught.value).startswith(f"{folder / name}: expected a folder of tests, ")


def test_an_earlier_folder_that_stands_aside_is_brought_back(folder):
    prefix = temporary_prefix(folder)
    aside = folder.with_name(f"{prefix[: prefix.rindex('-', 0, -1) + 1]}earlier")
    folder.rename(aside)
    assert KIND.read(folder)["n"] == 5
    assert not aside.exists()


@pytest.mark.parametrize(
    "error",
    [OSError("x"), ValueError("x"), KeyError("x"), TypeError("x"), AttributeError("x"),
     RecursionError("x"), OverflowError("x"), VocabularyError("x")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_damage_raises_names_the_folder_and_what_to_do(tmp_path, error):
    kind = type(error).__name__
    message = rf"{tmp_path}: the tests are damaged \({kind}: '?x'?\); write them again"
    with pytest.raises(ModelFormatError, match=message), KIND.damage(tmp_path):
        raise error


def test_other_errors_are_no_damage(tmp_path):
    with pytest.raises(CorpusError, match=r"^mine$"), KIND.damage(tmp_path):
        raise CorpusError("mine")


def test_digests_tell_contents_apart(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    digest, description = file_digest(path), file_description(path)
    require_digest(path, digest)
    require_described(path, description, verify=True)
    path.write_bytes(b"two")
    with pytest.raises(ValueError, match="file: its content is not what its digest"):
        require_digest(path, digest)
    require_described(path, description, verify=False)
    with pytest.raises(ValueError, match="file: expected SHA-256"):
        require_described(path, description, verify=True)
    path.write_bytes(b"three")
    with pytest.raises(ValueError, match="file: expected 3 bytes, got 5"):
        require_described(path, description, verify=False)


def test_a_signature_holds_for_the_content_alone():
    content = signed({"a": 1, "b": [2]})
    require_signed("x", json.loads(json.dumps(dict(reversed(content.items())))))
    with pytest.raises(ValueError, match="x: expected the content with SHA-256"):
        require_signed("x", content | {"a": 2})


def test_json_in_ascii_holds_what_utf8_cannot(tmp_path):
    write_json(tmp_path / "x", {"path": "\udcff"}, only_ascii=True)
    assert read_json(tmp_path / "x") == {"path": "\udcff"}
    with pytest.raises(UnicodeEncodeError):
        write_json(tmp_path / "x", {"path": "\udcff"})


def test_a_missing_package_names_the_extra(monkeypatch):
    assert optional_module("json", "a test", "extra") is json
    monkeypatch.setitem(sys.modules, "absent", None)
    message = (
        r"^a test: expected a-package, which is not installed; pip install 'fastw2v\[extra\]'$"
    )
    with pytest.raises(MissingDependencyError, match=message):
        optional_module("absent", "a test", "extra", "a-package")
