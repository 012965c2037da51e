"""What other programs call settings, and what they are called here.

gensim's, fastText's and word2vec.c's names, and those that people guess. `Word2Vec` and the command
line look here before they look for names that are spelt alike.
"""

import difflib
import re
from collections.abc import Collection
from typing import NamedTuple

__all__ = ["NativeName", "native_name", "spelt_alike"]

_ALIKE = 0.7  # what is less alike than this is another word


class NativeName(NamedTuple):
    """The setting that another program's name stands for.

    Attributes
    ----------
    setting : str
        Of `Hyperparameters`, or "workers"; empty where there is none.
    note : str
        What there is to say about it.
    """

    setting: str
    note: str = ""


_GENSIM_ALONE = "has no counterpart; fastw2v.gensim_api.Word2Vec takes it"
_NAMES = {
    "vector_size": "size dim dims dimension dimensions n_dimensions embedding_size embedding_dim "
    "layer1_size layersize",
    "epochs": "iter iters iterations epoch n_epochs num_epochs passes n_iter",
    "window": "ws window_size context_size context",
    "min_count": "mincount min_freq minfreq min_df min_word_count",
    "learning_rate": "alpha lr rate eta start_alpha",
    "max_final_vocab": "max_vocab vocab_size max_words max_features",
    "sample": "t subsample subsampling downsample",
    "negative": "neg negatives ns n_negatives num_negatives",
    "seed": "random_state random_seed rng",
    "workers": "thread threads n_threads num_threads num_workers n_jobs jobs cores",
    "min_n": "minn min_ngram",
    "max_n": "maxn max_ngram",
    "bucket": "buckets",
    "batch_rows": "batch_size batch",
}
_FOREIGN = {
    **{
        foreign: NativeName(native) for native, names in _NAMES.items() for foreign in names.split()
    },
    "sg": NativeName("model", "'skipgram' where sg=1, 'cbow' where sg=0"),
    "cbow": NativeName("model", "'cbow'"),
    "skipgram": NativeName("model", "'skipgram'"),
    "hs": NativeName("objective", "'hierarchical' where hs=1"),
    "loss": NativeName("objective", "'softmax', 'negative' or 'hierarchical'"),
    "min_alpha": NativeName("final_rate", "a fraction of the first rate"),
    "end_alpha": NativeName("final_rate", "a fraction of the first rate"),
    "max_vocab_size": NativeName("max_final_vocab", "memory while reading needs no bound"),
    "lowercase": NativeName("keep_case", "words are lower-cased unless it is set"),
    "lower": NativeName("keep_case", "words are lower-cased unless it is set"),
    "lower_case": NativeName("keep_case", "words are lower-cased unless it is set"),
    "cased": NativeName("keep_case"),
    "preserve_case": NativeName("keep_case"),
    "word_ngrams": NativeName("inputs", "'subwords' for character n-grams"),
    "compute_loss": NativeName("", "is always computed: see model.history and model.summary"),
    "verbose": NativeName("", "is what progress shows: fit(corpus, progress=True), or --quiet"),
    "callbacks": NativeName("", "go to fit: fit(corpus, callbacks=[...])"),
    **{
        name: NativeName("", "goes to fit: Word2Vec(...).fit(corpus)")
        for name in ("sentences", "corpus", "corpus_file", "corpus_iterable", "input", "text")
    },
    **{
        name: NativeName("", _GENSIM_ALONE)
        for name in (
            *("trim_rule", "sorted_vocab", "batch_words", "null_word", "hashfxn", "comment"),
            "shrink_windows",
        )
    },
}


def native_name(given: str) -> NativeName | None:
    """Return the setting that somebody else's name, as ``minCount`` or ``--min-count``, means."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", given.strip("-")).replace("-", "_").lower()
    return _FOREIGN.get(snake) or _FOREIGN.get(snake.replace("_", ""))


def spelt_alike(given: str, known: Collection[str]) -> list[str]:
    """Return known names that are spelt nearly as one that was given, the nearest first."""
    by_fold = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(given.casefold(), by_fold, 3, _ALIKE)
    longer = [fold for fold in by_fold if len(given) > 2 and fold.startswith(given.casefold())]
    return [by_fold[fold] for fold in dict.fromkeys([*longer, *close])][:3]
