"""Held-out text: chosen by content, never seen in training, measured after each epoch."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import ConfigurationError, CorpusError, DivergenceError
from fastw2v.kernels.formulas.random_numbers import seed_state
from fastw2v.objectives.softmax import durations
from fastw2v.objectives.softmax.tile_layer import TileLayer
from fastw2v.system.signals import TrainingInterrupted
from fastw2v.text.batches import token_batch
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.reading import read_text
from fastw2v.text.word_choice import VocabularyLimits
from tests.support.corpora_made import as_text, random_sentences, write_text
from tests.support.unfitted import unfitted

SMALL = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 3, "seed": 3, "batch_rows": 16}
CELLS = {
    "softmax": {"batch_rows": 16},
    "tokens": {"batches": "tokens", "batch_tokens": 300},
    "cbow": {"model": "cbow", "sample": 0.1},
    "negative": {"objective": "negative"},
    "cbow negative": {"objective": "negative", "model": "cbow"},
    "hierarchical": {"objective": "hierarchical"},
}


@pytest.fixture(scope="module")
def sentences():
    made = random_sentences(4, 60, sentences=700, longest=20)
    return made + made[:50]  # some come twice


@pytest.fixture(scope="module")
def corpus(sentences, tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


def naive_choice(lines, fraction, seed):
    """Which lines are held out, by FNV-1a and the generators' seeds in Python's integers."""
    chosen = []
    for line in lines:
        value = 0xCBF29CE484222325
        for byte in line:
            value = (value ^ byte) * 0x100000001B3 % 2**64
        bits = seed_state(np.uint64(seed), np.uint64(41), np.uint64(value))
        chosen.append(int(bits) < fraction * 2**64)
    return chosen


def parts(text, choice):
    """The lines that stay and those that are held out."""
    return tuple(part.splitlines(keepends=True) for part in choice.split_text(text))


@settings(max_examples=50, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"") + b"\n")),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**63 - 1),
)
def test_lines_are_held_out_as_a_naive_twin_does(lines, fraction, seed):
    choice = HeldOutChoice(fraction, seed)
    stays, held_out = choice.split_text(b"".join(lines))
    chosen = naive_choice(lines, fraction, seed)
    assert stays == b"".join(x for x, is_out in zip(lines, chosen, strict=True) if not is_out)
    assert held_out == b"".join(x for x, is_out in zip(lines, chosen, strict=True) if is_out)


@settings(max_examples=50, deadline=None)
@given(
    sentences=st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=4), max_size=5)),
    seed=st.integers(0, 2**63 - 1),
)
def test_lists_of_tokens_are_held_out_alike(sentences, seed):
    stays, held_out = HeldOutChoice(0.4, seed).split_batch(token_batch(sentences))
    chosen = naive_choice(["".join(tokens).encode() for tokens in sentences], 0.4, seed)
    for part, is_out in ((stays, False), (held_out, True)):
        wanted = [x for x, out in zip(sentences, chosen, strict=True) if out == is_out]
        expected = token_batch(wanted)
        for came, right in zip(part, expected, strict=True):
            assert came.tolist() == right.tolist()


def test_about_the_fraction_is_held_out_and_equal_lines_together(sentences):
    text = as_text(sentences).encode()
    for fraction in (0.05, 0.3):
        stays, held_out = parts(text, HeldOutChoice(fraction, 1))
        share = len(set(held_out)) / len(set(held_out) | set(stays))
        assert abs(share - fraction) < 4 * np.sqrt(fraction / 700)
        assert not set(stays) & set(held_out)
    one, other = (parts(text, HeldOutChoice(0.3, seed))[1] for seed in (1, 2))
    assert one != other


def test_blocks_and_order_do_not_change_the_choice(sentences, tmp_path):
    choice = HeldOutChoice(0.2, 1)
    parts = [
        write_text(tmp_path / "1", sentences[:300]),
        write_text(tmp_path / "2", sentences[300:]),
    ]
    words, digests = [], []
    for corpus in (parts, parts[::-1]):
        read = read_text(corpus, "words", held_out=choice, limits=VocabularyLimits(1))
        vocabulary, held_out = read.vocabulary, read.held_out
        words.append((vocabulary.words, vocabulary.counts.tolist()))
        digests.append(sorted(held_out.ids.tolist()))
    assert words[0] == words[1]
    assert digests[0] == digests[1]


def without_held_out(corpus, fraction, seed):
    stays, held_out = HeldOutChoice(fraction, seed).split_text(corpus.read_bytes())
    return stays.decode(), held_out.decode()


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_of_the_held_out_lines_is_in_the_model(corpus, tmp_path, cell):
    """The run equals one on a file that never had these lines, and says what `perplexity` says."""
    options = {**SMALL, **CELLS[cell]}
    options = {k: v for k, v in options.items() if k != "batch_rows" or cell == "softmax"}
    stays, held_out = without_held_out(corpus, 0.1, SMALL["seed"])
    (tmp_path / "stays.txt").write_text(stays, encoding="utf-8")
    (tmp_path / "held_out.txt").write_text(held_out, encoding="utf-8")
    by_fraction = Word2Vec(workers=1, **options).fit(corpus, validation=Validation(fraction=0.1))
    by_text = Word2Vec(workers=1, **options).fit(
        tmp_path / "stays.txt", validation=Validation(tmp_path / "held_out.txt")
    )
    alone = Word2Vec(workers=1, **options).fit(tmp_path / "stays.txt")
    for model in (by_fraction, by_text):
        assert model.vocabulary.words == alone.vocabulary.words
        assert model.in_vectors.tobytes() == alone.in_vectors.tobytes()
        assert model.out_vectors.tobytes() == alone.out_vectors.tobytes()
        assert model.corpus_digest == alone.corpus_digest
    with unfitted():
        as_trained = Word2Vec(workers=1, **options).fit(tmp_path / "stays.txt")
    expected = as_trained.perplexity(tmp_path / "held_out.txt")
    for model in (by_fraction, by_text):
        last = model.history[-1]
        assert last.held_out_loss_nats == expected.objective_loss_nats
        if "negative" in cell:
            assert last.held_out_perplexity is None
        else:
            assert last.held_out_perplexity == expected.perplexity
    assert all(record.held_out_loss_nats is None for record in alone.history)
    assert by_fraction.run_record.validation["fraction"] == 0.1
    assert by_fraction.run_record.validation["n_tokens"] == expected.n_tokens
    assert by_text.run_record.validation["sources"] == [str(tmp_path / "held_out.txt")]
    assert by_fraction.run_record.validation["sampled_rows"] == (
        None if cell in ("softmax", "tokens") else 4096
    )


def test_a_leak_would_be_seen(corpus):
    """Trained on the held-out lines too, the loss on them is lower: the comparison can tell."""
    _, held_out = without_held_out(corpus, 0.1, SMALL["seed"])
    fair = Word2Vec(**SMALL).fit(corpus, validation=Validation(fraction=0.1))
    leaky = Word2Vec(**SMALL).fit(
        corpus, validation=Validation([line.split() for line in held_out.splitlines()])
    )
    assert leaky.history[-1].held_out_loss_nats < fair.history[-1].held_out_loss_nats - 0.01


def test_the_history_is_stored_and_comes_back(corpus, tmp_path):
    model = Word2Vec(**SMALL).fit(corpus, validation=Validation(fraction=0.1))
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.history == model.history
    assert loaded.run_record == model.run_record
    for record in loaded.history:
        assert record.tokens_per_s > 0
        assert record.held_out_loss_nats > 0
    assert loaded.run_record.sources == [str(corpus)]
    assert (loaded.run_record.ended, loaded.run_record.kept_epoch) == ("finished", 3)


# Few lines and many dimensions: word frequencies are learned first, then the lines by heart, so
# that the held-out loss falls for some epochs and rises in the rest, whatever a CPU rounds.
BY_HEART = {
    **SMALL,
    "vector_size": 32,
    "epochs": 12,
    "learning_rate": 0.02,
    "bias": "none",
    "start": "random",
}


@pytest.fixture(scope="module")
def few_sentences(sentences):
    return sentences[:100]


@pytest.fixture(scope="module")
def patient(few_sentences):
    validation = Validation(random_sentences(5, 60, sentences=60))
    with unfitted():
        return Word2Vec(**BY_HEART).fit(few_sentences, validation=validation, patience=2)


def test_patience_ends_early_and_keeps_the_best_epoch(patient):
    losses = [record.held_out_loss_nats for record in patient.history]
    assert 1 + 2 < len(losses) < BY_HEART["epochs"]
    assert patient.run_record.ended == "patience"
    assert patient.run_record.kept_epoch == int(np.argmin(losses)) + 1 == len(losses) - 2
    held_out = patient.perplexity(random_sentences(5, 60, sentences=60))
    assert held_out.loss_nats == min(losses)
    assert held_out.loss_nats < losses[-1]


def test_without_patience_all_epochs_are_trained_and_the_last_is_kept(few_sentences, patient):
    text = random_sentences(5, 60, sentences=60)
    with unfitted():
        model = Word2Vec(**BY_HEART).fit(few_sentences, validation=Validation(text))
    assert len(model.history) == 12
    assert (model.run_record.ended, model.run_record.kept_epoch) == ("finished", 12)
    assert model.perplexity(text).loss_nats == model.history[-1].held_out_loss_nats
    shared = [record.held_out_loss_nats for record in patient.history]
    assert [r.held_out_loss_nats for r in model.history][: len(shared)] == shared


def diverging_in_epoch(number, monkeypatch):
    """Make the loss no number from the first batch of an epoch on, and spoil the vectors."""
    train, steps = TileLayer.train, [0]

    def spoilt(self, rules):
        loss = train(self, rules)
        steps[0] += 1
        if steps[0] > 4 * (number - 1):
            self.state.vectors[:] = np.nan
            return np.nan
        return loss

    monkeypatch.setattr(TileLayer, "train", spoilt)
    monkeypatch.setattr(durations, "step_seconds", lambda *_: 1.0)  # it trains, on made-up words


def test_a_run_that_diverges_ends_in_its_last_good_epoch(corpus, monkeypatch):
    whole = Word2Vec(**{**SMALL, "epochs": 3}).fit(corpus)
    kept = []

    def look(report):
        if report.epoch_ended and report.epoch == 2:
            kept.append(report)

    model = Word2Vec(**SMALL)
    diverging_in_epoch(3, monkeypatch)
    with pytest.raises(
        DivergenceError, match=r"got nan in step 9 of 12 .* smaller --learning-rate"
    ):
        model.fit(corpus, callbacks=[look])
    assert kept
    assert np.isfinite(model.in_vectors).all()
    assert np.isfinite(model.out_vectors).all()
    assert [record.loss_nats for record in model.history] == [
        record.loss_nats for record in whole.history[:2]
    ]
    assert (model.run_record.ended, model.run_record.kept_epoch) == ("diverged", 2)
    assert model.summary.loss_nats < model.summary.unigram_entropy_nats


def test_with_patience_a_run_that_diverges_ends_in_its_best_epoch(corpus, monkeypatch):
    diverging_in_epoch(3, monkeypatch)
    with pytest.raises(DivergenceError, match=r"the model has epoch [12], the best one"):
        Word2Vec(**SMALL).fit(corpus, validation=Validation(fraction=0.1), patience=3)


def test_a_run_that_diverges_in_its_first_epoch_leaves_nothing(corpus, tmp_path, monkeypatch):
    diverging_in_epoch(1, monkeypatch)
    model = Word2Vec(**SMALL)
    with pytest.raises(DivergenceError, match="got nan in step 1 of 12"):
        model.fit(corpus, checkpoints=Checkpoints(tmp_path / "model", "1epoch"))
    assert model.summary is None
    assert list(tmp_path.iterdir()) == []


def test_the_program_saves_the_last_good_epoch(run, corpus, tmp_path, monkeypatch):
    diverging_in_epoch(2, monkeypatch)
    options = ["--vector-size", "6", "--window", "2", "--min-count", "1", "--batch-rows", "16"]
    arguments = ["train", corpus, "-o", tmp_path / "model", "--epochs", "3", "--quiet", *options]
    status, _, errors = run(*arguments)
    assert status == 2
    assert "the model has epoch 1, the last good one, saved as" in errors
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["run"]["ended"], config["run"]["kept_epoch"]) == ("diverged", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_resumed_run_that_diverges_saves_the_last_good_epoch(run, corpus, tmp_path, monkeypatch):
    def stop(report):
        if report.epoch == 2:
            raise KeyboardInterrupt

    for name in ("model", "other"):
        with pytest.raises(TrainingInterrupted):
            Word2Vec(**SMALL).fit(
                corpus, callbacks=[stop], checkpoints=Checkpoints(tmp_path / name, "1epoch")
            )
    diverging_in_epoch(1, monkeypatch)
    status, _, errors = run("train", "--resume", tmp_path / "model", "--quiet")
    assert status == 2
    assert "the model has epoch 1, the last good one, saved as" in errors
    saved = Word2Vec.load(tmp_path / "model")
    assert (saved.run_record.ended, saved.run_record.kept_epoch) == ("diverged", 1)
    with pytest.raises(DivergenceError) as caught:
        Word2Vec.resume(tmp_path / "other")
    assert np.array_equal(caught.value.model.in_vectors, saved.in_vectors)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "other.checkpoint"}


def test_what_cannot_be_validated_is_told(corpus, tmp_path):
    for options, message in (
        ({}, "either a text or a fraction .* got neither"),
        ({"text": [["a"]], "fraction": 0.1}, "got both"),
        ({"fraction": 0.0}, "more than 0, got 0.0"),
        ({"fraction": 1}, "less than 1, got 1"),
        ({"fraction": float("nan")}, "got nan"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            Validation(**options)
    with pytest.raises(ConfigurationError, match="patience: expected a validation text"):
        Word2Vec(**SMALL).fit(corpus, patience=1)
    for patience in (0, 1.5, True):
        with pytest.raises(ConfigurationError, match=r"patience: expected (at|a) "):
            Word2Vec(**SMALL).fit(corpus, patience=patience, validation=Validation(fraction=0.1))
    with pytest.raises(CorpusError, match="validation: expected at least one pair of known words"):
        Word2Vec(**SMALL).fit(corpus, validation=Validation([["unknown", "words"]]))
    (tmp_path / "line.txt").write_text("one line only\n")
    with pytest.raises(CorpusError, match=r"line\.txt: expected documents .* both sides"):
        Word2Vec(**SMALL).fit(tmp_path / "line.txt", validation=Validation(fraction=0.5))


def test_a_resumed_run_holds_out_the_same_lines(corpus, tmp_path):
    asked = {"validation": Validation(fraction=0.1), "patience": 2}
    whole = Word2Vec(**SMALL).fit(corpus, **asked)

    def stop(report):
        if report.step == 7:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        Word2Vec(**SMALL).fit(
            corpus, callbacks=[stop], checkpoints=Checkpoints(tmp_path / "m", "0.0001s"), **asked
        )
    resumed = Word2Vec.resume(tmp_path / "m")
    assert resumed.in_vectors.tobytes() == whole.in_vectors.tobytes()
    assert resumed.run_record == whole.run_record


def test_repairs_of_a_validation_text_are_told(corpus, tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"w1 w2 caf\xe9 w1 w2\n")
    told = []
    Word2Vec(errors="replace", **SMALL).fit(
        corpus, validation=Validation(tmp_path / "latin.txt"), notice=told.append
    )
    assert [sentence for sentence in told if "latin.txt" in sentence]
    with pytest.raises(CorpusError, match=r"latin\.txt: expected UTF-8"):
        Word2Vec(**SMALL).fit(corpus, validation=Validation(tmp_path / "latin.txt"))


def test_the_command_line(run, corpus, tmp_path, sentences):
    options = ["--vector-size", "6", "--window", "2", "--min-count", "1", "--epochs", "3"]
    held_out = write_text(tmp_path / "held out.txt", random_sentences(5, 60, sentences=60))
    status, shown, errors = run(
        *("train", corpus, "-o", tmp_path / "model", *options),
        *("--validation", held_out, "--patience", "1"),
    )
    assert status == 0, errors
    model = Word2Vec.load(tmp_path / "model")
    kept = model.history[model.run_record.kept_epoch - 1]
    assert f"held out     {kept.held_out_loss_nats:.4f} nats a pair after epoch" in shown
    assert f", held out {model.history[0].held_out_loss_nats:.4f} nats" in errors
    status, _, errors = run(
        *("train", corpus, "-o", tmp_path / "other", *options, "--quiet"),
        *("--validation-fraction", "0.1"),
    )
    assert (status, errors) == (0, "")
    assert Word2Vec.load(tmp_path / "other").history[0].held_out_loss_nats is not None
