"""The site is built without a warning, is whole, and asks the network for nothing."""

import subprocess
import sys

import pytest

from tests.support.links import check_site
from tests.test_structure import ROOT


def made_site(folder, pages):
    for name, text in pages.items():
        (folder / name).write_text(text)
    return check_site(folder)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<a href="b.html#there">b</a>', (set(), [], [])),
        ('<a href="b.html#no">b</a>', (set(), [("index.html", "b.html#no")], [])),
        ('<a href="b.html">b</a><a href="c.html">c</a>', (set(), [("index.html", "c.html")], [])),
        ("alone", ({"b.html"}, [], [])),
        (
            '<a href="b.html">b</a><script src="https://example.org/x.js"></script>',
            (set(), [], [("index.html", "https://example.org/x.js")]),
        ),
    ],
)
def test_what_is_wrong_with_a_site_is_noticed(tmp_path, page, found):
    assert made_site(tmp_path, {"index.html": page, "b.html": '<p id="there">'}) == found


@pytest.mark.slow
def test_the_site_is_built_and_whole(tmp_path):
    for package in ("sphinx", "furo", "myst_parser", "sklearn"):
        pytest.importorskip(package)
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", "site"]
    built = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, *command, "-d", str(tmp_path / "doctrees"), ".", str(built)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert check_site(built) == (set(), [], [])
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex")  # a script, which a browser reads without a server
    for word in ("subword", "checkpoint", "huffman"):
        assert word in index
    reference = (built / "site" / "reference" / "python.html").read_text(encoding="utf-8")
    assert "most_similar" in reference
    commands = (built / "site" / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "fastw2v counts merge" in commands
    design = (built / "docs" / "design.html").read_text(encoding="utf-8")
    assert 'href="math.html"' in design  # which design.md names by its path
