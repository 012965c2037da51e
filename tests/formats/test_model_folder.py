"""The model folder: it comes back whole, for ever, or not at all; damage is told by its name."""

import hashlib
import json
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fastw2v import Word2Vec
from fastw2v.errors import ModelFormatError, OutputError, VocabularyError
from fastw2v.formats.model_folder import StoredModel, read_model, write_model
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.manifests import file_description, signed
from fastw2v.text.vocabulary import Vocabulary
from tests.formats.test_formats import SCRIPTS, made, names

GOLDEN = Path(__file__).parents[1] / "golden"


def test_a_model_folder_holds_words_of_any_kind(tmp_path):
    words = [*SCRIPTS, "with space", "new\nline", "nul\0"]
    embeddings = made(words)
    config = {"hyperparameters": {}, "corpus": {}, "summary": None, "history": []}
    write_model(StoredModel(config, embeddings), tmp_path / "model")
    assert names(tmp_path / "model") == ["arrays.safetensors", "config.json"]
    loaded = read_model(tmp_path / "model").embeddings
    assert loaded.vocabulary.words == words
    assert loaded.vocabulary.counts.tolist() == embeddings.vocabulary.counts.tolist()
    assert (loaded.vocabulary.n_raw_tokens, loaded.vocabulary.n_raw_types) == (1000, 100)
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert getattr(loaded, name).tobytes() == getattr(embeddings, name).tobytes()


def edit_json(name, change):
    def damage(folder):
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        change(content)
        (folder / name).write_text(json.dumps(signed(content)), encoding="utf-8")

    return damage


def edit_config(change):
    return edit_json("config.json", change)


def edit_arrays(change):
    def damage(folder):
        arrays = load_file(str(folder / "arrays.safetensors"))
        change(arrays)
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(arrays, str(folder / "arrays.safetensors"))
        describe_again(folder)

    return damage


def describe_again(folder):
    """Make a changed file the one that config.json describes, so that later checks see it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["files"]["arrays.safetensors"] = file_description(folder / "arrays.safetensors")
    (folder / "config.json").write_text(json.dumps(signed(config)), encoding="utf-8")


def undetected(damage):
    """Damage that the digests would not tell."""

    def change(folder):
        damage(folder)
        describe_again(folder)

    return change


def cut(name, size):
    def damage(folder):
        (folder / name).write_bytes((folder / name).read_bytes()[:size])

    return damage


def flip(name, place):
    """Change one bit."""

    def damage(folder):
        content = bytearray((folder / name).read_bytes())
        content[place] ^= 1
        (folder / name).write_bytes(content)

    return damage


def overwrite(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def without(name):
    return lambda folder: (folder / name).unlink()


def in_place(change, **values):
    """Return a change of a dict of arrays or settings: set each name to what its value gives."""
    return change(
        lambda content: content.update({name: make(content) for name, make in values.items()})
    )


def with_peaks(**peaks):
    return lambda config: config["probabilities"] | {"peaks": peaks}


DAMAGE = {
    "missing": (shutil.rmtree, "found no config.json in it"),
    "empty": (lambda f: [path.unlink() for path in f.iterdir()], "found no config.json in it"),
    "no config": (without("config.json"), "found no config.json in it"),
    "config not JSON": (overwrite("config.json", b"{,"), "cannot be read as JSON"),
    "config not UTF-8": (overwrite("config.json", b'{"a": "\xff"}'), "cannot be read as JSON"),
    "another program's list": (overwrite("config.json", b"[1]"), "another program's"),
    "another program's": (overwrite("config.json", b'{"model_type": "bert"}'), "another program's"),
    "newer": (
        in_place(edit_config, schema_version=lambda c: c["schema_version"] + 1),
        "schema version 1 or 2 or 3 or 4, got 5, written by fastw2v 0.*install a newer fastw2v",
    ),
    "canonical or not": (
        in_place(edit_config, is_canonical=lambda _: "yes"),
        "is_canonical: expected true or false, got yes",
    ),
    "rates of another number of words": (
        in_place(edit_arrays, self_rates=lambda arrays: arrays["out_bias"][1:]),
        r"self_rates: expected float32 of shape \(\d+,\), got",
    ),
    "rates above 1": (
        in_place(edit_arrays, self_rates=lambda arrays: 0 * arrays["out_bias"] + 2),
        "self_rates: expected numbers from 0 to 1",
    ),
    "peaks of a power that turns them round": (
        in_place(edit_config, probabilities=with_peaks(knot=0.1, power=-0.5)),
        "peaks: expected knots that rise between 0 and 1 and as many powers above 0",
    ),
    "peaks above a knot of 1": (
        in_place(edit_config, probabilities=with_peaks(knot=1, power=0.5)),
        "peaks: expected knots that rise between 0 and 1",
    ),
    "peaks that are no numbers": (
        in_place(edit_config, probabilities=with_peaks(knot=True, power="1")),
        "peaks: expected knots that rise between 0 and 1",
    ),
    "peaks whose knots fall": (
        in_place(edit_config, probabilities=with_peaks(knots=[0.1, 0.01], powers=[0.5, 2.0])),
        "peaks: expected knots that rise between 0 and 1",
    ),
    "peaks with fewer powers than knots": (
        in_place(edit_config, probabilities=with_peaks(knots=[0.01, 0.1], powers=[0.5])),
        "as many powers above 0",
    ),
    "peaks of other names": (
        in_place(edit_config, probabilities=with_peaks(knot=0.1, powers=0.5)),
        "peaks: expected knots that rise between 0 and 1",
    ),
    "no version": (
        edit_config(lambda c: c.pop("schema_version")),
        "schema version 1 or 2 or 3 or 4, got None",
    ),
    "version 0": (
        in_place(edit_config, schema_version=lambda _: 0),
        "schema version 1 or 2 or 3 or 4, got 0",
    ),
    "no settings": (edit_config(lambda c: c.pop("hyperparameters")), "hyperparameters"),
    "unknown setting": (edit_config(lambda c: c["hyperparameters"].update(quux=1)), "quux"),
    "bad setting": (edit_config(lambda c: c["hyperparameters"].update(window=0)), "window: expec"),
    "bad history": (in_place(edit_config, history=lambda _: [{"loss": 1}]), "loss"),
    "bad summary": (in_place(edit_config, summary=lambda _: {"loss": 1}), "loss"),
    "other size": (
        edit_config(lambda c: c["hyperparameters"].update(vector_size=3)),
        "vector_size=3 dimensions, got 12",
    ),
    "a setting changed": (
        lambda f: (f / "config.json").write_text(
            (f / "config.json").read_text().replace('"window": 3', '"window": 4')
        ),
        r"config\.json: expected the content with SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}",
    ),
    "no digest": (
        lambda f: (f / "config.json").write_text(
            (f / "config.json").read_text().replace('"sha256"', '"md5"')
        ),
        "KeyError",
    ),
    "a bit flipped": (
        flip("arrays.safetensors", 3000),
        r"arrays\.safetensors: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}",
    ),
    "words cut": (
        in_place(edit_arrays, word_bytes=lambda a: a["word_bytes"][:-1]),
        "expected ends that rise to the 109 bytes",
    ),
    "ends fall": (
        in_place(edit_arrays, word_ends=lambda a: a["word_ends"][::-1].copy()),
        "expected ends that rise",
    ),
    "words not UTF-8": (
        in_place(edit_arrays, word_bytes=lambda a: a["word_bytes"] | 0x80),
        "expected UTF-8, got other bytes",
    ),
    "words twice": (
        in_place(edit_arrays, word_bytes=lambda a: a["word_bytes"] * 0),
        "more than once",
    ),
    "a word too few": (
        in_place(edit_arrays, word_ends=lambda a: a["word_ends"][:-1]),
        "one for each of 39 words",
    ),
    "no arrays": (without("arrays.safetensors"), "No such file"),
    "arrays empty": (
        undetected(overwrite("arrays.safetensors", b"")),
        r"arrays\.safetensors: expected a safetensors file",
    ),
    "arrays cut": (
        cut("arrays.safetensors", 2000),
        r"arrays\.safetensors: expected [0-9]+ bytes, got 2000",
    ),
    "arrays cut in the header": (
        undetected(cut("arrays.safetensors", 60)),
        r"arrays\.safetensors: expected a safetensors file",
    ),
    "arrays cut behind": (undetected(cut("arrays.safetensors", 2000)), "SafetensorError"),
    "arrays are noise": (
        undetected(overwrite("arrays.safetensors", bytes(range(256)) * 9)),
        "SafetensorError",
    ),
    "no bias": (edit_arrays(lambda a: a.pop("out_bias")), "KeyError: 'out_bias'"),
    "counts in another order": (
        in_place(edit_arrays, counts=lambda a: a["counts"][::-1].copy()),
        "most frequent word first",
    ),
    "no dimensions": (in_place(edit_arrays, in_vectors=lambda a: a["counts"]), "two axes, got 1"),
    "out of range": (
        in_place(edit_arrays, out_bias=lambda a: a["out_bias"] * np.nan),
        "out_bias: expected finite numbers",
    ),
    "other kind": (
        in_place(edit_arrays, out_vectors=lambda a: a["out_vectors"].astype(np.float64)),
        r"out_vectors: expected float32 of shape \(40, 12\), got float64",
    ),
    **{
        f"{name} short": (
            in_place(edit_arrays, **{name: lambda a, name=name: a[name][:-1]}),
            rf"{name}: expected .*39",
        )
        for name in ("in_vectors", "out_vectors", "out_bias")
    },
    "narrow": (
        in_place(edit_arrays, out_vectors=lambda a: a["out_vectors"][:, :5]),
        r"out_vectors: expected float32 of shape \(40, 12\), got float32 of shape \(40, 5\)",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_no_sound_model_is_told_by_name(model_folder, tmp_path, damage):
    folder = tmp_path / "the model"
    shutil.copytree(model_folder, folder)
    change, message = DAMAGE[damage]
    change(folder)
    with pytest.raises(ModelFormatError, match=message) as caught:
        Word2Vec.load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    # Mapped, it is told as well, if all is asked for that a whole read looks at.
    with pytest.raises((ModelFormatError, VocabularyError), match=message):
        look_at_everything(Word2Vec.load(folder, mmap=True, verify=True), folder)


def look_at_everything(model, folder):
    _ = model.vocabulary.words
    Word2Vec.load(folder)  # numbers that are not finite are looked for in whole reads only


def test_a_mapped_model_is_the_same(model_folder, model, chain):
    mapped = Word2Vec.load(model_folder, mmap=True)
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert getattr(mapped, name).tobytes() == getattr(model, name).tobytes()
    assert "words" not in vars(mapped.vocabulary)
    assert len(mapped.vocabulary) == len(model.vocabulary)
    assert mapped.predict_context("w3") == model.predict_context("w3")
    assert mapped.vocabulary.words == model.vocabulary.words
    assert mapped.vocabulary.counts.tolist() == model.vocabulary.counts.tolist()
    assert mapped.perplexity(chain[:50]) == model.perplexity(chain[:50])
    assert mapped.wv.most_similar("w3") == model.wv.most_similar("w3")


def test_what_is_written_to_a_mapped_model_never_reaches_the_file(model_folder, model):
    mapped = Word2Vec.load(model_folder, mmap=True)
    mapped.in_vectors[:] = 7
    assert np.array_equal(Word2Vec.load(model_folder).in_vectors, model.in_vectors)


def test_a_mapped_model_can_be_saved_over_itself(model_folder, model, tmp_path):
    shutil.copytree(model_folder, tmp_path / "model")
    mapped = Word2Vec.load(tmp_path / "model", mmap=True)
    mapped.save(tmp_path / "model")
    assert names(tmp_path) == ["model"]
    assert mapped.in_vectors.tobytes() == model.in_vectors.tobytes()
    saved = tmp_path / "model" / "arrays.safetensors"
    assert saved.read_bytes() == (model_folder / "arrays.safetensors").read_bytes()


def test_a_flipped_bit_is_told_on_request_only_where_the_model_is_mapped(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "model")
    flip("arrays.safetensors", 3000)(tmp_path / "model")
    Word2Vec.load(tmp_path / "model", mmap=True)
    Word2Vec.load(tmp_path / "model", verify=False)
    for options in ({}, {"mmap": True, "verify": True}):
        with pytest.raises(ModelFormatError, match=r"arrays\.safetensors: expected SHA-256"):
            Word2Vec.load(tmp_path / "model", **options)


def test_the_digest_is_that_of_sha256sum(model_folder):
    config = json.loads((model_folder / "config.json").read_text(encoding="utf-8"))
    data = (model_folder / "arrays.safetensors").read_bytes()
    assert config["files"] == {
        "arrays.safetensors": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    }


def test_nothing_is_pickled(model_folder):
    """Pickles begin with the byte 80; and loading imports nothing that could run what is stored."""
    for path in model_folder.iterdir():
        assert path.read_bytes()[:1] != b"\x80"
        assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0


@pytest.mark.parametrize("schema", ["schema-1", "schema-2"])
@pytest.mark.parametrize("kind", ["softmax", "cbow", "negative", "hierarchical"])
@pytest.mark.parametrize("mmap", [False, True])
def test_models_of_earlier_versions_load_for_ever(schema, kind, mmap):
    """Folders that were written when their schema was current; they are never made again."""
    expected = json.loads((GOLDEN / schema / "expected.json").read_text(encoding="utf-8"))[kind]
    model = Word2Vec.load(GOLDEN / schema / kind, mmap=mmap)
    assert model.vocabulary.words == expected["words"]
    assert model.vocabulary.counts.tolist() == expected["counts"]
    assert model.vocabulary.n_raw_tokens == expected["n_raw_tokens"]
    assert model.vocabulary.n_raw_types == expected["n_raw_types"]
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert getattr(model, name).tolist() == expected[name]
    assert [record.loss_nats for record in model.history] == expected["losses"]
    assert [record.epoch for record in model.history] == [1, 2]  # "pass_number" in these files
    if schema == "schema-2":
        assert model.run_record.kept_epoch == 2
    assert model.corpus_digest == expected["corpus_digest"]
    likely = [[word, round(p, 6)] for word, p in model.predict_context("plain", topn=4)]
    assert likely == expected["context_of_plain"]


def test_a_model_of_schema_1_is_saved_in_the_current_schema(tmp_path):
    model = Word2Vec.load(GOLDEN / "schema-1" / "softmax")
    model.save(tmp_path / "model")
    assert names(tmp_path / "model") == ["arrays.safetensors", "config.json"]
    again = Word2Vec.load(tmp_path / "model")
    assert again.settings == model.settings
    assert again.vocabulary.words == model.vocabulary.words


SCHEMA_1_DAMAGE = {
    "no words": (without("vocabulary.json"), "No such file"),
    "words cut": (cut("vocabulary.json", 100), "JSONDecodeError"),
    "words a list": (overwrite("vocabulary.json", b"[]"), "TypeError"),
    "words unnamed": (overwrite("vocabulary.json", b"{}"), "KeyError: 'words'"),
    "words no list": (overwrite("vocabulary.json", b'{"words": "abc"}'), "a list of words"),
    "words not text": (overwrite("vocabulary.json", b'{"words": [1.5, 2]}'), "is damaged"),
    "words twice": (overwrite("vocabulary.json", b'{"words": ["a", "a"]}'), "more than once"),
    "arrays cut": (cut("arrays.safetensors", 500), "SafetensorError"),
}


@pytest.mark.parametrize("damage", SCHEMA_1_DAMAGE)
@pytest.mark.parametrize("mmap", [False, True])
def test_damage_of_schema_1_is_told(tmp_path, damage, mmap):
    shutil.copytree(GOLDEN / "schema-1" / "softmax", tmp_path / "model")
    change, message = SCHEMA_1_DAMAGE[damage]
    change(tmp_path / "model")
    with pytest.raises(ModelFormatError, match=message):
        Word2Vec.load(tmp_path / "model", mmap=mmap)


@pytest.mark.slow
def test_a_model_of_a_gigabyte_opens_in_milliseconds(tmp_path):
    """Half a million words in 250 dimensions; written, dropped from the page cache, opened."""
    n_words, dimensions = 500_000, 250
    generator = np.random.default_rng(1)
    tables = generator.random((2, n_words, dimensions), np.float32)
    words = [f"word{k}" for k in range(n_words)]
    vocabulary = Vocabulary(words, np.arange(n_words, 0, -1), 10**9, 10**6)
    embeddings = Embeddings(vocabulary, *tables, np.zeros(n_words, np.float32))
    config = Word2Vec(vector_size=dimensions).settings.as_dict()
    config = {"hyperparameters": config, "corpus": {"digest": None}, "summary": None}
    write_model(StoredModel(config | {"history": []}, embeddings), tmp_path / "model")
    assert (tmp_path / "model" / "arrays.safetensors").stat().st_size > 10**9
    Word2Vec.load(tmp_path / "model", mmap=True)  # what is imported when first used is there
    took = []
    for _ in range(5):
        started = time.perf_counter()
        model = Word2Vec.load(tmp_path / "model", mmap=True)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.02
    place = 123_456
    assert np.array_equal(model.in_vectors[place], tables[0, place])
    assert model.vocabulary.words[place] == words[place]


def test_a_file_is_no_model(tmp_path):
    (tmp_path / "model").write_text("text")
    with pytest.raises(ModelFormatError, match="model: expected a model folder"):
        Word2Vec.load(tmp_path / "model")


def test_saving_into_a_foreign_folder_is_refused(model, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("precious")
    with pytest.raises(OutputError, match=r"photos: .*this folder holds other things"):
        model.save(tmp_path / "photos")
    with pytest.raises(OutputError, match=r"cat.jpg: .*this is a file"):
        model.save(tmp_path / "photos" / "cat.jpg")
    assert names(tmp_path) == ["photos"]
    assert names(tmp_path / "photos") == ["cat.jpg"]
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "precious"
