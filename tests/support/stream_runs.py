"""Runs over running text, and one beside its plain twin."""

import numpy as np

from fastw2v.config import Hyperparameters
from fastw2v.objectives.stream.settings import StreamSettings, WordOptions
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.training.options import Reports
from fastw2v.training.run import Run
from fastw2v.training.stream import train_stream
from tests.support.naive_stream import NaiveStream

CELLS = {
    "skipgram-negative": {},
    "skipgram-negative-pairs": {"negatives_shared": False},
    "skipgram-hierarchical": {"objective": "hierarchical"},
    "cbow-negative": {"model": "cbow"},
    "cbow-sum-negative": {"model": "cbow", "cbow_mean": False},
    "cbow-hierarchical": {"model": "cbow", "objective": "hierarchical"},
    "cbow-negative-gensim": {"model": "cbow", "cbow_steps": "gensim"},
    "cbow-sum-negative-gensim": {"model": "cbow", "cbow_mean": False, "cbow_steps": "gensim"},
}
WORDS = 14


def encoded(sentences):
    starts = np.concatenate([[0], np.cumsum([len(s) for s in sentences])]).astype(np.int64)
    ids = np.concatenate([np.asarray(s, np.int32) for s in sentences]).astype(np.int32)
    return EncodedTokens(ids, starts, len(ids), 0)


def stream_settings(**given):
    """Settings of a run: hyper-parameters as gensim has them unless given, and what goes beyond."""
    beyond = ("shrink_windows", "cbow_steps", "rules")
    values = {"objective": "negative", "learning_rate": 0.025, **given}
    for name in beyond:
        values.pop(name, None)
    return StreamSettings(
        hyperparameters=Hyperparameters(**values),
        **{name: given[name] for name in beyond if name in given},
    )


def trained(tokens, counts, settings, workers=1, start=None, callbacks=(), **options):
    run = Run(
        settings=settings.hyperparameters,
        workers=workers,
        start=start,
        reports=Reports(callbacks=callbacks),
    )
    with WorkerPool(workers) as pool:
        return train_stream(
            tokens, np.asarray(counts, np.int64), settings, pool, run=run, **options
        )


def sentences_without_echo(seed):
    """Sentences in which no word stands twice among three: both contexts of a word differ."""
    generator = np.random.default_rng(seed)
    made = []
    for length in (1, 40, 0, 2, 3, 25, 1, 30):
        words: list[int] = []
        while len(words) < length:
            word = int(generator.integers(WORDS))
            if word not in words[-2:]:
                words.append(word)
        made.append(words)
    return made


def problem_of_twins(settings, in_rows):
    """Return counts by which nearly all noise is word 0, and first vectors of so many inputs."""
    counts = np.array([10**6, *range(40, 40 - WORDS + 1, -1)])
    generator = np.random.default_rng(4)
    out_rows = WORDS - (settings.hyperparameters.objective == "hierarchical")
    start = tuple(
        generator.normal(size=(rows, settings.hyperparameters.vector_size)).astype(np.float32)
        * np.float32(0.5)
        for rows in (in_rows, out_rows)
    )
    return counts, start


class TwinMismatchError(AssertionError):
    """The kernels did not do what the twin does."""


def compare_with_twin(cell, sabotage="", dimensions=9, locks=None, held=(), held_out=()):
    # All noise is word 0.
    noise = {} if "hierarchical" in cell else {"negative": 5, "ns_exponent": 9.0}
    settings = stream_settings(
        vector_size=dimensions,
        window=1,
        sample=0,
        **noise,
        learning_rate=0.3,
        final_rate=0.1,
        epochs=2,
        rules=WordOptions(locks=locks, locked_outputs=np.isin(np.arange(WORDS), held)),
        **CELLS[cell],
    )
    counts, start = problem_of_twins(settings, WORDS)
    sentences = sentences_without_echo(2)
    result = trained(
        encoded(sentences),
        counts,
        settings,
        start=start,
        block_tokens=11,
        held_out=np.array(held_out, np.int64),
    )
    if sabotage == "nothing held out":
        held_out = ()
    if sabotage == "no locks":
        locks = None
    if sabotage == "nothing held":
        held = ()
    twin = NaiveStream(counts, settings, start, sabotage, locks, held).train(
        sentences, 11, held_out
    )
    differences = [
        np.abs(result.in_vectors - twin.inputs).max(),
        np.abs(result.out_vectors - twin.outputs).max(),
        abs(result.history[-1].loss_nats - twin.loss / twin.pairs),
        abs(result.n_pairs - 2 * twin.pairs),
        abs(result.n_kept - 2 * len(encoded(sentences).ids)),
    ]
    if max(differences) > 2e-5:
        raise TwinMismatchError(f"{cell}: differences {differences}")


GOOD = [[0, 1, 2, 1]]
