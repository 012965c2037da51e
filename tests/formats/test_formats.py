"""What is written can be read: by gensim, by numpy, by this package; damage is told from models."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
from gensim.models import KeyedVectors

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, ModelFormatError, OutputError
from fastw2v.formats import export, read_vectors
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors, UnknownWords
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.peaks import Peaks
from fastw2v.text.vocabulary import Vocabulary

SCRIPTS = [
    "word",
    "naïve",
    "Straße",
    "汉字",
    "かな",
    "한국어",
    "العربية",
    "हिन्दी",
    "עברית",
    "ไทย",
    "ქართული",
    "😀",
    "👩\u200d👧",
    "e\u0301\u0323",
    "e\u0301",
    "é",
    "\u200d",
    "\ufeffbom",
    "a\u00adb",
    "#1",
    '"quoted"',
    "back\\slash",
    "1.5e3",
    "-",
    "𐍈",
    "\x00nul",
    "{}",
    "x" * 5000,
]


def made(words, dimensions=7):
    """Embeddings of given words, with numbers of all sizes among them."""
    generator = np.random.default_rng(len(words))
    tables = generator.normal(0, 1, (2, len(words), dimensions)).astype(np.float32)
    tables[0, 0, :4] = [0, 1e-38, -3e38, np.float32(0.1)]
    counts = np.arange(len(words), 0, -1)
    bias = generator.normal(0, 1, len(words)).astype(np.float32)
    return Embeddings(Vocabulary(list(words), counts, 1000, 100), tables[0], tables[1], bias)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def load_word2vec(path, form):
    return KeyedVectors.load_word2vec_format(str(path), binary=form == "word2vec-bin")


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin"])
@pytest.mark.parametrize("vectors", ["in", "out", "sum", "both"])
def test_gensim_reads_the_same_words_and_vectors(tmp_path, form, vectors):
    embeddings = made(SCRIPTS)
    export(embeddings, tmp_path / "out", form, vectors)
    loaded = load_word2vec(tmp_path / "out", form)
    assert loaded.index_to_key == SCRIPTS
    assert loaded.vectors.dtype == np.float32
    # Bits, in the text format too: it prints as many digits as tell one float32 from the next.
    assert loaded.vectors.tobytes() == embeddings.table(vectors).tobytes()


def test_tables_differ(tmp_path):
    embeddings = made(SCRIPTS)
    assert np.array_equal(embeddings.table("sum"), embeddings.in_vectors + embeddings.out_vectors)
    for vectors in ("in", "out", "sum", "both"):
        export(embeddings, tmp_path / vectors, "word2vec", vectors)
    assert len({(tmp_path / name).read_bytes() for name in names(tmp_path)}) == 4


def test_a_cosine_of_both_is_the_mean_of_the_two_cosines():
    embeddings = made(SCRIPTS)
    embeddings.in_vectors[2] = 0  # has no direction, and is given none

    def cosines(table):
        lengths = np.linalg.norm(table.astype(np.float64), axis=1, keepdims=True)
        unit = table / np.where(lengths > 0, lengths, 1)
        return unit @ unit.T

    both = embeddings.table("both")
    sides = cosines(embeddings.in_vectors), cosines(embeddings.out_vectors)
    known = [row for row in range(len(SCRIPTS)) if row != 2]
    expected = (sides[0] + sides[1]) / 2
    assert np.allclose(cosines(both)[np.ix_(known, known)], expected[np.ix_(known, known)])
    assert both.dtype == np.float32
    assert both.shape == (len(SCRIPTS), 2 * embeddings.in_vectors.shape[1])
    assert np.isfinite(both).all()


def test_the_text_format_is_what_the_original_program_writes(tmp_path):
    words = ["the", "汉字"]
    tables = np.array([[[1, -0.5], [0.1, 2e-10]], [[0, 0], [0, 0]]], np.float32)
    vocabulary = Vocabulary(words, np.array([5, 2]), 7, 2)
    embeddings = Embeddings(vocabulary, tables[0], tables[1], np.zeros(2, np.float32))
    export(embeddings, tmp_path / "out.txt", "word2vec", "in")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == (
        "2 2\nthe 1.0 -0.5\n汉字 0.1 2e-10\n"
    )
    export(embeddings, tmp_path / "out.bin", "word2vec-bin", "in")
    rows = [word.encode() + b" " + table.tobytes() for word, table in zip(words, tables[0])]  # noqa: B905
    assert (tmp_path / "out.bin").read_bytes().replace(b"\n", b"") == b"2 2" + b"".join(rows)


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin"])
def test_a_name_that_ends_in_gz_is_compressed_and_loads(tmp_path, form):
    embeddings = made(SCRIPTS)
    export(embeddings, tmp_path / "out.gz", form, "in")
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()).startswith(b"28 7\n")
    assert load_word2vec(tmp_path / "out.gz", form).vectors.tobytes() == (
        embeddings.in_vectors.tobytes()
    )


@pytest.mark.parametrize(
    ("form", "word"),
    [
        *(
            ("word2vec", word)
            for word in ("a b", "a\tb", "a\nb", "\u3000", "a\u00a0b", "a\x85", "")
        ),
        *(("word2vec-bin", word) for word in ("a b", "\n", "a\nb", " ", "")),
        ("npz", "ends in nul\0"),
    ],
)
@pytest.mark.parametrize("earlier", [None, b"precious"])
def test_words_that_a_format_cannot_hold_are_refused(tmp_path, form, word, earlier):
    target = tmp_path / "out"
    if earlier:
        target.write_bytes(earlier)
    with pytest.raises(OutputError) as caught:
        export(made(["fine", word]), target, form, "sum")
    assert str(caught.value).startswith(f"{target}: ")
    assert repr(word) in str(caught.value)
    assert names(tmp_path) == (["out"] if earlier else [])
    assert not earlier or target.read_bytes() == earlier


def test_white_space_that_the_binary_format_can_hold_comes_back(tmp_path):
    words = ["a\tb", "a\u00a0b", "\u3000", "a\rb"]
    export(made(words), tmp_path / "out", "word2vec-bin", "in")
    assert load_word2vec(tmp_path / "out", "word2vec-bin").index_to_key == words


def test_npz_holds_everything_and_no_pickle(tmp_path):
    words = [*SCRIPTS, "with space", "\n"]
    embeddings = made(words)
    export(embeddings, tmp_path / "out.npz", "npz", "in")
    assert names(tmp_path) == ["out.npz"]
    with np.load(tmp_path / "out.npz", allow_pickle=False) as loaded:
        arrays = ["counts", "in_vectors", "out_bias", "out_vectors", "words"]
        assert sorted(loaded) == sorted([*arrays, "default_table", "objective", "temperature"])
        assert loaded["words"].tolist() == words
        assert loaded["counts"].tolist() == embeddings.vocabulary.counts.tolist()
        for name in ("in_vectors", "out_vectors", "out_bias"):
            assert loaded[name].dtype == np.float32
            assert loaded[name].tobytes() == getattr(embeddings, name).tobytes()


def test_npz_has_the_rates_that_probabilities_need(tmp_path):
    rates = np.linspace(0, 1, len(SCRIPTS), dtype=np.float32)
    export(replace(made(SCRIPTS), self_rates=rates), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as loaded:
        assert loaded["self_rates"].tobytes() == rates.tobytes()
    assert read_vectors(tmp_path / "out.npz").words == SCRIPTS


def test_probabilities_follow_from_an_npz_alone(tmp_path):
    peaks = Peaks((0.05, 0.2), (0.8, 0.9))
    embeddings = made(SCRIPTS)
    embeddings.in_vectors[:] = np.sin(embeddings.in_vectors)
    embeddings = replace(embeddings, objective="negative", temperature=0.7, peaks=peaks)
    export(embeddings, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as loaded:
        assert loaded["objective"] == "negative"
        scores = loaded["temperature"] * (loaded["out_vectors"] @ loaded["in_vectors"][3])
        told = np.exp(scores + loaded["out_bias"])
        told /= told.sum()
        knots, powers = loaded["peaks"]
        factors = Peaks(tuple(knots), tuple(powers)).log_factors(np.log(told))
    told *= np.exp(factors)
    told /= told.sum()
    np.testing.assert_allclose(told, embeddings.context_probabilities(SCRIPTS[3]), rtol=1e-4)


def test_an_npz_hands_out_what_the_model_does(tmp_path):
    embeddings = made(["a", "b"])
    ngrams = NgramVectors(Ngrams(3, 6, 10), np.array([1], np.int32), np.ones((1, 7), np.float32))
    means = replace(embeddings, unknown=UnknownWords.of_trained_means(ngrams))
    for written, name in ((embeddings, "sum"), (means, "in")):
        export(written, tmp_path / "out.npz")
        found = read_vectors(tmp_path / "out.npz").vectors
        assert np.array_equal(found, embeddings.table(name))
    with np.load(tmp_path / "out.npz") as loaded:
        arrays = dict(loaded)
    del arrays["default_table"]  # of earlier versions
    np.savez(tmp_path / "old.npz", **arrays)
    assert np.array_equal(read_vectors(tmp_path / "old.npz").vectors, embeddings.table("sum"))
    np.savez(tmp_path / "bad.npz", **arrays, default_table="both")
    with pytest.raises(ModelFormatError, match="default_table: expected in or sum, got both"):
        read_vectors(tmp_path / "bad.npz")


def test_npz_of_a_name_without_suffix_gets_just_that_name(tmp_path):
    export(made(["a"]), tmp_path / "vectors", "npz", "in")
    assert names(tmp_path) == ["vectors"]


def test_npz_that_would_be_too_large_is_refused(tmp_path):
    words = ["x" * 10_000_000, *map(str, range(60))]
    with pytest.raises(OutputError, match=r"10,000,000 .* begins with 'xxx.* write kv or"):
        export(made(words, 4), tmp_path / "out.npz", "npz", "in")
    assert names(tmp_path) == []


@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin", "npz"])
def test_targets_that_cannot_be_written(tmp_path, form):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    for target, message in [
        ("file/out", "expected an existing folder"),
        ("missing/out", "expected an existing folder"),
        ("folder", "expected a file name, this is a folder"),
        ("x" * 300, "File name too long"),
    ]:
        with pytest.raises(OutputError, match=message) as caught:
            export(made(["a"], 4), tmp_path / target, form, "sum")
        assert str(tmp_path / target) in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "precious"
    assert names(tmp_path / "folder") == []


def test_unknown_formats_and_tables(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"format: expected one of 'word2vec', .*got 'csv'"
    ):
        export(made(["a"], 4), tmp_path / "out", "csv", "sum")
    with pytest.raises(ConfigurationError, match=r"vectors: expected one of 'in', .* got 'best'"):
        export(made(["a"], 4), tmp_path / "out", "word2vec", "best")
    assert names(tmp_path) == []


def test_wv_is_gensim_s_own(model, tmp_path):
    keyed = model.wv
    assert type(keyed) is KeyedVectors
    assert model.wv is keyed
    assert keyed.index_to_key == model.vocabulary.words
    assert np.array_equal(keyed.vectors, model.in_vectors + model.out_vectors)
    for word, count in zip(model.vocabulary.words, model.vocabulary.counts, strict=True):
        assert keyed.get_vecattr(word, "count") == count
    near = [word for word, _ in keyed.most_similar("w5", topn=6)]
    assert {"w4", "w6"} <= set(near)
    assert keyed.similarity("w5", "w6") > keyed.similarity("w5", "w25")
    assert keyed.doesnt_match(["w5", "w6", "w7", "w27"]) == "w27"
    keyed.save(str(tmp_path / "kv"))
    loaded = KeyedVectors.load(str(tmp_path / "kv"))
    assert loaded.index_to_key == keyed.index_to_key
    assert np.array_equal(loaded.vectors, keyed.vectors)
    assert loaded.get_vecattr("w5", "count") == keyed.get_vecattr("w5", "count")
    assert loaded.most_similar("w5") == keyed.most_similar("w5")
    loaded.add_vectors(["new"], np.ones((1, 12), np.float32))
    assert np.array_equal(loaded["new"], np.ones(12))
    assert "new" not in model.vocabulary


def test_changing_wv_does_not_change_the_model(chain):
    model = Word2Vec(vector_size=3, min_count=1, epochs=1).fit(chain[:50])
    before = model.in_vectors.copy()
    for vectors in ("in", "out", "sum", "both"):
        model.keyed_vectors(vectors).vectors[:] = 7
    assert np.array_equal(model.in_vectors, before)
