"""The parameters of training on running text, laid out for the kernels, and an epoch over the text.

`fastw2v.training.loop` decides on epochs; what is done to a block of text is in
`fastw2v.kernels.stream.training`.
"""

import time
from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochProgress
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.kernels.formulas.huffman import HuffmanTree
from fastw2v.kernels.formulas.random_numbers import subsample_thresholds
from fastw2v.kernels.simd.memory import LINE, aligned_zeros
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.observed_scores import longest_sentence
from fastw2v.kernels.stream.frequent_rows import Copies, begin_copies, merge_copies
from fastw2v.kernels.stream.noise import AliasTable
from fastw2v.kernels.stream.row_means import RowMeans, no_means, slots_for, write_means
from fastw2v.kernels.stream.sigmoid_tiles import Tables
from fastw2v.kernels.stream.sigmoid_windows import RowShape
from fastw2v.kernels.stream.training import (
    BAD_IDS,
    KEPT,
    LOSS,
    PAIRS,
    TOTALS,
    Inputs,
    Layout,
    Outputs,
    Span,
    train_blocks,
)
from fastw2v.kernels.text.token_blocks import SubsampledText
from fastw2v.objectives.arrays import VectorArray, copy_arrays
from fastw2v.objectives.features import FeatureMatrix
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.noise import noise_table
from fastw2v.objectives.stream.settings import StreamSettings
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import keep_probability

__all__ = ["BLOCKS_PER_CALL", "COPIED_ROWS", "LONGEST_CALL_S", "KnownTables", "StreamTables"]

BLOCKS_PER_CALL = 64  # of each worker, between two reports; fewer where they take long
LONGEST_CALL_S = 0.4  # Ctrl-C is answered between two calls
COPIED_ROWS = 256  # most frequent words, of which each of several workers has a copy
_MOST_UNROLLED = 16  # vectors; code for longer rows has loops
_RANDOM_STREAM = 0
_ROWS_AT_ONCE = 1 << 16


class KnownTables(NamedTuple):
    """First rows of both tables where they are known; others begin as they do without.

    Attributes
    ----------
    in_vectors : (V, D) or (F, D) float32
    in_known : bool array
    out_vectors : float32
        In the shapes of `StreamTables`.
    out_known : bool array
    """

    in_vectors: VectorArray
    in_known: NDArray[np.bool_]
    out_vectors: VectorArray
    out_known: NDArray[np.bool_]


class _Setup(NamedTuple):
    """What kernels get that stays the same for a whole run."""

    text: SubsampledText
    tables: Tables
    outputs: Outputs
    inputs: Inputs
    layout: Layout
    copies: Copies
    totals: NDArray[np.float64]


class StreamTables:
    """One run's tables: parameters laid out for the kernels, and what kernels get.

    With `features` the table of inputs has a row for each of F features, and a word's input is the
    mean of its features' rows. Workers have no copies of the most frequent ones then: which those
    are would have to be counted, and none of them is written as often as a frequent word's row.

    Words at the positions `held_out` (ascending; default: none) are contexts and not predicted.
    """

    def __init__(
        self,
        tokens: EncodedTokens,
        counts: NDArray[np.int64],
        settings: StreamSettings,
        pool: WorkerPool,
        block_tokens: int,
        features: FeatureMatrix | None = None,
        held_out: NDArray[np.int64] | None = None,
    ) -> None:
        self.n_pairs = self.n_kept = 0
        self.settings, self.pool = settings.hyperparameters, pool
        self._tokens = tokens
        self._held_out = np.empty(0, np.int64) if held_out is None else held_out
        self._n_words = len(counts)
        self._features = None if features is None else _checked(features, self._n_words)
        self._n_inputs = self._n_words if features is None else features.n_features
        self._hierarchical = self.settings.objective == "hierarchical"
        self._out_rows = self._n_words - 1 if self._hierarchical else self._n_words
        self.block_tokens = block_tokens
        self._in_rows, self._out_table, self._setup = self._prepare(counts, settings)

    def begin(self, start: tuple[VectorArray, VectorArray] | KnownTables | None) -> None:
        """Set the first vectors, and make sure that kernels are compiled."""
        settings = self.settings
        in_part = self._table(self._in_rows, self._n_inputs)
        out_part = self._table(self._out_table, self._out_rows)
        if start is None or isinstance(start, KnownTables):
            # fastText begins rows of n-grams twice as far out as word2vec does words: a mean of
            # many is small.
            bound = 0.5 if self._features is None else 1.0
            _fill_randomly(in_part, settings, np.float32(bound))
        else:
            for name, given, part in zip(("in", "out"), start, (in_part, out_part), strict=True):
                if given.shape != part.shape:
                    raise ConfigurationError(
                        f"start: expected {name}_vectors of shape {part.shape}, got {given.shape}"
                    )
            in_part[:] = start[0]
            out_part[:] = start[1][::-1] if self._hierarchical else start[1]
        if isinstance(start, KnownTables):
            in_part[start.in_known] = start.in_vectors[start.in_known]
            rows = np.flatnonzero(start.out_known)
            places = self._out_rows - 1 - rows if self._hierarchical else rows
            out_part[places] = start.out_vectors[rows]
        self._begin_copies()
        self._call(0, self._span(0, 0))

    def _begin_copies(self) -> None:
        tables, copies = self._setup.tables, self._setup.copies
        for worker in range(self.pool.workers if copies.out_size else 0):
            begin_copies(tables, copies, worker)

    def _prepare(
        self, counts: NDArray[np.int64], stream: StreamSettings
    ) -> tuple[VectorArray, VectorArray, _Setup]:
        settings, workers = self.settings, self.pool.workers
        rules = stream.rules.checked(self._n_words)
        vectors = -(-settings.vector_size // LANES)
        stride = -(-settings.vector_size // LINE) * LINE
        shape = RowShape((0,) * vectors if vectors <= _MOST_UNROLLED else vectors, vectors * LANES)
        copied = min(COPIED_ROWS, self._out_rows) if workers > 1 else 0
        out_size = copied * stride
        in_size = out_size if self._features is None else 0
        in_end = self._n_inputs * stride
        scratch = in_end + workers * in_size
        locks = np.zeros(0, np.float32) if rules.locks is None else rules.locks
        if locks.size and self._features is not None:
            raise ConfigurationError(
                "locks: expected none where words share features, got some; train words that have "
                "a row each"
            )
        farthest = min(settings.window, longest_sentence(self._tokens.sentence_starts) - 1)
        farthest = max(farthest, 1)
        scratch_rows = 1 + (2 * farthest if locks.size else 0)
        scratch_rows += slots_for(farthest) if self._features is not None else 0
        in_rows = aligned_zeros(scratch + workers * scratch_rows * stride)
        out_scratch = self._out_rows * stride + workers * out_size
        locked = self._locked(rules.locked_outputs)
        outputs = self._outputs(counts, locked)
        lent_rows = workers * outputs.longest if locked.any() else 0
        out_rows = aligned_zeros(max(1, out_scratch + lent_rows * stride))
        marks = np.zeros((2, workers, max(1, out_size)), np.float32)
        keep = keep_probability(counts, settings.sample) if rules.keep is None else rules.keep
        setup = _Setup(
            # Read-only all of them, so that memory maps need no kernels of their own.
            SubsampledText(
                _read_only(self._tokens.ids, np.int32),
                _read_only(self._tokens.sentence_starts, np.int64),
                subsample_thresholds(keep),
                _read_only(self._held_out, np.int64),
            ),
            Tables(in_rows, out_rows),
            outputs,
            Inputs(
                settings.window,
                farthest,
                stream.input_kind,
                stream.shrink_windows,
                stream.divides_step,
                _read_only(locks, np.float32),
                _row_means(self._features, stride),
            ),
            Layout(stride, shape, copied, scratch, scratch_rows, out_scratch),
            Copies(
                in_size,
                out_size,
                in_end,
                self._out_rows * stride,
                marks[0],
                marks[1],
                np.zeros(1, np.int64),
            ),
            np.zeros((workers, TOTALS), np.float64),
        )
        return in_rows, out_rows, setup

    def _locked(self, words: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
        """Return which words' output rows stay, as kernels take it: nothing where all move."""
        if words is None or not words.any() or self._hierarchical:
            return np.zeros(0, np.uint8)
        return words.astype(np.uint8)

    def _outputs(self, counts: NDArray[np.int64], locked: NDArray[np.uint8]) -> Outputs:
        if self._hierarchical:
            tree = huffman_tree(counts)
            longest = int(np.diff(tree.starts).max())
            # The root first: rows are in order of how often they are used, as those of words.
            rows = np.int32(self._n_words - 2) - tree.points
            noise = AliasTable(np.zeros(1, np.uint32), np.zeros(1, np.int32))
            signs = _path_signs(tree)
            return Outputs((), longest, *noise, tree.starts, rows, signs, locked)
        negative = self.settings.negative
        noise = noise_table(counts, self.settings.ns_exponent)
        signs = np.ones(negative + 1 + 2 * LANES, np.float32)
        signs[0] = -1
        no_paths = (np.zeros(1, np.int64), np.zeros(1, np.int32))
        return Outputs((0,) * negative, negative + 1, *noise, *no_paths, signs, locked)

    def _span(self, number: int, end_block: int) -> Span:
        settings = self.settings
        fall = settings.learning_rate * (1 - settings.final_rate) / settings.epochs
        return Span(
            settings.seed,
            number,
            end_block,
            self.block_tokens,
            settings.learning_rate - number * fall,
            fall / len(self._tokens.ids),
        )

    def _call(self, first_block: int, span: Span) -> None:
        """Train on blocks from `first_block` to the span's end; bring all copies home."""
        setup = self._setup
        model = (setup.layout, setup.copies, setup.totals)
        tasks = np.array([first_block], np.int64)
        self.pool.run(
            lambda worker: train_blocks(
                tasks, worker, setup.text, setup.tables, setup.outputs, setup.inputs, model, span
            )
        )
        for worker in range(self.pool.workers):
            merge_copies(setup.tables, setup.copies, worker)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the tables that are common to all workers, as views."""
        stride = self._setup.layout.stride
        return {
            "in_vectors": self._in_rows[: self._n_inputs * stride],
            "out_vectors": self._out_table[: self._out_rows * stride],
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given, in the workers' copies too."""
        copy_arrays(arrays, self.arrays())
        self._begin_copies()

    @property
    def steps_per_epoch(self) -> int:
        """Blocks of the text; a step of the loop takes several of them."""
        return -(-len(self._tokens.ids) // self.block_tokens)

    def epoch(self, number: int, begun: EpochProgress) -> Generator[EpochProgress]:
        """Train on the text from where an epoch was left; see `EpochProgress`."""
        done, blocks = begun.steps_done, self.steps_per_epoch
        span = self._span(number, blocks)
        totals = self._setup.totals
        totals[:] = 0
        totals[0, LOSS], totals[0, PAIRS] = begun.loss_sum, begun.weight_sum
        at_once = BLOCKS_PER_CALL * self.pool.workers
        while done < blocks:
            end = min(blocks, done + at_once)
            called = time.perf_counter()
            self._call(done, span._replace(end_block=end))
            if time.perf_counter() - called > LONGEST_CALL_S:
                at_once = max(self.pool.workers, at_once // 2)
            done = end
            sums = totals.sum(axis=0)
            if sums[BAD_IDS]:
                raise self._foreign_id()
            if done == blocks:
                self.n_pairs += int(sums[PAIRS])
                self.n_kept += int(sums[KEPT])
            trained = min(len(self._tokens.ids), done * self.block_tokens)
            rate = span.rate - trained * span.rate_step
            yield EpochProgress(done, float(sums[LOSS]), float(sums[PAIRS]), rate)

    def _foreign_id(self) -> VocabularyError:
        ids = self._tokens.ids
        for first in range(0, len(ids), _ROWS_AT_ONCE):
            part = ids[first : first + _ROWS_AT_ONCE]
            wrong = np.flatnonzero((part < 0) | (part >= self._n_words))
            if wrong.size:
                place = first + int(wrong[0])
                return VocabularyError(
                    f"ids: expected 0 to {self._n_words - 1}, the words of the vocabulary, got "
                    f"{int(ids[place])} for token {place}; encode the text with this vocabulary"
                )
        return VocabularyError("ids: some changed while the text was being read")

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return all(bool(np.isfinite(table).all()) for table in (self._in_rows, self._out_table))

    def _table(self, rows: VectorArray, n_rows: int) -> VectorArray:
        """Return the (n_rows, D) part of padded rows that is common to all workers, a view."""
        stride = self._setup.layout.stride
        return rows[: n_rows * stride].reshape(n_rows, stride)[:, : self.settings.vector_size]

    @property
    def in_vectors(self) -> VectorArray:
        """Vectors of words as inputs (V, D), a copy; means where words have features."""
        if self._features is None:
            return self.feature_vectors
        setup = self._setup
        rows = aligned_zeros(self._n_words * setup.layout.stride)
        tasks = np.zeros(1, np.int64)
        self.pool.run(
            lambda worker: write_means(tasks, self._in_rows, setup.inputs.means, setup.layout, rows)
        )
        return self._table(rows, self._n_words).copy()

    @property
    def feature_vectors(self) -> VectorArray:
        """The rows of the table of inputs (F, D), a copy; (V, D) where words have one each."""
        return self._table(self._in_rows, self._n_inputs).copy()

    @property
    def out_vectors(self) -> VectorArray:
        """Vectors of words, or of inner nodes, as outputs, a copy."""
        vectors = self._table(self._out_table, self._out_rows)
        return vectors[::-1].copy() if self._hierarchical else vectors.copy()


def _checked(features: FeatureMatrix, n_words: int) -> FeatureMatrix:
    """Return features of words; raise `ConfigurationError` if inputs cannot be means of them."""
    if features.n_words != n_words:
        raise ConfigurationError(
            f"features: expected those of {n_words} words, got those of {features.n_words}"
        )
    if not bool((np.diff(features.starts) > 0).all()) or not bool((features.values == 1).all()):
        raise ConfigurationError(
            "features: expected at least one for each word and each as a whole, got others"
        )
    return features


def _row_means(features: FeatureMatrix | None, stride: int) -> RowMeans:
    if features is None:
        return no_means()
    places = features.indices.astype(np.int64) * stride
    return RowMeans(features.starts.astype(np.int64), places, (0,))


def _path_signs(tree: HuffmanTree) -> VectorArray:
    """Return -1 for the turns of code 0, which word2vec.c gives the label 1, and +1 for others."""
    signs = np.ones(len(tree.codes) + 2 * LANES, np.float32)
    signs[: len(tree.codes)] = 2 * tree.codes.astype(np.float32) - 1
    return signs


def _read_only(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a view that cannot be written, of a memory map too."""
    view = np.asarray(array, dtype).view()
    view.flags.writeable = False
    return view


def _fill_randomly(table: VectorArray, settings: Hyperparameters, bound: np.float32) -> None:
    """Write numbers evenly from -bound/D to bound/D; word2vec.c begins with a bound of 1/2."""
    generator = np.random.default_rng([settings.seed, _RANDOM_STREAM])
    for first in range(0, len(table), _ROWS_AT_ONCE):
        part = table[first : first + _ROWS_AT_ONCE]
        uniform = generator.random(part.shape, dtype=np.float32) - np.float32(0.5)
        part[:] = np.float32(2) * bound * uniform / np.float32(settings.vector_size)
