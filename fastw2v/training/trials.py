"""What each objective would take on a text, tried on a part of it."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.corpus import CountedCorpus, window_widths
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import FastW2VError
from fastw2v.kernels.compile_clock import working_s
from fastw2v.objectives.softmax.device.library import Device, open_device
from fastw2v.objectives.softmax.durations import CONTEXTS, step_seconds
from fastw2v.objectives.softmax.estimates import batch_size, training_bytes
from fastw2v.objectives.softmax.rare_words import ColumnCosts, column_costs, column_sizes
from fastw2v.objectives.stream.estimates import stream_bytes
from fastw2v.objectives.stream.settings import StreamSettings
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.training.inputs import InputFeatures, subword_features
from fastw2v.training.run import Run, first_device
from fastw2v.training.start_from import Earlier, with_counts
from fastw2v.training.stream import train_stream

__all__ = ["Estimate", "TriedText", "entries_of_rows", "estimated"]

_ENTRY_BYTES = 8  # of a pair that is counted: context and number
# Vectors of known words, in their own order and in that of the text, wait for the first step.
_START_TABLES = 2
_FEWEST_PAIRS = 8.0  # of a row of the sample that says something about how contexts grow


@dataclass(frozen=True)
class Estimate:
    """What a run of one model and objective would take.

    Attributes
    ----------
    model, objective : str
    epochs : int
    seconds : float
        Of counting, where windows are counted, and of all epochs.
    memory_bytes : int
        At its peak, the program included.
    rare_words : {"exact", "sampled"}, optional
        What becomes of rare words in the softmax, where the settings leave a choice.
    """

    model: str
    objective: str
    epochs: int
    seconds: float
    memory_bytes: int
    rare_words: str | None = None


@dataclass(frozen=True, eq=False)
class TriedText:
    """A text that was read, over the words that settings keep of it.

    Attributes
    ----------
    vocabulary : Vocabulary
        With the words of an earlier text, and their counts.
    in_text : (V,) int64
        How often each is in this one.
    sample : EncodedTokens
        A part of the text.
    earlier : Earlier, optional
        What training would start from.
    """

    vocabulary: Vocabulary
    in_text: NDArray[np.int64]
    sample: EncodedTokens
    earlier: Earlier | None = None

    @property
    def share(self) -> float:
        """The text's tokens for each of the sample."""
        return int(self.in_text.sum()) / len(self.sample.ids)

    @property
    def start_bytes(self) -> int:
        """What vectors to start from take, beside those that are trained."""
        if self.earlier is None:
            return 0
        vectors = self.earlier.vectors
        sides = 1 if vectors.embeddings is None else 2
        n_rows = len(vectors.words) + _START_TABLES * len(self.vocabulary)
        return 4 * vectors.dimensions * sides * n_rows


def estimated(settings: Hyperparameters, text: TriedText, workers: int) -> Estimate:
    """Return what training on a text would take; its sample has a token at least."""
    with WorkerPool(workers) as pool:
        if settings.objective != "softmax":
            seconds, n_bytes = _stream(settings, text, pool)
            sampled = None
        elif settings.model == "cbow":
            seconds, n_bytes = _cbow(settings, text, pool)
            sampled = None
        else:
            seconds, n_bytes, sampled = _skipgram(settings, text, pool)
    kind = (settings.model, settings.objective, settings.total_epochs)
    return Estimate(*kind, seconds, n_bytes, sampled)


def _counted(
    settings: Hyperparameters, text: TriedText, pool: WorkerPool
) -> tuple[PairCounts, float, int]:
    """Return the sample's counts, and what counting the text takes of time and memory."""
    n_words, share = len(text.vocabulary), text.share
    began_s = working_s()
    widths = window_widths(text.vocabulary, settings)
    counts = count_pairs(text.sample, n_words, settings.window, workers=pool.workers, widths=widths)
    # Pairs that are new grow more slowly than the text: about with its square root.
    n_bytes = int(counts.n_entries * share**0.6 * _ENTRY_BYTES)
    n_bytes += int(4 * share * len(text.sample.ids)) + text.start_bytes
    return counts, (working_s() - began_s) * share, n_bytes


def _device(settings: Hyperparameters, rows: int) -> Device | None:
    """Return what would compute by PyTorch; where a run would choose, it is taken for the CPU."""
    kind = first_device(settings)
    return open_device(kind, rows) if kind in ("cuda", "torch-cpu") else None


def _cbow(settings: Hyperparameters, text: TriedText, pool: WorkerPool) -> tuple[float, int]:
    _, count_s, n_bytes = _counted(settings, text, pool)
    n_words = len(text.vocabulary)
    max_rows = batch_size(settings, n_words)
    keep = keep_probability(text.vocabulary.counts, settings.sample)
    n_batches = max(1.0, int(keep @ text.in_text) / max_rows)
    device = _device(settings, max_rows)
    epoch_s = step_seconds(settings, n_words, max_rows, pool, device) * n_batches
    on_card = device is not None and device.is_card
    memory = training_bytes(n_words, settings, max_rows, n_bytes, on_card=on_card)
    return count_s + settings.epochs * epoch_s, memory


def _skipgram(
    settings: Hyperparameters, text: TriedText, pool: WorkerPool
) -> tuple[float, int, str | None]:
    counts, count_s, n_bytes = _counted(settings, text, pool)
    n_words, features = len(text.vocabulary), _features(settings, text.vocabulary)
    n_bytes += features.nbytes(settings) if features else 0
    before = _counts_before(settings, text.earlier)
    in_text = text.in_text if before is None else text.vocabulary.counts
    centres = np.flatnonzero(in_text > 0)
    if before is not None:
        n_bytes += _ENTRY_BYTES * before.counts.n_entries  # of the sum; the earlier are mapped
    share, most_scores, kind = 1.0, None, None
    max_rows = min(batch_size(settings, n_words), n_words)
    entries = entries_of_rows(counts, in_text, text.share)
    contexts = max(1.0, float(entries[centres].sum()) / n_words)
    if settings.uses("rare_words") and settings.rare_words != "exact":
        kind = "exact"
        sizes = column_sizes(n_words)
        if sizes is not None:
            most = batch_size(settings, min(n_words, sum(sizes)))
            costs: ColumnCosts = column_costs(entries, centres, most, sizes)
            if costs.are_taken(settings.rare_words):
                share, most_scores, max_rows = costs.share, costs.most_scores, costs.max_rows
                kind, contexts = "sampled", CONTEXTS
    n_batches = max(1.0, len(centres) / max_rows)
    device = _device(settings, max_rows)
    epoch_s = step_seconds(settings, n_words, max_rows, pool, device, contexts) * n_batches * share
    on_card = device is not None and device.is_card
    memory = training_bytes(n_words, settings, max_rows, n_bytes, most_scores, on_card=on_card)
    return count_s + settings.total_epochs * epoch_s, memory, kind


def entries_of_rows(
    counts: PairCounts, in_text: NDArray[np.int64], share: float
) -> NDArray[np.int64]:
    """Return about how many different contexts each word of a text has, by a sample's counts.

    Among the sample's words they grow by a power of how often a word occurs, and so they go on.

    Parameters
    ----------
    counts : PairCounts
        Of the sample.
    in_text : (V,) int64
        How often each word is in the text.
    share : float
        The text's tokens for each of the sample.

    Returns
    -------
    (V,) int64
        At most V, and at least 1 of a word that occurs.
    """
    seen = np.diff(counts.indptr).astype(np.float64)
    expected = in_text / share  # in the sample
    says = (seen >= _FEWEST_PAIRS) & (expected > 0)
    if not says.any():
        return np.asarray(np.minimum(in_text * 2 * counts.window, len(in_text)), np.int64)
    logs = np.log(expected[says]), np.log(seen[says])
    power = 1.0
    if np.ptp(logs[0]) > 0:
        power = float(np.clip(np.polyfit(*logs, 1, w=np.sqrt(expected[says]))[0], 0.0, 1.0))
    level = float(np.average(logs[1] - power * logs[0], weights=expected[says]))
    found = np.exp(level) * np.where(in_text > 0, in_text, 0.0) ** power
    most = np.minimum(2 * counts.window * in_text, len(in_text))
    return np.asarray(np.minimum(np.maximum(np.rint(found), in_text > 0), most), np.int64)


def _counts_before(settings: Hyperparameters, earlier: Earlier | None) -> CountedCorpus | None:
    """Return the counts that a run of these settings would add, of what it would start from."""
    if earlier is None:
        return None
    try:
        return with_counts(earlier, settings).counts
    except FastW2VError:  # of another kind of run than the one that was asked for
        return None


def _features(settings: Hyperparameters, vocabulary: Vocabulary) -> InputFeatures | None:
    """Return what words' inputs are made of; features that a run would be given are not known."""
    return subword_features(settings, vocabulary) if settings.inputs == "subwords" else None


def _stream(settings: Hyperparameters, text: TriedText, pool: WorkerPool) -> tuple[float, int]:
    n_words = len(text.vocabulary)
    present = np.maximum(np.bincount(text.sample.ids, minlength=n_words), 1)
    once = StreamSettings(hyperparameters=Hyperparameters(**{**settings.given, "epochs": 1}))
    run = Run(settings=once.hyperparameters, workers=pool.workers)
    features = _features(settings, text.vocabulary)
    matrix = features.matrix if features else None
    took_s = []
    for _ in range(2):  # kernels are read in the first
        began_s = time.perf_counter()
        result = train_stream(text.sample, present, once, pool, run=replace(run), features=matrix)
        took_s.append(time.perf_counter() - began_s)
    epoch_s = min(took_s[-1], result.history[-1].elapsed_s) * text.share
    held_bytes = text.start_bytes + (features.nbytes(settings) if features else 0)
    memory = stream_bytes(n_words, settings, pool.workers, held_bytes)
    return settings.epochs * epoch_s, memory
