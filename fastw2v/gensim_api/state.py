"""What a model has: the attributes that the other modules of this room work on, named as gensim's.

`vocabulary`, `scores` and `conversion` derive their methods from `GensimState`; `checks`, `epochs`,
`exact` and `storage` take one. `model` alone puts them together.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from numpy.typing import NDArray

from fastw2v.gensim_api.events import Events
from fastw2v.gensim_api.reading import NumberedText

__all__ = ["GensimState"]


class GensimState(Events):
    """The attributes of a model; `fastw2v.gensim_api.Word2Vec` documents its parameters.

    Attributes
    ----------
    wv : KeyedVectors
        Words, input vectors (V, D) float32, and in `expandos` what is known of each word: "count",
        "sample_int" (thresholds of subsampling), "code" and "point" (of the Huffman tree).
    syn1, syn1neg : (V, D) float32
        Output vectors of inner nodes and of words; absent where they are not trained.
    out_bias : (V,) float32
        Of the exact softmax; absent before it was trained on the vocabulary.
    cum_table : (V,) uint32 or None
        Cumulative noise distribution.
    raw_vocab : mapping of word to count, or None
        What was counted, before words were chosen.
    effective_min_count : int
        Least count of a word that was kept, `max_final_vocab` included.
    corpus_count, corpus_total_words : int
        Sentences and tokens of the corpus that the vocabulary was built from.
    min_alpha_yet_reached, running_training_loss, train_count, total_train_time
        The last learning rate; the loss, see `get_latest_training_loss`; calls of `train`; their
        seconds.
    """

    wv: KeyedVectors
    syn1: NDArray[np.float32]
    syn1neg: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    cum_table: NDArray[np.uint32] | None
    raw_vocab: Mapping[Any, int] | None
    random: Any

    vector_size: int
    layer1_size: int
    window: int
    shrink_windows: bool
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    objective: str | None
    alpha: float
    min_alpha: float
    sample: float
    min_count: float
    max_vocab_size: float | None
    max_final_vocab: int | None
    sorted_vocab: int
    null_word: int
    seed: Any
    hashfxn: Callable[[Any], int]
    workers: int
    epochs: int
    batch_words: int
    compute_loss: bool
    comment: str | None

    effective_min_count: float
    corpus_count: int
    corpus_total_words: int
    min_alpha_yet_reached: float
    running_training_loss: float
    train_count: int
    total_train_time: float

    # Within the constructor the text of `build_vocab` is kept for `train`: the corpus, its numbers.
    _kept_text: tuple[Any, NumberedText] | None
    _keeps_text: bool
