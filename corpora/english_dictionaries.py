"""Paragraphs of the dictionaries: WordNet's files, and the format of DICT servers.

Every function here takes text, or a folder of files, and yields paragraphs with their case and
punctuation; what else is no running text, such as etymologies and pronunciations, is left out.
"""

import base64
import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ABOUT_ITSELF = "00-"

_ADJECTIVE_MARK = re.compile(r"\((?:a|p|ip)\)$")
_BLANK_LINES = re.compile(r"\n\s*\n")
_INNER_BRACKETS = re.compile(r"\[[^\[\]]*\]")

# GCIDE spells letters with marks ['e], [=a] or [a^], and ligatures [ae].
_LETTER = re.compile(r"\[(?:[^\w\s\]]([A-Za-z]{1,2})|([A-Za-z]{1,2})\^|(ae|oe|AE|OE))\]")
_PRONUNCIATION = re.compile(r"\\[^\\]*\\")
_LINK = re.compile(r"\{([^{}]*)\}")
_SYLLABLES = re.compile(r"[*\"`]")
_QUOTED_FROM = re.compile(r"\s*--(?=[A-Z])[^\n]*")
_FIELD = re.compile(r"\((?:[A-Z][A-Za-z]{1,8}\.\s*&?\s*)+\)")
_NUMBER_OR_LABEL = re.compile(r"^\s*(?:\d+\.|\([a-z]\)|Syn:|Note:)", re.MULTILINE)

_FOLDOC_MARKUP = re.compile(r"<[^>]*>|\(\d{4}-\d\d-\d\d\)|\[[^\]]*\]|[{}]")


def paragraphs_of(text: str) -> Iterator[str]:
    """Yield what stands between blank lines."""
    for paragraph in _BLANK_LINES.split(text):
        if paragraph.strip():
            yield paragraph


def wordnet_paragraphs(data: str) -> Iterator[str]:
    """Yield each synset of a WordNet file `data.noun`, ...: its words, then its gloss.

    A line holds "offset file type n_words word sense ... | gloss", with n_words in hexadecimal;
    lines of the licence begin with two spaces. (wndb(5WN))
    """
    for line in data.splitlines():
        if line.startswith("  "):
            continue
        synset, _, gloss = line.partition(" | ")
        fields = synset.split()
        n_words = int(fields[3], 16)
        words = [_ADJECTIVE_MARK.sub("", word) for word in fields[4 : 4 + 2 * n_words : 2]]
        yield f"{', '.join(words).replace('_', ' ')} : {gloss}"


def dict_number(digits: str) -> int:
    """Return the number that the index of a DICT database writes in base 64."""
    padded = digits.rjust(-(-len(digits) // 4) * 4, "A")
    return int.from_bytes(base64.b64decode(padded, validate=True), "big")


def dict_entries(folder: Path, name: str) -> Iterator[str]:
    """Yield the entries of a DICT database once each, without those about the database.

    The index has a line "headword offset length" for each headword, in bytes. (dictd(8))
    """
    database = folder / "usr" / "share" / "dictd"
    text = gzip.decompress((database / f"{name}.dict.dz").read_bytes())
    index = (database / f"{name}.index").read_text(encoding="utf-8")
    spans, about = set(), set()
    for line in index.removesuffix("\n").split("\n"):
        headword, offset, length = line.split("\t")
        span = dict_number(offset), dict_number(length)
        spans.add(span)
        if headword.startswith(ABOUT_ITSELF):
            about.add(span)
    for offset, length in sorted(spans - about):
        yield _decoded(text[offset : offset + length])


def _decoded(entry: bytes) -> str:
    try:
        return entry.decode()
    except UnicodeDecodeError:  # three entries of GCIDE
        return entry.decode("cp1252")


def gcide_paragraphs(entry: str) -> Iterator[str]:
    r"""Yield the definitions and quotations of an entry of GCIDE.

    The first line is "Headword \Pro*nun`ci*a"tion\, n. [etymology] (Field.)"; of it the headword
    stays, before the first paragraph. Sources of quotations and definitions go. Links and derived
    words stand in braces, the latter with their syllables marked.
    """
    headword, is_headed, _ = entry.partition("\n")[0].partition("\\")
    text = _LETTER.sub(lambda spelled: "".join(filter(None, spelled.groups())), entry)
    while _INNER_BRACKETS.search(text):
        text = _INNER_BRACKETS.sub(" ", text)
    text = _PRONUNCIATION.sub(" ", text)
    start = ""
    if is_headed:
        text = text.partition("\n")[2]
        start = f"{headword.strip()} : "
    for paragraph in paragraphs_of(text):
        plain = _NUMBER_OR_LABEL.sub(" ", _QUOTED_FROM.sub("", paragraph))
        plain = _LINK.sub(lambda link: _SYLLABLES.sub("", link[1]), _FIELD.sub(" ", plain))
        if plain.strip():
            yield start + plain.strip()
            start = ""


def foldoc_paragraphs(entry: str) -> Iterator[str]:
    """Yield the paragraphs of an entry of FOLDOC without its marks of topics, dates and links."""
    for paragraph in paragraphs_of(entry):
        yield _FOLDOC_MARKUP.sub("", paragraph)


def of_dictionary(
    name: str, paragraphs: Callable[[str], Iterator[str]]
) -> Callable[[Path], Iterator[str]]:
    """Return the function that yields the paragraphs of a DICT database in a folder."""

    def read(folder: Path) -> Iterator[str]:
        for entry in dict_entries(folder, name):
            yield from paragraphs(entry)

    return read
