"""Fetching packages with clients of our own making, and unpacking them safely."""

import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from fastw2v.errors import CorpusError, MissingDependencyError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "corpora"))

from package_archives import Package, archive_name, fetch

SCOPED = Package("npm", "@scope/name", "1.2")
DEBIAN = Package("apt-get", "cookies")


def tar_bytes(files, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def clients(tmp_path, monkeypatch):
    """Put programs of our own, and no others, where the clients are looked for."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(name, script):
        path = folder / name
        path.write_text(f"#!{sys.executable}\nimport sys, pathlib\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    return install


def test_fetching_with_npm_happens_once(tmp_path, clients):
    archive = tar_bytes({"package/a.txt": "text"})
    clients("npm", f"pathlib.Path('scope-name-1.2.tgz').write_bytes({archive!r}); print(sys.argv)")
    folder = fetch(SCOPED, tmp_path / "work")
    assert folder == tmp_path / "work" / "npm" / "scope-name-1.2" / "files"
    assert (folder / "package" / "a.txt").read_text() == "text"
    assert archive_name(SCOPED, tmp_path / "work") == "scope-name-1.2.tgz"
    clients("npm", "sys.exit(1)")
    assert fetch(SCOPED, tmp_path / "work") == folder
    assert os.listdir(tmp_path / "work" / "npm") == ["scope-name-1.2"]  # noqa: PTH208


def test_fetching_with_apt_get(tmp_path, clients):
    archive = tar_bytes({"./usr/share/games/fortunes/art": "A cookie."}, "w:")
    clients("apt-get", "pathlib.Path(sys.argv[-1] + '_1%3a2-1_all.deb').write_text('deb')")
    clients("dpkg-deb", f"sys.stdout.buffer.write({archive!r})")
    folder = fetch(DEBIAN, tmp_path / "work")
    assert (folder / "usr/share/games/fortunes/art").read_text() == "A cookie."
    assert archive_name(DEBIAN, tmp_path / "work") == "cookies_1%3a2-1_all.deb"


@pytest.mark.parametrize(
    ("package", "script", "message"),
    [
        (SCOPED, "sys.exit('first\\nno network')", "status 1 and said: no network; see that"),
        (SCOPED, "pass", r"expected one archive \*\.tgz .* found 0"),
        (SCOPED, "pathlib.Path('a.tgz').write_text('no')", "expected a.tgz to unpack"),
        (
            SCOPED,
            f"pathlib.Path('a.tgz').write_bytes({tar_bytes({'../../evil': 'text'})!r})",
            "expected a.tgz to unpack, .*outside",
        ),
        (DEBIAN, "sys.exit('no such package')", "said: no such package; run 'apt-get update'"),
        (DEBIAN, "pathlib.Path('c.deb').write_text('no')", "c.deb to unpack, got: not a deb"),
    ],
)
def test_what_cannot_be_fetched_is_an_error_and_leaves_nothing(
    tmp_path, clients, package, script, message
):
    clients(package.client, script)
    clients("dpkg-deb", "sys.exit('not a deb')")
    with pytest.raises(CorpusError, match=message):
        fetch(package, tmp_path / "work")
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("package", [SCOPED, DEBIAN])
def test_a_missing_client_says_what_to_install(tmp_path, clients, package):
    with pytest.raises(MissingDependencyError, match=f"found no {package.client}; (install|build)"):
        fetch(package, tmp_path)
    clients("apt-get", "pass")
    with pytest.raises(MissingDependencyError, match="dpkg-deb; install dpkg"):
        fetch(DEBIAN, tmp_path)
