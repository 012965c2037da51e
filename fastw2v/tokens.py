"""A corpus as numbers: read once, counted, and encoded as ids of words."""

import hashlib
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Tokenizer
from fastw2v.corpus import (
    Corpus,
    Progress,
    TextCorpus,
    TokenCorpus,
    open_corpus,
    token_batch,
)
from fastw2v.errors import CorpusError, VocabularyError
from fastw2v.kernels.interning import (
    SENTENCE_END,
    WordTable,
    intern_lines,
    intern_tokens,
    new_word_table,
    renumber,
)
from fastw2v.text_files import BLOCK_BYTES
from fastw2v.tokenizers import TextNormalizer
from fastw2v.vocab import Vocabulary, build_vocabulary


@dataclass(frozen=True, eq=False)
class EncodedTokens:
    """The kept tokens of a corpus, sentence by sentence.

    Tokens of words that are not in the vocabulary are gone, so that windows reach over them.

    Parameters
    ----------
    ids : int32 array (n_tokens,)
        The tokens, as places in the vocabulary.
    sentence_starts : int64 array (n_sentences + 1,)
        Sentence s is ``ids[sentence_starts[s] : sentence_starts[s + 1]]``; it may be empty.
    n_raw_tokens : int
        How many tokens the corpus has, the left-out ones too.
    n_oov : int
        How many of them were left out.
    """

    ids: NDArray[np.int32]
    sentence_starts: NDArray[np.int64]
    n_raw_tokens: int
    n_oov: int

    @property
    def n_tokens(self) -> int:
        """How many tokens were kept."""
        return len(self.ids)

    @property
    def n_sentences(self) -> int:
        """How many sentences there are, empty ones too."""
        return len(self.sentence_starts) - 1

    def digest(self, vocabulary: Vocabulary) -> str:
        """Return 64 hexadecimal digits that tell this encoded corpus from any other.

        They depend on the ids, the sentences and the vocabulary's words, not on how the text
        was stored or read, nor on the machine.
        """
        words = [word.encode() for word in vocabulary.words]
        parts = [
            np.ascontiguousarray(self.ids, "<i4").data,
            np.ascontiguousarray(self.sentence_starts, "<i8").data,
            np.array([len(word) for word in words], "<i8").data,
            memoryview(b"".join(words)),
        ]
        hasher = hashlib.blake2b(digest_size=32)
        for part in parts:
            hasher.update(part.nbytes.to_bytes(8, "little"))
            hasher.update(part)
        return hasher.hexdigest()


def read_corpus(
    corpus: Corpus,
    *,
    tokenizer: Tokenizer = "words",
    min_count: int = 5,
    max_final_vocab: int | None = None,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> tuple[Vocabulary, EncodedTokens]:
    """Read a corpus once; build its vocabulary and encode it.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
        See `fastw2v.corpus.open_corpus`.
    tokenizer : {"words", "whitespace"}
        How lines of text become tokens, see `fastw2v.tokenizers`. Lists of tokens stay as
        they are.
    min_count : int
        Words that occur less often are left out.
    max_final_vocab : int, optional
        Keep at most so many words: exactly the most frequent ones.
    progress : callable, optional
        Called now and then with the bytes read so far, and in all (None if unknown).
    block_bytes : int
        About how much text is read at a time. The result does not depend on it.

    Returns
    -------
    vocabulary : Vocabulary
    tokens : EncodedTokens

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    VocabularyError
        If no word is frequent enough.
    ConfigurationError
        If an option has a value that cannot be used.
    """
    reader = _Reader(new_word_table(), add=True, tokenizer=tokenizer)
    name = reader.read(corpus, progress, block_bytes)
    vocabulary, ranks = build_vocabulary(
        reader.table, min_count=min_count, max_final_vocab=max_final_vocab, source=name
    )
    return vocabulary, reader.encoded(ranks)


def encode_corpus(
    corpus: Corpus,
    vocabulary: Vocabulary,
    *,
    tokenizer: Tokenizer = "words",
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> EncodedTokens:
    """Read a corpus once and encode it in a given vocabulary.

    Parameters
    ----------
    corpus, tokenizer, progress, block_bytes
        As in `read_corpus`.
    vocabulary : Vocabulary
        The words to keep. Others count as out of vocabulary.

    Returns
    -------
    tokens : EncodedTokens
        Without any token (but with sentences) if the vocabulary has none of the words.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, or has no token at all.
    TextEncodingError
        If a text is not UTF-8.
    ConfigurationError
        If there is no such tokenizer.
    """
    batch = token_batch([vocabulary.words])
    numbers = np.empty(len(vocabulary) + 1, np.int32)
    table = intern_tokens(*batch, new_word_table(), True, numbers)
    if table.n_types[0] != len(vocabulary):
        raise VocabularyError("words: expected all different, got some of them more than once")
    reader = _Reader(table, add=False, tokenizer=tokenizer)
    reader.read(corpus, progress, block_bytes)
    unknown = -1  # the rank of the number that stands for every other word
    return reader.encoded(np.append(np.arange(len(vocabulary), dtype=np.int32), np.int32(unknown)))


class _Reader:
    """Numbers the tokens of a corpus by a table of words, in one pass.

    Parameters
    ----------
    table : WordTable
        The words to begin with.
    add : bool
        Whether new words join the table.
    tokenizer : {"words", "whitespace"}
        For corpora that are text.
    """

    def __init__(self, table: WordTable, *, add: bool, tokenizer: Tokenizer) -> None:
        self.table = table
        self._add = add
        self._normalizer = TextNormalizer(tokenizer)
        self._chunks: deque[NDArray[np.int32]] = deque()
        self._n_tokens = 0
        self._n_sentences = 0

    def read(self, corpus: Corpus, progress: Progress | None, block_bytes: int) -> str:
        """Give every token its number, and return what messages call the corpus."""
        opened = open_corpus(corpus)
        if isinstance(opened, TextCorpus):
            self._read_text(opened, progress, block_bytes)
        else:
            self._read_tokens(opened, progress, block_bytes)
        if not self._n_tokens:
            raise CorpusError(
                f"{opened.name}: expected text, got {self._n_sentences} lines or sentences "
                "without a single token"
            )
        return opened.name

    def encoded(self, ranks: NDArray[np.int32]) -> EncodedTokens:
        """Turn the numbers into ids, and give back their memory on the way; once only."""
        ids = np.empty(self._n_tokens, np.int32)
        starts = np.zeros(self._n_sentences + 1, np.int64)
        n_ids, n_sentences = 0, 0
        while self._chunks:
            numbers = self._chunks.popleft()
            n_ids, n_sentences = renumber(numbers, ranks, ids, n_ids, starts, n_sentences)
        ids.resize(n_ids, refcheck=False)
        return EncodedTokens(ids, starts, self._n_tokens, self._n_tokens - n_ids)

    def _read_text(self, corpus: TextCorpus, progress: Progress | None, block_bytes: int) -> None:
        scratch = np.empty(0, np.int32)
        for block in corpus.blocks(block_bytes, progress):
            text, n_bytes = self._normalizer.normalize(block.data)
            if scratch.size < n_bytes:
                scratch = np.empty(n_bytes, np.int32)
            self.table, n_numbers = intern_lines(text, n_bytes, self.table, self._add, scratch)
            self._keep(scratch[:n_numbers].copy())

    def _read_tokens(
        self, corpus: TokenCorpus, progress: Progress | None, block_bytes: int
    ) -> None:
        for batch in corpus.batches(max(1, block_bytes // 4), progress):
            numbers = np.empty(len(batch.token_ends) + len(batch.sentence_ends), np.int32)
            self.table = intern_tokens(*batch, self.table, self._add, numbers)
            self._keep(numbers)

    def _keep(self, numbers: NDArray[np.int32]) -> None:
        n_sentences = int(np.count_nonzero(numbers == SENTENCE_END))
        self._n_sentences += n_sentences
        self._n_tokens += len(numbers) - n_sentences
        self._chunks.append(numbers)
