"""Build the embedded corpus: 107 Wikipedia articles that gensim's wheel carries as test data.

    python corpora/wikipedia.py [OUT]

One paragraph a line, wiki markup removed, case and punctuation kept; about 417,000 tokens.
Nothing is downloaded. The text is under Wikipedia's licence (CC BY-SA), so it is built here and
never committed.
"""

import argparse
import bz2
import re
from collections.abc import Iterator
from pathlib import Path

from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.test.utils import datapath

from fastw2v.system.files import whole_file

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
DEFAULT = Path(__file__).parent / "wikipedia.txt"
MARKUP = "=|!*#:;{}<"
SHORTEST_WORDS = 5


def paragraphs() -> Iterator[str]:
    """Yield the paragraphs of the articles, without headings, lists, tables and redirects."""
    with bz2.open(datapath(DUMP)) as dump:
        for _, text, _ in extract_pages(dump, filter_namespaces=("0",)):
            if text is None or text.lstrip().lower().startswith("#redirect"):
                continue
            for line in filter_wiki(text).split("\n"):
                paragraph = " ".join(re.sub(r"'{2,}", "", line).split())
                if paragraph and paragraph[0] not in MARKUP:
                    yield paragraph


def build(out: Path) -> int:
    """Write the corpus to `out`, whole or not at all; return the number of paragraphs."""
    lines = [text for text in paragraphs() if len(text.split()) >= SHORTEST_WORDS]
    with whole_file(out) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def main() -> None:
    """Build the corpus unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=DEFAULT)
    out = parser.parse_args().out
    if out.exists():
        print(f"{out}: already built")
        return
    print(f"{out}: {build(out):,} paragraphs")


if __name__ == "__main__":
    main()
