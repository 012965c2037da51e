"""What the centre vectors of a run are made of, and what becomes of it after training."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.objectives.arrays import VectorArray, round_up
from fastw2v.objectives.canonical import CanonicalForm
from fastw2v.objectives.earlier_features import EarlierFeatures, known_features
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NamedFeatures, NgramVectors, UnknownWords
from fastw2v.objectives.features import (
    FeatureMatrix,
    Ngrams,
    given_features,
    matrix_features,
    ngram_features,
    require_ngrams,
)
from fastw2v.objectives.ridge import ridge_features
from fastw2v.objectives.softmax.batches import BatchSource
from fastw2v.objectives.softmax.feature_skipgram import FeatureBatches, FeatureSoftmax
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES
from fastw2v.objectives.softmax.skipgram import Batch
from fastw2v.objectives.stream.estimates import stream_feature_bytes
from fastw2v.objectives.unknown_words import unknown_words_of, vectors_of_features
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoding import READ_WITH_ERRORS, Repairs
from fastw2v.text.feature_file import read_features
from fastw2v.text.stored_vocabulary import packed_words
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.continued import Continuation
from fastw2v.training.run import Run

__all__ = [
    "InputFeatures",
    "input_features",
    "prepare_features",
    "subword_features",
    "with_features",
]


def with_features(batches: BatchSource[Batch], inputs: "InputFeatures | None") -> BatchSource[Any]:
    """Return batches that have the features of their rows, if there are any."""
    return FeatureBatches(batches, inputs.matrix) if inputs is not None else batches


@dataclass(frozen=True, eq=False)
class InputFeatures:
    """The features of a vocabulary's words.

    Attributes
    ----------
    matrix : FeatureMatrix
    ngrams : Ngrams, optional
        With inputs "subwords": which n-grams words have.
    buckets : (K,) int32, optional
        Theirs, ascending; they are the last K features, behind the words themselves.
    names : list of str, optional
        With inputs "features": the features' names.
    """

    matrix: FeatureMatrix
    ngrams: Ngrams | None = None
    buckets: NDArray[np.int32] | None = None
    names: list[str] | None = None

    def nbytes(self, settings: Hyperparameters) -> int:
        """Return about what features take of memory while training, beside words' own vectors."""
        row = 4 * round_up(settings.vector_size, LANES)
        if settings.objective != "softmax":
            return stream_feature_bytes(self.matrix, settings)
        kept = UPDATE_RULES[settings.optimizer].centre_moments
        further = max(self.matrix.n_features - self.matrix.n_words, 0)
        # Vectors and moments, and what is there beside them when the vectors for unknown words are
        # fitted at the end: a copy of the vectors, four tables of conjugate gradients and their
        # result, and the words' vectors twice. Measured: tests/objectives/test_memory.py.
        has_mean = settings.replicas > 1
        features, words = self.matrix.n_features, self.matrix.n_words
        tables = further * (1 + kept) * (1 + has_mean) + 6 * features + 2 * words
        return row * tables + 32 * len(self.matrix.indices)

    def earlier(self, continued: Continuation | None, pool: WorkerPool) -> EarlierFeatures | None:
        """Return vectors of features that a run goes on from; None if there were no such ones."""
        if continued is None or continued.by_counts:
            return None
        ngrams = None
        if self.ngrams is not None and self.buckets is not None:
            ngrams = (self.ngrams, self.buckets)
        return known_features(
            self.matrix, continued.vectors, continued.known, pool, names=self.names, ngrams=ngrams
        )

    def known_means(
        self, continued: Continuation, pool: WorkerPool
    ) -> tuple[VectorArray, NDArray[np.bool_]]:
        """Return features' vectors (F, D) whose means are known words' vectors, and which are so.

        Where the earlier words were no such means they are fitted by ridge regression.
        """
        means = replace(self.matrix, power=1.0)
        assert self.ngrams is not None
        assert self.buckets is not None
        known, ngrams = continued.known, (self.ngrams, self.buckets)
        found = known_features(means, continued.vectors, known, pool, ngrams=ngrams)
        if found is not None:
            return found.vectors, found.is_known
        weights = known.is_known.astype(np.float64)
        sizes = np.diff(means.starts)
        ridge = 1.0 / float(np.median(sizes))
        vectors = ridge_features(means, known.in_vectors, weights, ridge, pool)
        is_known = np.zeros(means.n_features, np.bool_)
        is_known[means.indices[np.repeat(known.is_known, sizes)]] = True
        return vectors, is_known

    def finished(
        self, embeddings: Embeddings, form: CanonicalForm | None, objective: FeatureSoftmax
    ) -> Embeddings:
        """Return trained embeddings in their final form, with vectors of features beside them.

        Parameters
        ----------
        embeddings : Embeddings
            In canonical form, if there is one.
        form : CanonicalForm, optional
            What put them there; the features' vectors follow.
        objective : FeatureSoftmax
            As training left it.
        """
        pool, centres = objective.pool, objective.feature_vectors
        offset = np.zeros(objective.dimensions, np.float32)
        if form is not None:
            centres, offset = form.features(centres, pool), form.offset
        if self.names is not None:
            vectors = vectors_of_features(self.matrix, embeddings, (centres, offset), pool)
            named = NamedFeatures(self.names, vectors, centres, offset)
            return replace(embeddings, named_features=named)
        assert self.ngrams is not None
        assert self.buckets is not None
        of_ngrams = centres[len(embeddings.vocabulary) :]
        unknown = unknown_words_of(embeddings, self.ngrams, self.buckets, (of_ngrams, offset), pool)
        return replace(embeddings, unknown=unknown)

    def with_trained_means(self, embeddings: Embeddings, vectors: VectorArray) -> Embeddings:
        """Return embeddings whose input vectors are means, with what unknown words are means of.

        Parameters
        ----------
        embeddings : Embeddings
            As trained on running text.
        vectors : (F, D) float32
            Of the features: of words, then of n-grams.
        """
        assert self.ngrams is not None
        assert self.buckets is not None
        of_ngrams = vectors[self.matrix.n_words :].copy()
        table = NgramVectors(self.ngrams, self.buckets, of_ngrams)
        return replace(embeddings, unknown=UnknownWords.of_trained_means(table))


def prepare_features(run: Run) -> None:
    """Read the file of a run's features, if that is where they are.

    Raises
    ------
    ConfigurationError
        If features are missing, or given in vain.
    CorpusError
        If the file cannot be read.
    """
    kind = run.settings.inputs
    if kind != "features" and run.features is not None:
        raise ConfigurationError(
            f"features: expected none with inputs={kind!r}, got some; use inputs='features'"
        )
    if kind == "features" and run.features is None:
        raise ConfigurationError(
            "features: expected features of the words with inputs='features', got none; give them "
            "to fit and resume (features=...), or name their file by --features"
        )
    if isinstance(run.features, Path):
        errors, repairs = run.settings.errors, Repairs(remedy=READ_WITH_ERRORS)
        run.features = read_features(run.features, errors, repairs)
        if repairs.n_sequences and run.reports.notice is not None:
            run.reports.notice(repairs.sentence(errors))


def input_features(run: Run, vocabulary: Vocabulary) -> InputFeatures | None:
    """Return the features of a run's inputs; None if words have a row each.

    Raises
    ------
    ConfigurationError
        If features do not fit the vocabulary, or are not those that a resumed run began with.
    """
    settings = run.settings
    if settings.inputs == "words":
        return None
    if settings.inputs == "subwords":
        return subword_features(settings, vocabulary)
    given: Any = run.features
    if isinstance(given, tuple):
        table, names = _table_of(given)
        matrix = matrix_features(table, names, len(vocabulary))
    else:
        if run.description.features is not None:  # lines of a file name words by what is shown
            given = {vocabulary.named(word): names for word, names in given.items()}
        matrix, names = given_features(vocabulary.words, given)
    _require_same(run, _digest(matrix, names))
    return InputFeatures(matrix, names=names)


def subword_features(settings: Hyperparameters, vocabulary: Vocabulary) -> InputFeatures:
    """Return the words of a vocabulary and their n-grams as features.

    Raises
    ------
    ConfigurationError
        If words are no text, or none has an n-gram.
    """
    ngrams = Ngrams(settings.min_n, settings.max_n, settings.bucket)
    vocabulary.require_text("inputs='subwords'")
    matrix, buckets = ngram_features(vocabulary.words, ngrams)
    require_ngrams(vocabulary.words, ngrams, buckets)
    return InputFeatures(matrix, ngrams, buckets)


def _table_of(given: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """Return the matrix and the names that a tuple has."""
    if len(given) != 2 or isinstance(given[1], str) or not isinstance(given[1], Iterable):
        raise ConfigurationError(
            "features: expected a sparse matrix and the names of its columns, got a tuple of "
            f"{', '.join(type(part).__name__ for part in given)}"
        )
    return given[0], list(given[1])


def _digest(matrix: FeatureMatrix, names: list[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in (matrix.starts, matrix.indices, matrix.values, *packed_words(names)):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _require_same(run: Run, digest: str) -> None:
    """Note which features a run has; raise `ConfigurationError` if it began with others."""
    begun = run.description.features_digest
    if begun is not None and begun != digest:
        raise ConfigurationError(
            f"features: expected those that the run began with (digest {begun}), got others "
            f"(digest {digest}); give the same ones, or begin a new run"
        )
    run.description.features_digest = digest
