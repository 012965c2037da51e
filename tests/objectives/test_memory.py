"""Budgets of memory: the same bits within them, estimates that hold, advice that fits."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastw2v import Hyperparameters, Validation, Word2Vec
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.softmax.estimates import require_memory, training_bytes
from fastw2v.text.vocabulary import Vocabulary
from tests.support.corpora_made import random_sentences, write_text

ROOT = Path(__file__).parents[2]
SENTENCES = random_sentences(3, 80, sentences=400)
MODEL = {"vector_size": 8, "epochs": 2, "min_count": 2, "window": 3}


def same_vectors(one, other):
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in ("in_vectors", "out_vectors", "out_bias")
    )


CELLS = {
    "counts": {},
    "tokens": {"batches": "tokens"},
    "subwords": {"inputs": "subwords"},
    "replicas": {"replicas": 2},
    "replicas of subwords": {"replicas": 2, "inputs": "subwords"},
    "cbow": {"model": "cbow"},
    "cbow of random vectors": {"model": "cbow", "start": "random"},
    "negative": {"objective": "negative"},
    "cbow negative": {"model": "cbow", "objective": "negative"},
    "hierarchical": {"objective": "hierarchical"},
    "negative subwords": {"objective": "negative", "inputs": "subwords"},
}


@pytest.mark.parametrize("cell", CELLS)
def test_training_within_a_budget_gives_the_same_bits(tmp_path, cell):
    path = write_text(tmp_path / "text.txt", SENTENCES)
    settings = MODEL | CELLS[cell]
    free = Word2Vec(**settings, workers=1).fit(path)
    for corpus in (path, SENTENCES, (list(sentence) for sentence in SENTENCES)):
        bound = Word2Vec(**settings, workers=1).fit(corpus, memory_mib=600)
        assert same_vectors(bound, free)
        assert bound.corpus_digest == free.corpus_digest
        assert bound.vocabulary.words == free.vocabulary.words
        assert bound.summary.loss_nats == free.summary.loss_nats
        assert bound.summary.n_entries == free.summary.n_entries
    other = Word2Vec(**settings, workers=1, seed=2).fit(path, memory_mib=600)
    assert not same_vectors(other, free)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_refuses_what_does_not_fit(tmp_path, cell):
    path = write_text(tmp_path / "text.txt", SENTENCES)
    reports = []
    with pytest.raises(ConfigurationError, match=r"memory: training 80 words .* the budget is 600"):
        Word2Vec(**MODEL | {"vector_size": 2**20} | CELLS[cell]).fit(
            path, memory_mib=600, callbacks=[reports.append]
        )
    assert not reports


@pytest.mark.parametrize("cell", ["tokens", "cbow", "negative"])
def test_a_part_may_be_held_out_within_a_budget(tmp_path, cell):
    path = write_text(tmp_path / "text.txt", SENTENCES)
    settings, validation = MODEL | CELLS[cell], Validation(fraction=0.2)
    free = Word2Vec(**settings, workers=1).fit(path, validation=validation)
    bound = Word2Vec(**settings, workers=1).fit(path, validation=validation, memory_mib=600)
    assert same_vectors(bound, free)
    losses = [record.held_out_loss_nats for record in bound.history]
    assert losses == [record.held_out_loss_nats for record in free.history]


def vocabulary_of(n_words):
    counts = np.sort(10**7 // np.arange(1, n_words + 1))[::-1].astype(np.int64)
    return Vocabulary([f"w{word}" for word in range(n_words)], counts, 0, n_words)


@pytest.mark.parametrize("settings", [{}, {"vector_size": 300}, {"start": "random"}])
def test_what_is_advised_fits_and_no_more_would(settings):
    settings = Hyperparameters(**settings)
    vocabulary = vocabulary_of(70_000)
    needed_mib = -(-training_bytes(70_000, settings, 256) // 2**20)
    require_memory(vocabulary, settings, 256, needed_mib)
    require_memory(vocabulary, settings, 256, None)
    with pytest.raises(ConfigurationError, match="memory: training 70,000 words") as caught:
        require_memory(vocabulary, settings, 256, 400)
    found = re.search(r"max_final_vocab=(\d+) fits, or min_count=(\d+)", str(caught.value))
    words, min_count = map(int, found.groups())
    assert training_bytes(words, settings, 256) <= 400 * 2**20
    assert training_bytes(int(1.2 * words) + 200, settings, 256) > 400 * 2**20
    assert np.count_nonzero(vocabulary.counts >= min_count) <= words
    assert f"raise it to {needed_mib}" in str(caught.value)
    assert "objective='negative'" in str(caught.value)
    with pytest.raises(ConfigurationError, match="raise it to") as caught:
        require_memory(vocabulary, settings, 256, 100)
    assert "max_final_vocab" not in str(caught.value)


def test_the_command_line_says_what_a_run_takes_and_refuses_what_does_not_fit(
    run, tmp_path, monkeypatch
):
    path = write_text(tmp_path / "text.txt", SENTENCES)
    options = ["train", path, "-o", tmp_path / "model", "--vector-size", "8", "--min-count", "2"]
    status, _, err = run(*options, "--memory", "700")
    assert status == 0
    assert re.search(
        r"will take (about \d+ s|less than 1 s), .* operations at .* GFLOP/s\), \d+ MiB of mem", err
    )
    monkeypatch.setattr("fastw2v.objectives.softmax.estimates.PROGRAM_BYTES", 600 * 2**20)
    status, _, err = run(*options, "--memory", "600", "--quiet")
    assert status == 2
    assert "memory: training 80 words with vector_size=8 needs about 601 MiB" in err


PEAK = """
import json
import sys
import numpy as np
from fastw2v import Word2Vec
from fastw2v.objectives import memory
from fastw2v.training import cbow, skipgram, stream
n_words, vector_size, path, settings = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
estimates = []
within = memory.require_within

def noted(memory_mib, vocabulary, vector_size, needed_bytes, advice):
    estimates.append(needed_bytes(len(vocabulary)))
    within(memory_mib, vocabulary, vector_size, needed_bytes, advice)

for module in ("fastw2v.objectives.softmax.estimates", "fastw2v.objectives.stream.estimates"):
    sys.modules[module].require_within = noted
model = Word2Vec(vector_size=vector_size, min_count=1, epochs=2, **json.loads(settings))
model.fit(path, memory_mib=100_000)
# Not ru_maxrss: a process inherits that of the one that started it.
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(lines["VmHWM"].split()[0]) // 1024)
print(estimates[0] // 2**20)
"""
LARGE = [
    (1_000, 50, {"start": "random"}),
    (30_000, 100, {}),
    (30_000, 300, {"start": "random"}),
    (20_000, 100, {"batches": "tokens"}),
    (30_000, 100, {"inputs": "subwords"}),
    (10_000, 300, {"inputs": "subwords", "start": "random"}),
    (3_000, 50, {"inputs": "subwords", "optimizer": "sgd", "max_n": 20}),
    (20_000, 100, {"model": "cbow"}),
    (5_000, 300, {"model": "cbow", "start": "random"}),
    (1_000, 50, {"objective": "negative"}),
    (30_000, 100, {"objective": "negative", "inputs": "subwords"}),
    (200_000, 100, {"objective": "negative"}),
    (200_000, 100, {"objective": "negative", "model": "cbow"}),
    (200_000, 100, {"objective": "hierarchical"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("n_words", "vector_size", "settings"), LARGE, ids=str)
def test_estimates_hold_in_a_process_of_its_own(tmp_path, n_words, vector_size, settings):
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    generator = np.random.default_rng(1)
    ranks = np.minimum(generator.zipf(1.2, 200_000), n_words) - 1
    words = [f"w{word}" for word in ranks.tolist()] + [f"w{word}" for word in range(n_words)]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(words[at : at + 20]) for at in range(0, len(words), 20)))
    arguments = [sys.executable, "-c", PEAK, str(n_words), str(vector_size), path]
    for _ in range(2):  # compiling kernels, the first time, takes memory of its own
        done = subprocess.run(
            [*arguments, json.dumps(settings)], cwd=ROOT, capture_output=True, text=True, check=True
        )
    peak_mib, estimate_mib = map(int, done.stdout.split())
    print(f"{n_words} words, {vector_size} dimensions, {settings}: {peak_mib}, {estimate_mib} MiB")
    assert 0.8 * peak_mib <= estimate_mib <= 1.4 * peak_mib
