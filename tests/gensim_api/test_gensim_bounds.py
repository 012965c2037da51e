"""Numbers as large as gensim takes them, and larger: a result, or an error of this project's."""

import sys

import numpy as np
import pytest

from fastw2v.errors import ConfigurationError
from fastw2v.gensim_api import Word2Vec

SENTENCES = [list("abcdefgh") * 2, list("hgfedc"), ["a"], []] * 20
SETTINGS = {"min_count": 1, "vector_size": 9, "epochs": 2, "workers": 1, "seed": 3}
LONGEST = 16


@pytest.mark.parametrize("cell", [{}, {"sg": 1}, {"hs": 1, "negative": 0}, {"sg": 1, "hs": 1}])
@pytest.mark.parametrize("locked", [False, True])
def test_windows_beyond_the_longest_sentence_are_the_whole_sentence(cell, locked):
    tables = []
    for window in (LONGEST - 1, LONGEST, 2**31 - 1):
        model = Word2Vec(window=window, shrink_windows=False, **SETTINGS, **cell)
        model.build_vocab(SENTENCES)
        if locked:
            model.wv.vectors_lockf = np.array([0.5, *[1] * 7], np.float32)
        model.train(SENTENCES, total_examples=model.corpus_count, epochs=2)
        tables.append(model.wv.vectors)
    assert np.array_equal(tables[0], tables[1])
    assert np.array_equal(tables[0], tables[2])


def test_windows_that_shrink_from_afar_nearly_always_reach_everything():
    wide = Word2Vec(SENTENCES, window=2**31 - 1, **SETTINGS)
    whole = Word2Vec(SENTENCES, window=LONGEST - 1, shrink_windows=False, **SETTINGS)
    narrow = Word2Vec(SENTENCES, window=LONGEST - 1, **SETTINGS)
    assert np.allclose(wide.wv.vectors, whole.wv.vectors, atol=0.02)
    assert np.isfinite(narrow.wv.vectors).all()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"window": sys.maxsize}, "window"),
        ({"window": 2**31}, "window"),
        ({"window": 10**30}, "window"),
        ({"negative": 2**31}, "negative"),
        ({"negative": 10**5}, "negative"),
    ],
)
def test_what_no_array_can_hold_is_refused(settings, name):
    with pytest.raises(ConfigurationError, match=f"{name}: expected at most"):
        Word2Vec(SENTENCES, **SETTINGS, **settings)
