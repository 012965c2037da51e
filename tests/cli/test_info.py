"""`fastw2v info`: what a path is, by what describes it alone; nothing that it says is believed."""

import json
import os
import resource
import shutil
import subprocess
import time

import numpy as np
import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import FastW2VError
from fastw2v.formats import FORMATS, write_vectors
from fastw2v.formats.headers import read_header
from fastw2v.formats.vectors import Vectors
from fastw2v.text import stored_vocabulary
from fastw2v.text.corpus import open_corpus
from fastw2v.text.phrases import PhraseModel, PhraseSettings, find_phrases
from fastw2v.text.reading import read_corpus
from tests.support.programs import PROGRAM
from tests.test_structure import ROOT

SILENT_ABOUT_WORDS = ("glove",)


def info(run, path):
    status, shown, errors = run("info", path, "--json")
    assert (status, errors) == (0, ""), errors
    found = json.loads(shown)
    assert found.pop("path") == str(path)
    status, lines, errors = run("info", path)
    assert (status, errors) == (0, "")
    assert lines.startswith("kind ")
    assert all(line[:12].strip() for line in lines.splitlines())
    return found


@pytest.fixture(scope="module")
def kinds(chain_file, model, tmp_path_factory):
    """A path of each kind that is no file of vectors."""
    folder = tmp_path_factory.mktemp("kinds")
    model.save(folder / "model")
    count_corpus(open_corpus(chain_file), CountingSettings(min_count=1), folder / "counts")
    read_corpus(
        open_corpus(chain_file), tokenizer="words", min_count=1, max_final_vocab=None,
        encoded_folder=folder / "encoded",
    )  # fmt: skip

    def stop(report):
        if report.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Word2Vec(vector_size=4, min_count=1, epochs=3, batch_rows=8).fit(
            chain_file, callbacks=[stop], checkpoints=Checkpoints(folder / "run", "1epoch")
        )
    return {
        "model": folder / "model",
        "counts": folder / "counts",
        "encoded corpus": folder / "encoded",
        "checkpoint": folder / "run.checkpoint",
    }


def test_a_model(run, kinds, model):
    found = info(run, kinds["model"])
    assert (found["kind"], found["words"], found["dimensions"]) == ("model", 40, 12)
    assert found["settings"] == json.loads(json.dumps(model.settings.as_dict()))
    assert found["first_words"] == model.vocabulary.words[:10]
    assert found["summary"]["loss_nats"] == model.summary.loss_nats
    assert (found["epochs_done"], found["tokens"]) == (20, model.vocabulary.n_tokens)
    assert found["bytes"] == sum(file.stat().st_size for file in kinds["model"].iterdir())


@pytest.mark.parametrize("schema", [1, 2, 3, 4])
def test_models_of_every_version(run, schema):
    configs = list((ROOT / "tests" / "golden" / f"schema-{schema}").rglob("config.json"))
    assert configs
    for config in configs:
        assert info(run, config.parent)["schema_version"] == schema


def test_counts_and_an_encoded_corpus(run, kinds):
    counts, encoded = info(run, kinds["counts"]), info(run, kinds["encoded corpus"])
    assert (counts["kind"], counts["words"], counts["tokens"]) == ("counts", 40, 7200)
    detailed = json.loads(run("counts", "info", kinds["counts"], "--json")[1])
    assert counts["pairs"] == detailed["n_entries"]
    assert counts["settings"] == detailed["counting"]
    assert counts["bytes"] == detailed["n_bytes"]
    assert (encoded["kind"], encoded["tokens"], encoded["sentences"]) == (
        "encoded corpus", 7200, 600,
    )  # fmt: skip


def test_a_checkpoint_by_whichever_name(run, kinds, chain_file, tmp_path):
    found = info(run, kinds["checkpoint"])
    assert found["kind"] == "checkpoint"
    assert found["settings"]["vector_size"] == 4
    assert (found["epochs"], found["epochs_done"]) == (3, 0)
    assert found["sources"] == [str(chain_file)]
    shutil.copy(kinds["checkpoint"], tmp_path / "other name")
    assert info(run, tmp_path / "other name") == found


def test_phrases_by_whichever_name_and_layout(run, tmp_path):
    settings = PhraseSettings(min_count=1, threshold=1, passes=2)
    text = [["new", "york", "city"], ["in", "new", "york", "city"], ["naïve", "été"]] * 4
    phrases = find_phrases(text, settings)
    phrases.write(tmp_path / "phrases")
    found = info(run, tmp_path / "phrases")
    assert found["kind"] == "phrases"
    assert (found["phrases"], found["digest"]) == (len(phrases), phrases.digest)
    assert found["phrases_of_passes"] == [len(one) for one in phrases.passes]
    assert found["settings"] == settings.as_dict()
    best = found["first_phrases"][0]
    assert phrases.scores()[best] == max(phrases.scores().values())
    assert best in run("info", tmp_path / "phrases")[1]
    content = json.loads((tmp_path / "phrases").read_text())
    (tmp_path / "laid out.vec").write_text("\n" + json.dumps(content, indent=4))
    assert info(run, tmp_path / "laid out.vec") | {"bytes": found["bytes"]} == found
    PhraseModel(settings, ([],)).write(tmp_path / "none")
    assert info(run, tmp_path / "none")["first_phrases"] == []
    content["passes"] = [*content["passes"], []]
    for number, damage in enumerate((content, content | {"schema_version": 99}, {"passes": 1})):
        (tmp_path / f"{number}").write_text(json.dumps({"format": "fastw2v-phrases"} | damage))
        status, shown, errors = run("info", tmp_path / f"{number}")
        assert (status, shown, errors.count("\n")) == (2, "", 1)
        assert "phrases" in errors


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_vectors_in_every_format(run, model, tmp_path, form, suffix):
    chosen = next(one for one in FORMATS if one.name == form)
    if suffix and not chosen.is_stream:
        pytest.skip("is not compressed")
    target = tmp_path / "".join(["vectors", *chosen.suffixes[:1], suffix])
    model.export(target, form)
    found = info(run, target)
    assert (found["kind"], found["format"], found["dimensions"]) == ("vectors", form, 12)
    assert found["words"] == (None if form in SILENT_ABOUT_WORDS else 40)
    assert found["is_read"] == (form in ("kv", "projector"))


def test_a_name_in_any_letters_and_a_missing_one(run, model, tmp_path):
    model.save(tmp_path / "modèle ☃")
    assert info(run, tmp_path / "modèle ☃")["words"] == 40
    for path in (tmp_path / "missing", tmp_path, "/dev/null"):
        status, shown, errors = run("info", path)
        assert (status, shown, errors.count("\n")) == (2, "", 1)


PROMISES = {
    "word2vec": b"1000000000 100\nthe " + b"0.5 " * 100 + b"\n",
    "word2vec-bin": b"1000000000 100\nthe " + b"\0\0\0\1" * 100,
    "a million million": b"1000000000000 1048576\nthe " + b"\0\0\0\1" * 100,
}


@pytest.mark.parametrize("name", PROMISES)
def test_a_file_that_promises_more_than_it_has_is_refused(run, tmp_path, name):
    (tmp_path / "vectors").write_bytes(PROMISES[name])
    status, shown, errors = run("info", tmp_path / "vectors")
    assert (status, shown) == (2, "")
    assert "bytes at least" in errors


def test_what_is_large_is_told_in_no_time_and_no_memory(tmp_path):
    """Files with holes: 40 GB of vectors, told by a process that may take 2 GB."""
    big = tmp_path / "big.bin"
    big.write_bytes(b"100000000 100\nthe " + b"\0\0\0\1" * 100)
    os.truncate(big, 100_000_000 * 402 + 20)
    began = time.perf_counter()
    done = subprocess.run(
        [PROGRAM, "info", big, "--json"], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)),
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["words"], found["dimensions"]) == (100_000_000, 100)
    assert time.perf_counter() - began < 60
    assert json.loads(done.stdout)["bytes"] > 4e10


def test_a_mapped_model_is_not_read(run, tmp_path, monkeypatch):
    words = [f"w{number}" for number in range(20_000)]
    sentences = [words[place : place + 10] for place in range(0, 20_000, 10)]
    settings = {"vector_size": 2, "min_count": 1, "epochs": 1, "start": "random"}
    Word2Vec(**settings).fit(sentences).save(tmp_path / "m")
    decoded, unpack = [], stored_vocabulary.unpacked_words

    def counted(data, ends):
        decoded.append(len(ends))
        return unpack(data, ends)

    monkeypatch.setattr(stored_vocabulary, "unpacked_words", counted)
    assert info(run, tmp_path / "m")["words"] == 20_000
    assert set(decoded) == {10}


def damaged(path, seed):
    """Change some bytes of a file, or cut it."""
    generator = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    if seed % 3 == 0:
        del content[generator.integers(len(content)) :]
    for _ in range(1 + seed % 5):
        if content:
            at = generator.integers(min(len(content), 4000))
            content[at] = generator.integers(256)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("kind", ["model", "counts", "encoded corpus", "checkpoint"])
def test_damaged_folders_are_told_on_a_line(run, kinds, tmp_path, kind):
    refused = 0
    for seed in range(25):
        target = tmp_path / f"{seed}{'.checkpoint' * (kind == 'checkpoint')}"
        if kind == "checkpoint":
            shutil.copy(kinds[kind], target)
            damaged(target, seed)
        else:
            shutil.copytree(kinds[kind], target)
            files = sorted(target.iterdir())
            damaged(files[seed % len(files)], seed)
        status, shown, errors = run("info", target)
        assert status in (0, 2)
        assert "Traceback" not in errors
        assert (errors.count("\n") == 1) == (status == 2) == (shown == "")
        refused += status == 2
    assert refused > 3


@pytest.mark.parametrize("form", [form.name for form in FORMATS if form.name != "kv"])
def test_damaged_vectors_are_refused_or_described(model, tmp_path, form):
    for seed in range(15):
        target = tmp_path / str(seed)
        model.export(target, form)
        files = sorted(path for path in [target, *target.rglob("*")] if path.is_file())
        damaged(files[seed % len(files)], seed)
        try:
            found = read_header(target)
        except FastW2VError:
            continue
        assert found.n_words is None or found.n_words > 0
        assert found.dimensions is None or 1 <= found.dimensions <= 2**20


def test_nothing_in_a_name_is_obeyed(run, tmp_path):
    words = ["line\u2028separator", "\x1b[31mred"]
    write_vectors(Vectors(words, np.ones((2, 3), np.float32)), tmp_path / "v.npz", "npz")
    assert info(run, tmp_path / "v.npz")["words"] == 2
    sentences = [["\x1b[31mred", "a" * 5000]] * 9
    Word2Vec(vector_size=2, min_count=1, epochs=1).fit(sentences).save(tmp_path / "m")
    _, shown, _ = run("info", tmp_path / "m")
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) < 3000
