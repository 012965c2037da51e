"""`fastw2v docs`: the guides come with the package, and help names those that are there."""

import re
import zipfile

import pytest

from fastw2v.cli import guides
from fastw2v.cli.main import COMMANDS
from fastw2v.cli.manual import MANUALS, manual_text
from tests.test_structure import ROOT

PAGES = sorted(ROOT.glob("docs/**/*.md"))


def test_every_guide_is_listed_with_its_title(run):
    status, shown, errors = run("docs")
    assert (status, errors) == (0, "")
    lines = dict(line.split(None, 1) for line in shown.splitlines())
    assert len(lines) == len(PAGES) > 10
    for page in PAGES:
        title = re.search(r"^# (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)[1]
        assert lines[page.relative_to(ROOT / "docs").with_suffix("").as_posix()] == title


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_guide_is_printed_whole(run, page):
    topic = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
    status, shown, _ = run("docs", topic)
    assert status == 0
    assert shown == page.read_text(encoding="utf-8").rstrip("\n") + "\n"


def test_a_topic_is_found_however_it_is_written(run):
    expected = run("docs", "command_line")
    for topic in ("Command-Line", "docs/command_line.md", "COMMAND_LINE"):
        assert run("docs", topic) == expected
    for wrong in ("formatts", "../README", "/etc/passwd", "", "x" * 1000):
        status, shown, errors = run("docs", wrong)
        assert (status, shown, errors.count("\n")) == (2, "", 1)
        assert "'fastw2v docs' lists them" in errors
        assert len(errors) < 400
    assert "did you mean formats?" in run("docs", "formatts")[2]


def test_help_names_guides_that_are_there():
    topics = guides.guide_topics()
    named = set()
    for name in COMMANDS:
        named |= set(re.findall(r"fastw2v docs (\w+)", manual_text(name)))
        assert "docs/" not in MANUALS[name].files
    assert {"command_line", "formats", "report"} <= named
    assert named <= set(topics)


def test_a_package_without_its_guides_says_so(run, monkeypatch, tmp_path):
    monkeypatch.setattr(guides, "_PACKAGE", tmp_path / "site-packages" / "fastw2v")
    (tmp_path / "site-packages" / "docs").mkdir(parents=True)  # of somebody else
    (tmp_path / "site-packages" / "docs" / "formats.md").write_text("# Other")
    assert run("docs", "formats")[0] == 2
    (tmp_path / "site-packages" / "fastw2v" / "docs").mkdir(parents=True)
    (tmp_path / "site-packages" / "fastw2v" / "docs" / "formats.md").write_text("# Ours\n")
    assert run("docs", "formats") == (0, "# Ours\n", "")


@pytest.mark.slow
def test_the_wheel_has_the_guides(tmp_path):
    build = pytest.importorskip("hatchling.builders.wheel")
    (path,) = build.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    with zipfile.ZipFile(path) as wheel:
        for page in PAGES:
            name = f"fastw2v/{page.relative_to(ROOT).as_posix()}"
            assert wheel.read(name) == page.read_bytes()
