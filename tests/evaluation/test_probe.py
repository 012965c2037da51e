"""The probe on planted labels, on shuffled ones, and against scikit-learn and a plain loop."""

import sys

import numpy as np
import pytest

from fastw2v.errors import ConfigurationError, EvaluationError
from fastw2v.evaluation import WordTable
from fastw2v.evaluation.probe import run_probe, stratified_folds
from fastw2v.evaluation.probe_network import ProbeSettings, predicted, train_network
from fastw2v.kernels.formulas.network import NetworkParameters, loss_and_gradients

QUICK = ProbeSettings(hidden_size=8, epochs=30)


def planted(n_words=300, dimensions=8, spread=0.5, n_labels=3, seed=0):
    """Vectors around one point a label; the first label has more words than the others."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((n_labels, dimensions))
    shares = np.full(n_labels, 0.5 / (n_labels - 1))
    shares[0] = 0.5
    labels = generator.choice(n_labels, n_words, p=shares)
    vectors = centres[labels] + spread * generator.standard_normal((n_words, dimensions))
    words = [f"w{k}" for k in range(n_words)]
    labelled = [(word, f"label {label}") for word, label in zip(words, labels, strict=True)]
    return WordTable(words, vectors.astype(np.float32)), labelled


def shuffled(labelled, seed=0):
    labels = np.random.default_rng(seed).permutation([label for _, label in labelled])
    return [(word, str(label)) for (word, _), label in zip(labelled, labels, strict=True)]


def test_planted_labels_are_read_off_and_shuffled_ones_are_not():
    table, labelled = planted(spread=0.3)
    result = run_probe(table, labelled, QUICK)
    assert result.accuracy.test > 0.97
    assert result.majority == pytest.approx(0.5, abs=0.06)
    assert (result.covered, result.total) == (300, 300)
    assert sum(result.labels.values()) == 300
    lost = run_probe(table, shuffled(labelled), QUICK)
    assert lost.majority == pytest.approx(result.majority, abs=0.01)
    assert lost.accuracy.test < lost.majority + 0.06
    assert lost.accuracy.train > lost.accuracy.test  # what is learned there is learned by heart


def test_it_is_about_as_good_as_scikit_learn_s():
    pytest.importorskip("sklearn")
    table, labelled = planted(spread=1.2, n_words=600)
    result = run_probe(table, labelled, QUICK)
    assert result.scikit_learn is not None
    assert result.majority + 0.1 < result.accuracy.test < 0.97  # neither trivial nor hopeless
    assert result.accuracy.test == pytest.approx(result.scikit_learn.test, abs=0.04)
    assert result.accuracy.train == pytest.approx(result.scikit_learn.train, abs=0.04)


def test_without_scikit_learn_nothing_is_compared(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    table, labelled = planted(n_words=60)
    assert run_probe(table, labelled, QUICK).scikit_learn is None


def test_tuning_bends_trained_words_and_says_so():
    """Half of the labels are random: only moved vectors can hold them."""
    table, labelled = planted(spread=0.3)
    noisy = [*labelled[:150], *shuffled(labelled[150:])]
    result = run_probe(table, noisy, QUICK, tune=True)
    tuned = result.tuned
    assert tuned is not None
    assert tuned.train_gain > 0.1
    assert tuned.accuracy.train == pytest.approx(result.accuracy.train + tuned.train_gain)
    assert tuned.test_gain < 0.05  # words that were not trained on are not moved
    assert tuned.moved > 0.05
    assert run_probe(table, noisy, QUICK).tuned is None


def test_tuning_leaves_the_vectors_it_was_given():
    table, labelled = planted(n_words=60)
    before = table.vectors.copy()
    run_probe(table, labelled, QUICK, tune=True)
    np.testing.assert_array_equal(table.vectors, before)


def plain_training(inputs, labels, n_labels, settings, start, tune):
    """Adam in float64, one batch an epoch, in the order of `train_network`."""
    arrays = [np.array(array, np.float64) for array in start]
    x = inputs.astype(np.float64)
    everything = [*arrays, x]
    moments = [(np.zeros_like(a), np.zeros_like(a)) for a in everything]
    targets = np.eye(n_labels)[labels]
    for step in range(1, settings.epochs + 1):
        found = loss_and_gradients(x, targets, NetworkParameters(*arrays))
        gradients = [*found.parameters, found.inputs]
        for place in range(5 if tune else 4):
            value = everything[place]
            l2 = settings.l2 if place in (0, 2) else 0
            g = (gradients[place] + l2 * value) / len(x)
            first, second = moments[place]
            first += 0.1 * (g - first)
            second += 0.001 * (g**2 - second)
            unbiased = second / (1 - 0.999**step)
            value -= settings.learning_rate * first / (1 - 0.9**step) / (np.sqrt(unbiased) + 1e-8)
    return arrays, x


@pytest.mark.parametrize("tune", [False, True])
def test_training_is_adam_in_double_precision(tune):
    table, labelled = planted(n_words=40, dimensions=5)
    labels = np.array([int(label[-1]) for _, label in labelled])
    settings = ProbeSettings(hidden_size=6, epochs=20, batch_rows=40, l2=0.5)
    none = ProbeSettings(hidden_size=6, epochs=1, batch_rows=40, learning_rate=1e-30)
    start = train_network(table.vectors, labels, 3, none).parameters
    found = train_network(table.vectors, labels, 3, settings, tune=tune)
    arrays, x = plain_training(table.vectors, labels, 3, settings, start, tune)
    for one, other in zip(found.parameters, arrays, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)
    np.testing.assert_allclose(found.inputs, x, atol=2e-3)
    assert (np.abs(found.inputs - table.vectors).max() > 0.05) == tune
    wrong, _ = plain_training(
        table.vectors, labels, 3, ProbeSettings(hidden_size=6, epochs=20, l2=0), start, tune
    )
    assert np.abs(wrong[0] - found.parameters.hidden_weights).max() > 0.01  # no penalty is caught


def test_moments_of_tuned_words_are_their_own():
    """In batches of one, a word's steps do not depend on what the others are."""
    inputs = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    labels = np.array([0, 1, 0, 1, 0, 1])
    settings = ProbeSettings(hidden_size=3, epochs=3, batch_rows=1)
    found = train_network(inputs, labels, 2, settings, tune=True)
    moved = np.abs(found.inputs - inputs)
    # Adam's first steps are as long as the rate; three of them move by at most three.
    assert (moved.max(axis=1) > 0.005).all()
    assert moved.max() <= 3.01 * settings.learning_rate


def test_the_same_seed_gives_the_same_bits():
    table, labelled = planted(n_words=80, spread=1.5)
    first, again = (run_probe(table, labelled, QUICK, tune=True) for _ in range(2))
    assert first == again
    labels = np.zeros(80, np.int64)
    labels[::3] = 1
    parameters = [
        train_network(table.vectors, labels, 2, ProbeSettings(epochs=2, seed=seed)).parameters
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(parameters[0].hidden_weights, parameters[1].hidden_weights)
    assert (parameters[0].hidden_weights != parameters[2].hidden_weights).any()


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_folds_are_even_in_size_and_in_labels(folds):
    labels = np.random.default_rng(0).choice(4, 101, p=[0.6, 0.3, 0.08, 0.02])
    found = stratified_folds(labels, folds, seed=1)
    sizes = np.bincount(found, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for label in range(4):
        of_label = np.bincount(found[labels == label], minlength=folds)
        assert of_label.max() - of_label.min() <= 1
    assert (found != stratified_folds(labels, folds, seed=2)).any()
    np.testing.assert_array_equal(found, stratified_folds(labels, folds, seed=1))


def test_words_are_found_as_written_or_in_any_case():
    table = WordTable(["Polish", "polish", "dog", "cat"], np.eye(4, dtype=np.float32))
    labelled = [("polish", "verb"), ("Dog", "noun"), ("CAT", "noun"), ("unknown", "verb")]
    result = run_probe(table, labelled, ProbeSettings(folds=2, epochs=1))
    assert (result.covered, result.total) == (3, 4)
    assert result.labels == {"noun": 2, "verb": 1}


def test_two_spellings_of_one_word_are_refused():
    """They could be learned in one fold and asked for in another."""
    table, labelled = planted(n_words=20)
    with pytest.raises(EvaluationError, match=r"got 'w7' and 'W7', which are both 'w7'"):
        run_probe(table, [*labelled, ("W7", "label 0")])


def test_the_majority_is_that_of_the_trained_words():
    table, labelled = planted(n_words=50)
    result = run_probe(table, labelled, QUICK)
    labels = [label for _, label in labelled]
    assert result.majority == labels.count("label 0") / 50


def test_what_cannot_be_probed_is_refused():
    table, labelled = planted(n_words=20)
    with pytest.raises(EvaluationError, match=r"got 1 labels and 20 of 20 words"):
        run_probe(table, [(word, "same") for word, _ in labelled])
    with pytest.raises(EvaluationError, match=r"at least two labels and 5 words .* 3 of 3"):
        run_probe(table, [("w1", "a"), ("w2", "b"), ("w3", "b")])
    for name, value in [("hidden_size", 0), ("folds", 1), ("epochs", 0), ("batch_rows", 0)]:
        with pytest.raises(ConfigurationError, match=f"{name}: expected (at least|a whole number)"):
            ProbeSettings(**{name: value})
    for name, value in [("learning_rate", 0), ("l2", -1)]:
        with pytest.raises(ConfigurationError, match=name):
            ProbeSettings(**{name: value})


def test_the_likeliest_label_is_predicted():
    parameters = NetworkParameters(
        np.eye(2, dtype="f4"), np.zeros(2, "f4"), np.eye(2, dtype="f4"), np.zeros(2, "f4")
    )
    rows = np.array([[1, 0], [0, 1], [-1, 2]], np.float32)
    assert predicted(rows, parameters).tolist() == [0, 1, 1]
