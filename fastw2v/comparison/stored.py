"""Vectors that a training process left: their quality, their losses, their agreement."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.evaluation.alignment import align
from fastw2v.evaluation.neighbours import neighbour_overlap
from fastw2v.evaluation.scores import Score, scores
from fastw2v.evaluation.similarity import evaluate_similarity
from fastw2v.evaluation.test_sets import bundled_pairs
from fastw2v.evaluation.word_table import WordTable
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import Ngrams
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import encode_corpus
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["SAMPLED_POSITIONS", "LossSettings", "StoredVectors", "agreement", "held_out_losses"]

SAMPLED_POSITIONS = 20_000  # of CBOW's held-out text


@dataclass(frozen=True, eq=False)
class StoredVectors:
    """What a training process left.

    Attributes
    ----------
    words : list of str
    counts : (V,) int64
    tables : dict of str to (V, D) float32
        By name: "in", and "out" or "nodes".
    ngrams : (str, NgramVectors), optional
        What unknown words' vectors are made of, and the table whose space they are in.
    """

    words: list[str]
    counts: NDArray[np.int64]
    tables: dict[str, NDArray[np.float32]]
    ngrams: tuple[str, NgramVectors] | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a .npz of `fastw2v.comparison.requests.save_vectors`."""
        with np.load(path) as stored:
            tables = {name: stored[name] for name in ("in", "out", "nodes") if name in stored}
            words = stored["words"].tobytes().decode().split("\n")
            ngrams = None
            if "ngrams_table" in stored:
                sizes = Ngrams(*stored["ngrams_sizes"].tolist())
                of_ngrams = NgramVectors(sizes, stored["ngrams_buckets"], stored["ngrams_vectors"])
                ngrams = (stored["ngrams_table"].tobytes().decode(), of_ngrams)
            return cls(words, stored["counts"], tables, ngrams)

    @cached_property
    def word_tables(self) -> dict[str, WordTable]:
        """The tables of words: "in", and "in+out" where the trainer gives both away."""
        found = {"in": WordTable(self.words, self.tables["in"])}
        if "out" in self.tables:
            found["in+out"] = WordTable(self.words, self.tables["in"] + self.tables["out"])
        if self.ngrams is not None:
            name, of_ngrams = self.ngrams
            found[name] = replace(found[name], make_unknown=of_ngrams.of)
        return found

    def all_pairs(self) -> dict[str, dict[str, Any]]:
        """Return the correlations over all pairs, unknown words included, of each table and set.

        Of tables beside which unknown words get vectors, and the sets that come with gensim; see
        `fastw2v.evaluation.similarity.AllPairs`.
        """
        found: dict[str, dict[str, Any]] = {}
        for name, table in self.word_tables.items():
            if table.make_unknown is None:
                continue
            for pairs in bundled_pairs():
                every = evaluate_similarity(table, pairs, resamples=0).with_unknown
                assert every is not None
                found.setdefault(name, {})[pairs.name] = every.as_dict()
        return found

    @cached_property
    def _scores(self) -> dict[str, list[Score]]:
        return {name: scores(table) for name, table in self.word_tables.items()}

    def coverage(self) -> dict[str, float]:
        """Return the share of each test set whose words are known."""
        return {score.name: score.covered / score.total for score in self._scores["in"]}

    def quality(self) -> dict[str, dict[str, float | None]]:
        """Return the three scores and their mean for each table; None where nothing is covered."""
        result: dict[str, dict[str, float | None]] = {}
        for name, of_table in self._scores.items():
            found = {score.name: score.value for score in of_table}
            found["mean"] = mean(found.values())
            result[name] = {
                test: value if np.isfinite(value) else None for test, value in found.items()
            }
        return result


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """What a loss depends on beside vectors and text.

    `loss` is "softmax", "negative", "hierarchical", or None; `noise_exponent` that of the noise.
    """

    loss: str | None
    model: str = "skipgram"
    window: int = 5
    negative: int = 5
    noise_exponent: float = 0.75
    cbow_mean: bool = True
    workers: int = 1


def held_out_losses(
    stored: StoredVectors, settings: LossSettings, corpus: Path, held_out: Path
) -> dict[str, float]:
    """Return losses of a text in nats a pair: the trainer's own, and the calibrated softmax's.

    Parameters
    ----------
    stored : StoredVectors
    settings : LossSettings
    corpus, held_out : Path
        The training text, on a sample of which both numbers of the calibration are fitted for
        every trainer alike (`fastw2v.objectives.losses.calibration`), and the text that is
        measured. Windows are plain.

    Returns
    -------
    dict
        "own_nats" where the loss is one of scores u . v; "calibrated_nats" and "temperature".
        Empty if the trainer gives no output vectors away.
    """
    from fastw2v.counts.pairs import count_pairs
    from fastw2v.objectives.huffman import huffman_tree
    from fastw2v.objectives.losses.calibration import Calibration, calibrate, calibrated_loss
    from fastw2v.objectives.losses.cbow_rows import CbowRows
    from fastw2v.objectives.losses.objectives import negative_sampling_loss
    from fastw2v.objectives.losses.rows import CentreRows
    from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores
    from fastw2v.objectives.losses.training_rows import training_rows
    from fastw2v.objectives.noise import noise_distribution

    if settings.loss is None or not {"out", "nodes"} & set(stored.tables):
        return {}
    total = int(stored.counts.sum())
    vocabulary = Vocabulary(stored.words, stored.counts, total, len(stored.words))
    log_unigram = np.log(stored.counts / total).astype(np.float32)
    read_as: Any = {"model": settings.model, "window": settings.window}
    vectors, workers = stored.tables["in"], settings.workers
    training = encode_corpus(corpus, vocabulary, tokenizer="whitespace")
    tokens = encode_corpus(held_out, vocabulary, tokenizer="whitespace")
    with WorkerPool(workers) as pool:
        scores: Any
        if "nodes" in stored.tables:
            scores = TreeScores(stored.tables["nodes"], huffman_tree(stored.counts), pool)
        else:
            scores = SoftmaxScores(stored.tables["out"], pool)
        fitted_on = training_rows(vectors, training, Hyperparameters(**read_as), workers)
        found = calibrate(scores, fitted_on, log_unigram)
        rows: Any
        if settings.model == "cbow":
            rows = CbowRows(
                vectors,
                tokens,
                window=settings.window,
                mean=settings.cbow_mean,
                sample=SAMPLED_POSITIONS,
            )
        else:
            rows = CentreRows(
                vectors, count_pairs(tokens, len(vectors), settings.window, workers=workers)
            )
        losses = {
            "calibrated_nats": calibrated_loss(scores, rows, log_unigram, found),
            "temperature": found.temperature,
        }
        if settings.loss == "negative":
            noise = noise_distribution(stored.counts, settings.noise_exponent)
            losses["own_nats"] = negative_sampling_loss(scores, rows, noise, settings.negative)
        elif settings.loss == "softmax":
            plain = Calibration(1.0, 0.0, np.nan)
            losses["own_nats"] = calibrated_loss(scores, rows, log_unigram, plain)
    return losses


def agreement(first: WordTable, second: WordTable) -> dict[str, Any]:
    """Return overlap of neighbours and alignment of two tables."""
    return asdict(neighbour_overlap(first, second)) | asdict(align(first, second))
