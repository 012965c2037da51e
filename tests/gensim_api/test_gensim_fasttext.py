"""gensim's FastText: its words and n-grams taken over, ours handed to it."""

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.models.fasttext import FastTextKeyedVectors

from fastw2v import Word2Vec as Trainer
from fastw2v.errors import ConfigurationError
from fastw2v.formats import read_vectors, write_vectors
from fastw2v.gensim_api import Word2Vec, from_fasttext, to_fasttext
from tests.support.corpora_made import topic_sentences

UNKNOWN = ["t0w0", "t1w011", "t2"]
SIZES = {"min_n": 2, "max_n": 4, "bucket": 3000}


@pytest.fixture(scope="module")
def theirs():
    options = {"vector_size": 12, "min_count": 1, "epochs": 2, "workers": 1, "sg": 1}
    return FastText(topic_sentences(1, 200), **options, **SIZES)


@pytest.fixture(scope="module")
def ours():
    settings = {"vector_size": 12, "min_count": 1, "epochs": 2}
    return Trainer(inputs="subwords", **settings, **SIZES).fit(topic_sentences(1, 200))


def rows(keyed, words):
    return np.array([keyed.get_vector(word) for word in words])


def test_gensim_s_words_and_ngrams_come_over(theirs, tmp_path):
    vectors = from_fasttext(theirs)
    assert vectors.words == theirs.wv.index_to_key
    assert np.array_equal(vectors.vectors, theirs.wv.vectors)
    counts = [theirs.wv.get_vecattr(word, "count") for word in vectors.words]
    assert vectors.counts.tolist() == counts
    assert np.allclose(vectors.ngrams.of(UNKNOWN), rows(theirs.wv, UNKNOWN), atol=1e-6)
    assert not np.shares_memory(vectors.vectors, theirs.wv.vectors)
    write_vectors(vectors, tmp_path / "theirs.bin", "fasttext-bin")
    back = read_vectors(tmp_path / "theirs.bin").keyed_vectors()
    assert np.allclose(rows(back, vectors.words), theirs.wv.vectors, atol=1e-5)
    assert np.allclose(rows(back, UNKNOWN), rows(theirs.wv, UNKNOWN), atol=1e-6)
    assert np.array_equal(from_fasttext(theirs.wv).vectors, vectors.vectors)


def test_ours_becomes_a_fasttext_of_gensim_s(ours, tmp_path):
    converted = to_fasttext(ours)
    assert type(converted) is FastText
    assert type(converted.wv) is FastTextKeyedVectors
    assert np.array_equal(converted.wv.vectors, ours.embeddings.table())
    assert np.allclose(rows(converted.wv, UNKNOWN), ours.vectors(UNKNOWN), atol=1e-6)
    converted.save(str(tmp_path / "model"))
    loaded = FastText.load(str(tmp_path / "model"))
    assert np.allclose(rows(loaded.wv, UNKNOWN), ours.vectors(UNKNOWN), atol=1e-6)
    back = from_fasttext(loaded)
    assert np.allclose(back.ngrams.of(UNKNOWN), ours.vectors(UNKNOWN), atol=1e-6)
    assert back.counts.tolist() == ours.vocabulary.counts.tolist()


def test_gensim_goes_on_from_there(ours):
    converted = to_fasttext(ours)
    before, text = ours.vectors(UNKNOWN), topic_sentences(1, 200)
    # Before any step gensim's own rule gives the vectors that are there.
    converted.wv.adjust_vectors()
    assert np.allclose(converted.wv.vectors, ours.embeddings.table(), atol=1e-5)
    converted.train(text, total_examples=len(text), epochs=20)
    after = rows(converted.wv, UNKNOWN)
    assert np.isfinite(after).all()
    assert not np.allclose(after, before, atol=1e-3)
    assert np.array_equal(ours.vectors(UNKNOWN), before)
    near = [word for word, _ in converted.wv.most_similar("t3w00", topn=5)]
    assert all(word.startswith("t3") for word in near)
    converted.build_vocab([["new", "t1w00"]] * 9, update=True)
    assert "new" in converted.wv.key_to_index


def test_vectors_of_a_file_become_a_fasttext(theirs, tmp_path):
    write_vectors(from_fasttext(theirs), tmp_path / "v.bin", "fasttext-bin")
    converted = to_fasttext(read_vectors(tmp_path / "v.bin"))
    assert np.allclose(rows(converted.wv, UNKNOWN), rows(theirs.wv, UNKNOWN), atol=1e-6)


def test_word2vec_goes_on_with_the_words_of_a_fasttext(theirs, caplog):
    model = Word2Vec.from_gensim(theirs)
    assert type(model) is Word2Vec
    assert model.wv.index_to_key == theirs.wv.index_to_key
    assert np.array_equal(model.wv.vectors, theirs.wv.vectors)
    assert "vectors of n-grams are left behind" in caplog.text
    text = topic_sentences(1, 200)
    model.train(text, total_examples=len(text), epochs=2)
    assert not np.allclose(model.wv.vectors, theirs.wv.vectors, atol=1e-3)
    assert np.array_equal(model.to_gensim().wv.vectors, model.wv.vectors)


def test_a_fasttext_without_ngrams_has_none():
    theirs = FastText(topic_sentences(1, 50), vector_size=4, min_count=1, max_n=0, epochs=1)
    assert from_fasttext(theirs).ngrams is None


def test_what_cannot_be_converted_is_told(ours):
    for other in (KeyedVectors(3), GensimWord2Vec(), "model"):
        with pytest.raises(ConfigurationError, match=r"expected a gensim\.models\.FastText"):
            from_fasttext(other)
    with pytest.raises(ConfigurationError, match="has none yet"):
        from_fasttext(FastText())
    plain = Trainer(vector_size=4, min_count=1, epochs=1).fit(topic_sentences(1, 50))
    with pytest.raises(ConfigurationError, match=r"make_unknown_words\(\) first"):
        to_fasttext(plain)
    assert len(to_fasttext(plain.make_unknown_words(bucket=1000)).wv) == len(plain.vocabulary)
