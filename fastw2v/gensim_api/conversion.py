"""Models from gensim and to gensim, and vectors from word2vec's files."""

import logging
import os
from typing import Any, Self

import numpy as np
from gensim.models import Doc2Vec, FastText, KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec

from fastw2v.errors import ConfigurationError
from fastw2v.gensim_api.given_vectors import read_given
from fastw2v.gensim_api.numbers import LARGEST_FACTOR, float_of
from fastw2v.gensim_api.state import GensimState
from fastw2v.text.token_kinds import check_kinds

logger = logging.getLogger(__name__)

__all__ = ["CONSTRUCTED", "GATHERED", "ConversionMethods"]

# Parameters of both classes' constructors, by the same names.
CONSTRUCTED = (
    "vector_size",
    "alpha",
    "window",
    "min_count",
    "max_vocab_size",
    "sample",
    "seed",
    "workers",
    "min_alpha",
    "sg",
    "hs",
    "negative",
    "ns_exponent",
    "cbow_mean",
    "hashfxn",
    "epochs",
    "null_word",
    "sorted_vocab",
    "batch_words",
    "compute_loss",
    "comment",
    "max_final_vocab",
    "shrink_windows",
)
# What they have learned of their corpora and runs since.
GATHERED = (
    "min_alpha_yet_reached",
    "train_count",
    "total_train_time",
    "running_training_loss",
    "corpus_count",
    "corpus_total_words",
    "effective_min_count",
)


class ConversionMethods(GensimState):
    """Conversion from and to gensim's models."""

    def intersect_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        no_header: bool | None = None,
    ) -> int:
        """Replace vectors of the vocabulary by those that a word2vec or GloVe file has.

        Parameters
        ----------
        fname : path
        lockf : float
            What part of their steps these vectors take from now on; 0: they stay as they are.
        binary : bool
            word2vec's binary format.
        encoding, unicode_errors : str
            How text is decoded; a byte-order mark is passed over.
        no_header : bool, optional
            GloVe's format has no first line with sizes. Default: the first line tells.

        Words of text are all that stands before the numbers, blanks too.

        Returns
        -------
        int
            How many vectors were replaced.

        Raises
        ------
        ConfigurationError
            If the file's vectors have another size, or `lockf` is no number.
        ModelFormatError
            If the file is missing, damaged or another.
        TextEncodingError
            If its text is in another encoding.
        """
        wv, factor = self.wv, float_of("lockf", lockf, high=LARGEST_FACTOR)
        words, table = read_given(
            fname,
            wv.vector_size,
            binary=binary,
            encoding=encoding,
            unicode_errors=unicode_errors,
            no_header=no_header,
        )
        if table.shape[1] != wv.vector_size:
            raise ConfigurationError(
                f"{fname}: expected vectors of {wv.vector_size} dimensions, as the model's, got "
                f"{table.shape[1]}"
            )
        shared = [row for row, word in enumerate(words) if word in wv.key_to_index]
        rows = [wv.key_to_index[words[row]] for row in shared]
        if len(wv.vectors_lockf) != len(wv):
            wv.vectors_lockf = np.resize(np.asarray(wv.vectors_lockf, np.float32), len(wv))
        if shared:
            wv.vectors[rows] = table[shared]
            wv.vectors_lockf[rows] = factor
        wv.norms = None
        self.add_lifecycle_event("intersect_word2vec_format", msg=f"{len(shared)} of {fname}")
        return len(shared)

    @classmethod
    def from_gensim(cls, model: Any) -> Self:
        """Return a model that continues from a `gensim.models.Word2Vec`; a copy.

        Of a `FastText` it takes over the words with their vectors, and goes on from these as
        Word2Vec does. Vectors of n-grams are left behind, and a warning says so;
        `fastw2v.gensim_api.from_fasttext` takes them too.
        """
        if not isinstance(model, GensimWord2Vec) or isinstance(model, Doc2Vec):
            raise ConfigurationError(
                f"model: expected a gensim.models.Word2Vec, got a {type(model).__name__}; vectors "
                "alone can be read with intersect_word2vec_format, others cannot"
            )
        check_kinds(model.wv.index_to_key, f"{type(model).__name__} from gensim")
        construct: Any = cls
        converted: Self = construct(**{name: getattr(model, name) for name in CONSTRUCTED})
        _copy_learned(model, converted)
        if isinstance(model, FastText):
            logger.warning(
                "vectors of n-grams are left behind, Word2Vec has no place for them: "
                "fastw2v.gensim_api.from_fasttext takes them, too"
            )
        converted.add_lifecycle_event("from_gensim", params=str(model))
        return converted

    def to_gensim(self) -> Any:
        """Return a `gensim.models.Word2Vec` that gensim can go on training; a copy."""
        if not self.hs and not self.negative:
            raise ConfigurationError(
                "negative: gensim has no exact softmax and needs negative or hs above 0 to go on, "
                "got 0; set model.negative = 5 first to go on by negative sampling"
            )
        converted = GensimWord2Vec(**{name: getattr(self, name) for name in CONSTRUCTED})
        _copy_learned(self, converted)
        if converted.negative:
            converted.make_cum_table()
        converted.add_lifecycle_event("to_gensim", params=str(self))
        return converted


def _copy_learned(source: Any, target: Any) -> None:
    """Copy all that was learned from one model to the other."""
    for name in GATHERED:
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))
    target.random = np.random.RandomState()
    if hasattr(source.random, "get_state"):
        target.random.set_state(source.random.get_state())
    else:  # models of old versions of gensim have numpy's newer kind
        target.random.seed(int(source.random.integers(2**31 - 1)))
    target.wv = _copied(source.wv)
    for name in ("syn1", "syn1neg", "cum_table"):
        table = getattr(source, name, None)
        if table is not None:
            setattr(target, name, np.array(table))


def _copied(wv: Any) -> KeyedVectors:
    """Return a copy of vectors with their words and what is known of each."""
    copy = KeyedVectors(wv.vector_size)
    copy.index_to_key = list(wv.index_to_key)
    copy.key_to_index = dict(wv.key_to_index)
    copy.vectors = np.array(wv.vectors, np.float32)
    copy.expandos = {name: values.copy() for name, values in wv.expandos.items()}
    copy.vectors_lockf = np.array(getattr(wv, "vectors_lockf", np.ones(1)), np.float32)
    return copy
