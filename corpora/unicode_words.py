"""Build the table of characters that words are made of, from Unicode's own list.

    python corpora/unicode_words.py UnicodeData.txt 17.0.0

UnicodeData.txt of that version is at https://www.unicode.org/Public/17.0.0/ucd/. The table goes to
fastw2v/text/unicode_words.txt, where every Python reads the same one. Another version makes other
words of some texts: CHANGELOG.md says so, and models keep the version that they were made with.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "fastw2v" / "text" / "unicode_words.txt"
HEADER = """\
# Unicode {version}
# The characters of words, hexadecimal: 'first last' of each run of letters, numbers and combining
# marks (general categories L, N and M), then 'first last step offset' where every step-th of them
# has the lower case that lies so far behind it. Made by corpora/unicode_words.py.
# Copyright Unicode, Inc.; Unicode License v3, https://www.unicode.org/license.txt
"""


def code_points(lines: Iterable[str]) -> Iterator[tuple[int, str, int | None]]:
    """Yield code, general category and simple lower case of every assigned code point."""
    first = None
    for line in lines:
        fields = line.strip().split(";")
        code = int(fields[0], 16)
        if fields[1].endswith(", First>"):
            first = code
            continue
        lower = int(fields[13], 16) if fields[13] else None
        for each in range(code if first is None else first, code + 1):
            yield each, fields[2], lower
        first = None


def runs(codes: list[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of consecutive numbers."""
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def case_runs(lower: dict[int, int]) -> list[tuple[int, int, int, int]]:
    """Return first, last, step and offset of runs of characters with a lower case."""
    found: list[tuple[int, int, int, int]] = []
    for code, other in sorted(lower.items()):
        offset = other - code
        if found:
            first, last, step, before = found[-1]
            distance = code - last
            if offset == before and distance in ({1, 2} if first == last else {step}):
                found[-1] = (first, code, distance, offset)
                continue
        found.append((code, code, 1, offset))
    return found


def table(lines: Iterable[str], version: str) -> str:
    """Return the table's text."""
    words = [found for found in code_points(lines) if found[1][0] in "LNM"]
    lower = {code: other for code, _, other in words if other is not None}
    rows = [f"{first:X} {last:X}" for first, last in runs([code for code, _, _ in words])]
    rows += [f"{first:X} {last:X} {step:X} {by:X}" for first, last, step, by in case_runs(lower)]
    return HEADER.format(version=version) + "\n".join(rows) + "\n"


def main() -> None:
    """Read what the command line names, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="UnicodeData.txt")
    parser.add_argument("version", help="of Unicode")
    given = parser.parse_args()
    with given.source.open(encoding="ascii") as lines:
        TARGET.write_text(table(lines, given.version), encoding="ascii")


if __name__ == "__main__":
    main()
