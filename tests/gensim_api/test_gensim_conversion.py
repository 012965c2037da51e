"""fastw2v.gensim_api: saved models, models that come from gensim and go there, given vectors."""

import copy
import io
import json
import pickle

import numpy as np
import pytest
from gensim.models import Doc2Vec, KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec

from fastw2v.errors import ConfigurationError, ModelFormatError, OutputError, TokenKindError
from fastw2v.gensim_api import Word2Vec
from fastw2v.gensim_api.storage import NotSavedHereError
from tests.support.corpora_made import topic_sentences
from tests.support.gensim_twins import same_vocabulary, some_sentences

KINDS = {
    "skipgram-negative": {"sg": 1},
    "cbow-tree": {"hs": 1, "negative": 0},
    "both": {"hs": 1},
    "softmax": {"sg": 1, "objective": "softmax"},
}
TABLES = ("syn1", "syn1neg", "cum_table", "out_bias")


def trained(kind, **options):
    options = KINDS[kind] | {"min_count": 2, "workers": 1, "vector_size": 10} | options
    return Word2Vec(some_sentences(), **options)


def same_model(one, other):
    """Whether two models, of either class, know the same."""
    if not same_vocabulary(one, other) or (one.wv.vectors != other.wv.vectors).any():
        return False
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in TABLES
        if getattr(one, name, None) is not None
    )


def go_on(model, epochs=2):
    model.train(some_sentences(5), total_examples=120, epochs=epochs)
    return model


@pytest.mark.parametrize("mmap", [None, "r", "c"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_goes_on_as_if_never_saved(kind, mmap, tmp_path):
    model = trained(kind, comment="a comment", epochs=3)
    model.build_vocab([["new"] * 3], update=True, keep_raw_vocab=True)
    model.wv.vectors_lockf[3] = 1 if kind == "softmax" else 0.5
    model.save(str(tmp_path / "model"))
    loaded = Word2Vec.load(str(tmp_path / "model"), mmap=mmap)
    assert same_model(model, loaded)
    assert (loaded.wv.vectors_lockf == model.wv.vectors_lockf).all()
    for name in ("sg", "hs", "negative", "alpha", "epochs", "comment", "train_count", "objective"):
        assert getattr(loaded, name) == getattr(model, name)
    assert dict(loaded.raw_vocab) == {"new": 3}
    assert [event["event"] for event in loaded.lifecycle_events][-1] == "loaded"
    assert same_model(go_on(model), go_on(loaded))
    assert not same_model(go_on(model), loaded)


def test_files_and_handles(tmp_path):
    model, target = trained("both"), tmp_path / "model"
    target.write_text("another file")
    model.save(target)  # gensim replaces what is there, too
    handle = io.BytesIO()
    model.save(handle)
    (tmp_path / "copy").write_bytes(handle.getvalue())
    assert same_model(Word2Vec.load(target), Word2Vec.load(tmp_path / "copy"))
    assert b"pickle" not in target.read_bytes()
    with pytest.raises(OutputError):
        model.save(tmp_path)


def test_the_file_is_safetensors(tmp_path):
    from safetensors.numpy import load_file

    model = trained("skipgram-negative")
    model.save(tmp_path / "model")
    arrays = load_file(tmp_path / "model")
    assert (arrays["vectors"] == model.wv.vectors).all()
    assert json.loads(arrays["words"].tobytes()) == model.wv.index_to_key


def test_words_that_are_numbers_or_broken_text(tmp_path):
    model = Word2Vec([[7, "7", "\ud800", "two words"]] * 3, min_count=1, vector_size=4)
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").wv.index_to_key == model.wv.index_to_key
    model.wv.add_vector(None, np.zeros(4))  # by no door of ours
    with pytest.raises(TokenKindError, match=r"words: expected .* got None"):
        model.save(tmp_path / "other")


def test_what_is_known_of_words(tmp_path):
    model = trained("skipgram-negative")
    model.wv.set_vecattr("w0", "weight", 0.5)
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").wv.get_vecattr("w0", "weight") == 0.5
    model.wv.set_vecattr("w0", "note", "text")
    with pytest.raises(ConfigurationError, match="'note'"):
        model.save(tmp_path / "model")


def test_functions_are_not_saved(tmp_path, caplog):
    trained("skipgram-negative", hashfxn=len).save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").hashfxn is hash
    assert "the model had len" in caplog.text


def test_other_files_are_refused(tmp_path):
    theirs = GensimWord2Vec(some_sentences(), min_count=1)
    theirs.save(str(tmp_path / "theirs"))
    model = trained("skipgram-negative")
    model.wv.save(str(tmp_path / "wv"))
    (tmp_path / "empty").write_bytes(b"")
    for name in ("theirs", "wv", "empty"):
        with pytest.raises(AttributeError, match="expected a model that fastw2v"):
            Word2Vec.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Word2Vec.load(tmp_path / "none")
    model.save(tmp_path / "model")
    data = (tmp_path / "model").read_bytes()
    (tmp_path / "cut").write_bytes(data[:-40])
    with pytest.raises(ModelFormatError, match="damaged"):
        Word2Vec.load(tmp_path / "cut")
    (tmp_path / "later").write_bytes(data.replace(b'"schema_version":"2"', b'"schema_version":"9"'))
    with pytest.raises(ModelFormatError, match="schema version 1 or 2, got 9"):
        Word2Vec.load(tmp_path / "later")
    with pytest.raises(AttributeError):
        model.load(tmp_path / "model")  # on a model instead of the class, as gensim refuses it


def with_header(data, change):
    """Return a file whose header was changed, as schema 1 had it: without a digest."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"]["schema_version"] = "1"
    del header["__metadata__"]["digest"]
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def of_another_size(header):
    content = json.loads(header["__metadata__"]["model"])
    content["settings"]["vector_size"] = 4
    header["__metadata__"]["model"] = json.dumps(content)


DAMAGE = {
    "no model": lambda header: header["__metadata__"].pop("model"),
    "no words": lambda header: header.pop("words"),
    "no schema": lambda header: header["__metadata__"].pop("schema_version"),
    "no such number": lambda header: header["vectors"].update(dtype="BF16"),
    "another shape": lambda header: header["vectors"]["shape"].reverse(),
    "a negative shape": lambda header: header["vectors"].update(
        shape=[-size for size in header["vectors"]["shape"]]
    ),
    "no offsets": lambda header: header["vectors"].update(data_offsets=["a", 3]),
    "vectors of another size": of_another_size,
}


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_header_is_told(case, mmap, tmp_path):
    trained("skipgram-negative").save(tmp_path / "model")
    data = (tmp_path / "model").read_bytes()
    (tmp_path / "model").write_bytes(with_header(data, DAMAGE[case]))
    with pytest.raises(NotSavedHereError, match=f"{tmp_path}/model: the model is damaged"):
        Word2Vec.load(tmp_path / "model", mmap=mmap)


def test_a_digest_guards_a_file_if_it_has_one(tmp_path):
    model = trained("softmax")
    model.save(tmp_path / "model")
    data = (tmp_path / "model").read_bytes()
    for place in (len(data) - 1, len(data) // 2, data.index(b'"train_count') + 2):
        flipped = bytearray(data)
        flipped[place] ^= 1
        (tmp_path / "model").write_bytes(flipped)
        with pytest.raises(NotSavedHereError, match=r"damaged .*expected digest"):
            Word2Vec.load(tmp_path / "model")
    (tmp_path / "model").write_bytes(with_header(data, lambda header: None))
    assert same_model(Word2Vec.load(tmp_path / "model"), model)


def test_a_way_to_map_that_is_none_is_refused(tmp_path):
    trained("both").save(tmp_path / "model")
    with pytest.raises(ConfigurationError, match=r"mmap: expected one of .* got 'w\+'"):
        Word2Vec.load(tmp_path / "model", mmap="w+")  # numpy would empty the file


def test_arrays_that_do_not_fit_are_not_saved(tmp_path):
    model = trained("both")
    model.wv.vectors = model.wv.vectors[:, :3]
    with pytest.raises(ConfigurationError, match="vectors: expected numbers of shape"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_models_are_copied_and_pickled():
    model = trained("both")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same_model(model, other)
    assert same_model(go_on(copy.deepcopy(model)), go_on(model))


@pytest.mark.parametrize("kind", ["skipgram-negative", "cbow-tree", "both"])
def test_there_and_back(kind):
    ours = trained(kind)
    theirs = ours.to_gensim()
    assert type(theirs) is GensimWord2Vec
    assert same_model(theirs, ours)
    back = Word2Vec.from_gensim(theirs)
    assert same_model(back, ours)
    assert back.train_count == ours.train_count == theirs.train_count
    assert same_model(go_on(copy.deepcopy(ours)), go_on(back))
    before = theirs.wv.vectors.copy()
    go_on(theirs)
    assert (theirs.wv.vectors != before).any()
    assert (ours.wv.vectors == before).all()  # a copy
    theirs.build_vocab([["new", "w1"]] * 9, update=True)
    assert "new" in theirs.wv


def test_a_model_of_gensims_goes_on():
    text = topic_sentences(1, 300)
    theirs = GensimWord2Vec(text, min_count=1, vector_size=16, epochs=1, workers=1, sg=1)
    ours = Word2Vec.from_gensim(theirs)
    before = theirs.wv.vectors.copy()
    ours.build_vocab([["new", "t1w00"]] * 9, update=True)
    ours.train(text, total_examples=300, epochs=30)
    assert (theirs.wv.vectors == before).all()
    assert all(word.startswith("t3") for word, _ in ours.wv.most_similar("t3w00", topn=5))
    assert len(ours.wv) == len(theirs.wv) + 1


def test_impossible_conversions():
    with pytest.raises(ConfigurationError, match="got a KeyedVectors"):
        Word2Vec.from_gensim(KeyedVectors(3))
    with pytest.raises(ConfigurationError, match="got a Doc2Vec"):
        Word2Vec.from_gensim(Doc2Vec())
    model = trained("softmax", negative=0)
    with pytest.raises(ConfigurationError, match=r"set model\.negative = 5"):
        model.to_gensim()
    model.negative = 5
    assert go_on(model.to_gensim()).negative == 5


FORMATS = {
    "word2vec": {"binary": False},
    "word2vec-bin": {"binary": True},
    "glove": {"binary": False, "write_header": False},
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("lockf", [0.0, 1.0])
def test_given_vectors(form, lockf, tmp_path):
    given = KeyedVectors(10)
    words = ["w1", "elsewhere", "w5", "w9"]
    given.add_vectors(words, np.random.default_rng(1).normal(size=(4, 10)).astype(np.float32))
    given.save_word2vec_format(tmp_path / "given", **FORMATS[form])
    model = Word2Vec(min_count=1, vector_size=10, sample=0)
    model.build_vocab(some_sentences())
    first = model.wv.vectors.copy()
    binary = FORMATS[form]["binary"]
    assert model.intersect_word2vec_format(tmp_path / "given", lockf=lockf, binary=binary) == 3
    assert "elsewhere" not in model.wv
    start = model.wv.vectors.copy()
    places = [model.wv.get_index(word) for word in ("w1", "w5", "w9")]
    assert np.allclose(start[places], given[["w1", "w5", "w9"]], atol=1e-5)
    assert sorted(np.flatnonzero((start != first).any(axis=1))) == sorted(places)
    go_on(model)
    moved = (model.wv.vectors != start).any(axis=1)
    assert moved[places].any() == bool(lockf)
    assert moved.sum() > 30


def test_given_vectors_by_gensims_own_method(tmp_path):
    given = KeyedVectors(10)
    given.add_vectors(["w1"], np.ones((1, 10), np.float32))
    given.save_word2vec_format(tmp_path / "given")
    model = Word2Vec(min_count=1, vector_size=10)
    model.build_vocab(some_sentences())
    # gensim's own has no lock factors of single words until its user makes them.
    model.wv.add_lifecycle_event = lambda *_, **__: None
    model.wv.intersect_word2vec_format(str(tmp_path / "given"), lockf=0.0)
    go_on(model)
    assert (model.wv["w1"] == 1).all()


def test_given_vectors_of_another_size(tmp_path):
    given = KeyedVectors(3)
    given.add_vectors(["w1"], np.ones((1, 3), np.float32))
    given.save_word2vec_format(tmp_path / "given")
    with pytest.raises(ValueError, match=r"expected vectors of 10 dimensions, .* got 3"):
        trained("both").intersect_word2vec_format(tmp_path / "given")
