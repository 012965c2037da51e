"""The trainers, ours among them: one function each that trains in this process.

A function imports its trainer itself, so that the time of importing is its own. It stops the
clock when training has ended; what it does afterwards, for the comparison, costs it nothing.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastw2v.comparison.clock import (
    Clock,
    high_water_bytes,
    stop_clock,
    stop_clock_of_children,
)
from fastw2v.comparison.requests import END_OF_LINE, Trained, TrainingRequest
from fastw2v.errors import MissingDependencyError
from fastw2v.system.home import a_home

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastw2v.objectives.feature_vectors import NgramVectors

__all__ = [
    "RIVALS",
    "Rival",
    "fasttext_inputs",
    "fastw2v_settings",
    "filled_rows",
    "train_fasttext",
    "train_fasttext_softmax",
    "train_fastw2v",
    "train_fastw2v_negative",
    "train_gensim",
    "train_word2vec",
]

_WATCH_S = 0.02
_FASTTEXT_NGRAMS = {"min_n": 3, "max_n": 6, "bucket": 2_000_000}  # its defaults
_FASTTEXT_KEEPS_ALL = 1.0  # no word is more frequent; with 0 it would drop every token


@dataclass(frozen=True)
class Rival:
    """A trainer: its function, the package that it comes from, and how to get it."""

    train: Callable[[TrainingRequest], Trained]
    package: str
    install: str


def train_fastw2v(request: TrainingRequest) -> Trained:
    """Train this package's model; skip-gram with the exact softmax by default."""
    from fastw2v.model import Word2Vec

    model = Word2Vec(workers=request.workers, **fastw2v_settings(request))
    model.fit(request.corpus)
    clock = stop_clock()
    settings, summary, unknown = model.settings, model.summary, model.embeddings.unknown
    assert summary is not None
    choice = model.embeddings.default_vectors
    handed_out = "in+out" if choice == "sum" else choice
    outputs = "nodes" if settings.objective == "hierarchical" else "out"
    stages: dict[str, Any] = {
        "read_s": summary.read_s,
        "count_s": summary.count_s,
        "train_s": summary.train_s,
        "epochs_s": model.history[-1].elapsed_s,
        "epoch_losses_nats": [record.loss_nats for record in model.history],
        "loss_nats": summary.loss_nats,
        "handed_out": handed_out,
    }
    if request.held_out is not None:
        held_out = model.perplexity(request.held_out)
        stages["own_nats"] = held_out.objective_loss_nats
        stages["model_nats"] = held_out.loss_nats
    return Trained(
        words=model.vocabulary.texts,
        counts=model.vocabulary.counts,
        tables={"in": model.in_vectors, outputs: model.out_vectors},
        clock=clock,
        stages=stages,
        loss=settings.objective,
        settings=settings.as_dict(),
        ngrams=(handed_out, unknown.table) if unknown is not None else None,
    )


def fastw2v_settings(request: TrainingRequest) -> dict[str, Any]:
    """Return the settings that `train_fastw2v` gives, by the names of `Hyperparameters`."""
    named = {"window": request.window, **request.settings}
    if request.sample is not None:
        named["sample"] = request.sample
    if named.get("objective") == "negative":
        named.setdefault("negative", request.negative)
    if request.inputs == "subwords":
        named = request.ngram_sizes() | {"inputs": "subwords", **named}
    return {
        "vector_size": request.vector_size,
        "min_count": request.min_count,
        "epochs": request.epochs,
        "tokenizer": "whitespace",
        "seed": request.seed,
        **named,
    }


def train_fastw2v_negative(request: TrainingRequest) -> Trained:
    """Train this package's negative sampling, to compare like with like."""
    settings = {"objective": "negative", **request.settings}
    return train_fastw2v(TrainingRequest(**{**vars(request), "settings": settings}))


def train_gensim(request: TrainingRequest) -> Trained:
    """Train gensim's skip-gram with negative sampling, from a corpus file, its fastest way."""
    try:
        with a_home():
            from gensim.models import Word2Vec
    except ImportError as error:
        raise MissingDependencyError(f"gensim cannot be imported ({error})") from error

    named = {"sg": 1, "negative": request.negative, **request.settings}
    if request.sample is not None:
        named["sample"] = request.sample
    model = Word2Vec(
        vector_size=request.vector_size,
        window=request.window,
        min_count=request.min_count,
        workers=request.workers,
        seed=request.seed,
        **named,
    )
    began = time.perf_counter()
    model.build_vocab(corpus_file=str(request.corpus))
    read_s = time.perf_counter() - began
    model.train(
        corpus_file=str(request.corpus),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=request.epochs,
    )
    train_s = time.perf_counter() - began - read_s
    clock = stop_clock()
    words = model.wv.index_to_key
    counts = [model.wv.get_vecattr(word, "count") for word in words]
    own = ("sg", "negative", "hs", "sample", "alpha", "min_alpha", "ns_exponent")
    tables = {"in": model.wv.vectors}
    if model.negative:
        tables["out"] = model.syn1neg
    return Trained(
        words=list(words),
        counts=np.array(counts, np.int64),
        tables=tables,
        clock=clock,
        stages={"read_s": read_s, "train_s": train_s},
        loss="negative" if model.negative and model.sg else None,
        settings=_common(request) | {name: getattr(model, name) for name in own},
    )


def train_word2vec(request: TrainingRequest) -> Trained:
    """Train with the original C program, which hands out the in vectors alone."""
    program = shutil.which("word2vec") or str(Path(sys.executable).parent / "word2vec")
    if not Path(program).is_file():
        raise MissingDependencyError("the program word2vec is not on the PATH")
    binary, listed = (request.vectors.with_suffix(ending) for ending in (".bin", ".vocabulary"))
    sample = 1e-3 if request.sample is None else request.sample
    named = {
        "size": request.vector_size,
        "window": request.window,
        "min-count": request.min_count,
        "threads": request.workers,
        "iter": request.epochs,
        "cbow": 0,
        "negative": request.negative,
        "hs": 0,
        "sample": sample,
        **request.settings,
    }
    files = {"train": request.corpus, "output": binary, "save-vocab": listed, "binary": 1}
    flags = [str(part) for name, value in (files | named).items() for part in (f"-{name}", value)]
    clock = _run_program([program, *flags])

    with a_home():
        from gensim.models import KeyedVectors

    keyed = KeyedVectors.load_word2vec_format(str(binary), fvocab=str(listed), binary=True)
    words = [word for word in keyed.index_to_key if word != END_OF_LINE]
    counts = np.array([keyed.get_vecattr(word, "count") for word in words], np.int64)
    return Trained(
        words=words,
        counts=counts,
        tables={"in": keyed[words]},
        clock=clock,
        stages={},
        loss=None,
        settings=_common(request) | named,
    )


def _run_program(command: list[str]) -> Clock:
    """Run a program to its end and return its own figures; what it says is its last error."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        peak = 0
        while process.poll() is None:
            peak = max(peak, high_water_bytes(process.pid))
            time.sleep(_WATCH_S)
        ended = time.time()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    if process.returncode:
        last = f": {said[-1]}" if said else ""
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}{last}")
    return stop_clock_of_children(ended, peak)


def train_fasttext(request: TrainingRequest) -> Trained:
    """Train fastText's skip-gram with negative sampling; without subwords unless asked for."""
    return _by_fasttext(request, {"loss": "ns", "neg": request.negative})


def train_fasttext_softmax(request: TrainingRequest) -> Trained:
    """Train fastText's skip-gram with its full softmax, one pair after the other."""
    return _by_fasttext(request, {"loss": "softmax"})


def _by_fasttext(request: TrainingRequest, own: dict[str, Any]) -> Trained:
    try:
        import fasttext
    except ImportError as error:
        raise MissingDependencyError(f"fastText cannot be imported ({error})") from error

    named = {
        "model": "skipgram",
        "dim": request.vector_size,
        "ws": request.window,
        "epoch": request.epochs,
        "minCount": request.min_count,
        **fasttext_inputs(request),
        "thread": request.workers,
        **own,
        **request.settings,
    }
    if request.sample is not None and "t" not in request.settings:
        named["t"] = request.sample or _FASTTEXT_KEEPS_ALL
    began = time.perf_counter()
    trained = fasttext.train_unsupervised(str(request.corpus), verbose=0, **named)
    seconds = time.perf_counter() - began
    clock = stop_clock()
    listed, frequencies = trained.get_words(include_freq=True)
    places = [place for place, word in enumerate(listed) if word != END_OF_LINE]
    words = [listed[place] for place in places]
    inputs, ngrams = trained.get_input_matrix(), None
    tables = {"in": inputs[places], "out": trained.get_output_matrix()[places]}
    if request.inputs == "subwords":
        tables["in"] = np.array([trained.get_word_vector(word) for word in words], np.float32)
        ngrams = ("in", _ngrams_of_fasttext(request, inputs[len(listed) :]))
    losses = {"ns": "negative", "softmax": "softmax"}
    return Trained(
        words=words,
        counts=np.asarray(frequencies, np.int64)[places],
        tables=tables,
        clock=clock,
        stages={"read_and_train_s": seconds},
        loss=losses.get(named["loss"]),
        settings=_common(request) | named,
        ngrams=ngrams,
    )


def fasttext_inputs(request: TrainingRequest) -> dict[str, Any]:
    """Return fastText's settings of n-grams, or those that leave them out."""
    if request.inputs == "subwords":
        sizes = _FASTTEXT_NGRAMS | request.ngram_sizes()
        return {"minn": sizes["min_n"], "maxn": sizes["max_n"], "bucket": sizes["bucket"]}
    return {"minn": 0, "maxn": 0, **filled_rows(request.n_words, request.workers)}


def _ngrams_of_fasttext(request: TrainingRequest, rows: "NDArray[np.float32]") -> "NgramVectors":
    """Return what fastText makes vectors of unknown words of; rows of zeros make no difference."""
    from fastw2v.objectives.feature_vectors import NgramVectors
    from fastw2v.objectives.features import Ngrams

    used = np.flatnonzero(rows.any(axis=1)).astype(np.int32)
    ngrams = Ngrams(**(_FASTTEXT_NGRAMS | request.ngram_sizes()))
    return NgramVectors(ngrams, used, rows[used])


def filled_rows(n_words: int | None, workers: int) -> dict[str, int]:
    """Return settings with which fastText gives first values to the vectors of all words.

    Each of its threads fills a tenth of the input matrix, so that with fewer than ten the rest is
    memory as it was found, and training may end in NaN. Rows of buckets, which come last and which
    nothing uses without subwords, let the words lie in the part that is filled. It keeps them
    only if wordNgrams is above 1, which means nothing to skip-gram.
    """
    if n_words is None:
        return {"wordNgrams": 2}  # with two million buckets, its default
    n_rows = n_words + 1  # the end of a line is a word
    return {"wordNgrams": 2, "bucket": 10 * (n_rows // min(workers, 10) + 1)}


def _common(request: TrainingRequest) -> dict[str, Any]:
    names = ("vector_size", "window", "min_count", "epochs", "workers", "seed")
    return {name: getattr(request, name) for name in names}


_WITH_US = "pip install fastw2v"
_EXTRA = "pip install 'fastw2v[rivals]'"

RIVALS = {
    "fastw2v": Rival(train_fastw2v, "fastw2v", _WITH_US),
    "fastw2v-negative": Rival(train_fastw2v_negative, "fastw2v", _WITH_US),
    "gensim": Rival(train_gensim, "gensim", "pip install gensim"),
    "word2vec": Rival(train_word2vec, "word2vec", _EXTRA),
    "fasttext": Rival(train_fasttext, "fasttext-numpy2-wheel", _EXTRA),
    "fasttext-softmax": Rival(train_fasttext_softmax, "fasttext-numpy2-wheel", _EXTRA),
}
