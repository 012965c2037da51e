"""Trained vectors with their words: which table to hand out, and as what."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VECTOR_CHOICES, ObjectiveName, VectorChoice
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.formulas.huffman import HuffmanTree
from fastw2v.kernels.formulas.sigmoid_losses import leaf_log_probabilities
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.feature_vectors import NamedFeatures, NgramVectors, UnknownWords
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.own_rates import shared_out
from fastw2v.objectives.peaks import Peaks
from fastw2v.system.home import a_home
from fastw2v.system.notebooks import html_table
from fastw2v.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import FastTextKeyedVectors

__all__ = [
    "Embeddings",
    "TableRows",
    "as_fasttext_vectors",
    "as_keyed_vectors",
    "ngram_vectors_of",
]

_ROWS_AT_ONCE = 4096  # of a table that is gone through: they stay in the cache


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Everything that training learned.

    Attributes
    ----------
    vocabulary : Vocabulary
        V words with counts.
    in_vectors, out_vectors : (V, D) float32
        Of the word as input and as output. With objective "hierarchical" out_vectors is
        (V - 1, D): row k belongs to inner node k of the Huffman tree of the counts.
    out_bias : (V,) float32
        With it, p(o | c) = softmax(temperature * out_vectors @ in_vectors[c] + out_bias)[o]
        speaks of the text itself, subsampling undone (docs/math.md). With "hierarchical" it is
        added to the logarithm of what leaf o has, before all are divided by their sum.
    objective : {"softmax", "negative", "hierarchical"}
        What the vectors were trained by.
    temperature : float
        1 for "softmax"; fitted after training for the others
        (`fastw2v.objectives.losses.calibration`).
    unknown : UnknownWords, optional
        What makes vectors of words outside the vocabulary.
    named_features : NamedFeatures, optional
        Vectors of the features that the user gave words.
    self_rates : (V,) float32, optional
        p(c | c) of each word, of the text. The softmax is then one over all words but the centre,
        and shares out what is left; with CBOW one over all that are not within the window
        (docs/math.md, section 21). None: p(c | c) is the softmax's, as in models that were saved
        before theirs had rates.
    peaks : Peaks, optional
        What becomes of probabilities of that softmax above knots, before rates share it out. None:
        they are as they are.
    is_canonical : bool
        Whether the vectors are in canonical form (`fastw2v.objectives.canonical`).
    """

    vocabulary: Vocabulary
    in_vectors: NDArray[np.float32]
    out_vectors: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    objective: ObjectiveName = "softmax"
    temperature: float = 1.0
    unknown: UnknownWords | None = None
    named_features: NamedFeatures | None = None
    self_rates: NDArray[np.float32] | None = None
    is_canonical: bool = False
    peaks: Peaks | None = None

    def __repr__(self) -> str:
        """Return sizes and kind, on one line."""
        sizes = f"{len(self.vocabulary):,} words, {self.dimensions()} dimensions"
        return f"Embeddings({sizes}, objective={self.objective!r})"

    def _repr_html_(self) -> str:
        kinds = {
            "of any word by its n-grams or features": self.unknown is not None,
            "of features by name": self.named_features is not None,
            "in canonical form": self.is_canonical,
        }
        rows = [
            ("words", f"{len(self.vocabulary):,}"),
            ("dimensions", str(self.dimensions())),
            ("objective", self.objective),
            ("handed out", self.default_vectors),
            ("vectors", ", ".join(name for name, holds in kinds.items() if holds) or "of words"),
        ]
        return html_table("Embeddings", rows)

    @property
    def default_vectors(self) -> VectorChoice:
        """The table to hand out unless another is asked for: "sum" where outputs are words.

        Where inputs were trained as means of n-grams it is "in", as fastText has it: outputs have
        no n-grams, and the sum was compared far worse (docs/objectives.md).
        """
        are_means = self.unknown is not None and self.unknown.are_trained_means
        return "in" if self.objective == "hierarchical" or are_means else "sum"

    def table(
        self, vectors: VectorChoice | None = None, rows: NDArray[np.int64] | slice | None = None
    ) -> NDArray[np.float32]:
        """Return the (V, D) table called "in", "out" or "sum" (in + out), or the default one.

        "both" is (V, 2 D): the vector as input and the one as output side by side, each of length
        1, so that a cosine is the mean of the two cosines. With `rows` (N,) of those words alone.
        """
        vectors = vectors or self.default_vectors
        if self.objective == "hierarchical" and vectors in ("out", "sum", "both"):
            raise ConfigurationError(
                f"vectors: expected 'in', got {vectors!r}: hierarchical softmax has output vectors "
                "for the inner nodes of its tree, not for words"
            )
        which = slice(None) if rows is None else rows
        if vectors == "in":
            return self.in_vectors[which]
        if vectors == "out":
            return self.out_vectors[which]
        if vectors == "sum":
            return np.asarray(self.in_vectors[which] + self.out_vectors[which])
        if vectors == "both":
            both = [_unit(self.in_vectors[which]), _unit(self.out_vectors[which])]
            return np.concatenate(both, axis=1)
        choices = ", ".join(repr(choice) for choice in VECTOR_CHOICES)
        raise ConfigurationError(f"vectors: expected one of {choices}, got {vectors!r}")

    def rows(self, vectors: VectorChoice | None = None) -> "TableRows":
        """Return a table whose rows are made when they are asked for."""
        return TableRows(self, vectors or self.default_vectors)

    def dimensions(self, vectors: VectorChoice | None = None) -> int:
        """Return how many numbers a row of a table has."""
        return int(self.in_vectors.shape[1]) * (2 if vectors == "both" else 1)

    def context_probabilities(self, word: Hashable) -> NDArray[np.float64]:
        """Return p(o | word) for all V words o, float64, summing to one."""
        inputs = self.centre_vectors([word])
        known = word in self.vocabulary
        centres = np.array([self.vocabulary.index(word)]) if known else None
        return self.probabilities(inputs, centres).reshape(-1)

    def lifts(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return p(o | h) / p(o) of all V words o, float64; p(o) is a share of the text."""
        counts = self.vocabulary.counts.astype(np.float64)
        return np.asarray(probabilities * (counts.sum() / counts))

    def probabilities(
        self,
        inputs: NDArray[np.float32],
        centres: NDArray[np.integer[Any]] | WordRows | None = None,
    ) -> NDArray[np.float64]:
        """Return p(o | h) of input vectors (R, D) for all V words o, (R, V) float64.

        All that a model tells of probabilities word by word comes from here.

        Parameters
        ----------
        inputs : (R, D) float32
        centres : (R,) int, or WordRows, optional
            Which words the rows are of, where these are known: they have their rates beside
            themselves. With CBOW the different words within each window. Default: vectors of no
            known word.
        """
        told = self.scores(inputs)
        if centres is None or self.self_rates is None:
            return self._softmax(told)
        windows = centres if isinstance(centres, WordRows) else WordRows.single(centres)
        return shared_out(told, self.self_rates, windows, self._softmax)

    def _softmax(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the softmax of scores (R, V), which are overwritten, with its peaks changed."""
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores if self.peaks is None else self.peaks.applied(scores)

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return numbers (R, V) float64 whose softmax is p(o | h) without peaks and rates."""
        inputs = inputs.astype(np.float64)
        scores = np.empty((len(inputs), len(self.out_bias)))
        if self.objective == "hierarchical":
            for row, told in zip(inputs, scores, strict=True):
                told[:] = leaf_log_probabilities(row, self.out_vectors, self._tree)
        else:
            for words in _blocks(len(self.out_bias)):
                scores[:, words] = inputs @ self.out_vectors[words].astype(np.float64).T
        scores *= self.temperature
        scores += self.out_bias
        return scores

    @cached_property
    def _tree(self) -> HuffmanTree:
        return huffman_tree(self.vocabulary.counts)

    def vectors_of(
        self, words: Sequence[Any], vectors: VectorChoice | None = None
    ) -> NDArray[np.float32]:
        """Return vectors (N, D) of any words, from the table of that name, or the default one.

        Unknown words get theirs from their n-grams, where the model has vectors of these.

        Raises
        ------
        UnknownWordError
            If a word is unknown and no vector can be made for it.
        """
        vectors = vectors or self.default_vectors
        handed_out = vectors == self.default_vectors
        if vectors == "in" and not handed_out:
            return self.centre_vectors(words)
        make = self.unknown.vectors if self.unknown and handed_out else None
        return self._looked_up(words, vectors, make)

    def centre_vectors(self, words: Sequence[Any]) -> NDArray[np.float32]:
        """Return centre vectors (N, D) of any words; raises as `vectors_of`."""
        make = self.unknown.centre_vectors if self.unknown else None
        return self._looked_up(words, "in", make)

    def makes_unknown(self, vectors: VectorChoice | None = None) -> bool:
        """Tell whether unknown words get vectors beside those of this table, or the default."""
        made = ("in", self.default_vectors)
        return self.unknown is not None and (vectors or self.default_vectors) in made

    def unknown_vectors(
        self, words: Sequence[Any], vectors: VectorChoice | None = None
    ) -> NDArray[np.float32]:
        """Return the vectors (N, D) that unknown words are given, as `vectors_of` does.

        Those for which none can be made get zeros; all of them, if `makes_unknown` is false.
        """
        made = np.zeros((len(words), self.dimensions(vectors)), np.float32)
        if self.unknown is None or not self.makes_unknown(vectors):
            return made
        rows = np.flatnonzero(self.unknown.can_make(words))
        made[rows] = self.vectors_of([words[row] for row in rows.tolist()], vectors)
        return made

    def _looked_up(
        self,
        words: Sequence[Any],
        vectors: VectorChoice,
        make: Callable[[Sequence[str]], NDArray[np.float32]] | None,
    ) -> NDArray[np.float32]:
        """Return rows of a table, and made ones for words that it lacks."""
        found = np.empty((len(words), self.dimensions(vectors)), np.float32)
        known, lacking, rows = [], [], []
        for place, word in enumerate(words):
            if make is not None and word not in self.vocabulary:
                lacking.append(place)
            else:
                known.append(place)
                rows.append(self.vocabulary.index(word))
        found[known] = self.table(vectors, np.array(rows, np.int64))
        if make is not None and lacking:
            found[lacking] = make([words[row] for row in lacking])
        return found

    def keyed_vectors(self, vectors: VectorChoice | None = None) -> "KeyedVectors":
        """Return a gensim `KeyedVectors` of the chosen table, with the counts attached.

        Of the default table of a model that makes vectors of unknown words it is gensim's
        `FastTextKeyedVectors`, which makes them too.

        It is a copy: gensim's methods that work in place do not reach into the model.
        """
        vectors = vectors or self.default_vectors
        table = self.table(vectors)
        if vectors not in ("sum", "both"):  # these are new arrays as they are
            table = table.copy()
        words, counts = self.vocabulary.words, self.vocabulary.counts
        if self.unknown is not None and vectors == self.default_vectors:
            return as_fasttext_vectors(words, table, counts, self.unknown.table)
        return as_keyed_vectors(words, table, counts)


class TableRows(NamedTuple):
    """A table of vectors, not made as a whole: rows by row, as those of an array."""

    embeddings: Embeddings
    name: VectorChoice

    @property
    def shape(self) -> tuple[int, int]:
        """V and D."""
        return len(self.embeddings.in_vectors), self.embeddings.dimensions(self.name)

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:  # type: ignore[override]
        return self.embeddings.table(self.name, rows)


def _blocks(n_rows: int) -> Iterator[slice]:
    for first in range(0, n_rows, _ROWS_AT_ONCE):
        yield slice(first, min(first + _ROWS_AT_ONCE, n_rows))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def as_keyed_vectors(
    words: list[Any], table: NDArray[np.float32], counts: NDArray[np.int64] | None
) -> "KeyedVectors":
    """Return a gensim `KeyedVectors` that owns `table` (V, D), with copies of words and counts."""
    with a_home():
        from gensim.models import KeyedVectors

    keyed = KeyedVectors(table.shape[1], count=0, dtype=np.float32)
    keyed.index_to_key = list(words)
    keyed.key_to_index = {word: i for i, word in enumerate(keyed.index_to_key)}
    keyed.vectors = table
    if counts is not None:
        keyed.expandos = {"count": counts.copy()}
    return keyed


def as_fasttext_vectors(
    words: list[Any],
    table: NDArray[np.float32],
    counts: NDArray[np.int64] | None,
    of_ngrams: NgramVectors,
) -> "FastTextKeyedVectors":
    """Return gensim's `FastTextKeyedVectors`, whose own methods work for unknown words.

    It has a row for every bucket, used or not; unused ones take address space, not memory.

    Raises
    ------
    ConfigurationError
        If there are more buckets than that.
    """
    with a_home():
        from gensim.models.fasttext import FastTextKeyedVectors

    ngrams = of_ngrams.ngrams
    sizes = (ngrams.min_n, ngrams.max_n, ngrams.bucket)
    keyed = FastTextKeyedVectors(table.shape[1], *sizes, count=0, dtype=np.float32)
    plain = as_keyed_vectors(words, table, counts)
    keyed.index_to_key, keyed.key_to_index = plain.index_to_key, plain.key_to_index
    keyed.vectors, keyed.expandos = table, plain.expandos
    try:
        keyed.vectors_ngrams = np.zeros((ngrams.bucket, table.shape[1]), np.float32)
    except MemoryError:
        gib = ngrams.bucket * table.shape[1] * 4 / 2**30
        raise ConfigurationError(
            f"bucket: expected as many as memory has room for, got {ngrams.bucket:,} rows of "
            f"gensim's FastTextKeyedVectors, {gib:,.0f} GiB; train with fewer, or take single "
            "vectors (Word2Vec.vector, fastw2v vectors)"
        ) from None
    keyed.vectors_ngrams[of_ngrams.buckets] = of_ngrams.vectors
    keyed.vectors_vocab = of_ngrams.own_rows(words, table)
    keyed.recalc_char_ngram_buckets()
    return keyed


def ngram_vectors_of(keyed: "KeyedVectors") -> NgramVectors | None:
    """Return what gensim's vectors make unknown words' vectors of.

    None for plain `KeyedVectors`, and for a `FastTextKeyedVectors` without n-grams. Buckets of
    zeros are left out; they make no difference.
    """
    with a_home():
        from gensim.models.fasttext import FastTextKeyedVectors

    if not isinstance(keyed, FastTextKeyedVectors) or not keyed.bucket:
        return None
    if keyed.max_n < max(keyed.min_n, 1):
        return None
    used = np.flatnonzero(keyed.vectors_ngrams.any(axis=1)).astype(np.int32)
    ngrams = Ngrams(max(int(keyed.min_n), 1), int(keyed.max_n), int(keyed.bucket))
    return NgramVectors(ngrams, used, np.asarray(keyed.vectors_ngrams[used], np.float32))
