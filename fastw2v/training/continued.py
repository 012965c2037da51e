"""A run that goes on from something earlier: known words, and which of them may move."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters, ObjectiveName
from fastw2v.counts.matrix import SparseCounts
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.axes import EarlierAxes, earlier_axes
from fastw2v.objectives.earlier import EarlierVectors, KnownRows
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.softmax.first_rows import (
    carried_bias,
    first_rows,
    taken_up,
)
from fastw2v.objectives.stream.settings import WordOptions
from fastw2v.objectives.stream.tables import KnownTables
from fastw2v.objectives.tree_nodes import same_nodes
from fastw2v.system.threads import WorkerPool
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_rules import WordRules
from fastw2v.training.run import CountsFolder, Run
from fastw2v.training.start_from import (
    Earlier,
    begins_by_counts,
    is_by_counts,
)

__all__ = [
    "Continuation",
    "continuation",
    "prepare_start",
    "prepared_start",
    "require_known",
]

# Mean length that vectors of another program are brought to for negative sampling and hierarchical
# softmax: they have any, and scores are products of them. Measured: `bench/bench_continued.py`.
GIVEN_LENGTH = 4.0
FEW_KNOWN = 0.5  # of the text's tokens; below, words may have been cut otherwise


@dataclass(frozen=True, eq=False)
class Continuation:
    """What a vocabulary's words begin with.

    Attributes
    ----------
    vectors : EarlierVectors
    known : KnownRows
        Of the words.
    frequencies : (V,) float64
        How often each word is in the text that is trained on.
    locked_inputs, locked_outputs : (V,) bool
        Words whose vectors stay as they are.
    axes : EarlierAxes
        Where the earlier vectors point.
    by_counts : bool
        Whether vectors begin by the counts, which have the earlier text's pairs; the earlier
        vectors would keep what is peculiar to half of the pairs.
    """

    vectors: EarlierVectors
    known: KnownRows
    frequencies: NDArray[np.float64]
    locked_inputs: NDArray[np.bool_]
    locked_outputs: NDArray[np.bool_]
    axes: EarlierAxes
    by_counts: bool = False

    def first_parameters(
        self,
        base: VectorArray,
        counts: SparseCounts | None,
        keep: NDArray[np.float64],
        run: Run,
        pool: WorkerPool,
        *,
        scale: float = 1.0,
    ) -> tuple[VectorArray, VectorArray, VectorArray]:
        """Return first input and output vectors and bias of an exact softmax.

        Parameters
        ----------
        base : (V,) float32
            The first bias of a run that starts from nothing.
        counts, keep, pool, scale
            As in `fastw2v.objectives.softmax.first_rows`.
        run : Run
        """
        locked = bool(self.locked_inputs.any())
        settings = run.settings
        in_vectors, out_vectors = first_rows(
            self.known, counts, keep, settings, pool, scale=scale, keeps_inputs=locked
        )
        if settings.bias != "none":
            return in_vectors, out_vectors, carried_bias(self.known, base, keep, self.frequencies)
        # What others say by their bias, single inputs say by their common part.
        if not locked and (settings.model == "skipgram" or settings.cbow_mean):
            frequent = np.log(np.maximum(self.frequencies, 0.5) * keep).astype(np.float32)
            bias = carried_bias(self.known, frequent, keep, self.frequencies)
            if self.known.out_bias is not None:
                in_vectors = in_vectors + taken_up(bias, out_vectors, self.frequencies)
        return in_vectors, out_vectors, base

    def first_tables(
        self,
        vocabulary: Vocabulary,
        objective: ObjectiveName,
        features: tuple[VectorArray, NDArray[np.bool_]] | None,
    ) -> KnownTables:
        """Return first rows of the tables of negative sampling or hierarchical softmax.

        Parameters
        ----------
        vocabulary : Vocabulary
        objective : {"negative", "hierarchical"}
        features : (vectors (F, D), is_known (F,)), optional
            Where words' inputs are means of features: theirs.
        """
        known, outputs = self.known, self.known.out_vectors
        in_vectors, in_known = features or (known.in_vectors, known.is_known)
        if self.vectors.embeddings is None and features is None and not self.locked_inputs.any():
            in_vectors = _of_length(in_vectors, in_known, GIVEN_LENGTH)
        if objective == "hierarchical":
            return KnownTables(in_vectors, in_known, *self._nodes(vocabulary))
        if outputs is None:
            nothing = np.zeros(len(vocabulary), np.bool_)
            return KnownTables(in_vectors, in_known, np.zeros_like(known.in_vectors), nothing)
        return KnownTables(in_vectors, in_known, outputs, known.is_known)

    @property
    def rules(self) -> WordOptions:
        """What negative sampling and hierarchical softmax are told of locked words."""
        locks = None
        if self.locked_inputs.any():
            locks = np.where(self.locked_inputs, 0, 1).astype(np.float32)
        return WordOptions(locks=locks, locked_outputs=self.locked_outputs)

    def _nodes(self, vocabulary: Vocabulary) -> tuple[VectorArray, NDArray[np.bool_]]:
        """Return vectors of the tree's nodes, and which of them are known."""
        model = self.vectors.embeddings
        n_nodes = len(vocabulary) - 1
        vectors = np.zeros((n_nodes, self.vectors.dimensions), np.float32)
        if model is None or model.objective != "hierarchical":
            return vectors, np.zeros(n_nodes, np.bool_)
        before = huffman_tree(model.vocabulary.counts)
        places = self.vectors.places_of(vocabulary)
        nodes, signs = same_nodes(huffman_tree(vocabulary.counts), before, places)
        is_known = nodes >= 0
        vectors[is_known] = signs[is_known, None] * model.out_vectors[nodes[is_known]]
        return vectors, is_known


def prepare_start(run: Run) -> None:
    """Take the phrases and stop words of the earlier text into a run on a text.

    Raises
    ------
    ConfigurationError
        As `prepared_start`; on counts, for others that were to be added, and for a vocabulary that
        the counts decide.
    """
    earlier, settings = run.earlier, run.settings
    if earlier is None:
        return
    _require_lockable(earlier, settings)
    if isinstance(run.source, CountsFolder):
        for name, asked in (("counts", earlier.counts), ("vocabulary", earlier.words)):
            if asked is not None and (name == "counts" or earlier.asked.vocabulary == "keep"):
                raise ConfigurationError(
                    f"start_{name}: expected none beside counts to train on, which have all words "
                    "and pairs of the run, got some; add up counts by 'fastw2v counts merge'"
                )
        return
    run.words = prepared_start(earlier, settings, run.words)
    if run.begins:
        if earlier.settings is not None:
            run.description.words = run.words.as_dict() if run.words else None
        run.description.start = earlier.as_dict()


def prepared_start(earlier: Earlier, settings: Hyperparameters, words: WordRules) -> WordRules:
    """Return the rules of the words of a run on a text that starts from something earlier.

    Parameters
    ----------
    earlier : Earlier
        With the counts that are added.
    settings : Hyperparameters
        Of the run.
    words : WordRules
        Those that were asked for.

    Raises
    ------
    ConfigurationError
        If phrases, stop words or counts are others than those of the earlier text, or words cannot
        be locked.
    """
    _require_lockable(earlier, settings)
    words = _rules_of(earlier, settings, words)
    if earlier.counts is not None and earlier.counts.words.digest != words.digest:
        raise ConfigurationError(
            "start_counts: expected counts of a text with the phrases and stop words of the model, "
            f"got {earlier.counts.words.described()}; leave them out"
        )
    return words


def _require_lockable(earlier: Earlier, settings: Hyperparameters) -> None:
    if earlier.asked.lock_known and settings.inputs != "words":
        raise ConfigurationError(
            f"lock_known: expected inputs='words', got {settings.inputs!r}: words that share "
            "vectors of features move together; leave it out"
        )


def _rules_of(earlier: Earlier, settings: Hyperparameters, words: WordRules) -> WordRules:
    """Return the phrases that are joined, and the words that are left out: those of the model."""
    if earlier.words is not None and settings.phrases:
        raise ConfigurationError(
            "phrases: expected none to be looked for in a text whose words go on from earlier "
            f"ones, got phrases={settings.phrases}; those of a model are joined as they are"
        )
    if earlier.settings is None:
        return words
    if words and words.digest != earlier.rules.digest:
        raise ConfigurationError(
            f"phrases, stop_words: expected those of {earlier.name} ("
            f"{earlier.rules.described()}), or nothing, got {words.described()}; leave them out"
        )
    return earlier.rules


def require_known(
    earlier: Earlier,
    vocabulary: Vocabulary,
    is_known: NDArray[np.bool_],
    frequencies: NDArray[Any],
) -> None:
    """Raise `ConfigurationError` if no word has a vector to start from, or none would learn.

    Parameters
    ----------
    earlier : Earlier
    vocabulary : Vocabulary
    is_known : (V,) bool
    frequencies : (V,)
        How often each word is in the text that is trained on.
    """
    n_known = int(is_known.sum())
    if not frequencies[is_known].any():
        raise ConfigurationError(
            f"start: expected words of the text among the {len(earlier.vectors.words):,} of "
            f"{earlier.name}, got none of {np.count_nonzero(frequencies):,} "
            f"({vocabulary.texts[int(np.argmax(frequencies))]!r} is the most frequent one); "
            f"{earlier.cut_otherwise}, or begin anew"
        )
    if earlier.asked.lock_known and n_known == len(vocabulary):
        raise ConfigurationError(
            "lock_known: expected new words to learn beside the known ones, got none: all "
            f"{n_known:,} words are known; leave it out"
        )


def continuation(run: Run, vocabulary: Vocabulary) -> Continuation | None:
    """Return what a run's words begin with; None if it starts from nothing.

    What the run starts from is given up: the known rows are all that is needed of it.

    Raises
    ------
    ConfigurationError
        If no word is known, or nothing would learn.
    """
    earlier = run.earlier
    if earlier is None:
        return None
    calibrated = run.is_exact and not earlier.asked.lock_known
    known = earlier.vectors.rows_of(vocabulary, calibrated=calibrated)
    axes, before = earlier_axes(known), earlier.settings
    if before is not None and _input_of(before) != _input_of(run.settings):
        known = known.one_side  # what scores are products of is another sum of vectors
    frequencies = vocabulary.counts.astype(np.float64)
    adds = isinstance(run.source, CountsFolder) or earlier.counts is not None
    if not adds:
        frequencies -= _counts_before(earlier, vocabulary)
    n_known = int(known.is_known.sum())
    require_known(earlier, vocabulary, known.is_known, frequencies)
    _tell(run, earlier, known, frequencies, adds=adds)
    locked_in = np.zeros(len(vocabulary), np.bool_)
    locked_out = frequencies == 0
    if earlier.asked.lock_known:
        locked_in = known.is_known
        if known.out_vectors is not None:
            locked_out |= known.is_known
    by_counts = begins_by_counts(earlier, run.settings)
    run.earlier = None
    if run.description.start is not None:
        run.description.start |= {"n_known": n_known, "n_words": len(vocabulary)}
    locks = locked_in, locked_out
    return Continuation(earlier.vectors, known, frequencies, *locks, axes, by_counts)


def _input_of(settings: Hyperparameters) -> tuple[str, bool]:
    return settings.model, settings.model == "cbow" and settings.cbow_mean


def _tell(
    run: Run,
    earlier: Earlier,
    known: KnownRows,
    frequencies: NDArray[np.float64],
    *,
    adds: bool,
) -> None:
    """Say what the run starts with, and what is not there."""
    if run.reports.notice is None or not run.begins:
        return
    n_known, n_words = int(known.is_known.sum()), len(known.is_known)
    share = frequencies[known.is_known].sum() / frequencies.sum()
    sentence = (
        f"{n_known:,} of {n_words:,} words, {share:.0%} of the text, have vectors of {earlier.name}"
    )
    if share < FEW_KNOWN:
        sentence += f"; its words may be cut otherwise: {earlier.cut_otherwise}"
    run.reports.notice(sentence)
    if earlier.counts is not None:
        run.reports.notice(f"counts of the earlier text are added: {earlier.asked.counts}")
    if begins_by_counts(earlier, run.settings):
        run.reports.notice(
            "training begins by the counts of both texts; its vectors are turned towards the "
            "earlier ones at the end (--start random begins by these)"
        )
    if not adds and earlier.vectors.embeddings is not None:
        n_absent = int((frequencies == 0).sum())
        run.reports.notice(
            "training is on the new text alone: pairs of words of the earlier one are not there"
            + (" (--start-counts adds them)" if is_by_counts(run.settings) else "")
            + f"; {n_absent:,} words that it has not keep their output vectors"
        )


def _of_length(vectors: VectorArray, is_known: NDArray[np.bool_], length: float) -> VectorArray:
    mean = np.linalg.norm(vectors[is_known].astype(np.float64), axis=1).mean()
    if not mean > 0:
        return vectors
    # The factor of vectors near the smallest numbers has no place in single precision.
    return np.asarray(vectors * np.float64(length / mean), np.float32)


def _counts_before(earlier: Earlier, vocabulary: Vocabulary) -> NDArray[np.float64]:
    """Return what reading the text has added to its counts (V,)."""
    words = earlier.words
    if words is None:
        return np.zeros(len(vocabulary))
    counts = dict(zip(words.words, words.counts.tolist(), strict=True))
    found = (counts.get(word, 0) for word in vocabulary.words)
    return np.fromiter(found, np.float64, len(vocabulary))
