"""The site's navigation from docs/index.md, and links between pages that name each other."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from reference_pages import PAGES
from sphinx.application import Sphinx

__all__ = ["add_navigation", "link_named_pages", "write_entrance"]

_INDEX = "docs/index"
_LINK = re.compile(r"^- \[[^\]]+\]\(([^)#]+)\.md\)", re.MULTILINE)
_PAGE = re.compile(r"(?:docs/(?:tutorials/)?\w+|(?:bench|corpora)/README|\b[A-Z_]+)\.md\b")
_ENTRANCE = '<!doctype html><meta http-equiv="refresh" content="0; url=docs/index.html">\n'


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the lists of docs/index.md into the sidebar, each under the heading that it has there."""
    if page != _INDEX:
        return
    parts = re.split(r"^## (.*)\n", source[0], flags=re.MULTILINE)
    text = parts[0]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        made = list(PAGES) if title == "Reference" else []
        shown = body.rstrip() + "".join(
            f"\n- [{PAGES[page]}](project:../{page}.rst)" for page in made
        )
        targets = [*_LINK.findall(body), *(f"../{page}" for page in made)]
        tree = "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *targets, "```"])
        text += f"## {title}\n{shown}\n\n{tree}\n\n"
    source[0] = text


def link_named_pages(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make a link of each page that a text names by its path, such as docs/input.md."""
    titles = app.env.titles
    kept = (nodes.reference, nodes.literal, nodes.literal_block, nodes.title)
    for node in list(doctree.findall(nodes.Text)):
        ancestor: Any = node.parent
        while ancestor is not None and not isinstance(ancestor, kept):
            ancestor = ancestor.parent
        if ancestor is not None:
            continue
        made: list[nodes.Node] = []
        text, end = str(node), 0
        for match in _PAGE.finditer(text):
            target = match.group().removesuffix(".md")
            if target not in titles or target == page:
                continue
            title = titles[target].astext().partition(":")[0]
            uri = app.builder.get_relative_uri(page, target)
            link = nodes.reference("", "", nodes.emphasis("", title), internal=True, refuri=uri)
            made += [nodes.Text(text[end : match.start()]), link]
            end = match.end()
        if made:
            node.parent.replace(node, [*made, nodes.Text(text[end:])])


def write_entrance(app: Sphinx, error: Exception | None) -> None:
    """Lead from the top of the site, where a browser begins, to its first page."""
    if error is None and app.builder.format == "html":
        (Path(app.outdir) / "index.html").write_text(_ENTRANCE, encoding="utf-8")
