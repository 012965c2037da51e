"""fastText's .bin: unknown words, the real library and gensim on our files and theirs, damage."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from gensim.models.fasttext import (
    FastText,
    load_facebook_model,
    load_facebook_vectors,
    save_facebook_model,
)

from fastw2v import Word2Vec
from fastw2v.errors import ModelFormatError, TextEncodingError
from fastw2v.formats import FORMATS, format_named, read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import Ngrams
from tests.support.corpora_made import random_sentences

WORDS = ["river", "rivers", "straße", "日本語", "a", "aaaa"]
UNKNOWN = ["rivering", "日本", "aaa", "straßen"]
NGRAMS = Ngrams(3, 6, 1000)


def made(dimensions=10, ngrams=NGRAMS):
    generator = np.random.default_rng(1)
    used = np.unique(ngrams.of(WORDS)[1])
    of_ngrams = generator.normal(size=(len(used), dimensions)).astype(np.float32)
    table = generator.normal(size=(len(WORDS), dimensions)).astype(np.float32)
    counts = np.arange(len(WORDS), 0, -1)
    return Vectors(WORDS, table, counts, ngrams=NgramVectors(ngrams, used, of_ngrams))


@pytest.fixture
def written(tmp_path):
    write_vectors(made(), tmp_path / "m.bin", "fasttext-bin")
    return tmp_path / "m.bin"


def test_unknown_words_come_back(written):
    vectors, back = made(), read_vectors(written)
    assert back.words == WORDS
    assert back.counts.tolist() == vectors.counts.tolist()
    assert np.abs(back.vectors - vectors.vectors).max() < 1e-5
    assert back.ngrams.ngrams == NGRAMS
    assert np.array_equal(back.ngrams.of(UNKNOWN), vectors.ngrams.of(UNKNOWN))
    assert back.ngrams.of(UNKNOWN).any(axis=1).all()


def test_gensim_reads_the_same_vectors(written):
    vectors = made()
    keyed = load_facebook_vectors(str(written))
    assert keyed.index_to_key == WORDS
    known = np.array([keyed[word] for word in WORDS])
    assert np.abs(known - vectors.vectors).max() < 1e-5
    unknown = np.array([keyed[word] for word in UNKNOWN])
    assert np.abs(unknown - vectors.ngrams.of(UNKNOWN)).max() < 1e-6
    assert load_facebook_model(str(written)).wv.vectors_vocab.shape == (len(WORDS), 10)


def test_counts_that_are_unknown_stay_so_and_gensim_keeps_the_words(tmp_path):
    path = tmp_path / "m.bin"
    write_vectors(replace(made(), counts=None), path, "fasttext-bin")
    assert read_vectors(path).counts is None
    assert load_facebook_vectors(str(path)).index_to_key == WORDS
    assert load_facebook_model(str(path)).wv.index_to_key == WORDS
    write_vectors(replace(made(), counts=np.array([3, 2, 1, 0, 0, 0])), path, "fasttext-bin")
    assert load_facebook_vectors(str(path)).index_to_key == WORDS


def test_files_without_ngrams_have_any_minn(tmp_path):
    plain = replace(made(), ngrams=None)
    write_vectors(plain, tmp_path / "m.bin", "fasttext-bin")
    content = bytearray((tmp_path / "m.bin").read_bytes())
    content[8 + 4 * 9 : 8 + 4 * 10] = struct.pack("<i", 3)  # what -maxn 0 leaves there
    (tmp_path / "m.bin").write_bytes(content)
    model = FastText(random_sentences(1, 40), max_n=0, vector_size=4, min_count=1, epochs=1)
    save_facebook_model(model, str(tmp_path / "theirs.bin"))
    for path, words, vectors in (
        (tmp_path / "m.bin", plain.words, plain.vectors),
        (tmp_path / "theirs.bin", model.wv.index_to_key, model.wv.vectors),
    ):
        back = read_vectors(path)
        assert (back.words, back.ngrams) == (words, None)
        assert np.abs(back.vectors - vectors).max() < 1e-6


def test_the_mean_of_ngrams_is_that_of_the_twin():
    vectors = made()
    starts, buckets = NGRAMS.of(UNKNOWN)
    table = dict(zip(vectors.ngrams.buckets.tolist(), vectors.ngrams.vectors, strict=True))
    for row, word in enumerate(UNKNOWN):
        found = buckets[starts[row] : starts[row + 1]].tolist()
        parts = [table.get(bucket, np.zeros(10)) for bucket in found]
        assert np.allclose(vectors.ngrams.of([word])[0], np.mean(parts, axis=0), atol=1e-6)
        assert vectors.ngrams.n_known([word]) == sum(bucket in table for bucket in found)


def test_a_word_without_ngrams_gets_zeros():
    assert not made().ngrams.of(["</s>"]).any()
    assert not NgramVectors.nothing(3).of(["river", ""]).any()


@pytest.mark.parametrize("where", [0, 3, 4, 8, 30, 60, 70, 100, 150, -5, -200, -50_000])
def test_a_cut_file_is_told(written, where):
    content = written.read_bytes()
    written.write_bytes(content[:where])
    with pytest.raises(ModelFormatError, match=str(written)):
        read_vectors(written, "fasttext-bin")


CHANGES = {
    "another magic": (0, b"\0\0\0\0", "expected a model of fastText"),
    "another version": (4, struct.pack("<i", 13), "version 11 or 12, got version 13"),
    "no dimensions": (8, struct.pack("<i", 0), "expected 1 to 1,048,576 as dim"),
    "many dimensions": (8, struct.pack("<i", 2**31 - 1), "as dim"),
    "other dimensions": (8, struct.pack("<i", 11), "as the input matrix"),
    "no buckets": (8 + 4 * 8, struct.pack("<i", 0), "as bucket"),
    "many buckets": (8 + 4 * 8, struct.pack("<i", 2**31 - 1), "as the input matrix"),
    "min_n above max_n": (8 + 4 * 9, struct.pack("<i", 7), "expected 0 to 6 as minn"),
    "many words": (64, struct.pack("<ii", 2**31 - 1, 2**31 - 1), "the dictionary|UTF-8|a count"),
    "negative sizes": (64, struct.pack("<ii", -1, -1), "words and labels that add up"),
    "no UTF-8": (92, b"\xff", "expected a word in UTF-8 at byte offset 92"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_damage_is_told_with_its_place(written, change):
    at, data, message = CHANGES[change]
    content = bytearray(written.read_bytes())
    content[at : at + len(data)] = data
    written.write_bytes(content)
    with pytest.raises((ModelFormatError, TextEncodingError), match=message):
        read_vectors(written, "fasttext-bin")


def test_more_bytes_behind_the_end_are_told(written):
    written.write_bytes(written.read_bytes() + b"\0")
    with pytest.raises(ModelFormatError, match="expected nothing as the end of the file"):
        read_vectors(written)


def test_numbers_that_are_none_are_told(written):
    content = bytearray(written.read_bytes())
    rows = content.index(b"\0" + struct.pack("<qq", len(WORDS) + NGRAMS.bucket, 10)) + 17
    content[rows + 40 * len(WORDS) : rows + 40 * (len(WORDS) + 1)] = np.full(
        10, np.nan, "<f4"
    ).tobytes()
    written.write_bytes(content)
    with pytest.raises(ModelFormatError, match="finite numbers"):
        read_vectors(written)


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_every_other_format_gets_the_words_alone(tmp_path, form):
    vectors = made()
    write_vectors(vectors, tmp_path / "out", form)
    back = read_vectors(tmp_path / "out", form)
    assert np.abs(back.vectors - vectors.vectors).max() < 1e-5
    assert (back.ngrams is not None) == format_named(form).holds_ngrams == (form == "fasttext-bin")


def test_convert_keeps_ngrams_or_says_that_it_does_not(written, tmp_path, run):
    status, _, errors = run("convert", written, tmp_path / "copy.fasttext")
    assert (status, "left behind" in errors) == (0, False)
    assert np.array_equal(
        read_vectors(tmp_path / "copy.fasttext").ngrams.vectors, made().ngrams.vectors
    )
    status, _, errors = run("convert", written, tmp_path / "words.kv")
    assert status == 0
    (line,) = [line for line in errors.splitlines() if "left behind" in line]
    assert "words.kv: vectors of n-grams" in line
    assert "kv has no place for them" in line
    plain = made()
    write_vectors(Vectors(plain.words, plain.vectors), tmp_path / "plain.bin", "fasttext-bin")
    _, _, errors = run("convert", tmp_path / "plain.bin", tmp_path / "plain.vec")
    assert "left behind" not in errors


def test_export_keeps_ngrams_or_says_that_it_does_not(tmp_path, run):
    model = Word2Vec(vector_size=4, min_count=1, epochs=1).fit(random_sentences(1, 40))
    model.save(tmp_path / "plain")
    model.make_unknown_words(bucket=1000).save(tmp_path / "model")
    says = {
        ("model", "v.fasttext", "sum"): None,
        ("model", "v.fasttext", "in"): "not with 'in'",
        ("model", "v.npz", "sum"): "npz has no place for them",
        ("plain", "v.vec", "sum"): None,
    }
    for (name, target, vectors), expected in says.items():
        status, _, errors = run("export", tmp_path / name, tmp_path / target, "--vectors", vectors)
        assert status == 0
        assert ("left behind" in errors) == (expected is not None)
        assert (expected or "") in errors


# With fewer threads fastText leaves most of its first vectors as it finds them in memory.
SETTINGS = {"bucket": 500, "minCount": 1, "epoch": 1, "dim": 12, "thread": 10, "verbose": 0}


def close(ours, theirs):
    return np.allclose(ours, theirs, rtol=1e-5, atol=1e-6 * max(1, np.abs(theirs).max()))


@pytest.mark.slow
def test_the_library_opens_ours(written):
    fasttext = pytest.importorskip("fasttext")
    vectors, model = made(), fasttext.load_model(str(written))
    assert model.words == WORDS
    assert close(np.array([model.get_word_vector(word) for word in WORDS]), vectors.vectors)
    unknown = np.array([model.get_word_vector(word) for word in UNKNOWN])
    assert close(unknown, vectors.ngrams.of(UNKNOWN))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["skipgram", "cbow", "supervised", "supervised with n-grams"])
def test_ours_opens_the_library_s(tmp_path, kind):
    fasttext = pytest.importorskip("fasttext")
    text = tmp_path / "text.txt"
    lines = [" ".join(sentence) for sentence in random_sentences(1, 40)]
    if kind.startswith("supervised"):
        lines = [f"__label__{'ab'[k % 2]} {line}" for k, line in enumerate(lines)]
        ngrams = {"minn": 2, "maxn": 4} if kind != "supervised" else {"wordNgrams": 2}
        text.write_text("\n".join(lines))
        model = fasttext.train_supervised(str(text), **SETTINGS, **ngrams)
    else:
        text.write_text("\n".join(lines))
        model = fasttext.train_unsupervised(str(text), model=kind, **SETTINGS)
    model.save_model(str(tmp_path / "theirs.bin"))
    back = read_vectors(tmp_path / "theirs.bin")
    assert back.words == model.words
    assert close(back.vectors, np.array([model.get_word_vector(word) for word in back.words]))
    if kind == "supervised":
        assert back.ngrams is None
    else:
        for word in UNKNOWN:
            assert close(back.ngrams.of([word])[0], model.get_word_vector(word))


@pytest.mark.slow
def test_quantised_models_are_refused_by_name(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    text = tmp_path / "text.txt"
    text.write_text("__label__a the river runs\n__label__b the lake\n" * 50)
    model = fasttext.train_supervised(str(text), minn=2, maxn=4, **SETTINGS)
    model.quantize()
    model.save_model(str(tmp_path / "small.ftz"))
    with pytest.raises(ModelFormatError, match=r"quantised model \(.ftz\)"):
        read_vectors(tmp_path / "small.ftz")
