"""``--dry-run``: sizes of vocabularies and estimates, and nothing written."""

import re

import pytest

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.cli.main import main
from fastw2v.objectives.softmax import durations
from fastw2v.objectives.softmax.durations import step_seconds
from fastw2v.system.threads import WorkerPool
from fastw2v.training.dry_run import MIN_COUNTS, dry_run
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
    found = dry_run(path, Hyperparameters(vector_size=8, min_count=3, epochs=2), workers=2)
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
    few = dry_run(path, Hyperparameters(vector_size=8, max_final_vocab=50), workers=1)
    assert few.n_words == 50


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
