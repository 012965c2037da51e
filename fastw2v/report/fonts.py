"""Fonts for pictures: words may be of any script, and few fonts have more than some of them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["families_for"]

_DRAWS_BOXES = "Last Resort"  # matplotlib's own, which has one for every character


def families_for(text: str) -> tuple[list[str], set[str]]:
    """Return font families that draw a text together, and the characters that none of them has.

    matplotlib's own come first. Where they lack characters, installed fonts follow that have them,
    the one with the most of them first.
    """
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    families = list(rcParams["font.family"])
    own = FT2Font(findfont(FontProperties()))
    lacking = {character for character in set(text) - {"\n"} if not _has(own, character)}
    others = []
    if lacking:
        for name, font in _installed():
            others.append((name, {character for character in lacking if _has(font, character)}))
    while others:
        name, found = max(others, key=lambda other: len(other[1] & lacking))
        if not found & lacking:
            break
        families.append(name)
        lacking -= found
    return families, lacking


def _has(font: "FT2Font", character: str) -> bool:
    return font.get_char_index(ord(character)) != 0


def _installed() -> Iterator[tuple[str, "FT2Font"]]:
    """Yield families by name with their upright fonts of normal weight that have outlines."""
    from matplotlib.font_manager import findSystemFonts, fontManager
    from matplotlib.ft2font import FT2Font

    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):  # installed after matplotlib made its list
        with suppress(OSError, RuntimeError):  # it is no font that matplotlib can draw with
            fontManager.addfont(path)
    plain = ("normal", "normal", "normal")
    for entry in sorted(fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        is_plain = (entry.style, entry.variant, entry.stretch) == plain
        if not is_plain or entry.weight not in (400, "normal") or _DRAWS_BOXES in entry.name:
            continue
        with suppress(OSError, RuntimeError):
            font = FT2Font(entry.fname)
            if font.scalable:
                yield entry.name, font
