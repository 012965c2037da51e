"""Text cut by a function of the user's, or by a library for a language.

Both are called line by line, in this process. If that turns out slow, other processes take the rest
(`fastw2v.text.cutting_workers`); results stay in their order, so that nothing depends on who did
which. Errors name the line.
"""

import time
from collections.abc import Iterable, Iterator

from fastw2v.config import SEGMENTED
from fastw2v.system.threads import available_cores
from fastw2v.text.batches import TokenBatch
from fastw2v.text.cutting_workers import CuttingPool
from fastw2v.text.files import TextBlock
from fastw2v.text.line_cutting import LineError, Place, cut_lines, failed_line, is_cut_by_others
from fastw2v.text.rules import TextRules
from fastw2v.text.segmenters import load_segmenter

__all__ = ["Cutter"]

_CHUNK_BYTES = 1 << 16
_SLOW_S = 1.0  # of work in this process, before others are started

Piece = TextBlock | TokenBatch


class Cutter:
    """Cuts blocks of text that a function or a library has to look at, and passes on the rest.

    Parameters
    ----------
    rules : TextRules
    """

    def __init__(self, rules: TextRules) -> None:
        self._rules = rules
        self._left_s = _SLOW_S

    def cut(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yield pieces in their order; batches of tokens, and text for the package's own rules.

        Raises
        ------
        TokenizerError
            If there is text and no function to cut it; if the function fails, or what it returns
            are no tokens; if a process that ran it has died.
        MissingDependencyError
            If a library is not installed.
        """
        if not is_cut_by_others(self._rules):
            yield from pieces
            return
        chunks = _chunks(pieces)
        for chunk in chunks:
            if isinstance(chunk, TokenBatch):
                yield chunk
                continue
            if self._rules.tokenizer in SEGMENTED:
                load_segmenter(self._rules.tokenizer)  # which is no work that others could share
            begun = time.perf_counter()
            yield self._cut_here(*chunk)
            self._left_s -= time.perf_counter() - begun
            n_workers = self._rules.workers or available_cores()
            if self._left_s < 0 and n_workers > 1:
                break
        else:
            return
        with CuttingPool(self._rules, n_workers) as pool:
            if pool.is_started:
                yield from pool.cut(chunks)
                return
        for chunk in chunks:
            yield chunk if isinstance(chunk, TokenBatch) else self._cut_here(*chunk)

    def _cut_here(self, block: TextBlock, place: Place) -> Piece:
        try:
            found = cut_lines(self._rules, block.data)
        except LineError as error:
            raise failed_line(self._rules, block.data, place, *error.args) from error.__cause__
        return found if isinstance(found, TokenBatch) else block._replace(data=found)


def _chunks(pieces: Iterable[Piece]) -> Iterator[tuple[TextBlock, Place] | TokenBatch]:
    """Cut blocks into some lines at a time, and say where they are from."""
    source, first_offset, line = "", 0, 1
    for piece in pieces:
        if isinstance(piece, TokenBatch):
            yield piece
            continue
        if piece.source != source or piece.offset == 0 or piece.place_of:
            # Behind a byte-order mark a file begins, too.
            source, first_offset, line = piece.source, piece.offset if piece.offset > 3 else 0, 1
        begin = 0
        while begin < len(piece.data):
            end = piece.data.find(b"\n", min(begin + _CHUNK_BYTES, len(piece.data) - 1)) + 1
            data = piece.data[begin:end]
            yield piece._replace(data=data), Place(source, first_offset, line, piece.place_of)
            line += data.count(b"\n")
            begin = end
