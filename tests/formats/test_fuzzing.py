"""Damaged inputs: refused or read for what they are; never a crash, a hang, or memory without end.

`fuzzed_readers.py` says what must hold; `python -m bench.fuzz_readers` goes on as long as asked.
"""

import json
import os
import random
import resource
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bench.fuzz_readers
from bench.fuzz_readers import fuzz
from fastw2v import Word2Vec
from fastw2v.errors import CorpusError, FastW2VError, ModelFormatError
from fastw2v.formats import read_vectors
from fastw2v.formats.model_folder import CONFIG
from fastw2v.text.encoded_folder import DESCRIPTION
from tests.support.fuzzed_readers import (
    LARGEST_GROWTH_BYTES,
    WrongSuccessError,
    damage,
    headers_that_promise_too_much,
    read_encoded,
    readers,
    verdict,
    write_encoded,
    write_model,
)

READERS = {reader.name: reader for reader in readers()}
WITH_A_FIRST_LINE = ("word2vec", "word2vec-bin", "fasttext")
LONGEST_S = 20
unhurried = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@contextmanager
def bounded():
    """Raise where reading takes too long, or memory without end."""

    def stop(*_):
        raise TimeoutError(f"expected an end within {LONGEST_S} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + LARGEST_GROWTH_BYTES
    earlier = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (limit, earlier[1]))
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, earlier)
        signal.signal(signal.SIGALRM, handler)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """For each reader: a sound input, a place for damaged ones, and what the sound one holds."""
    made = {}
    for name, reader in READERS.items():
        folder = tmp_path_factory.mktemp("fuzzed")
        (folder / "sound").mkdir()
        sound = folder / "sound" / reader.file_name
        reader.write(sound)
        made[name] = (sound, folder / reader.file_name, reader.read(sound))
    return made


def check_damaged(inputs, name, chance):
    sound, path, content = inputs[name]
    damage(sound, path, chance)
    with bounded():
        verdict(READERS[name], path, content)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=25, **unhurried)
@given(chance=st.randoms(use_true_random=False))
def test_damaged_inputs(inputs, name, chance):
    check_damaged(inputs, name, chance)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@settings(max_examples=500, **unhurried)
@given(chance=st.randoms(use_true_random=False))
def test_many_damaged_inputs(inputs, name, chance):
    check_damaged(inputs, name, chance)


@pytest.mark.parametrize("name", [name for name in READERS if name.startswith("text.")])
def test_compressed_text_cut_anywhere(inputs, name):
    """Every cut is refused, but the one between the two parts, which leaves a whole text."""
    sound, path, content = inputs[name]
    data = sound.read_bytes()
    outcomes = []
    for end in range(len(data)):
        path.write_bytes(data[:end])
        outcomes.append(verdict(READERS[name], path, content))
    assert outcomes.count("read") <= 1
    assert outcomes.count("refused") >= len(data) - 1


@pytest.mark.parametrize("name", ["model", "encoded"])
def test_folders_with_a_file_cut_or_longer(inputs, name):
    sound, path, content = inputs[name]
    for file in sorted(entry.name for entry in sound.iterdir()):
        data = (sound / file).read_bytes()
        pieces = [data[:end] for end in range(0, len(data) - 1, max(1, len(data) // 25))]
        for piece in [*pieces, data + data]:
            shutil.copytree(sound, path, dirs_exist_ok=True)
            (path / file).write_bytes(piece)
            assert verdict(READERS[name], path, content) == "refused", (file, len(piece))


@pytest.mark.parametrize("promise", headers_that_promise_too_much())
def test_a_header_that_promises_a_trillion_vectors(tmp_path, promise):
    write_model(tmp_path / "model")
    headers_that_promise_too_much()[promise](tmp_path / "model")
    started = time.monotonic()
    with bounded(), pytest.raises(ModelFormatError, match="model"):
        Word2Vec.load(tmp_path / "model")
    assert time.monotonic() - started < LONGEST_S / 2


@pytest.mark.parametrize("numbers", [f"{10**12} 3", f"9 {10**12}", f"{10**12} {10**12}"])
@pytest.mark.parametrize(
    "name", ["vectors, word2vec", "vectors, word2vec-bin", "vectors, fasttext"]
)
def test_a_first_line_that_promises_a_trillion(inputs, name, numbers):
    sound, path, _ = inputs[name]
    _, rest = sound.read_bytes().split(b"\n", 1)
    path.write_bytes(numbers.encode() + b"\n" + rest)
    started = time.monotonic()
    with bounded():
        assert verdict(READERS[name], path, None) == "refused"
    assert time.monotonic() - started < LONGEST_S / 2


def test_an_encoded_corpus_that_promises_a_trillion_tokens(tmp_path):
    write_encoded(tmp_path / "encoded")
    edit(tmp_path / "encoded" / DESCRIPTION, '"n_tokens": 27', f'"n_tokens": {10**12}')
    with bounded(), pytest.raises(CorpusError, match=r"ids\.int32: expected 4000000000000 bytes"):
        read_encoded(tmp_path / "encoded")


# What the loop has found


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def with_temperature(value):
    def change(folder):
        config = json.loads((folder / CONFIG).read_text())
        config["probabilities"]["temperature"] = value
        (folder / CONFIG).write_text(json.dumps(config))

    return change


def nested(name, opening):
    return lambda folder: (folder / name).write_text(opening * 100_000)


FOUND = {
    "config nested too deep": ("model", nested(CONFIG, "[")),
    "objects nested too deep": ("model", nested(CONFIG, '{"a":')),
    "no temperature": ("model", with_temperature(None)),
    "a temperature in words": ("model", with_temperature("warm")),
    "an infinite temperature": ("model", with_temperature(float("inf"))),
    "description nested too deep": ("encoded", nested(DESCRIPTION, "[")),
    "words nested too deep": ("encoded", nested("vocabulary.json", "[")),
    "infinitely many tokens": (
        "encoded",
        lambda folder: edit(folder / DESCRIPTION, '"n_tokens": 27', '"n_tokens": 1e999'),
    ),
    "more than numpy counts": (
        "encoded",
        lambda folder: edit(folder / "vocabulary.json", '"counts": [', f'"counts": [{2**70},'),
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_inputs_that_once_got_through(inputs, case):
    name, change = FOUND[case]
    sound, path, content = inputs[name]
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(sound, path)
    change(path)
    assert verdict(READERS[name], path, content) == "refused"


# The harness itself


def test_sound_inputs_are_read(inputs):
    for name, (sound, _, content) in inputs.items():
        assert verdict(READERS[name], sound, content) == "read"


def test_readers_that_take_damage_for_sound_are_caught(inputs):
    """Sabotage: a reader that drops a word, and one whose errors are not ours."""
    sound, _, content = inputs["text, words"]
    reader = READERS["text, words"]
    careless = replace(reader, read=lambda path: (reader.read(path)[0][:-1], reader.read(path)[1]))
    with pytest.raises(WrongSuccessError):
        verdict(careless, sound, content)
    unchecked = replace(READERS["encoded"], read=lambda path: path.read_text("ascii"))
    with pytest.raises(IsADirectoryError):
        verdict(unchecked, inputs["encoded"][0], None)


def test_bounds_are_kept():
    """Sabotage: what takes memory or time without end does not get through."""
    with pytest.raises(MemoryError), bounded():
        bytearray(2 * LARGEST_GROWTH_BYTES)
    with pytest.raises(TimeoutError), bounded():
        signal.raise_signal(signal.SIGALRM)


def refuse(_path):
    raise FastW2VError("as it should be")


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["crash", "hang", "KeyError", "refused"])
def test_the_loop_keeps_what_a_reader_does_not_survive(tmp_path, monkeypatch, outcome):
    monkeypatch.setattr(bench.fuzz_readers, "LONGEST_READING_S", 0.5)
    breaks = {
        "crash": lambda _: os.kill(os.getpid(), signal.SIGKILL),
        "hang": lambda _: time.sleep(60),
        "KeyError": lambda _: {}["missing"],
        "refused": refuse,
    }
    sound = READERS["text, words"]

    def read(path):
        return sound.read(path) if path.parent.name == "sound" else breaks[outcome](path)

    outcomes = fuzz(replace(sound, read=read), 2, 1, tmp_path / "kept")
    assert list(outcomes) == [outcome]
    kept = sorted(tmp_path.glob("kept/*.error"))
    assert len(kept) == (0 if outcome == "refused" else min(3, outcomes[outcome]))
    assert all(path.with_suffix("").is_file() for path in kept)


def test_damage_follows_from_the_seed(inputs, tmp_path):
    sound = inputs["text, words"][0]
    made = []
    for seed in (1, 1, 2):
        damage(sound, tmp_path / "out", random.Random(seed))
        made.append((tmp_path / "out").read_bytes())
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("name", ["vectors, word2vec", "vectors, glove", "vectors, fasttext"])
@pytest.mark.parametrize(
    ("number", "expected"),
    [("1e" + "9" * 30, None), ("-2e-" + "9" * 30, -0.0), ("0e" + "9" * 30, 0.0), ("-0E999", -0.0)],
)
def test_numbers_with_endless_exponents(tmp_path, name, number, expected):
    path = tmp_path / READERS[name].file_name
    header = "" if name.endswith("glove") else "2 2\n"
    path.write_text(f"{header}one {number} 1\ntwo 1 2\n")
    if expected is None:
        assert verdict(READERS[name], path, None) == "refused"
        return
    found = read_vectors(path, name.split(", ")[1]).vectors[0, 0]
    assert (found, np.signbit(found)) == (expected, np.signbit(expected))


def test_messages_of_other_libraries_become_one_line(inputs):
    sound, path, _ = inputs["vectors, parquet"]
    path.write_bytes(sound.read_bytes()[:-3])
    assert verdict(READERS["vectors, parquet"], path, None) == "refused"


def test_a_model2vec_folder_nested_too_deep(inputs):
    sound, path, _ = inputs["vectors, model2vec"]
    shutil.copytree(sound, path, dirs_exist_ok=True)
    nested("tokenizer.json", '{"a":')(path)
    assert verdict(READERS["vectors, model2vec"], path, None) == "refused"
