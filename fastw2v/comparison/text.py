"""One text that all trainers read alike: words apart by blanks, lines that none of them cuts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError
from fastw2v.text.batches import lines_of_batch
from fastw2v.text.corpus import Corpus, OpenedCorpus, open_corpus
from fastw2v.text.cutting import Cutter
from fastw2v.text.files import TextBlock
from fastw2v.text.reading import read_corpus
from fastw2v.text.rules import rules_of
from fastw2v.text.tokenizers import TextNormalizer

__all__ = ["HELD_OUT_EVERY", "LONGEST_LINE_WORDS", "PreparedText", "expected_pairs", "prepare_text"]

# word2vec.c cuts lines behind 1,000 words, fastText behind 1,024, gensim behind 10,000.
LONGEST_LINE_WORDS = 1000
HELD_OUT_EVERY = 20


@dataclass(frozen=True)
class PreparedText:
    """The files that are trained and measured on, and what is in them.

    `pairs` is the expected number of window pairs of words that occur often enough, under
    word2vec's random reach of the window, and without subsampling.
    """

    training: Path
    held_out: Path | None
    tokens: int
    held_out_tokens: int
    vocabulary: int
    pairs: float


def prepare_text(
    corpus: Corpus,
    folder: Path,
    *,
    tokenizer: str,
    window: int,
    min_count: int,
    paragraphs: bool = False,
    held_out: Corpus | None = None,
) -> PreparedText:
    """Write the training text and the held-out text as plain files into `folder`.

    Parameters
    ----------
    corpus : path or sequence of paths
        As in `fastw2v.text.corpus`.
    folder : Path
    tokenizer : str or callable
    window, min_count : int
    paragraphs : bool
        Whether a blank line ends a line of the training text, and not every line.
    held_out : path or sequence of paths, optional
        Default: every twentieth line of the corpus, which is not trained on. A text of fewer
        lines is trained on as a whole, and nothing is held out.

    Raises
    ------
    CorpusError
        If a text cannot be read, or is not given by its path.
    VocabularyError
        If no word is frequent enough.
    """
    training, held = folder / "training.txt", folder / "held-out.txt"
    with training.open("wb") as most, held.open("wb") as few:
        tokens = held_tokens = 0
        for number, words in enumerate(_lines(corpus, tokenizer, paragraphs), 1):
            if held_out is None and number % HELD_OUT_EVERY == 0:
                held_tokens += _write(words, few)
            else:
                tokens += _write(words, most)
        if held_out is not None:
            lines = _lines(held_out, tokenizer, paragraphs)
            held_tokens = sum(_write(words, few) for words in lines)
    vocabulary, encoded = read_corpus(training, tokenizer="whitespace", min_count=min_count)
    lengths = np.diff(encoded.sentence_starts)
    return PreparedText(
        training,
        held if held_tokens else None,
        tokens,
        held_tokens,
        len(vocabulary),
        expected_pairs(lengths, window),
    )


def expected_pairs(lengths: NDArray[np.int64], window: int) -> float:
    """Return the number of window pairs of sentences under word2vec's random reach.

    A pair at distance d is within a reach drawn from 1 to w with probability (w - d + 1) / w.
    """
    pairs = 0.0
    for distance in range(1, window + 1):
        both = 2 * np.maximum(lengths - distance, 0).sum()
        pairs += float(both) * (window - distance + 1) / window
    return pairs


def _lines(corpus: Corpus, tokenizer: str, paragraphs: bool) -> Iterator[list[bytes]]:
    """Yield the words of every line that has some, in lines that no trainer cuts."""
    text = open_corpus(corpus)
    rules = rules_of(tokenizer)
    normalizer = TextNormalizer(rules)
    for piece in Cutter(rules).cut(_only_text(text, paragraphs)):
        if isinstance(piece, TextBlock):
            data, n_bytes = normalizer.normalize(piece.data)
            lines = [line.split() for line in data[:n_bytes].tobytes().split(b"\n")]
        else:
            lines = [_plain_words(line, text.name) for line in lines_of_batch(piece)]
        for words in lines:
            for first in range(0, len(words), LONGEST_LINE_WORDS):
                yield words[first : first + LONGEST_LINE_WORDS]


def _only_text(text: OpenedCorpus, paragraphs: bool) -> Iterator[TextBlock]:
    for piece in text.pieces(paragraphs=paragraphs):
        if not isinstance(piece, TextBlock):
            raise CorpusError(
                f"{text.name}: expected text, which other programs can read, got lists of tokens"
            )
        yield piece


def _plain_words(tokens: list[Any], name: str) -> list[bytes]:
    """Return the tokens of a function, which must not have white space in them."""
    for token in tokens:
        if not isinstance(token, str) or token.split() != [token]:
            raise CorpusError(
                f"{name}: expected tokens without white space, which parts them for other "
                f"programs, got {token!r} from the tokenizer"
            )
    return [token.encode() for token in tokens]


def _write(words: list[bytes], file: BinaryIO) -> int:
    file.write(b" ".join(words) + b"\n")
    return len(words)
