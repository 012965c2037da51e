"""``--dry-run``: sizes of vocabularies and estimates, and nothing written."""

import re
from collections import Counter

import numpy as np
import pytest

from fastw2v import Hyperparameters, StartFrom, Word2Vec
from fastw2v.cli.main import main
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.softmax import durations, rare_words
from fastw2v.objectives.softmax.durations import step_seconds
from fastw2v.objectives.softmax.rare_words import ColumnSizes, column_costs
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import encode_corpus, read_corpus
from fastw2v.training import finish, skipgram, trials
from fastw2v.training.dry_run import MIN_COUNTS, dry_run
from fastw2v.training.inputs import subword_features
from fastw2v.training.trials import entries_of_rows
from tests.support.corpora_made import random_sentences, write_text

TEXT = random_sentences(1, 300, sentences=900, skew=1.0)


@pytest.fixture
def path(tmp_path):
    return write_text(tmp_path / "text.txt", TEXT)


def ran(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code or 0


def test_sizes_are_those_of_training(path):
    found = dry_run(path, {"vector_size": 8, "min_count": 3, "epochs": 2}, workers=2)
    assert [size[0] for size in found.sizes] == sorted({*MIN_COUNTS, 3})
    for least, n_words, n_tokens in found.sizes:
        if n_words < 2:
            continue
        vocabulary = Word2Vec(vector_size=2, min_count=least, epochs=1).fit(path).vocabulary
        assert (len(vocabulary), vocabulary.n_tokens) == (n_words, n_tokens)
        assert (vocabulary.n_raw_tokens, vocabulary.n_raw_types) == (
            found.n_raw_tokens, found.n_raw_types,
        )  # fmt: skip
    assert (found.n_words, found.n_tokens) == next(s[1:] for s in found.sizes if s[0] == 3)
    kinds = {(kind.model, kind.objective) for kind in found.estimates}
    assert len(kinds) == len(found.estimates) == 6
    assert all(kind.seconds > 0 and kind.memory_bytes > 2**20 for kind in found.estimates)
    few = dry_run(path, {"vector_size": 8, "max_final_vocab": 50}, workers=1)
    assert few.n_words == 50


def test_subwords_cost_what_their_features_take(path, monkeypatch):
    def told(inputs):
        given = {"vector_size": 8, "min_count": 1, "inputs": inputs}
        found = dry_run(path, given, workers=1)
        return {(one.model, one.objective): one for one in found.estimates}

    trained, train_stream = [], trials.train_stream

    def noted(*arguments, features, **options):
        trained.append(features is not None)
        return train_stream(*arguments, features=features, **options)

    monkeypatch.setattr(trials, "train_stream", noted)
    words, subwords = told("words"), told("subwords")
    vocabulary, _ = read_corpus(path, min_count=1)
    for objective in ("softmax", "negative", "hierarchical"):
        settings = Hyperparameters(vector_size=8, inputs="subwords", objective=objective)
        n_bytes = subword_features(settings, vocabulary).nbytes(settings)
        kind = ("skipgram", objective)
        assert subwords[kind].memory_bytes - words[kind].memory_bytes == n_bytes > 10_000
    assert trained.count(True) == 4  # twice each


@pytest.mark.parametrize("inputs", ["words", "subwords"])
def test_the_memory_told_before_counting_is_that_told_after_it(inputs, monkeypatch):
    """Of counts and features; the rest is known."""
    told = []
    monkeypatch.setattr(skipgram, "training_bytes", lambda *_, other_bytes, **__: other_bytes)
    monkeypatch.setattr(skipgram, "announce_duration", lambda *given: told.append(given[5]))
    sentences = random_sentences(3, 2000, sentences=6000, skew=1.0)
    model = Word2Vec(vector_size=4, min_count=1, epochs=1, inputs=inputs)
    model.fit(sentences, notice=str)
    monkeypatch.setattr(skipgram, "_announce_early", lambda *_: None)
    model.fit(sentences, notice=str)
    early, late = told
    assert early == pytest.approx(late, rel=0.1)


@pytest.mark.parametrize("command", ["train", "count"])
def test_it_prints_and_writes_nothing(command, path, tmp_path, capsys):
    assert ran(command, path, "--dry-run", "--min-count", "3", "--quiet") == 0
    out, _ = capsys.readouterr()
    assert re.search(r"3 +\d+ +[\d,]+ +\d+\.\d%  <- these settings", out)
    assert len(re.findall(r"(skipgram|cbow) \w+ +\d+ epochs .* MiB", out)) == 6
    assert [item.name for item in tmp_path.iterdir()] == ["text.txt"]


def test_settings_of_one_objective_leave_the_others_as_they_are(path, capsys):
    assert ran("train", path, "--dry-run", "--objective", "negative", "--negative", "9") == 0
    assert len(re.findall(r"MiB", capsys.readouterr().out)) == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--dry-run"],
        ["train", "--dry-run", "--counts", "c"],
        ["train", "t", "--dry-run", "--resume", "m"],
        ["count", "t", "--dry-run", "--cluster", "local"],
        ["count", "t"],
    ],
)
def test_what_does_not_go_together_is_refused(arguments, capsys):
    assert ran(*arguments) == 2
    assert "dry-run" in capsys.readouterr().err or arguments == ["count", "t"]


def test_words_that_are_too_rare_have_no_estimates(path, capsys):
    assert ran("train", path, "--dry-run", "--min-count", "100000", "--quiet") == 0
    assert "estimates    of 0 words and 0 tokens" in capsys.readouterr().out


@pytest.mark.parametrize("n_words", [1, 2, 40, 3000, 40_000, 1_000_000])
def test_a_step_is_tried_on_few_words_and_scaled_to_all(n_words, monkeypatch):
    """By a clock on which a step takes a nanosecond for each of its scores, and the first long."""
    now = [0.0]

    def step(self, batch, rules):
        assert self.n_words <= 16384
        now[0] += 1e-9 * self.n_words * len(batch.centres) if now[0] else 5.0
        return 0.0

    monkeypatch.setattr(durations.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(durations.ExactSoftmax, "step", step)
    settings = Hyperparameters(vector_size=8)
    with WorkerPool(1) as pool:
        for rows in (1, min(n_words, 100)):
            now[0] = 0.0
            found_s = step_seconds(settings, n_words, rows, pool)
            assert found_s == pytest.approx(1e-9 * n_words * rows, rel=1e-3)


# From something earlier


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A model of a text that has words of its own, its counts and its vectors."""
    folder = tmp_path_factory.mktemp("earlier")
    yesterday = random_sentences(2, 200, sentences=300, skew=1.0) + [["old", "older"]] * 9
    write_text(folder / "yesterday.txt", yesterday)
    counting = CountingSettings(window=3, window_sample=0.0, min_count=1)
    count_corpus(folder / "yesterday.txt", counting, folder / "counts")
    model = Word2Vec(vector_size=6, epochs=2, workers=1).fit_counts(folder / "counts")
    model.save(folder / "model")
    model.export(folder / "vectors.txt")
    return folder


def n_absent(model, seen):
    return sum(word not in seen for word in model.vocabulary.words)


@pytest.mark.parametrize("vocabulary", ["grow", "keep"])
@pytest.mark.parametrize("source", ["model", "vectors.txt"])
def test_sizes_after_growth_are_those_of_training(path, earlier, source, vocabulary):
    start = StartFrom(earlier / source, vocabulary)
    seen = Counter(word for sentence in TEXT for word in sentence)
    for least in (1, 5, 20):
        given = {"epochs": 1, "min_count": least}
        told = dry_run(path, given, workers=1, start=start)
        model = Word2Vec(workers=1, **given).fit(path, start=start)
        about = model.run_record.start
        assert told.settings == model.settings
        assert told.n_words == about["n_words"] == len(model.vocabulary)
        assert told.n_known == about["n_known"]
        row = next(size for size in told.sizes if size[0] == least)
        assert row[1:] == (told.n_words, told.n_tokens)
        assert told.n_tokens == sum(seen[word] for word in model.vocabulary.words)
        assert told.n_raw_tokens == sum(seen.values())
        n_types = len(seen) if vocabulary == "grow" else told.sizes[0][1] - n_absent(model, seen)
        assert told.n_raw_types == n_types
        assert len(told.estimates) == 6
    locked = StartFrom(earlier / "model", lock_known=True)
    assert dry_run(path, {"min_count": 1}, workers=1, start=locked).n_known == 194


def test_counts_that_are_added_are_told_and_cost(path, earlier, tmp_path, capsys):
    """They are found where the model was trained on them."""
    kept = dry_run(path, {}, workers=1, start=StartFrom(earlier / "model"))
    assert kept.start["counts"] == str(earlier / "counts")
    alone = dry_run(path, {"objective": "negative"}, workers=1, start=StartFrom(earlier / "model"))
    assert alone.start["counts"] is None
    assert alone.settings.objective == "negative"
    assert ran("train", path, "--dry-run", "--start-from", earlier / "model", "--quiet") == 0
    shown = capsys.readouterr().out
    assert f"counts       {earlier / 'counts'}, which are added" in shown
    assert re.search(
        rf"start        \d+ known words, \d+ new ones, from {earlier / 'model'}", shown
    )
    assert len(re.findall(r"(skipgram|cbow) \w+ +\d+ epochs? .* MiB", shown)) == 6


@pytest.mark.parametrize(
    ("asked", "given", "message"),
    [
        ({}, {"vector_size": 7}, "vector_size: expected 6, as .*, got 7"),
        ({}, {"tokenizer": "whitespace"}, "tokenizer: expected 'words'"),
        ({"counts": "counts"}, {"window": 2}, "window: expected 3, with which the counts"),
        ({"counts": "counts"}, {"objective": "negative"}, "start_counts: expected skip-gram"),
        ({"counts": "counts"}, {"max_final_vocab": 9}, "max_final_vocab: expected all 194 words"),
        ({"lock_known": True, "vocabulary": "keep"}, {}, "lock_known: expected new words"),
        ({"lock_known": True}, {"inputs": "subwords"}, "lock_known: expected inputs='words'"),
    ],
)
def test_what_training_would_refuse_is_refused(path, earlier, asked, given, message):
    if "counts" in asked:
        asked = asked | {"counts": earlier / "counts"}
    start = StartFrom(earlier / "model", **asked)
    for attempt in (
        lambda: dry_run(path, given, workers=1, start=start),
        lambda: Word2Vec(workers=1, **given).fit(path, start=start),
    ):
        with pytest.raises(ConfigurationError, match=message):
            attempt()


def test_a_text_without_known_words_is_refused(earlier, tmp_path):
    other = write_text(tmp_path / "other.txt", [["quite", "another"]] * 20)
    with pytest.raises(ConfigurationError, match="start: expected words of the text among"):
        dry_run(other, {"min_count": 1}, workers=1, start=StartFrom(earlier / "vectors.txt"))


# Rare words


def test_contexts_of_rows_are_estimated_from_a_part(tmp_path):
    """Within a third in all and for frequent words, of a text 20 times as long as the sample."""
    sentences = random_sentences(3, 3000, sentences=12_000, skew=1.0)
    vocabulary, tokens = read_corpus(sentences, min_count=1)
    n_words = len(vocabulary)
    truth = np.diff(count_pairs(tokens, n_words, 5, workers=1).indptr)
    part = encode_corpus(sentences[::20], vocabulary)
    counts = count_pairs(part, n_words, 5, workers=1)
    share = len(tokens.ids) / len(part.ids)
    found = entries_of_rows(counts, vocabulary.counts, share)
    assert found.sum() == pytest.approx(truth.sum(), rel=0.33)
    assert found[:200].sum() == pytest.approx(truth[:200].sum(), rel=0.33)
    # Sabotage: the sample's own contexts are far from it.
    assert np.diff(counts.indptr).sum() < 0.5 * truth.sum()


@pytest.mark.parametrize("kind", ["exact", "sampled", "auto"])
def test_rare_words_have_the_costs_of_what_would_be_done(path, monkeypatch, kind, capsys):
    """Told as training would decide; sampled ones shorten the estimate by their share."""
    monkeypatch.setattr(trials, "column_sizes", lambda _: ColumnSizes(20, 10, 400, 10))
    monkeypatch.setattr(trials, "step_seconds", lambda _settings, _n, rows, *_: 1e3 * rows)
    shares = []

    def noted(*arguments):
        shares.append(column_costs(*arguments))
        return shares[-1]

    monkeypatch.setattr(trials, "column_costs", noted)
    given = {"vector_size": 8, "min_count": 1, "epochs": 2, "rare_words": kind}
    told = {(one.model, one.objective): one for one in dry_run(path, given, workers=1).estimates}
    exact = told["skipgram", "softmax"]
    assert all(one.rare_words is None for one in told.values() if one is not exact)
    if kind == "exact":
        assert (exact.rare_words, shares) == (None, [])
        return
    costs = shares[0]
    is_sampled = kind == "sampled" or costs.share <= 0.5
    assert exact.rare_words == ("sampled" if is_sampled else "exact")
    n_words = len({word for sentence in TEXT for word in sentence})
    part = costs.share if is_sampled else 1.0
    assert exact.seconds == pytest.approx(2e3 * n_words * part, rel=0.1)
    assert ran("train", path, "--dry-run", "--rare-words", kind, "--min-count", "1") == 0
    assert re.search(
        r"skipgram softmax .* MiB  rare words (sampled|exact)\n", capsys.readouterr().out
    )


def test_auto_decides_as_training_does(path, monkeypatch):
    """By a rule that is exact about contexts where the sample is the whole text."""
    for gain in (0.01, 100.0):
        monkeypatch.setattr(rare_words, "LEAST_GAIN", gain)
        for module in (trials, skipgram, finish):
            monkeypatch.setattr(module, "column_sizes", lambda _: ColumnSizes(20, 10, 400, 10))
        given = {"vector_size": 8, "min_count": 1, "epochs": 1, "rare_words": "auto"}
        told = dry_run(path, given, workers=1).estimates[0]
        model = Word2Vec(workers=1, **given).fit(path)
        assert (told.rare_words == "sampled") == (model.summary.loss_rows is not None)
        assert told.rare_words == ("sampled" if gain < 1 else "exact")


def test_a_text_that_looks_wrapped_is_told(tmp_path, run):
    book = tmp_path / "book.txt"
    lines = "the rain fell on a city that had not been dry for weeks, and nobody\n" * 5
    book.write_text(f"{lines}\n" * 60)
    for command in ("train", "count"):
        arguments = (command, book, "--dry-run", "--min-count", "1")
        assert "look wrapped" in run(*arguments)[2]
        assert "look wrapped" not in run(*arguments, "--paragraphs")[2]
