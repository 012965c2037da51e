"""The part of a model folder that has vectors of features: whole, mapped, damaged, for ever."""

import json
import shutil

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import ModelFormatError
from tests.formats.test_model_folder import GOLDEN, edit_arrays, edit_config, in_place, names
from tests.support.feature_models import centre_of
from tests.training.test_input_features import all_arrays_of

SENTENCES = [["the", "cat", "sat"], ["the", "naïve", "汉字", "cat"], ["end", "the"]] * 5
SETTINGS = {"vector_size": 4, "min_count": 1, "epochs": 2}
WORDS = sorted({word for sentence in SENTENCES for word in sentence})
FEATURES = {word: [word, "ascii" if word.isascii() else "öther", "\n\0\t"] for word in WORDS}
MODELS = {
    "subwords": lambda: Word2Vec(inputs="subwords", bucket=500, **SETTINGS).fit(SENTENCES),
    "made": lambda: Word2Vec(**SETTINGS).fit(SENTENCES).make_unknown_words(bucket=500),
    "made of a tree": lambda: (
        Word2Vec(objective="hierarchical", workers=1, **SETTINGS)
        .fit(SENTENCES)
        .make_unknown_words(bucket=500)
    ),
    "features": lambda: Word2Vec(**SETTINGS).fit(SENTENCES, features=FEATURES),
    "means": lambda: Word2Vec(
        objective="negative", inputs="subwords", bucket=500, workers=1, **SETTINGS
    ).fit(SENTENCES),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Models of each kind, and where they are saved."""
    folder = tmp_path_factory.mktemp("saved")
    found = {}
    for kind, make in MODELS.items():
        model = make()
        model.save(folder / kind)
        found[kind] = (model, folder / kind)
    return found


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_models_with_features_come_back(saved, tmp_path, kind, mmap):
    model, folder = saved[kind]
    assert names(folder) == ["arrays.safetensors", "config.json"]
    loaded = Word2Vec.load(folder, mmap=mmap)
    assert all_arrays_of(loaded) == all_arrays_of(model)
    assert loaded.settings == model.settings
    text = [["the", "cats", "sat"], ["cats", "end"]]
    assert loaded.perplexity(text) == model.perplexity(text)
    if kind == "features":
        named = loaded.embeddings.named_features
        assert named.names == model.embeddings.named_features.names
        asked = ["öther", "\n\0\t"]
        assert np.array_equal(loaded.feature_vector(asked), model.feature_vector(asked))
    else:
        assert np.array_equal(loaded.vector("cats"), model.vector("cats"))
        assert loaded.predict_context("cats") == model.predict_context("cats")
        assert loaded.wv.most_similar("cats") == model.wv.most_similar("cats")
    loaded.save(tmp_path / "again")
    assert all_arrays_of(Word2Vec.load(tmp_path / "again")) == all_arrays_of(model)


def without(name):
    return edit_arrays(lambda arrays: arrays.pop(name))


def changed(name, change):
    return in_place(edit_arrays, **{name: lambda arrays: change(arrays[name])})


def described(**values):
    return edit_config(lambda config: config["features"].update(values))


NGRAM_DAMAGE = {
    "no buckets": (without("ngram_buckets"), "ngram_buckets"),
    "no vectors": (without("ngram_vectors"), "ngram_vectors"),
    "no centres": (without("ngram_centres"), "ngram_centres"),
    "no offset": (without("centre_offset"), "centre_offset"),
    "fewer vectors": (
        changed("ngram_vectors", lambda x: x[:-1]),
        "ngram_vectors: expected float32",
    ),
    "fewer centres": (
        changed("ngram_centres", lambda x: x[:-1]),
        "ngram_centres: expected float32",
    ),
    "narrower": (changed("ngram_vectors", lambda x: x[:, :-1]), "ngram_vectors: expected float32"),
    "float64": (changed("ngram_centres", lambda x: x.astype(float)), "expected float32 of shape"),
    "offset": (changed("centre_offset", lambda x: x[:-1]), "centre_offset: expected float32"),
    "buckets fall": (changed("ngram_buckets", lambda x: x[::-1]), "expected rising numbers below"),
    "buckets below 0": (changed("ngram_buckets", lambda x: x - 500), "expected rising numbers"),
    "buckets beyond": (
        changed("ngram_buckets", lambda x: x + 500),
        "expected rising numbers below",
    ),
    "buckets int64": (
        changed("ngram_buckets", lambda x: x.astype(np.int64)),
        "ngram_buckets: expected int32",
    ),
    "square buckets": (
        changed("ngram_buckets", lambda x: x[:, None]),
        "ngram_buckets: expected int32",
    ),
    "another kind": (described(kind="letters"), "expected 'ngrams' or 'names', got 'letters'"),
    "no kind": (edit_config(lambda c: c["features"].pop("kind")), "kind"),
    "a list": (in_place(edit_config, features=lambda _: []), "list indices"),
    "a text": (in_place(edit_config, features=lambda _: "ngrams"), "string indices"),
    "min_n of 0": (described(min_n=0), "expected min_n, max_n and bucket in range"),
    "min_n above max_n": (described(min_n=7), "expected min_n, max_n and bucket in range"),
    "huge max_n": (described(max_n=10**9), "expected min_n, max_n and bucket in range"),
    "huge bucket": (described(bucket=2**31), "expected min_n, max_n and bucket in range"),
    "no number": (described(bucket="500"), "expected whole numbers"),
    "true": (described(min_n=True), "expected whole numbers"),
    "names in place": (described(kind="names"), "feature_name"),
    "no known power": (described(power=2.0), "power: expected 0.5 or 1.0, got 2.0"),
    "a power that is none": (described(power="1"), "power: expected 0.5 or 1.0, got 1"),
}
NAME_DAMAGE = {
    "no names": (without("feature_name_bytes"), "feature_name_bytes"),
    "no ends": (without("feature_name_ends"), "feature_name_ends"),
    "no UTF-8": (changed("feature_name_bytes", lambda x: x * 0 + 255), "expected UTF-8"),
    "bytes cut": (changed("feature_name_bytes", lambda x: x[:-1]), "expected ends that rise"),
    "a name less": (changed("feature_name_ends", lambda x: x[:-1]), "expected ends that rise"),
    "twice": (changed("feature_name_bytes", lambda x: x * 0 + 97), "more than once|UTF-8|differ"),
    "ends of floats": (changed("feature_name_ends", lambda x: x.astype(float)), "slice indices"),
    "fewer vectors": (changed("feature_vectors", lambda x: x[:-1]), "feature_vectors: expected"),
    "narrower": (changed("feature_centres", lambda x: x[:, :-1]), "feature_centres: expected"),
    "no offset": (without("centre_offset"), "centre_offset"),
    "n-grams in place": (described(kind="ngrams", min_n=3, max_n=6, bucket=5), "ngram_buckets"),
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *(("subwords", damage) for damage in NGRAM_DAMAGE),
        *(("features", damage) for damage in NAME_DAMAGE),
    ],
)
def test_what_is_no_sound_part_is_told(saved, tmp_path, kind, damage, mmap):
    shutil.copytree(saved[kind][1], tmp_path / "the model")
    change, message = (NGRAM_DAMAGE if kind == "subwords" else NAME_DAMAGE)[damage]
    change(tmp_path / "the model")
    with pytest.raises(ModelFormatError, match=message) as caught:
        Word2Vec.load(tmp_path / "the model", mmap=mmap)
    assert "the model" in str(caught.value)
    assert "\n" not in str(caught.value)


MEANS_DAMAGE = {
    "no vectors": (without("ngram_vectors"), "ngram_vectors"),
    "fewer vectors": (changed("ngram_vectors", lambda x: x[:-1]), "ngram_vectors: expected float"),
    "fitted vectors": (described(power=0.5), "ngram_centres"),
    "true": (described(power=True), "power: expected 0.5 or 1.0, got True"),
}


@pytest.mark.parametrize("damage", MEANS_DAMAGE)
def test_damage_of_trained_means_is_told(saved, tmp_path, damage):
    shutil.copytree(saved["means"][1], tmp_path / "the model")
    change, message = MEANS_DAMAGE[damage]
    change(tmp_path / "the model")
    with pytest.raises(ModelFormatError, match=message):
        Word2Vec.load(tmp_path / "the model")


def test_an_undamaged_copy_is_read(saved, tmp_path):
    """Without this, the changes above might be refused for being rewritten."""
    for kind in ("subwords", "features"):
        shutil.copytree(saved[kind][1], tmp_path / kind)
        edit_arrays(lambda arrays: None)(tmp_path / kind)
        edit_config(lambda config: None)(tmp_path / kind)
        assert all_arrays_of(Word2Vec.load(tmp_path / kind)) == all_arrays_of(saved[kind][0])


def golden(schema, kind, *, mmap):
    """Load a folder of an earlier schema; return the model and what was written down of it."""
    folder = GOLDEN / f"schema-{schema}"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))[kind]
    model = Word2Vec.load(folder / kind, mmap=mmap)
    assert model.vocabulary.words == expected["words"]
    assert model.vocabulary.counts.tolist() == expected["counts"]
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert getattr(model, name).tolist() == expected[name]
    assert [record.loss_nats for record in model.history] == expected["losses"]
    assert model.corpus_digest == expected["corpus_digest"]
    assert likely(model, "plain") == expected["context_of_plain"]
    return model, expected


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", ["words", "subwords", "features", "made", "means"])
def test_models_of_schema_3_load_for_ever(kind, mmap):
    """Folders that were written when their schema was current; they are never made again."""
    model, expected = golden(3, kind, mmap=mmap)
    if kind in ("subwords", "made", "means"):
        assert likely(model, "plainly") == expected["context_of_plainly"]
        for word, vector in expected["unknown"].items():
            assert model.vector(word) == pytest.approx(vector, rel=1e-5)
    if kind == "features":
        for asked, vector in expected["features"].items():
            features = ["other", "size 5"] if asked == "other size 5" else [asked]
            assert model.feature_vector(features) == pytest.approx(vector, rel=1e-5)
        centre = centre_of(model.embeddings.named_features, ["other", "size 5"])
        assert centre == pytest.approx(expected["centre_of_other_size_5"], rel=1e-5)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", ["words", "subwords", "negative"])
def test_models_of_schema_4_load_for_ever(kind, mmap):
    """Since then vectors may be in canonical form, and words have rates beside themselves."""
    model, expected = golden(4, kind, mmap=mmap)
    rates = model.embeddings.self_rates
    assert (None if rates is None else rates.tolist()) == expected["self_rates"]
    assert model.embeddings.is_canonical is expected["is_canonical"] is True
    assert model.settings.canonical
    for word, vector in expected.get("unknown", {}).items():
        assert model.vector(word) == pytest.approx(vector, rel=1e-5)


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_older_models_are_as_training_left_them(schema):
    for folder in sorted((GOLDEN / f"schema-{schema}").iterdir()):
        if folder.is_dir():
            model = Word2Vec.load(folder)
            assert not model.embeddings.is_canonical
            assert model.embeddings.self_rates is None
            assert not (model.settings.uses("canonical") and model.settings.canonical)


def likely(model, word):
    return [[other, round(p, 6)] for other, p in model.predict_context(word, topn=4)]
