"""The exact softmax under gensim's names goes on: new words, given vectors, locks."""

import numpy as np
import pytest

from fastw2v.gensim_api import Word2Vec
from tests.support.corpora_made import topic_of, topic_sentences

SMALL = {"vector_size": 10, "min_count": 1, "window": 5, "sample": 0, "objective": "softmax"}


def with_new_words(sentences):
    return [[word + "n" if word.endswith("00") else word for word in s] for s in sentences]


@pytest.mark.parametrize("sg", [0, 1])
def test_new_words_of_an_update_begin_among_their_own(sg):
    """After next to no training: from random vectors they would be anywhere."""
    model = Word2Vec(topic_sentences(1, 300), sg=sg, epochs=4, **SMALL)
    today = with_new_words(topic_sentences(2, 200))
    model.build_vocab(today, update=True)
    before = model.wv["t0w01"].copy()
    model.train(today, total_examples=200, epochs=1, start_alpha=1e-9, end_alpha=1e-9)
    assert np.allclose(model.wv["t0w01"], before, atol=1e-5)
    new = [word for word in model.wv.index_to_key if word.endswith("n")]
    near = [topic_of(model.wv.most_similar(word, topn=1)[0][0]) == topic_of(word) for word in new]
    assert len(new) == 6
    assert sum(near) >= 5


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("lockf", [0.0, 1.0])
def test_given_vectors_are_where_it_begins(tmp_path, sg, lockf):
    text = topic_sentences(1, 200)
    taught = Word2Vec(text, sg=1, epochs=4, **SMALL)
    taught.wv.save_word2vec_format(str(tmp_path / "vectors.txt"))
    model = Word2Vec(sg=sg, epochs=1, **SMALL)
    model.build_vocab(with_new_words(text))
    assert model.intersect_word2vec_format(tmp_path / "vectors.txt", lockf=lockf) == 84
    known = [word for word in model.wv.index_to_key if not word.endswith("n")]
    given = model.wv[known].copy()
    model.train(with_new_words(text), total_examples=200, epochs=1)
    assert np.array_equal(model.wv[known], given) == (lockf == 0)
    near = [topic_of(model.wv.most_similar(word, topn=1)[0][0]) == topic_of(word) for word in known]
    assert np.mean(near) > 0.9


def test_the_first_training_is_as_it_was():
    """Nothing is known of a new model: its vectors are the spectral start's."""
    text = topic_sentences(1, 200)
    whole = Word2Vec(text, sg=1, epochs=2, **SMALL)
    model = Word2Vec(sg=1, epochs=2, **SMALL)
    model.build_vocab(text)
    model.train(text, total_examples=200, epochs=2)
    assert np.array_equal(model.wv.vectors, whole.wv.vectors)


def test_the_bias_goes_with_the_vocabulary():
    model = Word2Vec(topic_sentences(1, 100), sg=1, epochs=1, **SMALL)
    n_words = len(model.wv)
    before = dict(model.predict_output_word(["t3w00"], n_words))
    model.build_vocab([["new", "t3w00"]] * 9, update=True)
    after = dict(model.predict_output_word(["t3w00"], n_words + 1))
    new = after.pop("new")
    assert 0 < new < 1 / n_words
    for word, chance in before.items():
        assert after[word] / (1 - new) == pytest.approx(chance)
    others = [[f"other{row}" for row in range(n_words + 1)]]
    model.build_vocab(others)
    untrained = dict(model.predict_output_word(["other0"], n_words + 1))
    assert untrained == pytest.approx(dict.fromkeys(others[0], 1 / (n_words + 1)))
