"""What fastw2v.gensim_api trains: gensim's own steps, rates, callbacks, losses and counts."""

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec
from gensim.test.utils import lee_corpus_list

from fastw2v.errors import ConfigurationError, DivergenceError
from fastw2v.gensim_api import Word2Vec, epochs
from tests.support.corpora_made import topic_sentences
from tests.support.gensim_twins import BOTH, some_sentences, twins

KINDS = {
    "skipgram-negative": {"sg": 1},
    "skipgram-tree": {"sg": 1, "hs": 1, "negative": 0},
    "cbow-negative": {"sg": 0},
    "cbow-tree": {"sg": 0, "hs": 1, "negative": 0},
    "cbow-sum-negative": {"sg": 0, "cbow_mean": 0},
    "cbow-sum-tree": {"sg": 0, "cbow_mean": 0, "hs": 1, "negative": 0},
    "skipgram-both": {"sg": 1, "hs": 1},
    "cbow-both": {"sg": 0, "hs": 1},
}
RATE = 1e-4
MOST_DIFFERENT = 0.05  # of the largest step


def steps(kind, change=None, **train):
    """Train gensim and fastw2v on the same text with a small rate; return what rows moved by.

    All noise is the word "noise", which the text does not hold, windows do not shrink and nothing
    is dropped, so that nothing is left to chance. With small steps their order does not matter.
    """
    generator = np.random.default_rng(3)
    vocabulary = {"noise": 1000} | {f"w{k}": 100 - k for k in range(20)}
    text = [[f"w{k}" for k in generator.permutation(20)[:size]] for size in (1, 2, 12, 20, 7)]
    text.append(["w3", "unknown", "w1"])
    moved, models = [], []
    for place, make in enumerate(BOTH.values()):
        options = {
            "vector_size": 6, "window": 3, "sample": 0, "min_count": 1, "ns_exponent": 60.0,
            "workers": 1, "shrink_windows": False, "alpha": RATE, "min_alpha": RATE,
        }  # fmt: skip
        options |= KINDS[kind] | ((change or {}) if place else {})
        model = make(**options)
        model.build_vocab_from_freq(vocabulary)
        tables = {"vectors": model.wv.vectors}
        tables |= {
            name: getattr(model, name) for name in ("syn1", "syn1neg") if name in vars(model)
        }
        for name, table in tables.items():
            table[:] = np.random.default_rng(len(name)).normal(0, 0.4, table.shape)
        before = {name: table.copy() for name, table in tables.items()}
        model.train(text, total_examples=6, epochs=2, compute_loss=True, **train)
        tables["vectors"] = model.wv.vectors
        tables |= {name: getattr(model, name) for name in tables if name != "vectors"}
        moved.append({name: (table - before[name]) / RATE for name, table in tables.items()})
        models.append(model)
    return moved, models


def differ_by(moved):
    theirs, ours = moved
    return max(
        np.abs(theirs[name][: len(ours[name])] - ours[name]).max() / np.abs(theirs[name]).max()
        for name in theirs
        if name in ours
    )


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_gensims(kind):
    """So sg, hs, negative, cbow_mean, window and alpha mean the same.

    gensim's sigmoids come from a table whose places are off by up to 0.024 in the score.
    """
    moved, models = steps(kind)
    assert moved[0].keys() == moved[1].keys()
    assert differ_by(moved) < MOST_DIFFERENT
    theirs, ours = (model.get_latest_training_loss() for model in models)
    assert ours == pytest.approx(theirs, rel=0.05)
    assert ours > 10


OTHER_SETTINGS = {
    "skipgram-negative": [
        {"sg": 0}, {"hs": 1}, {"window": 2}, {"negative": 2}, {"shrink_windows": True},
        {"alpha": 1.2 * RATE, "min_alpha": 1.2 * RATE},
    ],
    "cbow-tree": [{"sg": 1}, {"hs": 0, "negative": 5}, {"negative": 5}, {"cbow_mean": 0}],
    "cbow-sum-negative": [{"cbow_mean": 1}, {"sg": 1}, {"window": 4}, {"negative": 2}],
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_SETTINGS)
def test_another_setting_takes_other_steps(kind):
    for change in OTHER_SETTINGS[kind]:
        moved, _ = steps(kind, change)
        names_differ = moved[0].keys() != moved[1].keys()
        assert names_differ or differ_by(moved) > 2 * MOST_DIFFERENT, change


def settings_of_epochs(monkeypatch, model, **train):
    seen = []
    real = epochs.train_stream

    def watched(tokens, counts, settings, pool, **options):
        seen.append(settings.hyperparameters)
        return real(tokens, counts, settings, pool, **options)

    monkeypatch.setattr(epochs, "train_stream", watched)
    model.train(some_sentences(), **train)
    return seen


def small_model(**options):
    model = Word2Vec(vector_size=8, min_count=1, workers=1, **options)
    model.build_vocab(some_sentences())
    return model


def test_rates_fall_from_alpha_to_min_alpha_over_all_epochs(monkeypatch):
    model = small_model(alpha=0.05, min_alpha=0.01)
    seen = settings_of_epochs(monkeypatch, model, total_examples=120, epochs=4)
    assert [s.learning_rate for s in seen] == pytest.approx([0.05, 0.04, 0.03, 0.02])
    assert [s.learning_rate * s.final_rate for s in seen] == pytest.approx([0.04, 0.03, 0.02, 0.01])
    assert model.min_alpha_yet_reached == pytest.approx(0.01)
    assert len({s.seed for s in seen}) == 4


def test_start_and_end_alpha_replace_them(monkeypatch):
    model = small_model()
    seen = settings_of_epochs(
        monkeypatch, model, total_examples=120, epochs=2, start_alpha=0.02, end_alpha=0.01
    )
    assert [s.learning_rate for s in seen] == pytest.approx([0.02, 0.015])
    assert (model.alpha, model.min_alpha) == (0.02, 0.01)


def test_a_larger_total_lets_the_rate_fall_less(monkeypatch):
    model = small_model(alpha=0.05, min_alpha=0.01)
    seen = settings_of_epochs(monkeypatch, model, total_examples=240, epochs=2)
    assert [s.learning_rate for s in seen] == pytest.approx([0.05, 0.03])
    assert [s.learning_rate * s.final_rate for s in seen] == pytest.approx([0.04, 0.02])
    words = sum(map(len, some_sentences()))
    model = small_model(alpha=0.05, min_alpha=0.01)
    seen = settings_of_epochs(monkeypatch, model, total_words=4 * words, epochs=1)
    assert seen[-1].learning_rate * seen[-1].final_rate == pytest.approx(0.04)


def test_a_rising_rate_stays_at_its_end(monkeypatch):
    model = small_model(alpha=0.01, min_alpha=0.03)
    seen = settings_of_epochs(monkeypatch, model, total_examples=120, epochs=2)
    assert [(s.learning_rate, s.final_rate) for s in seen] == [(0.03, 1.0)] * 2


class Recorder(CallbackAny2Vec):
    """Notes when it is called, and what the model is at that moment."""

    def __init__(self):
        self.moments, self.vectors, self.losses, self.counts = [], [], [], []

    def note(self, moment, model):
        self.moments.append(moment)
        self.vectors.append(model.wv.vectors.copy())
        self.losses.append(model.get_latest_training_loss())
        self.counts.append(model.train_count)

    def on_train_begin(self, model):
        self.note("train begins", model)

    def on_train_end(self, model):
        self.note("train ends", model)

    def on_epoch_begin(self, model):
        self.note("epoch begins", model)

    def on_epoch_end(self, model):
        self.note("epoch ends", model)


MOVED_BETWEEN = [False, False, True, False, True, False, True, False]


def moves(recorder):
    """Whether the vectors moved up to each moment since the one before."""
    pairs = zip([recorder.vectors[0], *recorder.vectors], recorder.vectors, strict=False)
    return [bool((before != after).any()) for before, after in pairs]


def test_callbacks_are_called_at_gensims_moments():
    recorders = []
    for make in BOTH.values():
        recorder = Recorder()
        make(
            some_sentences(),
            min_count=1,
            epochs=3,
            compute_loss=True,
            callbacks=[recorder],
            workers=1,
        )
        recorders.append(recorder)
    theirs, ours = recorders
    assert ours.moments == theirs.moments
    assert ours.counts == theirs.counts
    assert moves(ours) == moves(theirs) == MOVED_BETWEEN
    assert [loss > 0 for loss in ours.losses] == [loss > 0 for loss in theirs.losses]
    assert sorted(ours.losses) == ours.losses


def test_callbacks_of_the_exact_softmax():
    recorder = Recorder()
    Word2Vec(
        topic_sentences(1, 100), min_count=1, epochs=3, sg=1, objective="softmax",
        compute_loss=True, callbacks=[recorder], vector_size=10,
    )  # fmt: skip
    assert recorder.moments == ["train begins", *["epoch begins", "epoch ends"] * 3, "train ends"]
    assert moves(recorder) == MOVED_BETWEEN
    assert recorder.losses[2] > recorder.losses[-1] > 0


def test_changes_between_epochs_of_the_exact_softmax_are_told(caplog):
    class Eraser(CallbackAny2Vec):
        def on_epoch_end(self, model):
            model.wv.vectors[:] = 0

    text = topic_sentences(1, 50)
    settings = {"min_count": 1, "sg": 1, "objective": "softmax", "vector_size": 4}
    Word2Vec(text, epochs=1, callbacks=[Eraser()], **settings)
    Word2Vec(text, epochs=2, callbacks=[Recorder()], **settings)
    assert "callbacks changed" not in caplog.text
    Word2Vec(text, epochs=3, callbacks=[Eraser()], **settings)
    assert caplog.text.count("callbacks changed the vectors after epoch") == 2


def test_an_epoch_begins_from_what_callbacks_leave():
    class Eraser(CallbackAny2Vec):
        def on_epoch_begin(self, model):
            model.wv.vectors[:] = 0
            model.syn1neg[:] = 0

    model = Word2Vec(some_sentences(), min_count=1, epochs=2, callbacks=[Eraser()])
    assert not model.wv.vectors.any()  # no gradient without either


def test_vectors_stay_the_same_array():
    model = small_model()
    vectors, outputs = model.wv.vectors, model.syn1neg
    model.wv.fill_norms()
    model.train(some_sentences(), total_examples=120, epochs=1)
    assert model.wv.vectors is vectors
    assert model.syn1neg is outputs
    assert model.wv.norms is None
    assert outputs.any()


@pytest.mark.parametrize("kind", ["skipgram-negative", "cbow-tree"])
def test_return_value_is_gensims(kind):
    text = [*some_sentences(), ["unknown"] * 9]
    results = []
    for model in twins(min_count=2, sample=0, workers=1, **KINDS[kind]):
        model.build_vocab(some_sentences())
        results.append(model.train(text, total_examples=121, epochs=3))
    assert results[0] == results[1]
    model = Word2Vec(min_count=2, sample=0.01)
    model.build_vocab(some_sentences())
    n_trained, n_tokens = model.train(text, total_examples=121, epochs=3)
    expected = 3 * model.prepare_vocab(dry_run=True)["downsample_total"]
    assert n_tokens == results[0][1]
    assert n_trained < results[0][0]
    assert expected == 0  # the raw counts are gone: the chances are those in wv
    chances = model.wv.expandos["sample_int"] / (2**32 - 1)
    assert n_trained == pytest.approx(3 * (chances @ model.wv.expandos["count"]), rel=0.1)


def test_loss_is_zero_unless_asked_for():
    model = small_model()
    model.train(some_sentences(), total_examples=120, epochs=1)
    assert model.get_latest_training_loss() == 0
    model.train(some_sentences(), total_examples=120, epochs=2, compute_loss=True)
    two = model.get_latest_training_loss()
    model.train(some_sentences(), total_examples=120, epochs=1, compute_loss=True)
    assert 0 < model.get_latest_training_loss() < two


def exact_score(model, sentence):
    """The sum of log p(word | context), leaf by leaf, in plain loops."""
    words, total = [model.wv.get_index(word) for word in sentence], 0.0
    for i, word in enumerate(words):
        places = [j for j in range(len(words)) if j != i and abs(j - i) <= model.window]
        inputs = [model.wv.vectors[words[j]].astype(float) for j in places]
        if not model.sg:
            inputs = [sum(inputs) / (len(inputs) if model.cbow_mean else 1)]
        for vector in inputs:
            ways = (model.wv.get_vecattr(word, name) for name in ("point", "code"))
            for node, code in zip(*ways, strict=True):
                sign = -1 if code else 1
                total -= np.log1p(np.exp(-sign * (vector @ model.syn1[node])))
    return total


@pytest.mark.parametrize("kind", ["skipgram-tree", "cbow-tree", "cbow-sum-tree"])
def test_scores_are_gensims(kind):
    alpha = 0.05 if kind == "cbow-sum-tree" else 0.2  # gensim leaves out scores beyond 6
    options = KINDS[kind] | {"min_count": 1, "vector_size": 10, "epochs": 9, "alpha": alpha}
    ours = Word2Vec(some_sentences(), **options)
    theirs = ours.to_gensim()
    text = [s for s in some_sentences(7) if len(s) > 1]
    expected = theirs.score(text, len(text))
    came = ours.score(text, len(text))
    assert np.allclose(came, expected, rtol=0.03)
    assert came == pytest.approx([exact_score(ours, sentence) for sentence in text], rel=1e-5)
    ours.syn1 = -ours.syn1
    assert not np.allclose(ours.score(text), expected, rtol=0.03)
    assert len(ours.score(text, 3)) == 3


def test_scores_need_the_tree():
    with pytest.raises(RuntimeError, match="hs=1"):
        Word2Vec([["a", "b"]], min_count=1).score([["a"]])
    with pytest.raises(RuntimeError, match="vocabulary"):
        Word2Vec(hs=1, negative=0).score([["a"]])


def test_predictions_are_gensims():
    model = Word2Vec(topic_sentences(1, 300), min_count=1, epochs=20, vector_size=16)
    theirs = model.to_gensim()
    for context in (["t3w01", "t3w02"], ["t1w03", "unknown", 5]):
        expected = theirs.predict_output_word(context, 7)
        came = model.predict_output_word(context, 7)
        assert [word for word, _ in came] == [word for word, _ in expected]
        assert [p for _, p in came] == pytest.approx([p for _, p in expected], rel=1e-4)
    assert model.predict_output_word(["t3w01", "t3w02"], 5)[0][0].startswith("t3")
    assert model.predict_output_word(["unknown"]) is None


def test_unit_vectors():
    model = Word2Vec(some_sentences(), min_count=1, vector_size=8)
    before = model.wv.vectors.copy()
    with pytest.warns(DeprecationWarning, match="init_sims"):
        model.init_sims()
    assert (model.wv.vectors == before).all()
    assert model.wv.norms is not None
    with pytest.warns(DeprecationWarning, match="init_sims"):
        model.init_sims(replace=True)
    assert np.allclose(np.linalg.norm(model.wv.vectors, axis=1), 1)


@pytest.mark.parametrize("sg", [0, 1])
def test_locked_vectors_keep_their_bits(sg):
    model = small_model(sg=sg)
    model.wv.vectors_lockf[::2] = 0
    before = model.wv.vectors.copy()
    model.train(some_sentences(), total_examples=120, epochs=2)
    moved = (model.wv.vectors != before).any(axis=1)
    assert not moved[::2].any()
    assert moved[1::2].all()


@pytest.mark.parametrize("kind", KINDS)
def test_one_worker_repeats_its_bits(kind):
    first, again, other = (
        Word2Vec(some_sentences(), min_count=1, workers=1, seed=seed, vector_size=10, **KINDS[kind])
        for seed in (1, 1, 2)
    )
    assert (first.wv.vectors == again.wv.vectors).all()
    assert (first.wv.vectors != other.wv.vectors).any()


def test_one_word():
    for options in ({"hs": 1, "negative": 0}, {}):
        model = Word2Vec([["a", "a", "a"]], min_count=1, vector_size=4, **options)
        assert np.isfinite(model.wv["a"]).all()


@pytest.mark.parametrize("sg", [0, 1])
def test_exact_softmax_learns_and_goes_on(sg):
    text = topic_sentences(1, 300)
    model = Word2Vec(
        text, min_count=1, vector_size=12, sg=sg, hs=0, negative=0, objective="softmax",
        compute_loss=True, sorted_vocab=0, sample=0,
    )  # fmt: skip
    first_loss = model.get_latest_training_loss()
    assert 0 < first_loss < np.log(90)
    assert all(word.startswith("t3") for word, _ in model.wv.most_similar("t3w00", topn=5))
    assert all(word.startswith("t3") for word, _ in model.predict_output_word(["t3w00"], 5))
    probabilities = model.predict_output_word(["t3w00"], 90)
    assert sum(p for _, p in probabilities) == pytest.approx(1)
    before = model.wv.vectors.copy()
    n_trained, n_tokens = model.train(text, total_examples=300, epochs=2, compute_loss=True)
    assert (n_trained, n_tokens) == (6000, 6000)
    assert model.get_latest_training_loss() < first_loss + 0.02
    # From the vectors that were there: a new start would turn them.
    assert (np.sum(before * model.wv.vectors, axis=1) > 0).mean() > 0.95
    model.build_vocab([["new", "t3w00"] * 3] * 9, update=True)
    model.train([["new", "t3w00"] * 3] * 9, total_examples=9, epochs=3)
    assert model.syn1neg[model.wv.key_to_index["new"]].any()


def test_exact_softmax_takes_other_rates():
    text = topic_sentences(1, 100)
    models = [
        Word2Vec(text, min_count=1, vector_size=6, sg=1, objective="softmax", **rates)
        for rates in ({}, {"alpha": 0.02, "min_alpha": 0.001}, {"alpha": 1e-6, "min_alpha": 1e-6})
    ]
    # 0.02 falling to a twentieth is what the optimiser has of its own.
    assert np.allclose(models[0].wv.vectors, models[1].wv.vectors, atol=1e-6)
    assert not np.allclose(models[0].wv.vectors, models[2].wv.vectors, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hs": 0, "negative": 0, "objective": None}, "hs, negative: expected one of them above 0"),
        ({"hs": 1}, "hs: expected 0 with objective='softmax'"),
        ({"shrink_windows": False}, "shrink_windows: expected True"),
        ({"objective": "glove"}, "objective: expected None or 'softmax', got 'glove'"),
        ({"alpha": 0.0}, "alpha: expected a rate above 0"),
    ],
)
def test_impossible_settings_are_errors(change, message):
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec([["a", "b"]] * 9, min_count=1, **{"objective": "softmax", **change})


def test_divergence_leaves_the_model_as_it_was():
    model = small_model()
    model.train(some_sentences(), total_examples=120, epochs=1)
    before = model.wv.vectors.copy()
    with pytest.raises(DivergenceError, match="use a smaller alpha"):
        model.train(some_sentences(), total_examples=120, epochs=1, start_alpha=1e30)
    assert (model.wv.vectors == before).all()


def test_exact_softmax_refuses_parts_of_steps():
    model = Word2Vec(min_count=1, objective="softmax")
    model.build_vocab([["a", "b"]])
    model.wv.vectors_lockf[0] = 0.5
    with pytest.raises(ConfigurationError, match="vectors_lockf"):
        model.train([["a", "b"]], total_examples=1, epochs=1)


@pytest.mark.slow
def test_quality_with_gensims_defaults_is_gensims():
    """Neighbours of the same topic, over seeds, on a small text; and not by chance."""
    ranks = {name: [] for name in BOTH}
    for name, make in BOTH.items():
        for seed in range(1, 6):
            model = make(lee_corpus_list, seed=seed, epochs=20, workers=2)
            for word, other in (("attacks", "bombings"), ("israeli", "palestinian")):
                ranks[name].append(model.wv.rank(word, other))
    assert np.median(ranks["fastw2v"]) <= 1.5 * np.median(ranks["gensim"]) + 3
