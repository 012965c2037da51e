"""What the beginning of a text looks like: lines that are wrapped, words without blanks between.

Both are read as they stand, and give worse vectors than they could; so the user is told.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from fastw2v.errors import FastW2VError
from fastw2v.text.corpus import OpenedCorpus
from fastw2v.text.files import is_read_once, shown_name, text_blocks
from fastw2v.text.line_cutting import is_cut_by_others
from fastw2v.text.rules import TextRules
from fastw2v.text.sources.streams import is_url

__all__ = ["looks_unsegmented", "looks_wrapped", "notices_about", "notices_about_corpus"]

_BEGINNING_BYTES = 1 << 18

# A wrapped text has lines that are all nearly as long as the longest, and go on in the next.
_FEWEST_LINES = 200
_WIDTHS = (40, 120)  # bytes of a full line
_WRAPPED_SHARE = 0.6

# Scripts whose words have no blanks between them, and how long a run of one is on average from
# which on it is no word: Chinese and Japanese; Thai, Lao, Burmese and Khmer.
_RUNS = (
    (re.compile("[\u3400-\u9fff\u3041-\u30ff\U00020000-\U0003ffff]+"), 5),
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+"), 12),
)
_KANA, _HAN = re.compile("[\u3041-\u30fa]"), re.compile("[\u3400-\u9fff]")
_THAI = re.compile("[\u0e01-\u0e5b]")
_LETTERS = re.compile(r"\w")
_UNSEGMENTED_SHARE = 0.2


def looks_wrapped(text: bytes) -> bool:
    """Tell whether the lines of a text look as if they were wrapped at some width.

    Parameters
    ----------
    text : bytes
        Its beginning, whole lines.

    Returns
    -------
    bool
        Whether most of at least 200 lines are as long as a line of a book, within what the next
        word would have taken, and end amid a sentence. Blank lines do not count.
    """
    lines = [line.rstrip() for line in text.split(b"\n")]
    lines = [line for line in lines if line]
    if len(lines) < _FEWEST_LINES:
        return False
    lengths = sorted(len(line) for line in lines)
    full = lengths[int(0.95 * len(lengths))]
    if not _WIDTHS[0] <= full <= _WIDTHS[1] or lengths[-1] > 2 * full:
        return False
    goes_on = sum(len(line) >= full - 15 and line[-1:] not in b".!?:;\"'" for line in lines)
    return goes_on >= _WRAPPED_SHARE * len(lines)


def looks_unsegmented(text: str) -> bool:
    """Tell whether a text is in a script without blanks between words, and not cut into words.

    Parameters
    ----------
    text : str
        Its beginning.

    Returns
    -------
    bool
        Whether a fifth of the letters are of such a script, in runs longer than words are.
    """
    n_letters = sum(1 for _ in _LETTERS.finditer(text))
    for pattern, longest in _RUNS:
        runs = pattern.findall(text)
        n_characters = sum(map(len, runs))
        if n_characters > _UNSEGMENTED_SHARE * n_letters and n_characters >= longest * len(runs):
            return True
    return False


def notices_about_corpus(
    corpus: OpenedCorpus, rules: TextRules, decided_by: str = ""
) -> Iterator[str]:
    """Yield what `notices_about` says of the first file of a corpus, if that is text."""
    if corpus.files and corpus.field is None:
        yield from notices_about(corpus.files[0], rules, decided_by)


def _way_out(text: str) -> str:
    """Return what to do about a text without blanks between its words."""
    if _KANA.search(text):
        language = "japanese"
    elif _HAN.search(text):
        language = "chinese"
    elif _THAI.search(text):
        language = "thai"
    else:
        return (
            "put blanks between its words with a program for the language and take --tokenizer "
            "whitespace, or take a function for it by --tokenizer MODULE:FUNCTION"
        )
    return f"--tokenizer {language} finds its words (pip install 'fastw2v[{language}]')"


def notices_about(file: str, rules: TextRules, decided_by: str = "") -> Iterator[str]:
    """Yield what to tell whoever has a file read; nothing of one that cannot be read again.

    Parameters
    ----------
    file : str
        A text; of other kinds nothing is said.
    rules : TextRules
        By which it is cut.
    decided_by : str
        What has decided these, such as a model; empty where they can be given.
    """
    if is_url(file) or is_read_once(file):
        return
    beginning = b""
    with suppress(FastW2VError):  # what cannot be read is another's to say
        for block, _ in text_blocks(file, _BEGINNING_BYTES, "replace"):
            beginning = block.data[:_BEGINNING_BYTES]
            break
    if not rules.paragraphs and looks_wrapped(beginning):
        seen = (
            f"{shown_name(file)}: its lines look wrapped, as those of books are, and each is taken "
            "for a sentence"
        )
        yield seen + (
            f", as {decided_by} have it; put each paragraph on a line of its own, or train another "
            "model, with --paragraphs (paragraphs=True)"
            if decided_by
            else "; if blank lines part its paragraphs, --paragraphs (paragraphs=True) takes those "
            "for sentences"
        )
    text = beginning.decode(errors="replace")
    if not is_cut_by_others(rules) and looks_unsegmented(text):
        seen = (
            f"{shown_name(file)}: much of it is in a script without blanks between words, and what "
            "stands between blanks and punctuation is taken for a word"
        )
        yield seen + (
            f", as {decided_by} have it; put blanks between its words as the text of the model has "
            f"them, or train another one: {_way_out(text)}"
            if decided_by
            else f"; {_way_out(text)}"
        )
