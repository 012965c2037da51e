"""Words and vocabularies as people are shown them: in messages, on one line, in a notebook."""

import difflib
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from fastw2v.system.notebooks import html_table
from fastw2v.text.token_kinds import described_kind, is_settled

__all__ = ["shown_vocabulary", "shown_vocabulary_html", "shown_word", "unknown_word"]

_LONGEST_SHOWN = 100  # characters of a word in a message
_HINT_WORDS = 20_000  # the most frequent words, among which close ones are looked for
_FEW, _SOME = 3, 10


def shown_word(word: object) -> str:
    """Return a word as messages show it: quoted, and the beginning of one that is long."""
    if not isinstance(word, str) or len(word) <= _LONGEST_SHOWN:
        return f"{word!r:.{_LONGEST_SHOWN + 2}}"
    return f"{word[:_LONGEST_SHOWN]!r}... ({len(word):,} characters)"


def shown_vocabulary(first: Sequence[Any], n_words: int, tokens: tuple[int, int]) -> str:
    """Return a vocabulary on one line: sizes, and a few of its first words.

    Parameters
    ----------
    first : sequence
        Words that it begins with.
    n_words : int
    tokens : (int, int)
        Of the words that are kept, and of all.
    """
    few = ", ".join(shown_word(word) for word in islice(first, _FEW))
    rest = ", ..." if n_words > _FEW else ""
    return f"Vocabulary({n_words:,} words, {tokens[0]:,} of {tokens[1]:,} tokens: {few}{rest})"


def shown_vocabulary_html(
    first: Sequence[Any], counts: Sequence[int], sizes: dict[str, tuple[int, int]]
) -> str:
    """Return a vocabulary for a notebook: sizes, and its first words with their counts.

    Parameters
    ----------
    first : sequence
        Words that it begins with.
    counts : sequence of int
        Of these words.
    sizes : dict
        By name how many are kept, of how many.
    """
    rows = [(name, f"{kept:,} of {of:,}") for name, (kept, of) in sizes.items()]
    most = [f"{shown_word(word)} {count:,}" for word, count in zip(first, counts, strict=True)]
    return html_table("Vocabulary", [*rows, ("most frequent", ", ".join(most[:_SOME]))])


def unknown_word(word: object, words: Sequence[Any], known: Collection[Any]) -> str:
    """Return the message about a word that a vocabulary lacks; it names words that are close to it.

    Parameters
    ----------
    word : object
    words : sequence
        Of the vocabulary, the most frequent first.
    known : collection
        The same, quick to look up.
    """
    if not is_settled(word):
        return f"expected a word, got {described_kind(word)}"
    message = f"{shown_word(word)} is not among the {len(words)} words of the vocabulary"
    if not isinstance(word, str):
        if str(word) in known:
            return f"{message}, whose words are text; {str(word)!r} is one of them"
        return f"{message}; it may be rarer than min_count"
    if word.isdecimal() and int(word) in known:
        return f"{message}; the whole number {int(word)} is one of them"
    close = [other for other in (word.lower(), word.casefold()) if other in known]
    if len(word) <= _LONGEST_SHOWN:
        frequent = [other for other in words[:_HINT_WORDS] if isinstance(other, str)]
        close += difflib.get_close_matches(word, frequent, cutoff=0.7)
    if close:
        shown = ", ".join(shown_word(other) for other in dict.fromkeys(close))
        return f"{message}; close to it: {shown}"
    return f"{message}, nor is any word close to it; it may be rarer than min_count"
