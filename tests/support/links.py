"""Links within Markdown files and within built pages, and those that lead nowhere."""

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark").enable("table")


def markdown_links(text):
    """Yield the targets of the links and pictures of a text, outside code."""
    for token in _MARKDOWN.parse(text):
        for part in token.children or ():
            target = part.attrGet("href") or part.attrGet("src")
            if target is not None:
                yield target


def markdown_anchors(text):
    """Return the anchors that GitHub gives to the headings of a text."""
    anchors, tokens = set(), _MARKDOWN.parse(text)
    for before, token in itertools.pairwise(tokens):
        if before.type != "heading_open":
            continue
        words = "".join(part.content for part in token.children)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        anchor, copies = slug, 0
        while anchor in anchors:
            copies += 1
            anchor = f"{slug}-{copies}"
        anchors.add(anchor)
    return anchors


def is_outside(target):
    parts = urlsplit(target)
    return bool(parts.scheme or parts.netloc)


def _has_anchor(file, anchor):
    if not anchor:
        return True
    return file.suffix == ".md" and anchor in markdown_anchors(file.read_text(encoding="utf-8"))


def broken_markdown_links(file):
    """Return the links of a Markdown file whose file, or whose heading in it, is not there."""
    text = file.read_text(encoding="utf-8")
    broken = []
    for target in markdown_links(text):
        if is_outside(target):
            continue
        parts = urlsplit(target)
        linked = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        if not linked.exists() or not _has_anchor(linked, unquote(parts.fragment)):
            broken.append(target)
    return broken


class _Page(HTMLParser):
    """Collects what a page links to, what it loads, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.anchors |= {named[name] for name in ("id", "name") if name in named}
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        if tag == "form":
            self.links.append(named.get("action", ""))
        if tag in ("script", "img", "iframe") and "src" in named:
            self.loaded.append(named["src"])
        if tag == "link" and named.get("rel") == "stylesheet":
            self.loaded.append(named["href"])
        if tag == "meta" and named.get("http-equiv") == "refresh":
            self.links.append(named["content"].partition("url=")[2])


def _targets(folder: Path, file: Path, links: list[str]) -> Iterator[tuple[str, Path, str]]:
    for link in links:
        if not is_outside(link):
            parts = urlsplit(link)
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            yield link, target, unquote(parts.fragment)


def check_site(folder):
    """Return (pages nobody reaches from index.html, broken links, files from elsewhere)."""
    pages = {
        file.resolve(): _Page(file.read_text(encoding="utf-8"))
        for file in folder.rglob("*.html")
        if "_static" not in file.relative_to(folder).parts
    }
    entrance = (folder / "index.html").resolve()
    reached, waiting = {entrance}, [entrance]
    broken, foreign = [], []
    while waiting:
        file = waiting.pop()
        page = pages[file]
        foreign += [(file.name, name) for name in page.loaded if is_outside(name)]
        for link, target, anchor in _targets(folder, file, page.links + page.loaded):
            if not target.exists():
                broken.append((file.name, link))
                continue
            if target in pages:
                if anchor and anchor not in pages[target].anchors:
                    broken.append((file.name, link))
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
    return {file.name for file in set(pages) - reached}, broken, foreign
