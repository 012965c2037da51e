"""The lines that say which phrases were joined and which words were left out."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastw2v.text.word_rules import WordRules

__all__ = ["lines_about"]


def lines_about(words: "WordRules") -> list[str]:
    """Return a line for phrases, and one for stop words, where there are some."""
    lines = []
    if words.phrases is not None:
        sizes = ", then ".join(f"{len(found):,}" for found in words.phrases.passes)
        lines.append(f"phrases      {sizes or 'none'}")
    if words.stop_words:
        lines.append(f"stop words   {len(words.stop_words):,}, left out")
    return lines
