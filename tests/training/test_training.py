"""The training loop: history, reports, divergence, and the floor that no loss can go below."""

import threading

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import DivergenceError, FastW2VError
from fastw2v.objectives.softmax.batches import CountBatches, TokenBatches, exact_loss
from fastw2v.objectives.softmax.initialization import initial_bias, random_vectors
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.tile_layer import TileLayer
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import keep_probability
from fastw2v.training.loop import BatchTraining, train
from fastw2v.training.options import Reports
from fastw2v.training.run import Run
from tests.support.corpora_made import chain_sentences, random_sentences

KINDS = ["counts", "tokens"]
OPTIMIZERS = ["adam", "adagrad", "sgd"]
# Loss and entropy are both sums of float32 terms: this is rounding, relative to some 3 nats.
ROUNDING_NATS = 3e-6


def no_embeddings():
    raise AssertionError("only a validation text needs them")


class SmallRun:
    """Everything that one training run is made of, on a small corpus."""

    def __init__(self, sentences, pool, epochs=3, stretch=200, rows=5, **settings):
        self.settings = Hyperparameters(
            **{"vector_size": 6, "window": 2, "sample": 0.0, "epochs": epochs, **settings}
        )
        vocabulary, tokens = read_corpus(sentences, min_count=1)
        n_words, window = len(vocabulary), self.settings.window
        self.keep = keep_probability(vocabulary.counts, self.settings.sample)
        self.counts = count_pairs(tokens, n_words, window, workers=1)
        sizes = {"dimensions": self.settings.vector_size, "seed": self.settings.seed}
        self.all_rows = CountBatches(self.counts, self.keep, rows=rows, **sizes)
        self.batches = self.all_rows
        if self.settings.batches == "tokens":
            total = (self.counts.row_sums(self.keep) * self.keep).sum()
            self.batches = TokenBatches(
                tokens, self.keep, window=window, stretch=stretch, total_weight=total, **sizes
            )
        self.epochs = epochs
        self.optimizer = Optimizer(self.settings, epochs * self.batches.batches_per_epoch)
        self.objective = ExactSoftmax(
            *random_vectors(n_words, self.settings),
            initial_bias(self.counts, self.keep, self.settings),
            optimizer=self.settings.optimizer,
            max_rows=max(self.batches.max_rows, self.all_rows.max_rows),
            pool=pool,
        )

    def train(self, *callbacks):
        training = BatchTraining(self.objective, self.batches, self.optimizer)
        run = Run(settings=self.settings, workers=1, reports=Reports(callbacks=callbacks))
        return train(training, run, no_embeddings).state.history

    def loss(self):
        return exact_loss(self.objective, self.all_rows)

    def floor(self):
        return self.counts.conditional_entropy_nats(self.keep, self.keep)


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2) as made:
        yield made


@pytest.fixture(scope="module")
def sentences():
    return chain_sentences(1, 12, sentences=100)


@pytest.mark.parametrize("batches", KINDS)
def test_each_callback_gets_a_report_of_every_batch(sentences, pool, batches):
    run = SmallRun(sentences, pool, batches=batches)
    reports, others = [], []
    history = run.train(reports.append, others.append)
    per_epoch = run.batches.batches_per_epoch
    steps = 3 * per_epoch
    assert per_epoch > 1
    assert others == reports
    assert [r.step for r in reports] == list(range(1, steps + 1))
    assert {(r.steps, r.epochs) for r in reports} == {(steps, 3)}
    assert [r.epoch for r in reports] == [i // per_epoch + 1 for i in range(steps)]
    assert [r.step for r in reports if r.epoch_ended] == [per_epoch, 2 * per_epoch, steps]
    assert [r.learning_rate for r in reports] == [run.optimizer.rate(i) for i in range(steps)]
    elapsed = [r.elapsed_s for r in reports]
    assert elapsed[0] > 0
    assert elapsed == sorted(elapsed)
    ends = [r for r in reports if r.epoch_ended]
    assert [(h.epoch, h.loss_nats, h.learning_rate) for h in history] == [
        (r.epoch, r.loss_nats, r.learning_rate) for r in ends
    ]


def test_the_rate_falls_in_a_straight_line(sentences, pool):
    run = SmallRun(sentences, pool, learning_rate=0.2, final_rate=0.1, optimizer="sgd")
    rates = []
    run.train(lambda report: rates.append(report.learning_rate))
    assert rates == pytest.approx(np.linspace(0.2, 0.02, len(rates)))


@pytest.mark.parametrize("batches", KINDS)
def test_reported_losses_are_the_running_means_of_an_epoch(sentences, pool, batches):
    run, twin = (SmallRun(sentences, pool, epochs=2, batches=batches) for _ in range(2))
    reported = []
    run.train(lambda report: reported.append(report.loss_nats))
    expected, step = [], 0
    for number in range(2):
        losses, weights = [], []
        for batch in twin.batches.one_epoch(number):
            losses.append(twin.objective.step(batch, twin.optimizer.rules(step)))
            weights.append(batch.row_weights.sum())
            expected.append(sum(losses) / sum(weights))
            step += 1
    assert reported == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("batches", KINDS)
def test_the_first_loss_of_unigram_bias_is_the_unigram_entropy(sentences, pool, batches):
    """Output vectors start at zero, so that only the bias speaks, and it says frequencies."""
    run = SmallRun(sentences, pool, batches=batches, rows=10**6, stretch=10**6, sample=0.01)
    assert run.batches.batches_per_epoch == 1
    first = run.train()[0].loss_nats
    assert first == pytest.approx(run.counts.context_entropy_nats(run.keep, run.keep), abs=1e-5)


def test_an_error_of_a_callback_stops_training_and_its_thread(sentences, pool):
    run = SmallRun(sentences, pool)

    def stop(report):
        if report.step == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError) as caught:
        run.train(stop)
    assert caught.tb is not None  # the frames still live: the thread must not live with them
    assert not any(t.name == "fastw2v-batches" for t in threading.enumerate())


@pytest.mark.parametrize("batches", KINDS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rate", [1e20, 1e30])
def test_an_absurd_rate_is_noticed(sentences, pool, batches, optimizer, rate):
    run = SmallRun(
        sentences, pool, batches=batches, optimizer=optimizer, learning_rate=rate, epochs=9
    )
    with pytest.raises(DivergenceError, match=r"training diverged: expected .* smaller") as caught:
        run.train()
    assert caught.tb is not None
    assert not any(t.name == "fastw2v-batches" for t in threading.enumerate())


@pytest.mark.parametrize("rate", [0.2, 1.0, 10.0, 1e3, 1e6])
@pytest.mark.parametrize("batches", KINDS)
def test_a_run_that_diverges_says_so_or_ends_above_the_floor(sentences, pool, batches, rate):
    """Never a loss that is no loss: scores that leave float32 must not turn into good news."""
    epochs = 40
    run = SmallRun(
        sentences, pool, batches=batches, optimizer="sgd", learning_rate=rate, epochs=epochs
    )
    try:
        history = run.train()
    except DivergenceError:
        return
    assert len(history) == epochs
    assert run.loss() >= run.floor() - ROUNDING_NATS


@pytest.mark.parametrize("where", ["in_vectors", "out_vectors"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_bad_number_is_noticed_within_an_epoch(sentences, pool, where, value):
    run = SmallRun(sentences, pool)
    state = run.objective.inputs if where == "in_vectors" else run.objective.layer.state
    state.vectors[run.objective.dimensions // 2] = value
    assert not run.objective.is_finite
    with pytest.raises(DivergenceError, match=r"in step [123] of 9"):
        run.train()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_the_loss_of_a_batch_beyond_float32_is_no_number(sentences, pool, value):
    """Infinite and undefined scores, and finite vectors whose scores are infinite."""
    run = SmallRun(sentences, pool)
    batch = next(run.all_rows.one_epoch(0))
    run.objective.layer.state.vectors[:] = 1e30
    run.objective.inputs.vectors[batch.centres[0] * 16] = value
    assert not np.isfinite(run.objective.loss(batch))
    assert not np.isfinite(run.objective.step(batch, run.optimizer.rules(0)))


def test_the_batch_that_diverged_is_named(sentences, pool, monkeypatch):
    run = SmallRun(sentences, pool, learning_rate=0.04)
    losses = iter([2.0, np.nan])
    monkeypatch.setattr(run.objective, "step", lambda *_: next(losses))
    where = r"in step 2 of 9 \(epoch 1 of 3\) at learning rate 0\.0352"
    expected = rf"expected a finite loss, got nan {where}; use"
    with pytest.raises(DivergenceError, match=expected):
        run.train()


def test_vectors_that_are_lost_in_the_last_batch_are_noticed(sentences, pool, monkeypatch):
    run = SmallRun(sentences, pool)

    def lose(report):
        if report.step == 2:
            run.objective.layer.state.vectors[0] = np.nan  # no centre vector has seen it yet

    monkeypatch.setattr(run.objective, "step", lambda *_: 2.0)
    with pytest.raises(DivergenceError, match=r"expected finite vectors, got others in step 3 of"):
        run.train(lose)


def test_a_final_loss_that_is_no_number_is_noticed(sentences, monkeypatch):
    monkeypatch.setattr(TileLayer, "predicted_loss", lambda *_: np.inf)
    model = Word2Vec(min_count=1, epochs=1)
    with pytest.raises(DivergenceError, match=r"loss of the final vectors, got inf; use a smaller"):
        model.fit(sentences)
    assert model.summary is None


def test_a_model_that_diverges_stays_untrained(sentences):
    model = Word2Vec(min_count=1, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(DivergenceError):
        model.fit(sentences)
    assert (model.history, model.summary, model.corpus_digest) == ([], None, None)
    with pytest.raises(FastW2VError, match="not trained"):
        model.vocabulary  # noqa: B018


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("sample", [0.0, 0.02])
def test_the_loss_never_falls_below_the_conditional_entropy(pool, seed, optimizer, sample):
    made = random_sentences(seed, 25, sentences=60)
    for bias, batches in (("unigram", "counts"), ("learned", "tokens"), ("none", "counts")):
        run = SmallRun(
            made, pool, epochs=40, vector_size=25, seed=seed, optimizer=optimizer,
            sample=sample, bias=bias, batches=batches, learning_rate=0.05,
        )  # fmt: skip
        after_epochs = []

        def look(report, run=run, after_epochs=after_epochs):
            if report.epoch_ended:
                after_epochs.append(run.loss())

        history = run.train(look)
        floor = run.floor() - ROUNDING_NATS
        assert min(after_epochs) >= floor
        assert after_epochs[-1] < after_epochs[0]
        if batches == "counts":  # each row once an epoch, each at or above its own entropy
            assert min(record.loss_nats for record in history) >= floor


def gap_nats(summary, entropy_nats):
    return summary.loss_nats - entropy_nats


def is_at_the_floor(summary, entropy_nats):
    return -ROUNDING_NATS <= gap_nats(summary, entropy_nats) < 1e-3


@pytest.fixture(scope="module")
def small():
    return chain_sentences(1, 9)


CONVERGING = [
    ("counts", "adam", "unigram", 150, None),
    ("counts", "adam", "learned", 150, None),
    ("counts", "adam", "none", 150, None),
    ("counts", "adagrad", "learned", 200, None),
    ("counts", "sgd", "learned", 400, 0.5),
    ("tokens", "adam", "learned", 40, None),
    ("tokens", "adagrad", "unigram", 40, None),
    ("tokens", "sgd", "unigram", 40, 0.01),
]


@pytest.mark.parametrize(("batches", "optimizer", "bias", "epochs", "rate"), CONVERGING)
def test_with_room_for_every_word_the_loss_reaches_the_floor(
    small, batches, optimizer, bias, epochs, rate
):
    summary = converged(small, batches, optimizer, bias, epochs, rate).summary
    assert summary.unigram_entropy_nats - summary.conditional_entropy_nats > 0.1
    assert is_at_the_floor(summary, summary.conditional_entropy_nats)


def converged(small, batches, optimizer, bias, epochs, rate):
    start = "random" if optimizer == "sgd" else "spectral"  # plain SGD has further to go from there
    size = {"batch_rows": 4} if batches == "counts" else {"batch_tokens": 400}
    return Word2Vec(
        vector_size=9, window=2, window_sample=0, min_count=1, sample=0, **size,
        start=start, batches=batches, optimizer=optimizer, bias=bias,
        epochs=epochs, learning_rate=rate,
    ).fit(small)  # fmt: skip


def test_the_floor_of_another_corpus_is_missed_or_broken_through(small):
    summary = converged(small, *CONVERGING[0]).summary
    entropies = []
    for noise in (0.3, 0.7):
        vocabulary, tokens = read_corpus(chain_sentences(1, 9, noise=noise), min_count=1)
        counts = count_pairs(tokens, len(vocabulary), 2, workers=1)
        entropies.append(counts.conditional_entropy_nats())
    assert gap_nats(summary, entropies[0]) > 0.05  # an easier corpus: its floor is missed
    assert gap_nats(summary, entropies[1]) < -0.05  # a harder one: its floor is broken through
    assert not any(is_at_the_floor(summary, entropy) for entropy in entropies)


def test_too_few_dimensions_stay_above_the_floor(small):
    """The floor is no attractor: a model without room for the counts must not come near it."""
    model = Word2Vec(
        vector_size=1, window=2, window_sample=0, min_count=1, sample=0, epochs=150, batch_rows=4
    )
    summary = model.fit(small).summary
    assert gap_nats(summary, summary.conditional_entropy_nats) > 0.02


def test_records_are_plain_values():
    record = EpochRecord(1, 2.5, 0.1, 3.0)
    assert EpochRecord(**record.as_dict()) == record
