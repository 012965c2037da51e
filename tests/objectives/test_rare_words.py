"""A softmax over a few columns: unbiased sums, the exact step with all drawn, honest losses."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.kernels.softmax.columns import choose_columns
from fastw2v.kernels.softmax.layout import LARGEST_TILE as TILE
from fastw2v.objectives.softmax.batches import CountBatches, exact_loss
from fastw2v.objectives.softmax.drawn_rows import DrawnRows, sampled_loss
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.output_layer import ChosenColumns
from fastw2v.objectives.softmax.rare_words import (
    BATCHES_OF_BAND,
    FEWEST_CONTEXTS,
    FEWEST_ROWS,
    SIZE,
    ColumnBatches,
    ColumnSizes,
    bands_of,
    column_sizes,
)
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.text_fit import fit_to_text
from fastw2v.system.threads import WorkerPool
from tests.support.dense_softmax import exact, pair_counts, random_counts
from tests.support.gradient_checks import central_differences

FULL_STEP = Hyperparameters(optimizer="sgd", learning_rate=1.0, bias="learned")
PRECISIONS = ["float32", *(["bf16", "bf16x2"] if HAS_BFLOAT16 else [])]


def problem(seed, n_words, dimensions, density=0.05):
    generator = np.random.default_rng(seed)
    dense = random_counts(generator, n_words, density)
    dense[0, 1] = dense[1, 0] = 3
    vectors = generator.normal(0, 0.5, (2, n_words, dimensions)).astype(np.float32)
    bias = generator.normal(0, 1, n_words).astype(np.float32)
    return dense, (vectors[0], vectors[1], bias)


def column_batches(dense, sizes, rows=10**6, keep=None, contexts=10**6, **options):
    keep = np.ones(len(dense)) if keep is None else keep
    given = {"dimensions": 6, "rows": rows, "seed": 3, **options}
    sizes = ColumnSizes(*sizes, 10**6, contexts)
    return ColumnBatches(pair_counts(dense), keep, sizes=sizes, **given)


def draws_of(n_rest, weights=None):
    """Every draw that is possible, each as likely as any other, as what `chance` stands for."""
    total = n_rest if weights is None else int(weights.sum())
    return (np.arange(total) + 0.5) / total


def chosen_by(chance, seen, cumulative, sizes):
    """Columns and logs for one row with such contexts."""
    counts = (np.array([0, len(seen)]), np.array(seen, np.int32), np.ones(len(seen), np.int32))
    n_words = len(cumulative) - 1
    scratch = np.zeros(-(-n_words // 64), np.uint64), np.empty(n_words, np.int32)
    none = np.empty(0, np.int32)
    words, logs, _, places, _ = choose_columns(
        np.arange(1), counts, none, cumulative, sizes, chance, *scratch
    )
    assert not scratch[0].any()
    assert (np.diff(words) > 0).all()
    assert words[places].tolist() == list(seen)
    return words, logs.astype(np.float64)


@pytest.mark.parametrize("draws", [1, 3, 7, 20])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("sabotage", [None, "no weights", "seen words drawn too"])
def test_over_all_draws_every_word_counts_once(draws, is_weighted, sabotage):
    n_words, head, seen = 150, 10, [3, 40, 64, 65, 149]
    weights = np.random.default_rng(1).integers(1, 9, n_words) if is_weighted else np.ones(n_words)
    cumulative = np.concatenate([[0], np.cumsum(weights.astype(np.int64))])
    rest = np.setdiff1d(np.arange(head, n_words), seen)
    counted = np.zeros(n_words)
    chances = draws_of(len(rest), weights[rest].astype(int) if is_weighted else None)
    for chance in chances:
        words, logs = chosen_by(chance, seen, cumulative, (head, draws))
        if sabotage == "no weights":
            logs = np.zeros(len(words))
        counted[words] += np.exp(logs) / len(chances)
        if sabotage == "seen words drawn too":
            counted[seen] += np.isin(seen, words) * draws / n_words
    assert np.allclose(counted, 1.0, rtol=1e-6) == (sabotage is None)


@pytest.mark.parametrize(("head", "draws"), [(0, 5), (10, 0), (150, 0), (150, 5), (20, 130)])
def test_sizes_at_their_bounds(head, draws):
    words, logs = chosen_by(0.5, [3, 149], np.arange(151), (head, draws))
    has_all = draws >= 150 - head - len({3, 149} - set(range(head)))
    assert len(words) == (150 if has_all else head + draws + sum(k >= head for k in (3, 149)))
    assert not logs[np.isin(words, [3, 149])].any()


def estimated_sums(objective, batch, bias):
    """exp of the estimated log-sum-exps of a batch's rows."""
    objective.load(batch)
    layer = objective.layer
    sums = layer.log_sum_exps(bias, layer.scores_of(len(batch.centres)))
    return np.exp(sums[: len(batch.centres)])


@pytest.mark.parametrize("sabotage", [None, "a drawn word stands for itself", "one word too many"])
def test_the_sum_of_a_row_is_unbiased(sabotage):
    dense, tables = problem(5, 40, 6, density=0.02)
    batches = column_batches(dense, (4, 3))
    centres = batches.centres[:9]
    seen = np.flatnonzero(dense[centres].any(axis=0))
    chances = draws_of(40 - len({*range(4), *seen, *centres}))
    total = np.zeros(len(centres))
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, max_rows=64, pool=pool, lists_columns=True)
        for chance in chances:
            batch = batches.batch(centres, chance)
            words, logs = batch.chosen
            if sabotage == "a drawn word stands for itself":
                batch = batch._replace(chosen=ChosenColumns(words, np.zeros_like(logs)))
            elif sabotage == "one word too many":
                more = np.where(logs > 0, np.log(np.exp(logs) + 1), logs).astype(np.float32)
                batch = batch._replace(chosen=ChosenColumns(words, more))
            total += estimated_sums(objective, batch, tables[2])
    scores = tables[0][centres].astype(float) @ tables[1].T.astype(float) + tables[2]
    wanted = np.exp(scores).sum(axis=1)
    assert np.allclose(total / len(chances), wanted, rtol=2e-5) == (sabotage is None)


SETTINGS = [
    {},
    {"optimizer": "sgd"},
    {"optimizer": "adagrad", "bias": "learned"},
    {"bias": "learned"},
]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("changed", SETTINGS)
def test_with_all_words_drawn_it_is_the_exact_step_to_the_bit(precision, changed):
    n_words = TILE + 37
    dense, tables = problem(6, n_words, 21, density=0.01)
    settings = Hyperparameters(**changed)
    keep = np.random.default_rng(2).uniform(0.2, 1, n_words)
    options = {"dimensions": 21, "rows": 96, "seed": 1}
    exactly = CountBatches(pair_counts(dense), keep, **options)
    everything = column_batches(dense, (100, n_words), keep=keep, **options)
    found = []
    with WorkerPool(2) as pool:
        for lists_columns in (False, True):
            objective = ExactSoftmax(
                *tables,
                optimizer=settings.optimizer,
                max_rows=96,
                precision=precision,
                pool=pool,
                lists_columns=lists_columns,
            )
            losses = []
            batches = list(exactly.one_epoch(0))
            if lists_columns:
                batches = [everything.batch(one.centres.astype(np.int64)) for one in batches]
            for step, batch in enumerate(batches):
                losses.append(objective.step(batch, Optimizer(settings, 9).rules(step)))
            found.append((losses, *(array.tobytes() for array in arrays_of(objective))))
    assert len(found[0][0]) > 3
    assert found[0] == found[1]


def arrays_of(objective):
    return objective.in_vectors, objective.out_vectors, objective.out_bias


def twin(dense, tables, words, logs):
    """Loss and gradients in float64 with a softmax over the columns alone."""
    found = exact(
        dense[:, words], tables[0], tables[1][words], tables[2][words].astype(float) + logs
    )
    outputs, bias = np.zeros(tables[1].shape), np.zeros(len(tables[2]))
    outputs[words], bias[words] = found.output_gradient, found.bias_gradient
    return found._replace(output_gradient=outputs, bias_gradient=bias)


@pytest.mark.parametrize("n_words", [60, 3 * TILE + 5])
@pytest.mark.parametrize("sabotage", [None, "a drawn word stands for itself"])
def test_a_step_is_that_of_plain_numpy_over_the_columns(n_words, sabotage):
    dense, tables = problem(7, n_words, 9)
    dense[:, n_words // 2 :] = dense[n_words // 2 :] = 0
    batches = column_batches(dense, (12, 15), dimensions=9)
    batch = batches.batch(batches.centres, 0.4)
    words, logs = batch.chosen
    assert len(words) < n_words
    with WorkerPool(2) as pool:
        objective = ExactSoftmax(
            *tables, optimizer="sgd", max_rows=batches.max_rows, pool=pool, lists_columns=True
        )
        told = objective.loss(batch)
        loss = objective.step(batch, Optimizer(FULL_STEP, 1).rules(0))
    wanted = twin(
        dense * batches.scale, tables, words, 0 * logs if sabotage else logs.astype(float)
    )
    moved = [a.astype(float) - b for a, b in zip(tables, arrays_of(objective), strict=True)]
    agree = all(
        np.allclose(came, gradient, rtol=0, atol=2e-5 * max(1.0, np.abs(gradient).max()))
        for came, gradient in zip(moved, wanted[1:], strict=True)
    )
    assert told == loss
    assert (agree and loss == pytest.approx(wanted.loss, rel=1e-5)) == (sabotage is None)
    assert not moved[1][np.setdiff1d(np.arange(n_words), words)].any()


@pytest.mark.parametrize("sabotage", [None, "sign"])
def test_the_twin_has_the_gradient_of_its_loss(sabotage):
    dense, tables = problem(8, 20, 3)
    words, logs = np.array([0, 1, 2, 5, 9, 13, 19]), np.array([0, 0, 0, 0, 1.5, 1.5, 1.5])
    dense[:, np.setdiff1d(np.arange(20), words)] = 0
    tables = [table.astype(np.float64) for table in tables]
    found = twin(dense, tables, words, logs)
    for which, gradient in enumerate(found[1:]):

        def loss(table, which=which):
            moved = [*tables]
            moved[which] = table
            return twin(dense, moved, words, logs).loss

        wanted = central_differences(loss, tables[which])
        came = -gradient if sabotage else gradient
        assert np.allclose(came, wanted, atol=1e-5 * np.abs(wanted).max()) == (sabotage is None)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("contexts", [10**6, 6])
def test_any_number_of_workers_gives_the_same_bits(precision, contexts):
    dense, tables = problem(9, 4 * TILE, 12, density=0.004)
    found = set()
    for workers in (1, 2, 5):
        batches = column_batches(dense, (200, 300), rows=256, dimensions=12, contexts=contexts)
        with WorkerPool(workers) as pool:
            objective = ExactSoftmax(
                *tables, max_rows=256, precision=precision, pool=pool, lists_columns=True
            )
            optimizer = Optimizer(Hyperparameters(), batches.batches_per_epoch)
            for step, batch in enumerate(batches.one_epoch(1)):
                objective.step(batch, optimizer.rules(step))
            found.add(tuple(array.tobytes() for array in objective.arrays().values()))
    assert len(found) == 1


def test_rare_words_count_their_own_updates():
    dense, tables = problem(10, 300, 5, density=0.01)
    batches = column_batches(dense, (20, 30), rows=64, dimensions=5)
    visits = np.zeros(300, int)
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, max_rows=64, pool=pool, lists_columns=True)
        for step, batch in enumerate(batches.one_epoch(0)):
            objective.step(batch, Optimizer(Hyperparameters(), 9).rules(step))
            visits[batch.chosen.words] += 1
        kept = objective.arrays()["out_visits"]
    assert kept[:300].tolist() == visits.tolist()
    assert (visits[:20] == batches.batches_per_epoch).all()
    assert visits[20:].min() < visits[20:].max()


def test_held_words_keep_their_vectors_bit_by_bit():
    dense, tables = problem(16, 300, 5, density=0.01)
    batches = column_batches(dense, (20, 30), rows=64, dimensions=5)
    held = np.arange(300) % 3 == 0
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, max_rows=64, pool=pool, lists_columns=True)
        objective.layer.hold(held)
        for step, batch in enumerate(batches.one_epoch(0)):
            objective.step(batch, Optimizer(Hyperparameters(), 9).rules(step))
        after = objective.out_vectors
    assert after[held].tobytes() == tables[1][held].tobytes()
    assert (after[~held] != tables[1][~held]).any(axis=1).mean() > 0.8


@pytest.mark.parametrize("sabotage", [None, "the rate of every step"])
def test_a_word_that_comes_late_moves_as_far_as_the_steps_without_it_say(sabotage):
    """It moves at once by what Adam would move it in as many steps, its gradient zero before."""
    dense, tables = problem(15, 400, 5, density=0.002)
    batches = column_batches(dense, (20, 30), rows=32, dimensions=5)
    settings = Hyperparameters(learning_rate=0.01, final_rate=1.0)
    late = []
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, max_rows=32, pool=pool, lists_columns=True)
        for step in range(40):
            before, visits = objective.out_vectors, objective.arrays()["out_visits"].copy()
            batch = batches.batch(batches.centres[step % 8 :: 8], step / 40)
            objective.step(batch, Optimizer(settings, 40).rules(step))
            new = [word for word in batch.chosen.words if not visits[word]]
            moved = np.abs(objective.out_vectors - before.astype(np.float64))[new]
            at = step + 1
            first = 0.1 / (1 - 0.9**at) / np.sqrt(0.01 / (1 - 0.99**at))
            more = 1.0 if sabotage else sum((0.9 / np.sqrt(0.99)) ** k for k in range(at))
            late += [(step, np.allclose(moved, 0.01 * first * more, rtol=1e-3))] if new else []
    assert len(late) > 5
    assert late[-1][0] > 5
    assert all(is_right for _, is_right in late) == (sabotage is None)


def test_a_row_has_its_own_word_as_itself_though_it_is_not_seen_beside_it():
    """A vector is near to itself: drawn like others, its own word would be most of the sum."""
    dense, _ = problem(16, 600, 8, density=0.004)
    np.fill_diagonal(dense, 0)
    batches = column_batches(dense, (20, 20), rows=64, dimensions=8)
    for batch in batches.one_epoch(0):
        words, logs = batch.chosen
        assert np.isin(batch.centres, words).all()
        assert not logs[np.isin(words, batch.centres)].any()
        assert len(words) < 600


@pytest.mark.parametrize(("contexts", "seen"), [(10**6, 9000), (20, 2000)])
def test_an_epoch_has_every_row_once_and_repeats(contexts, seen):
    dense, _ = problem(11, 500, 4, density=0.02)
    dense[:40] = np.random.default_rng(1).integers(0, 2, (40, 500))
    counts = pair_counts(dense)
    sizes = ColumnSizes(30, 20, seen, contexts)
    options = {"dimensions": 4, "rows": 256, "seed": 3, "sizes": sizes}
    batches = ColumnBatches(counts, np.ones(500), **options)
    epochs = [list(batches.one_epoch(number)) for number in (0, 0, 1)]
    for epoch in epochs:
        centres = np.concatenate([batch.centres for batch in epoch])
        assert sorted(centres) == batches.centres.tolist()
        assert len(epoch) == batches.batches_per_epoch
        assert all(len(batch.centres) <= batches.max_rows for batch in epoch)
        assert max(len(b.centres) * len(b.chosen.words) for b in epoch) <= batches.most_scores
    words = [[batch.chosen.words.tolist() for batch in epoch] for epoch in epochs]
    assert words[0] == words[1]
    assert sorted(words[0]) != sorted(words[2])


@pytest.mark.parametrize(("contexts", "rows_of_many"), [(10**6, FEWEST_ROWS), (100, 160)])
def test_rows_with_many_contexts_come_in_small_batches(contexts, rows_of_many):
    entries = np.array([90_000] * 100 + [1_000] * 3_000 + [10] * 20_000)
    bands = bands_of(np.arange(len(entries)), entries, 256, ColumnSizes(30, 20, 32_000, contexts))
    assert bands[0].n_rows <= rows_of_many
    assert 250 <= bands[-1].n_rows <= 256
    assert all(band.n_batches <= BATCHES_OF_BAND for band in bands[:-1])
    centres = np.concatenate([band.centres for band in bands])
    assert sorted(centres) == list(range(len(entries)))


def test_a_small_vocabulary_has_no_draws():
    assert column_sizes(2 * SIZE) is None
    for n_words in (2 * SIZE + 1, 10**6):
        sizes = column_sizes(n_words)
        assert (sizes.head, sizes.draws) == (SIZE, SIZE)
    assert column_sizes(10**5).contexts == 10 * column_sizes(10**6).contexts
    assert column_sizes(10**9).contexts == FEWEST_CONTEXTS


def losses_of(dense, tables, seeds, weigh=True):
    counts = pair_counts(dense)
    n_words = len(dense)
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, optimizer="sgd", max_rows=64, pool=pool)
        options = {"dimensions": 4, "rows": 64}
        plain = CountBatches(counts, np.ones(n_words), seed=1, **options)
        found = []
        for seed in seeds:
            rows = DrawnRows(counts, np.ones(n_words), seed=seed, **options)
            if not weigh:
                rows._shares = np.full(len(rows.centres), 1 / len(rows.centres))
            found.append(sampled_loss(objective, rows))
        return exact_loss(objective, plain), found


@pytest.mark.parametrize("weigh", [True, False])
def test_the_loss_of_drawn_rows_is_that_of_all_within_its_error(weigh):
    dense, tables = problem(12, 200, 4, density=0.1)
    dense[:20] *= 100  # frequent words, which are harder to tell
    tables[0][:20] *= 3
    wanted, found = losses_of(dense, tables, range(40), weigh=weigh)
    scores = np.array([(one.loss_nats - wanted) / one.error_nats for one in found])
    assert found[0].n_rows == 32 * 64
    # 40 means have a standard error of .16; their spread is one of about 1.
    is_right = abs(scores.mean()) < 0.6 and 0.6 < scores.std() < 1.5
    assert is_right == weigh


@pytest.mark.parametrize("sizes", [(90, 0), (30, 60)], ids=["frequent", "drawn"])
def test_the_fit_to_the_text_is_the_exact_one_where_all_words_are_columns(sizes):
    dense, tables = problem(13, 90, 6, density=0.2)
    counts, ones = pair_counts(dense), np.ones(90)
    fits = []
    with WorkerPool(1) as pool:
        for lists_columns in (False, True):
            objective = ExactSoftmax(
                *tables, optimizer="sgd", max_rows=64, pool=pool, lists_columns=lists_columns
            )
            options = {"dimensions": 6, "rows": 64, "seed": 1, "tile": objective.layer.tile}
            batches = CountBatches(counts, ones, **options)
            if lists_columns:
                columns = ColumnSizes(*sizes, 10**6, 10**6)
                batches = ColumnBatches(counts, ones, sizes=columns, **options)
            fits.append(fit_to_text(objective, batches, counts, tables[2], 5, None, None))
    assert np.allclose(fits[0].self_rates, fits[1].self_rates, rtol=1e-4)
    assert np.allclose(fits[0].bias_step, fits[1].bias_step, atol=1e-4)


def test_rare_words_take_a_step_of_the_bias_together():
    dense, tables = problem(14, 400, 6, density=0.05)
    counts, ones = pair_counts(dense), np.ones(400)
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(
            *tables, optimizer="sgd", max_rows=64, pool=pool, lists_columns=True
        )
        options = {"dimensions": 6, "rows": 64, "seed": 1, "tile": objective.layer.tile}
        batches = ColumnBatches(counts, ones, sizes=ColumnSizes(100, 80, 10**6, 10**6), **options)
        found = fit_to_text(objective, batches, counts, tables[2], 5, None, 100)
    assert len(np.unique(found.bias_step[:100])) > 90
    assert 2 < len(np.unique(found.bias_step[100:])) <= 5
    assert np.isfinite(found.bias_step).all()
    assert ((found.self_rates >= 0) & (found.self_rates <= 1)).all()


def test_a_run_that_is_resumed_at_its_end_gives_back_what_it_never_used():
    dense, tables = problem(17, 60, 5)
    batch = next(
        iter(
            CountBatches(pair_counts(dense), np.ones(60), dimensions=5, rows=64, seed=1).one_epoch(
                0
            )
        )
    )
    with WorkerPool(1) as pool:
        objective = ExactSoftmax(*tables, max_rows=64, pool=pool, lists_columns=True)
        objective.layer.end_training()
        assert np.isfinite(objective.loss(batch))
