"""Links between documents lead somewhere, and every page is in the navigation."""

import pytest

from tests.support.links import broken_markdown_links, markdown_anchors, markdown_links
from tests.test_structure import ROOT

FOLDERS = (".github", "bench", "docs", "examples", "tests")
DOCUMENTS = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob("corpora/*.md"),  # folders in it are unpacked packages
        *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.md")),
    }
)
INDEX = ROOT / "docs" / "index.md"


def test_links_between_documents_lead_somewhere():
    assert len(DOCUMENTS) > 25
    broken = {
        str(file.relative_to(ROOT)): found
        for file in DOCUMENTS
        if (found := broken_markdown_links(file))
    }
    assert broken == {}


def test_every_page_is_in_the_navigation():
    listed = {(INDEX.parent / link).resolve() for link in markdown_links(INDEX.read_text("utf-8"))}
    pages = set((ROOT / "docs").rglob("*.md")) - {INDEX}
    unlisted = {str(page.relative_to(ROOT)) for page in pages - listed}
    assert unlisted == set(), "add them to a list of docs/index.md"


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("[a](other.md)", False),
        ("[a](other.md#the-title-of-it)", False),
        ("[a](#here)", False),
        ("[a](https://example.org/no.md)", False),
        ("`[a](no.md)`", False),
        ("[a](no.md)", True),
        ("[a](other.md#no)", True),
        ("[a](#no)", True),
        ("| a |\n|---|\n| [b](no.md) |", True),
        ("![a](no.png)", True),
    ],
)
def test_a_link_that_leads_nowhere_is_noticed(tmp_path, link, is_broken):
    (tmp_path / "other.md").write_text("# The `title` of it!\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{link}\n")
    assert bool(broken_markdown_links(page)) == is_broken


def test_headings_that_are_alike_have_anchors_of_their_own():
    assert markdown_anchors("# A b\n\n## A b\n\n## A, b\n") == {"a-b", "a-b-1", "a-b-2"}
