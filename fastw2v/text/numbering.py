"""Numbering the tokens of text or of lists of tokens by a table of words."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import TokenizeFunction
from fastw2v.errors import CorpusError, TokenKindError, VocabularyError
from fastw2v.kernels.text.interning import (
    SENTENCE_END,
    InternedWords,
    count_types,
    intern_lines,
    intern_tokens,
    new_word_table,
)
from fastw2v.text.batches import TokenBatch, token_batch
from fastw2v.text.cutting import Cutter
from fastw2v.text.files import TextBlock
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.token_bytes import FIRST_BYTE_OF_OTHERS, tokens_of
from fastw2v.text.tokenizers import TextNormalizer
from fastw2v.text.word_rules import NO_RULES, NumberedRules, WordRules

__all__ = ["TokenReader", "table_of_words"]

_MOST_WORDS = 2**31 - 1  # that numbers of 32 bits tell apart


class TokenReader:
    """Numbers tokens, block by block.

    Parameters
    ----------
    table : InternedWords
        The words to begin with.
    keep : callable
        Gets the numbers of each block, and `SENTENCE_END` behind each sentence; the array may be
        used again afterwards.
    add : bool
        Whether new words join the table.
    tokenizer : str, callable or TextRules
        For text. The rules of words hold for lists of tokens, too: their own words join the table
        before any other, and what they leave out is not counted.
    """

    def __init__(
        self,
        table: InternedWords,
        keep: Callable[[NDArray[np.int32]], None],
        *,
        add: bool,
        tokenizer: str | TokenizeFunction | TextRules,
    ) -> None:
        self.table = table
        self._words: NumberedRules | None = None
        self.n_tokens = 0
        self.n_sentences = 0
        self._keep_numbers = keep
        self._add = add
        self.rules = rules_of(tokenizer)
        self._cutter = Cutter(self.rules)
        self._normalizer = TextNormalizer(self.rules)
        self._scratch = np.empty(0, np.int32)
        self.begin(table)

    def begin(self, table: InternedWords) -> None:
        """Take another table, with no word counted."""
        self.table = table
        if self.rules.words:
            self._words = NumberedRules(self.rules.words, table)
            self.table = self._words.table

    def counts(self) -> NDArray[np.int64]:
        """Return how often each word of the table was kept, int64 (n_types,)."""
        if self._words is None:
            counts: NDArray[np.int64] = count_types(self.table)
            return counts
        return self._words.counts(int(self.table.n_types[0]))

    def require_text(self) -> None:
        """Raise `TokenKindError` if a word that was seen is no text, which phrases need."""
        n_types = int(self.table.n_types[0])
        first_bytes = self.table.word_bytes[self.table.offsets[:n_types]]
        others = np.flatnonzero((first_bytes == FIRST_BYTE_OF_OTHERS) & (self.counts() > 0))
        if len(others):
            other = tokens_of(self.table.words(others[:1]))[0]
            raise TokenKindError(
                f"corpus: expected tokens of text, which phrases are joined of, got {other!r:.100};"
                " turn the tokens into str first, or leave out phrases"
            )

    def require_text_for_phrases(self) -> None:
        """Do so where phrases are joined."""
        if self._add and self.rules.words.phrases is not None:
            self.require_text()

    def read(self, pieces: Iterable[TextBlock | TokenBatch]) -> None:
        """Give numbers to the tokens of whatever a corpus yields."""
        self.read_cut(self.cut(pieces))

    def cut(self, pieces: Iterable[TextBlock | TokenBatch]) -> Iterator[TextBlock | TokenBatch]:
        """Yield pieces cut by whoever cuts text beside this package, see `fastw2v.text.cutting`."""
        return self._cutter.cut(pieces)

    def read_cut(self, pieces: Iterable[TextBlock | TokenBatch]) -> None:
        """Give numbers to the tokens of what `cut` yields."""
        for piece in pieces:
            if isinstance(piece, TextBlock):
                self.read_text([piece])
            else:
                self.read_sentences([piece])

    def read_text(self, blocks: Iterable[TextBlock]) -> None:
        """Give numbers to the tokens of blocks of whole lines."""
        for block in blocks:
            text, n_bytes = self._normalizer.normalize(block.data)
            if self._scratch.size < n_bytes:
                self._scratch = np.empty(n_bytes, np.int32)
            numbers = self._scratch
            self._require_numbers((n_bytes + 1) // 2)
            self.table, n_numbers = intern_lines(text, n_bytes, self.table, self._add, numbers)
            self._keep(numbers[:n_numbers])

    def read_sentences(self, batches: Iterable[TokenBatch]) -> None:
        """Give numbers to the tokens of batches of sentences."""
        for batch in batches:
            numbers = np.empty(len(batch.token_ends) + len(batch.sentence_ends), np.int32)
            self._require_numbers(len(batch.token_ends))
            self.table = intern_tokens(*batch, self.table, self._add, numbers)
            self._keep(numbers)

    def _require_numbers(self, n_tokens: int) -> None:
        """Raise CorpusError unless so many more words would still have numbers of their own."""
        n_words = int(self.table.n_types[0])
        if self._add and n_words + n_tokens > _MOST_WORDS:
            raise CorpusError(
                f"corpus: expected at most {_MOST_WORDS} different words, got {n_words} and more "
                "to come; cut the text into parts, or its words into fewer by a tokenizer of yours"
            )

    def _keep(self, numbers: NDArray[np.int32]) -> None:
        if self._words is not None:
            numbers = self._words.apply(numbers, int(self.table.n_types[0]))
        n_sentences = int(np.count_nonzero(numbers == SENTENCE_END))
        self.n_sentences += n_sentences
        self.n_tokens += len(numbers) - n_sentences
        self._keep_numbers(numbers)


def table_of_words(
    words: list[Any], rules: WordRules = NO_RULES
) -> tuple[InternedWords, NDArray[np.int32]]:
    """Return a table of a vocabulary's words, and the id of each number that it gives.

    The words of `rules` that are not in the vocabulary stand behind it, and have no id.

    Raises
    ------
    VocabularyError
        If a word comes more than once.
    """
    batch = token_batch([words])
    numbers = np.empty(len(words) + 1, np.int32)
    table = intern_tokens(*batch, new_word_table(), True, numbers)
    if table.n_types[0] != len(words):
        raise VocabularyError("words: expected all different, got some of them more than once")
    if rules:
        table = NumberedRules(rules, table).table
    # Behind them stands the number of every other word.
    ranks = np.full(int(table.n_types[0]) + 1, -1, np.int32)
    ranks[: len(words)] = np.arange(len(words), dtype=np.int32)
    return table, ranks
