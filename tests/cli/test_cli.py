"""The command line: what goes in and what comes out.

Most tests call `main` in this process; some run the installed program.
"""

import bz2
import gzip
import io
import json
import lzma
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict, fields
from typing import Literal, get_origin

import click
import numpy as np
import pytest
import zstandard
from gensim.models import KeyedVectors

from fastw2v import Hyperparameters, Word2Vec, __version__
from fastw2v.cli.commands.train import train_command
from tests.support.corpora_made import random_sentences, write_text
from tests.support.programs import PROGRAM, program

QUICK = ["--vector-size", "4", "--min-count", "1", "--epochs", "2", "--quiet"]


def arrays(folder):
    return (folder / "arrays.safetensors").read_bytes()


COMPRESSORS = {
    ".txt": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_training_on_a_file_of_any_kind(run, tmp_path, text, reference, suffix):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(COMPRESSORS[suffix](text.encode()))
    assert run("train", path, "--output", tmp_path / "model", *QUICK) == (0, "", "")
    assert arrays(tmp_path / "model") == arrays(reference)


def test_training_on_a_folder_and_on_several_files(run, tmp_path, text, reference):
    lines = text.splitlines(keepends=True)
    folder = tmp_path / "folder"
    (folder / "deeper").mkdir(parents=True)
    parts = [folder / "1.txt", folder / "2.gz", folder / "deeper" / "3.txt"]
    parts[0].write_text("".join(lines[:20]), encoding="utf-8")
    parts[1].write_bytes(gzip.compress("".join(lines[20:50]).encode()))
    parts[2].write_text("".join(lines[50:]), encoding="utf-8")
    assert run("train", folder, "-o", tmp_path / "of_folder", *QUICK) == (0, "", "")
    assert run("train", *parts, "-o", tmp_path / "of_files", *QUICK) == (0, "", "")
    assert arrays(tmp_path / "of_folder") == arrays(tmp_path / "of_files") == arrays(reference)


def test_training_on_standard_input_in_this_process(run, tmp_path, text, reference, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("train", "-", "-o", tmp_path / "model", *QUICK) == (0, "", "")
    assert arrays(tmp_path / "model") == arrays(reference)


def test_the_program_trains_on_standard_input_and_reports(tmp_path, text, reference):
    command = ["train", "-", "-o", "model", *QUICK[:-1], "--workers", "3"]
    done = program(*command, input=text.encode(), cwd=tmp_path)
    shown, progress = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, progress
    assert arrays(tmp_path / "model") == arrays(reference)
    summary = Word2Vec.load(tmp_path / "model").summary
    assert f"loss         {summary.loss_nats:.4f} nats a pair" in shown
    assert f"{summary.unigram_entropy_nats:.4f} unigram entropy" in shown
    assert f"{summary.conditional_entropy_nats:.4f} conditional entropy" in shown
    assert "vocabulary   40 words of 40\ntokens       1,200 of 1,200\n" in shown
    assert shown.endswith("model        model\n")
    assert "counting: done (1,200 tokens)" in progress
    assert "training: epoch 2/2" in progress
    assert "\r" not in progress  # bars are for terminals


def test_the_machine_s_blas_threads_do_not_change_a_bit(tmp_path):
    """Matrices of this size make LAPACK share out its work, and add up in another order."""
    write_text(tmp_path / "text.txt", random_sentences(1, 1500, sentences=1500, skew=0.7))
    for threads in ("1", "3"):
        done = program(
            *("train", "text.txt", "-o", threads, "--min-count", "1", "--epochs", "1"),
            *("--vector-size", "200", "--quiet"),
            cwd=tmp_path,
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
        )
        assert done.returncode == 0, done.stderr
    assert arrays(tmp_path / "1") == arrays(tmp_path / "3")


OPTIONS = {
    "vector_size": 3,
    "window": 2,
    "window_sample": 0.01,
    "min_count": 2,
    "max_final_vocab": 30,
    "sample": 0.01,
    "epochs": 1,
    "seed": 7,
    "batches": "tokens",
    "batch_tokens": 99,
    "scores_mib": 64,
    "optimizer": "adagrad",
    "learning_rate": 0.03,
    "final_rate": 0.5,
    "bias": "learned",
    "start": "random",
    "precision": "float32",
    "device": "auto",
    "tokenizer": "whitespace",
    "errors": "replace",
    "canonical": False,
}


NEGATIVE = {"objective": "negative", "negative": 3, "ns_exponent": 0.5}
# What cannot be asked for together with all of the above.
OTHER_OPTIONS = {
    "replicas": {"replicas": 2},
    "counts": {"batches": "counts", "batch_rows": 9, "rare_words": "auto"},
    "subwords": {"inputs": "subwords", "min_n": 2, "max_n": 4, "bucket": 77},
    "texts": {"paragraphs": True, "normalize": "nfkc", "language": "tr"},
    "capitals": {"keep_case": True},
    "skipgram": {**NEGATIVE, "negatives_shared": False},
    "cbow": {**NEGATIVE, "model": "cbow", "cbow_mean": False},
    "phrases": {
        "phrases": 2,
        "phrase_scoring": "npmi",
        "phrase_min_count": 2,
        "phrase_threshold": 0.9,
        "phrase_connectors": "english",
    },
}


def as_words(options):
    words = []
    for name, value in options.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    return words


@pytest.mark.parametrize("options", OTHER_OPTIONS.values(), ids=OTHER_OPTIONS)
def test_options_of_other_runs_reach_the_settings(run, tmp_path, chain_file, options):
    words = as_words({**options, "vector_size": 3, "epochs": 1, "min_count": 1})
    status, _, errors = run("train", chain_file, "-o", tmp_path / "model", "--quiet", *words)
    assert (status, errors) == (0, "")
    stored = json.loads((tmp_path / "model" / "config.json").read_text())["hyperparameters"]
    assert {name: stored[name] for name in options} == options


def test_every_option_reaches_the_settings(run, tmp_path, chain_file):
    defaults = Hyperparameters().as_dict()
    assert all(defaults[name] != value for name, value in OPTIONS.items())
    assert {*OPTIONS, *(name for others in OTHER_OPTIONS.values() for name in others)} == set(
        defaults
    )
    words = as_words(OPTIONS)
    status, _, errors = run("train", chain_file, "-o", tmp_path / "model", "--quiet", *words)
    assert (status, errors) == (0, "")
    stored = json.loads((tmp_path / "model" / "config.json").read_text())["hyperparameters"]
    # How characters are normalized follows the tokenizer.
    assert stored == {**defaults, "normalize": "none", **OPTIONS}
    assert len(Word2Vec.load(tmp_path / "model").vocabulary) == 30


def test_options_have_the_defaults_of_the_settings():
    defaults = {option.name: option.default for option in train_command.params}
    for item in fields(Hyperparameters):
        assert defaults[item.name] == item.default


def test_training_again_replaces_the_model(run, tmp_path, chain_file):
    (tmp_path / "model").mkdir()
    for seed in (1, 2):
        arguments = ["train", chain_file, "-o", tmp_path / "model", "--seed", seed, *QUICK]
        assert run(*arguments) == (0, "", "")
    assert Word2Vec.load(tmp_path / "model").settings.seed == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_perplexity_as_json_is_that_of_the_api(run, reference, chain_file):
    expected = asdict(Word2Vec.load(reference).perplexity(chain_file))
    status, shown, errors = run("perplexity", reference, chain_file, "--json", "--quiet")
    assert (status, errors) == (0, "")
    assert shown.count("\n") == 1
    assert json.loads(shown) == expected
    assert list(expected) == [
        "loss_nats", "perplexity", "n_tokens", "n_oov", "n_sentences", "pair_weight",
        "objective_loss_nats", "n_invalid", "n_unknown", "unknown_loss_nats", "n_missing",
    ]  # fmt: skip
    assert expected["perplexity"] == pytest.approx(math.exp(expected["loss_nats"]))
    status, shown, _ = run("perplexity", reference, chain_file, "--workers", "1")
    assert status == 0
    assert f"loss        {expected['loss_nats']:.4f} nats a pair" in shown
    assert f"{expected['n_tokens']:,} known, 0 out of vocabulary" in shown


def test_perplexity_of_several_texts_and_of_standard_input(run, reference, text, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    status, shown, _ = run("perplexity", reference, "-", "--json")
    assert status == 0
    result = json.loads(shown)
    assert result["loss_nats"] == pytest.approx(
        Word2Vec.load(reference).perplexity([line.split() for line in text.splitlines()]).loss_nats
    )


def test_an_infinite_perplexity_is_valid_json(run, tmp_path, chain_file):
    model = Word2Vec(vector_size=4, min_count=1, epochs=2).fit(chain_file)
    model.out_vectors[:] *= np.float32(1e7)
    model.save(tmp_path / "model")
    status, shown, _ = run("perplexity", tmp_path / "model", chain_file, "--json", "--quiet")
    assert status == 0
    result = json.loads(shown, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert result["loss_nats"] > 710
    assert result["perplexity"] is None


def test_neighbors(run, reference):
    status, shown, errors = run("neighbors", reference, "w5", "w11", "--topn", "3")
    assert (status, errors) == (0, "")
    loaded = Word2Vec.load(reference)
    lines = shown.splitlines()
    assert len(lines) == 8
    for word, (head, near, context, lifted) in {"w5": lines[:4], "w11": lines[4:]}.items():
        assert head == f"{word} ({loaded.wv.get_vecattr(word, 'count')} times)"
        expected = [f"{other} {p:.2f}" for other, p in loaded.wv.most_similar(word, topn=3)]
        assert near == "  near     " + ", ".join(expected)
        expected = [f"{other} {p:.2%}" for other, p in loaded.predict_context(word, topn=3)]
        assert context == "  context  " + ", ".join(expected)
        by_lift = loaded.predict_context(word, topn=3, by="lift")
        expected = [f"{other} {lift:.3g}x" for other, lift in by_lift]
        assert lifted == "  lift     " + ", ".join(expected)
    _, of_in, _ = run("neighbors", reference, "w5", "--vectors", "in")
    assert of_in != run("neighbors", reference, "w5", "--vectors", "out")[1]


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin", "npz"])
@pytest.mark.parametrize("vectors", ["in", "out", "sum", "both"])
def test_export(run, tmp_path, reference, form, vectors):
    target = tmp_path / "vectors.out"
    arguments = ("export", reference, target, "--format", form, "--vectors", vectors)
    assert run(*arguments) == (0, f"{target}\n", "writing: done (40 vectors)\n")
    assert run(*arguments, "--quiet") == (0, f"{target}\n", "")
    model = Word2Vec.load(reference)
    if form == "npz":
        with np.load(target, allow_pickle=False) as loaded:
            assert np.array_equal(loaded["in_vectors"], model.in_vectors)
    else:
        loaded = KeyedVectors.load_word2vec_format(str(target), binary=form == "word2vec-bin")
        assert loaded.index_to_key == model.vocabulary.words
        assert np.array_equal(loaded.vectors, model.embeddings.table(vectors))


def test_help_is_quick_and_loads_nothing_heavy():
    """Several attempts: a machine that is busy at the time must not fail it."""
    for _ in range(20):
        started = time.perf_counter()
        done = program("--help")
        elapsed_s = time.perf_counter() - started
        assert done.returncode == 0
        assert done.stdout.startswith(b"Usage: fastw2v")
        if elapsed_s < 0.3:
            break
    else:
        pytest.fail(f"help took {elapsed_s:.2f} s, and never less than 0.3 s before")
    command = [sys.executable, "-X", "importtime", PROGRAM, "train", "--help"]
    loaded = subprocess.run(command, capture_output=True, check=True).stderr.decode()
    assert "fastw2v.cli.main" in loaded
    for heavy in ("numba", "gensim", "numpy", "scipy", "rich", "safetensors"):
        assert f" {heavy}\n" not in loaded
        assert f" {heavy}." not in loaded


def test_help_names_every_command_option_and_choice(run):
    status, shown, _ = run("--help")
    assert status == 0
    assert {"train", "export", "neighbors", "perplexity"} <= set(shown.split())
    status, shown, _ = run("train", "--help")
    for name in OPTIONS:
        assert f"--{name.replace('_', '-')} " in shown
    for item in fields(Hyperparameters):
        if get_origin(item.type) is Literal and item.name != "objective":
            assert "|".join(item.type.__args__) in shown


def test_version_and_module(run):
    assert run("--version") == (0, f"fastw2v, version {__version__}\n", "")
    command = [sys.executable, "-m", "fastw2v", "--version"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.strip() != b""


def test_no_command_at_all_is_answered_with_help(run):
    status, shown, errors = run()
    assert status == (2 if hasattr(click.exceptions, "NoArgsIsHelpError") else 0)
    assert "  train " in shown + errors
