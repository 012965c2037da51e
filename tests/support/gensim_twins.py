"""gensim's class beside this project's, with the same arguments: whatever both have must agree."""

import numpy as np
from gensim.models import Word2Vec as GensimWord2Vec

from fastw2v.gensim_api import Word2Vec
from tests.support.corpora_made import random_sentences

BOTH = {"gensim": GensimWord2Vec, "fastw2v": Word2Vec}


def twins(**options):
    return GensimWord2Vec(**options), Word2Vec(**options)


def some_sentences(seed=1, n_words=40, sentences=120):
    return random_sentences(seed, n_words, sentences)


def same_vocabulary(theirs, ours):
    """Whether words, their order, counts, thresholds, noise and tree are the same."""
    if theirs.wv.index_to_key != ours.wv.index_to_key:
        return False
    if theirs.wv.key_to_index != ours.wv.key_to_index:
        return False
    for name in ("count", "sample_int"):
        ours_are = ours.wv.expandos[name].astype(np.int64)
        if np.abs(theirs.wv.expandos[name].astype(np.int64) - ours_are).max(initial=0) > 1:
            return False
    if (
        theirs.negative
        and np.abs(theirs.cum_table.astype(np.int64) - ours.cum_table.astype(np.int64)).max(
            initial=0
        )
        > 1
    ):
        return False
    return not theirs.hs or all(
        np.array_equal(theirs.wv.get_vecattr(word, name), ours.wv.get_vecattr(word, name))
        for name in ("code", "point")
        for word in theirs.wv.index_to_key
    )
