"""Paragraphs as sentences: a blank line ends one, and a single line feed is white space.

Books are wrapped: a line ends where the paper did. Taken for sentences, their lines would cut the
windows of most words in two.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from fastw2v.text.files import TextBlock, n_line_feeds

__all__ = ["joined_lines", "whole_paragraphs"]

# A blank line may hold white space; of that beyond ASCII, the no-break space that editors leave.
_BLANK = rb"(?:[ \t\r\f\v]|\xc2\xa0)*\n"
_END = re.compile(rb"\n" + _BLANK)
_ENDS = re.compile(rb"\n(?:" + _BLANK + rb")+")
_FIRST_BLANK = re.compile(rb"(?:" + _BLANK + rb")+")


def whole_paragraphs(
    blocks: Iterable[tuple[TextBlock, int]],
) -> Iterator[tuple[TextBlock, int]]:
    """Yield the blocks of a file with one paragraph in each line.

    A paragraph ends with a blank line, and with its file.

    Parameters
    ----------
    blocks : iterable of (TextBlock, int)
        Whole lines, and the bytes read by their end.

    Yields
    ------
    block : TextBlock
        Whole paragraphs. A line feed within one has become a blank, and blank lines are gone. It
        is as long as one that was read, or as its first paragraph.
    n_bytes : int
        The bytes read by its end.
    """
    waiting: list[bytes] = []  # the beginning of a paragraph whose end is not yet there
    number = 1
    for block, n_bytes in blocks:
        text = block.data
        # A blank line may be the first of this block.
        end = _last_end(text)
        if not end and waiting and (blank := _FIRST_BLANK.match(text)):
            end = blank.end()
        if end:
            data = joined_lines(b"".join((*waiting, text[:end])))
            waiting = []
            if data:
                yield block._replace(data=data, place_of=_paragraph(number)), n_bytes
                number += n_line_feeds(data)
        if end < len(text):
            waiting.append(text[end:])
    if waiting and (data := joined_lines(b"".join(waiting))):
        yield block._replace(data=data, place_of=_paragraph(number)), n_bytes


def _paragraph(first: int) -> Callable[[int], str]:
    return lambda line: f"paragraph {first + line:,}"


def _last_end(text: bytes) -> int:
    """Return where the last paragraph that certainly ends in the text does so, or 0."""
    at = len(text)
    while (line := text.rfind(b"\n", 0, at)) >= 0:
        found = _END.match(text, line)
        if found:
            return found.end()
        at = line
    return 0


def joined_lines(text: bytes) -> bytes:
    """Return text with a line for each of its paragraphs."""
    first = _FIRST_BLANK.match(text)
    if first:
        text = text[first.end() :]
    paragraphs = _ENDS.split(text)
    if paragraphs and not paragraphs[-1]:
        paragraphs.pop()
    return b"".join(
        paragraph.rstrip(b"\n").replace(b"\n", b" ") + b"\n" for paragraph in paragraphs
    )
