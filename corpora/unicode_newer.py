"""Build the table of characters that are newer than the normal forms of `fastw2v`.

    python3.11 corpora/unicode_newer.py

The oldest Python that the package supports has the oldest Unicode, and what that does not know has
no normal form under any Python (`fastw2v/text/normalization.py`). When another Python becomes the
oldest one, texts with characters between both versions get other words: CHANGELOG.md says so.
"""

import unicodedata
from pathlib import Path

if __name__ == "__main__":
    from unicode_words import runs  # beside this file
else:
    from corpora.unicode_words import runs

VERSION = "14.0.0"
TARGET = Path(__file__).parents[1] / "fastw2v" / "text" / "unicode_newer.txt"
HEADER = f"""\
# Unicode {VERSION}
# The code points that this version does not know, hexadecimal: 'first last' of each run (general
# category Cn). Made by corpora/unicode_newer.py.
# Copyright Unicode, Inc.; Unicode License v3, https://www.unicode.org/license.txt
"""


def table() -> str:
    """Return the content of the file."""
    if unicodedata.unidata_version != VERSION:
        raise SystemExit(f"expected a Python with Unicode {VERSION}, got another: run Python 3.11")
    unknown = [code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cn"]
    return HEADER + "".join(f"{first:X} {last:X}\n" for first, last in runs(unknown))


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="ascii")
