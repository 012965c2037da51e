"""To gensim's FastText and from it: words, and what gives unknown ones a vector."""

from typing import TYPE_CHECKING

import numpy as np
from gensim.models import FastText
from gensim.models.fasttext import FastTextKeyedVectors

from fastw2v.errors import ConfigurationError
from fastw2v.formats.vectors import Vectors, vectors_of
from fastw2v.gensim_api.vocabulary import SAMPLE_INT_MAX, keep_probabilities
from fastw2v.objectives.embeddings import ngram_vectors_of

if TYPE_CHECKING:
    from fastw2v.model import Word2Vec

__all__ = ["from_fasttext", "to_fasttext"]


def from_fasttext(model: FastText | FastTextKeyedVectors) -> Vectors:
    """Return the vectors of gensim's FastText, with those of its n-grams; a copy.

    They can be written (fastText's .bin holds n-grams), evaluated, and turned into gensim's
    `FastTextKeyedVectors` again.

    Parameters
    ----------
    model : gensim.models.FastText or FastTextKeyedVectors
        What gensim trained, or read by `load_facebook_model` or `load_facebook_vectors`.

    Raises
    ------
    ConfigurationError
        If it is something else, or has no vectors yet.
    """
    keyed = model.wv if isinstance(model, FastText) else model
    if not isinstance(keyed, FastTextKeyedVectors):
        raise ConfigurationError(
            "model: expected a gensim.models.FastText or its FastTextKeyedVectors, got a "
            f"{type(model).__name__}; Word2Vec.from_gensim takes a gensim.models.Word2Vec"
        )
    if not len(keyed.index_to_key) or len(keyed.vectors) != len(keyed.index_to_key):
        raise ConfigurationError("model: expected vectors of words, got a model that has none yet")
    counts = keyed.expandos.get("count")
    return Vectors(
        list(keyed.index_to_key),
        np.array(keyed.vectors, np.float32),
        None if counts is None else np.array(counts, np.int64),
        ngrams=ngram_vectors_of(keyed),
    )


def to_fasttext(model: "Word2Vec | Vectors") -> FastText:
    """Return a gensim `FastText` with the vectors of words and of their n-grams; a copy.

    Its `wv` is gensim's `FastTextKeyedVectors`. gensim can go on training it by negative sampling:
    it begins from these vectors, with output vectors of zeros as gensim's own models do.

    Parameters
    ----------
    model : fastw2v.Word2Vec or Vectors
        One that makes vectors of unknown words: trained with ``inputs="subwords"``, or after
        `make_unknown_words`; or vectors with n-grams, of a file, say.

    Raises
    ------
    ConfigurationError
        If it has no vectors of n-grams.
    """
    vectors = model if isinstance(model, Vectors) else vectors_of(model.embeddings, None, None)
    if vectors.ngrams is None:
        raise ConfigurationError(
            "model: expected one with vectors of n-grams, got one without; train with "
            "inputs='subwords', or call make_unknown_words() first"
        )
    ngrams = vectors.ngrams.ngrams
    converted = FastText(
        vector_size=vectors.vectors.shape[1],
        sg=1,
        min_count=1,
        min_n=ngrams.min_n,
        max_n=ngrams.max_n,
        bucket=ngrams.bucket,
    )
    keyed = vectors.keyed_vectors()
    no_locks = np.ones(1, np.float32)
    keyed.vectors_vocab_lockf, keyed.vectors_ngrams_lockf = no_locks, no_locks.copy()
    counts = vectors.counts if vectors.counts is not None else np.ones(len(keyed), np.int64)
    thresholds = (keep_probabilities(counts, converted.sample) * SAMPLE_INT_MAX).astype(np.uint32)
    keyed.expandos = {"count": np.array(counts, np.int64), "sample_int": thresholds}
    converted.wv = keyed
    converted.corpus_total_words = int(counts.sum())
    converted.syn1neg = np.zeros_like(keyed.vectors)
    converted.make_cum_table()
    converted.add_lifecycle_event("to_fasttext", params=str(converted))
    return converted
