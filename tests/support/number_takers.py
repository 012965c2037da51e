"""Every public constructor and function that takes a number, and how to call it with one."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec

from fastw2v import Checkpoints, Hyperparameters, Validation, Word2Vec, gensim_api
from fastw2v.comparison import ComparisonSettings
from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.errors import MissingDependencyError
from fastw2v.evaluation import WordTable, evaluate_analogies, evaluate_similarity, scores
from fastw2v.evaluation.alignment import align
from fastw2v.evaluation.loading import load_table
from fastw2v.evaluation.neighbours import neighbour_overlap
from fastw2v.evaluation.probe import run_probe
from fastw2v.evaluation.probe_network import ProbeSettings
from fastw2v.evaluation.test_sets import AnalogySet, PairSet
from fastw2v.integrations.index import build_index, open_index
from fastw2v.integrations.metrics import metrics_callback
from fastw2v.integrations.sklearn import Word2VecTransformer
from fastw2v.report import ReportOptions, write_report
from fastw2v.text.phrases import PhraseSettings, find_phrases

SENTENCES = [["a", "b", "c", "a"], ["b", "a", "d"], ["c", "d", "a", "b"]] * 2
SMALL = {"vector_size": 3, "min_count": 1, "epochs": 1, "sample": 0}


class Stop(Exception):  # noqa: N818 - no error: ends a run that was begun, and would take years
    """What was to be seen was seen."""


def stop_after_an_epoch(report):
    if report.epoch > 2:
        raise Stop


def fitted(corpus=SENTENCES, workers=1, fit=(), **settings):
    """Train on a few words; whatever the number is, two epochs are enough."""
    made = Word2Vec(workers=workers, **{**SMALL, **settings})
    return made.fit(corpus, callbacks=[stop_after_an_epoch], **dict(fit))


def used(model: Word2Vec) -> None:
    """What comes of a setting is a model like any other."""
    assert np.isfinite(model.in_vectors).all()
    assert np.isfinite(model.out_vectors).all()
    assert all(0 <= chance <= 1 for _, chance in model.predict_context("a"))


SETTINGS = {
    "softmax": {},
    "tokens": {"batches": "tokens"},
    "subwords": {"inputs": "subwords"},
    "cbow": {"model": "cbow"},
    "negative": {"objective": "negative"},
    "negative cbow": {"objective": "negative", "model": "cbow"},
    "hierarchical": {"objective": "hierarchical"},
    "sgd": {"optimizer": "sgd"},
    "adagrad": {"optimizer": "adagrad"},
}
NUMBERS = [item.name for item in fields(Hyperparameters) if item.type in (int, float, int | None)]


class EndOfEpoch(CallbackAny2Vec):
    """For gensim's names: as `stop_after_an_epoch`."""

    def __init__(self):
        self.seen = 0

    def on_epoch_end(self, model):
        self.seen += 1
        if self.seen > 2:
            raise Stop


class Problem:
    """What functions are tried on, made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = folder / "text.txt"
        self.text.write_text("\n".join(map(" ".join, SENTENCES)) + "\n", encoding="utf-8")
        self.model = Word2Vec(**SMALL).fit(SENTENCES)
        self.model.save(folder / "model")
        self.counts = folder / "counts"
        count_corpus(self.text, CountingSettings(min_count=1), self.counts)
        self.table = WordTable(self.model.vocabulary.words, self.model.in_vectors)
        self.pairs = PairSet("pairs", [("a", "b", 1.0), ("b", "c", 2.0), ("c", "d", 0.5)])
        self.analogies = AnalogySet("analogies", {"one": [("a", "b", "c", "d")]})
        self.keyed = folder / "vectors.txt"
        self.model.export(self.keyed, "word2vec")
        self.labelled = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")]

    def run(self, name: str, value: Any, **settings: Any) -> None:
        used(fitted(**{**settings, name: value}))

    def phrases(self, name: str, value: Any, **settings: Any) -> None:
        given: dict[str, Any] = {"min_count": 1, "threshold": 0.1, **settings, name: value}
        found = find_phrases(SENTENCES, PhraseSettings(**given), workers=1)
        assert np.isfinite(list(found.scores().values())).all()

    def fit(self, name: str, value: Any) -> None:
        given = {"validation": Validation(fraction=0.4)} if name == "patience" else {}
        used(fitted(fit={**given, name: value}))

    def fit_counts(self, name: str, value: Any) -> None:
        text = Validation(SENTENCES)
        given = {"validation": text} if name == "patience" else {}
        used(Word2Vec(**SMALL).fit_counts(self.counts, **given, **{name: value}))

    def resume(self, name: str, value: Any) -> None:
        target = self.folder / "resumed"
        checkpoints = Checkpoints(target, "1epoch")
        try:
            model = Word2Vec(**{**SMALL, "epochs": 3}, workers=1)
            model.fit(SENTENCES, checkpoints=checkpoints, callbacks=[stop_after_an_epoch])
        except Stop:
            used(Word2Vec.resume(target, SENTENCES, **{name: value}))
        finally:
            checkpoints.path.unlink(missing_ok=True)

    def subwords(self, name: str, value: Any) -> None:
        model = Word2Vec(**SMALL).fit(SENTENCES).make_unknown_words(**{name: value})
        assert np.isfinite(model.vector("abcd")).all()

    def gensim(self, name: str, value: Any, **given: Any) -> None:
        options = {**SMALL, "workers": 1, **given}
        model = gensim_api.Word2Vec(SENTENCES, callbacks=[EndOfEpoch()], **{**options, name: value})
        assert np.isfinite(model.wv.vectors).all()

    def gensim_method(self, method: str, name: str, value: Any, *given: Any, **named: Any) -> None:
        tree = {"hs": 1, "negative": 0} if method == "score" else {}
        model = gensim_api.Word2Vec(min_count=1, vector_size=3, epochs=1, workers=1, **tree)
        if "vocab" not in method or method == "prepare_vocab":
            model.build_vocab(SENTENCES)
        if method == "train":
            named = {"total_examples": 6, "epochs": 1, "callbacks": [EndOfEpoch()], **named}
        getattr(model, method)(*given, **{**named, name: value})
        if len(model.wv):
            assert np.isfinite(model.wv.vectors).all()

    def transformer(self, name: str, value: Any) -> None:
        made = Word2VecTransformer(**{**SMALL, "n_jobs": 1, name: value})
        if name != "epochs":
            assert np.isfinite(made.fit(SENTENCES).transform(SENTENCES)).all()

    def callback(self, name: str, value: Any) -> None:
        called = metrics_callback(lambda metrics, step: None, **{name: value})
        Word2Vec(**SMALL).fit(SENTENCES, callbacks=[called])

    def index(self, name: str, value: Any) -> None:
        pytest.importorskip("usearch")
        made = build_index(self.model, "usearch", **{"workers": 1, name: value})
        assert made.nearest("a")

    def opened_index(self, name: str, value: Any) -> None:
        build_index(self.model).save(self.folder / "index")
        assert open_index(self.folder / "index", self.model, **{name: value}).nearest("a")

    def near(self, name: str, value: Any) -> None:
        build_index(self.model).nearest("a", **{name: value})

    def near_each(self, name: str, value: Any) -> None:
        build_index(self.model).nearest_of_each(["a", "b"], **{name: value})

    def near_rows(self, name: str, value: Any) -> None:
        build_index(self.model).search(self.model.in_vectors, **{name: value})

    def tracker(self, module: str, made: str, name: str, value: Any) -> None:
        callback = getattr(pytest.importorskip(f"fastw2v.integrations.{module}"), made)
        given = {"tensorboard": [self.folder / "logs"]}.get(module, [])
        try:
            callback(*given, **{name: value})
        except MissingDependencyError:
            pytest.skip("not installed")

    def report(self, name: str, value: Any) -> None:
        pytest.importorskip("bokeh")
        options = ReportOptions(**{"title": "a", "with_evaluation": False, name: value})
        write_report(self.model, self.folder / "report.html", options)

    def count(self, name: str, value: Any) -> None:
        if name == "workers":
            count_corpus(self.text, CountingSettings(min_count=1), self.folder / "c", workers=value)
            return
        shards = ShardOptions(**{name: value})
        count_corpus(
            self.text, CountingSettings(min_count=1), self.folder / "c", workers=1, shards=shards
        )

    def counting(self, name: str, value: Any) -> None:
        settings = CountingSettings(**{"min_count": 1, name: value})
        count_corpus(self.text, settings, self.folder / "c", workers=1)

    def counting_phrases(self, name: str, value: Any) -> None:
        settings = CountingSettings(**{"min_count": 1, "phrases": 1, name: value})
        count_corpus(self.text, settings, self.folder / "c", workers=1)

    def probe(self, name: str, value: Any) -> None:
        settings = ProbeSettings(**{"epochs": 1, "folds": 2, "hidden_size": 2, name: value})
        if settings.epochs < 10:
            run_probe(self.table, self.labelled, settings)


def cases() -> dict[str, Callable[[Problem, Any], Any]]:
    """What is tried: the function and the parameter, and how to call it with a value."""
    made: dict[str, Callable[[Problem, Any], Any]] = {}

    def add(label: str, call: Callable[..., Any], names: list[str], **given: Any) -> None:
        for name in names:
            made[f"{label} {name}"] = partial(_called, call, name, given)

    add("fastw2v.Hyperparameters", lambda p, n, v: Hyperparameters(**{n: v}), NUMBERS)
    for label, settings in SETTINGS.items():
        chosen = Hyperparameters(**settings)
        looked_at = [name for name in NUMBERS if chosen.uses(name)]
        add(f"training {label}", Problem.run, looked_at, **settings)
    add("fastw2v.Word2Vec", lambda p, n, v: Word2Vec(**{n: v}), NUMBERS)
    add("fastw2v.Word2Vec", Problem.run, ["workers"])
    add("fastw2v.Word2Vec.fit", Problem.fit, ["patience", "memory_mib"])
    add("fastw2v.Word2Vec.fit_counts", Problem.fit_counts, ["patience", "memory_mib"])
    add("fastw2v.Word2Vec.resume", Problem.resume, ["workers"])
    add(
        "fastw2v.Word2Vec.load",
        lambda p, n, v: Word2Vec.load(p.folder / "model", **{n: v}),
        ["workers"],
    )
    add("fastw2v.Word2Vec.make_unknown_words", Problem.subwords, ["min_n", "max_n", "bucket"])
    add(
        "fastw2v.Word2Vec.most_similar",
        lambda p, n, v: p.model.most_similar(p.model.vocabulary.words[0], **{n: v}),
        ["topn"],
    )
    add(
        "fastw2v.Word2Vec.predict_context",
        lambda p, n, v: p.model.predict_context("a", **{n: v}),
        ["topn"],
    )
    add(
        "fastw2v.Word2Vec.reliability",
        lambda p, n, v: p.model.reliability(p.text, **{n: v}),
        ["least_count"],
    )
    add(
        "fastw2v.Validation",
        lambda p, n, v: fitted(fit={"validation": Validation(**{n: v})}),
        ["fraction"],
    )
    numbers = [
        *("vector_size", "alpha", "window", "min_count", "max_vocab_size", "sample", "workers"),
        *("min_alpha", "sg", "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "null_word"),
        *("sorted_vocab", "batch_words", "max_final_vocab", "seed"),
    ]
    add("fastw2v.gensim_api.Word2Vec", Problem.gensim, numbers)
    add("gensim softmax", Problem.gensim, numbers, objective="softmax")
    add("gensim sg hs", Problem.gensim, ["window", "alpha", "sample"], sg=1, hs=1)
    for method, names, given, named in (
        ("add_lifecycle_event", ["log_level"], ["x"], {}),
        ("build_vocab", ["progress_per"], [SENTENCES], {}),
        ("build_vocab_from_freq", ["corpus_count"], [{"a": 3, "b": 2}], {}),
        ("estimate_memory", ["vocab_size"], [], {}),
        ("make_cum_table", ["domain"], [], {}),
        ("predict_output_word", ["topn"], [["a", "b"]], {}),
        ("prepare_vocab", ["min_count", "sample"], [], {}),
        ("scan_vocab", ["progress_per", "workers"], [SENTENCES], {}),
        (
            "score",
            ["total_sentences", "chunksize", "queue_factor", "report_delay"],
            [SENTENCES],
            {},
        ),
        ("seeded_vector", ["vector_size"], ["a"], {}),
        (
            "train",
            [
                *("total_examples", "total_words", "epochs", "start_alpha", "end_alpha"),
                *("word_count", "queue_factor", "report_delay"),
            ],
            [SENTENCES],
            {},
        ),
    ):
        call = partial(_method, method, given, named)
        add(f"fastw2v.gensim_api.Word2Vec.{method}", call, names)
    add(
        "fastw2v.gensim_api.Word2Vec.intersect_word2vec_format",
        lambda p, n, v: p.gensim_method("intersect_word2vec_format", n, v, p.keyed),
        ["lockf"],
    )
    names = [name for name in NUMBERS if name != "seed"]
    add("sklearn", Problem.transformer, [*names, "random_state", "n_jobs"])
    add("fastw2v.integrations.index.build_index", Problem.index, INDEX)
    add("fastw2v.integrations.index.open_index", Problem.opened_index, ["workers"])
    add("fastw2v.integrations.index.VectorIndex.nearest", Problem.near, ["topn"])
    add("fastw2v.integrations.index.VectorIndex.nearest_of_each", Problem.near_each, ["topn"])
    add("fastw2v.integrations.index.VectorIndex.search", Problem.near_rows, ["topn"])
    add("fastw2v.integrations.metrics.metrics_callback", Problem.callback, ["every_s"])
    for module, name in (
        ("tensorboard", "TensorBoardCallback"),
        ("mlflow", "mlflow_callback"),
        ("wandb", "wandb_callback"),
    ):
        call = partial(_tracker, module, name)
        add(f"fastw2v.integrations.{module}.{name}", call, ["every_s"])
    add("fastw2v.evaluation.WordTable.head", lambda p, n, v: p.table.head(v), ["n_words"])
    add(
        "fastw2v.evaluation.evaluate_similarity",
        lambda p, n, v: evaluate_similarity(p.table, p.pairs, **{"resamples": 50, n: v}),
        ["seed", "resamples"],
    )
    add(
        "fastw2v.evaluation.evaluate_analogies",
        lambda p, n, v: evaluate_analogies(p.table, p.analogies, **{"workers": 1, n: v}),
        ["restrict", "workers"],
    )
    add("fastw2v.evaluation.scores", lambda p, n, v: scores(p.table, **{n: v}), ["workers"])
    add(
        "fastw2v.evaluation.loading.load_table",
        lambda p, n, v: load_table(p.folder / "model", **{n: v}),
        ["workers"],
    )
    add("fastw2v.evaluation.probe_network.ProbeSettings", Problem.probe, PROBE)
    add(
        "fastw2v.evaluation.neighbours.neighbour_overlap",
        lambda p, n, v: neighbour_overlap(p.table, p.table, **{"k": 1, n: v}),
        ["k", "seed"],
    )
    add(
        "fastw2v.evaluation.alignment.align",
        lambda p, n, v: align(p.table, p.table, **{n: v}),
        ["seed"],
    )
    add(
        "fastw2v.comparison.ComparisonSettings",
        lambda p, n, v: ComparisonSettings(**{n: v}),
        [
            *("epochs", "vector_size", "window", "min_count", "negative", "workers", "sample"),
            *("min_n", "max_n", "bucket", "rounds", "time_limit_s", "fasttext_t"),
        ],
    )
    add("fastw2v.report.ReportOptions", Problem.report, ["n_words", "ngrams_mib", "n_clusters"])
    counting = ["window", "window_sample", "min_count", "max_final_vocab"]
    add("fastw2v.config.CountingSettings", Problem.counting, counting)
    with_phrases = ["phrases", "phrase_min_count", "phrase_threshold"]
    add("fastw2v.config.CountingSettings", Problem.counting_phrases, with_phrases)
    add("fastw2v.counts.build.count_corpus", Problem.count, ["workers"])
    add("fastw2v.text.phrases.PhraseSettings", Problem.phrases, PHRASES)
    more = ["phrase_min_count", "phrase_threshold"]
    add("training with phrases", Problem.run, more, phrases=2)
    add("phrases by npmi", Problem.phrases, PHRASES, scoring="npmi")
    add(
        "fastw2v.text.phrases.find_phrases",
        lambda p, n, v: find_phrases(SENTENCES, **{n: v}),
        ["workers"],
    )
    add("fastw2v.counts.build.ShardOptions", Problem.count, ["memory_mib", "block_mib"])
    return made


PHRASES = ["min_count", "threshold", "passes"]
INDEX = ["links", "build_breadth", "search_breadth", "workers"]
PROBE = ["hidden_size", "folds", "epochs", "batch_rows", "learning_rate", "l2", "seed"]


def _called(call: Any, name: str, given: dict[str, Any], problem: Problem, value: Any) -> None:
    call(problem, name, value, **given)


def _method(method: str, given: Any, named: Any, problem: Problem, name: str, value: Any) -> None:
    problem.gensim_method(method, name, value, *given, **named)


def _tracker(module: str, made: str, problem: Problem, name: str, value: Any) -> None:
    problem.tracker(module, made, name, value)
