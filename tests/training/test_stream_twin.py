"""Epochs over running text beside those of a plain twin, with locked words too."""

from dataclasses import replace

import numpy as np
import pytest

from fastw2v.objectives.stream.settings import WordOptions
from tests.support.stream_runs import (
    CELLS,
    WORDS,
    TwinMismatchError,
    compare_with_twin,
    encoded,
    stream_settings,
    trained,
)


@pytest.mark.parametrize("cell", CELLS)
def test_epochs_are_those_of_the_twin(cell):
    compare_with_twin(cell)


@pytest.mark.parametrize("dimensions", [1, 16, 300])
def test_epochs_of_other_dimensions(dimensions):
    compare_with_twin("skipgram-hierarchical", dimensions=dimensions)
    compare_with_twin("cbow-negative", dimensions=dimensions)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sabotage", ["flipped codes", "constant rate"])
def test_mistakes_of_the_twin_are_caught(cell, sabotage):
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, sabotage)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.startswith("cbow")])
def test_another_scale_of_steps_is_caught(cell):
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "other scale of steps")


@pytest.mark.parametrize("held_out", [(0,), (3, 10, 11, 12, 43), (101,), range(0, 102, 3)])
@pytest.mark.parametrize("cell", CELLS)
def test_words_at_positions_that_are_held_out_are_contexts_only(cell, held_out):
    compare_with_twin(cell, held_out=held_out)


@pytest.mark.parametrize("cell", CELLS)
def test_a_position_that_is_trained_although_held_out_is_caught(cell):
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "nothing held out", held_out=(12,))


LOCKS = np.array([1, 0, 0.5, 1, 2, 0, 0.25] * 2, np.float32)


@pytest.mark.parametrize("cell", CELLS)
def test_locked_words_take_their_part_of_the_steps(cell):
    compare_with_twin(cell, locks=LOCKS)
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "no locks", locks=LOCKS)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "negative" in cell])
@pytest.mark.parametrize("held", [(0,), (3, 5, 0, 8), range(WORDS)])
def test_outputs_that_are_locked_stay_while_others_learn(cell, held):
    """Word 0 is all the noise: it stands several times among the outputs of a window."""
    compare_with_twin(cell, held=held)
    compare_with_twin(cell, held=held, locks=LOCKS)
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "nothing held", held=held)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_words_locked_with_zero_keep_their_bits(cell, workers, topics):
    """Also where they stand twice in a window, and where workers have copies of their rows."""
    vocabulary, tokens = topics
    n_words = len(vocabulary)
    settings = stream_settings(vector_size=20, sample=0, epochs=2, learning_rate=0.1, **CELLS[cell])
    generator = np.random.default_rng(5)
    start = tuple(
        generator.normal(size=(n_words - less, 20)).astype(np.float32) * np.float32(0.1)
        for less in (0, settings.hyperparameters.objective == "hierarchical")
    )
    locks = (np.arange(n_words) % 3 > 0).astype(np.float32)
    rules = WordOptions(locks=locks, locked_outputs=np.arange(n_words) % 4 == 1)
    settings = replace(settings, rules=rules)
    result = trained(tokens, vocabulary.counts, settings, workers, start=start)
    moved = (result.in_vectors != start[0]).any(axis=1)
    assert (moved == (locks > 0)).all()
    if settings.hyperparameters.objective == "negative":
        moved = (result.out_vectors != start[1]).any(axis=1)
        assert (moved == ~rules.locked_outputs).all()


def test_a_locked_word_twice_in_a_window_takes_both_steps():
    """Its two contexts are one row: half of both steps, as without locks all of both."""
    tokens, counts = encoded([[1, 0, 1]]), np.array([10**6, 2])
    settings = stream_settings(
        vector_size=1, window=1, sample=0, epochs=1, learning_rate=1e-3, final_rate=1.0,
        ns_exponent=10.0,
    )  # fmt: skip
    start = (np.ones((2, 1), np.float32), np.array([[2], [1]], np.float32))
    steps = []
    for lock in (1.0, 0.5):
        locked = replace(settings, rules=WordOptions(locks=np.array([1, lock], np.float32)))
        steps.append(trained(tokens, counts, locked, start=start).in_vectors[1] - 1)
    assert steps[0] != 0
    assert steps[1] == pytest.approx(steps[0] / 2, rel=1e-3)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("workers", [1, 3])
def test_locked_rows_stay_bit_by_bit_their_zeros_too(model, workers):
    counts = np.array([900, 700, 500, 40])
    sentences = [list(np.random.default_rng(k).integers(0, 4, 9)) for k in range(40)]
    start = np.full((4, 5), -0.0, np.float32), np.full((4, 5), 0.25, np.float32)
    rules = WordOptions(locks=np.array([0, 1, 0, 0], np.float32))
    settings = stream_settings(model=model, vector_size=5, epochs=2, rules=rules)
    fitted = trained(encoded(sentences), counts, settings, workers=workers, start=start)
    in_vectors = fitted.in_vectors
    locked = in_vectors[[0, 2, 3]]
    assert (locked == 0).all()
    assert np.signbit(locked).all()
    assert (in_vectors[1] != 0).all()
