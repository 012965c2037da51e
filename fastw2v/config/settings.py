"""Every hyper-parameter, declared once: name, default, allowed values, and what it means."""

from dataclasses import dataclass

from fastw2v.config.choices import (
    BatchKind,
    Bias,
    Connectors,
    DeviceName,
    Errors,
    Inputs,
    Language,
    ModelName,
    Normalization,
    ObjectiveName,
    OptimizerName,
    Precision,
    RareWords,
    Start,
)
from fastw2v.config.fields import ABOVE_ZERO, setting
from fastw2v.config.phrases import MOST_PASSES, PhraseSettings, Scoring
from fastw2v.config.tokenizers import UNICODE_TOKENIZERS

__all__ = ["LARGEST_SEED", "MOST_DIMENSIONS", "SMALLEST_SAMPLE", "DeclaredSettings"]

LARGEST_SEED = 2**63 - 1
MOST_DIMENSIONS = 2**20  # what files of vectors may have, too
# What is left of words then has squares that are ordinary numbers.
SMALLEST_SAMPLE = 1e-30
_LARGEST_COUNT = 2**63 - 1
_MOST_AT_ONCE = 2**31 - 1
_MOST_EPOCHS = 1_000_000  # CBOW looks at all of them before the first one
_MOST_REPLICAS = 1000
_LARGEST_RATE = 1e30  # times what optimisers multiply it by is still a float32

_SOFTMAX = (("objective", "softmax"),)
_NEGATIVE = (("objective", "negative"),)
_SKIPGRAM = (("model", "skipgram"),)
_CBOW = (("model", "cbow"),)
_SUBWORDS = (*_SKIPGRAM, ("inputs", "subwords"))
_UNICODE = tuple((("tokenizer", name),) for name in UNICODE_TOKENIZERS)
_PHRASES = (("phrases", ABOVE_ZERO),)


# ruff: noqa: RUF009 - the settings are immutable


@dataclass(frozen=True, kw_only=True)
class DeclaredSettings:
    """The settings as they are given; None is one that others decide. Nothing is checked here."""

    vector_size: int = setting(100, "Dimensions of the vectors.", low=1, high=MOST_DIMENSIONS)
    window: int = setting(
        5, "Places that a window has on each side; nearer words weigh more.", low=1, high=10_000
    )
    window_sample: float = setting(
        1e-3,
        "Frequency above which words take less than a whole place in a window of skip-gram, which "
        "reaches over them as word2vec's does over dropped words; 0: always a whole place.",
        low=0,
        high=1,
        least_above_low=SMALLEST_SAMPLE,
        used_if=(_SOFTMAX + _SKIPGRAM,),
    )
    min_count: int = setting(
        5, "Words that occur less often are left out.", low=1, high=_LARGEST_COUNT
    )
    max_final_vocab: int | None = setting(
        None,
        "Keep at most this many words, the most frequent ones. Default: all.",
        low=1,
        high=_LARGEST_COUNT,
    )
    sample: float = setting(
        None,
        "Frequency above which words are down-weighted; 0 switches it off. Default: 1e-5 for "
        "softmax, 1e-4 for the other objectives.",
        low=0,
        high=1,
        least_above_low=SMALLEST_SAMPLE,
    )
    epochs: int = setting(
        None,
        "Passes over the objective. Default: 5 for softmax, 20 for the other objectives.",
        low=1,
        high=_MOST_EPOCHS,
    )
    replicas: int = setting(
        1,
        "Runs whose mean is the model, each with first vectors and an order of its own: vectors of "
        "a small text depend less on the seed, in so many times the time.",
        low=1,
        high=_MOST_REPLICAS,
        used_if=((*_SOFTMAX, *_SKIPGRAM, ("start", "spectral")),),
    )
    seed: int = setting(1, "All random choices follow from it.", low=0, high=LARGEST_SEED)
    model: ModelName = setting(
        "skipgram",
        "'skipgram': each word predicts each of its contexts; 'cbow': all contexts together "
        "predict the word.",
    )
    objective: ObjectiveName = setting(
        "softmax",
        "The loss that is trained: the exact softmax, or negative sampling or hierarchical "
        "softmax in its place.",
    )
    inputs: Inputs = setting(
        "words",
        "What a centre vector is: 'words': a row of its own; 'subwords': made of vectors of the "
        "word and of its character n-grams, so that unknown words have vectors too; 'features': "
        "the sum of vectors of features that are given (--features), with the exact softmax.",
        used_if=(_SKIPGRAM,),
    )
    min_n: int = setting(
        None,
        "Characters of the shortest n-gram of a word. Default: 2 for softmax, 3 for the other "
        "objectives.",
        low=1,
        high=1000,
        used_if=(_SUBWORDS,),
    )
    max_n: int = setting(
        None,
        "Characters of the longest n-gram of a word. Default: 5 for softmax, 6 for the other "
        "objectives.",
        low=1,
        high=1000,
        used_if=(_SUBWORDS,),
    )
    bucket: int = setting(
        2_000_000,
        "Buckets that n-grams are hashed into; only those in use take memory.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=(_SUBWORDS,),
    )
    negative: int = setting(
        5, "Noise words for each predicted word.", low=1, high=1000, used_if=(_NEGATIVE,)
    )
    ns_exponent: float = setting(
        0.75,
        "Noise words come with a probability like their count to this power.",
        low=-100,
        high=100,
        used_if=(_NEGATIVE,),
    )
    negatives_shared: bool = setting(
        True,
        "Whether the contexts of a window share their noise words, which is faster.",
        used_if=(_NEGATIVE + _SKIPGRAM,),
    )
    cbow_mean: bool = setting(
        True, "Whether the contexts of a window are averaged or summed.", used_if=(_CBOW,)
    )
    batches: BatchKind = setting(
        "counts",
        "'counts': rows of the whole corpus's counts; 'tokens': stretches of running text. CBOW "
        "has neither: it takes positions of the text.",
        used_if=(_SOFTMAX + _SKIPGRAM,),
    )
    rare_words: RareWords = setting(
        "exact",
        "How rare words are part of the softmax of a batch: 'exact': all of them; 'sampled': those "
        "that the batch was seen with, and a draw of the others that stands for all; 'auto': "
        "sampled where that is at least twice as fast. Frequent words are always all part of it.",
        used_if=((*_SOFTMAX, *_SKIPGRAM, ("batches", "counts")),),
    )
    batch_rows: int | None = setting(
        None,
        "Centre words in a batch of counts. Default: 256, fewer if memory is short.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=((*_SOFTMAX, *_SKIPGRAM, ("batches", "counts")),),
    )
    batch_tokens: int | None = setting(
        None,
        "Running tokens in a batch of tokens, or positions in a batch of CBOW. Default: 1024, with "
        "CBOW 512, fewer if memory is short.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=((*_SOFTMAX, ("batches", "tokens")), _SOFTMAX + _CBOW),
    )
    scores_mib: int = setting(
        2048,
        "What the scores of one batch may take of memory, in MiB; it bounds the batch size, and so "
        "belongs to the result. --memory is the budget of the whole run, and changes no result.",
        low=1,
        high=_MOST_AT_ONCE,
        used_if=(_SOFTMAX,),
    )
    optimizer: OptimizerName = setting("adam", "How gradients become steps.", used_if=(_SOFTMAX,))
    learning_rate: float = setting(
        None,
        "First rate; it falls linearly. Default: the optimizer's own with softmax, else 0.025, "
        "0.05 with subwords, and 0.15 for the mean of CBOW.",
        low=0,
        high=_LARGEST_RATE,
        low_is_open=True,
    )
    final_rate: float = setting(
        None,
        "Rate of the last step, as a fraction of the first. Default: 0.05 for softmax, 1e-4 for "
        "the other objectives.",
        low=0,
        high=1,
    )
    bias: Bias = setting(
        "unigram",
        "Output bias: log frequency (fixed), learned from there, or none.",
        used_if=(_SOFTMAX,),
    )
    start: Start = setting(
        "spectral",
        "First vectors: from the spectrum of the counts, or small random ones.",
        used_if=(_SOFTMAX,),
    )
    canonical: bool = setting(
        True,
        "Whether vectors get their canonical form after training: all probabilities stay, and "
        "cosines tell more.",
        used_if=(_SOFTMAX, (*_NEGATIVE, ("inputs", "words"))),
    )
    precision: Precision = setting(
        "auto",
        "Numbers that are multiplied; bf16 and bf16x2 need a CPU that has them. 'auto': bf16 "
        "where it is faster and as good, else float32.",
        used_if=(_SOFTMAX,),
    )
    device: DeviceName = setting(
        "cpu",
        "What computes the output vectors: 'cpu'; 'cuda': a GPU, by PyTorch (extra gpu); 'auto': "
        "the GPU, where there is one and a step is faster there; 'torch-cpu': PyTorch on the CPU, "
        "which is slow, to try without a GPU what 'cuda' does.",
        used_if=(_SOFTMAX,),
    )
    tokenizer: str = setting(
        "words",
        "'words': lower-cased Unicode words without punctuation; 'unicode': by Unicode's word "
        "boundaries, with numbers, URLs, hashtags and emoji whole; 'whitespace': as the text is "
        "cut; 'chinese', 'japanese', 'korean', 'thai': by a library for the language; "
        "'module:function': by a function that gets a line.",
    )
    paragraphs: bool = setting(
        False,
        "Whether a blank line ends a sentence, and not every line: for books with wrapped lines.",
    )
    normalize: Normalization = setting(
        None,
        "Unicode's form that text is brought to before it is cut, so that the same letters are the "
        "same word however they were typed: 'nfc', 'nfkc' (full-width letters and ligatures too), "
        "or 'none'. Default: nfc, and none for whitespace and functions, whose tokens stay as they "
        "are.",
    )
    language: Language = setting(
        "any",
        "By whose rules words are lower-cased: 'any': Unicode's, with the Greek final sigma; 'tr' "
        "and 'az': with dotless i besides; 'none': each character by itself.",
        used_if=_UNICODE,
    )
    keep_case: bool = setting(False, "Whether words keep their capitals.", used_if=_UNICODE)
    errors: Errors = setting(
        "strict",
        "What is not UTF-8 in a text: 'strict' refuses it, 'replace' puts U+FFFD there, 'ignore' "
        "leaves it out; both say how much it was.",
    )

    phrases: int = setting(
        0,
        "Passes in which words that stand together more often than by chance are joined to one "
        "token (new_york), as 'fastw2v phrases' does; 0: none are looked for.",
        low=0,
        high=MOST_PASSES,
    )
    phrase_scoring: Scoring = setting(
        PhraseSettings.scoring,
        "How phrases are scored: 'default': by counts, as word2vec and gensim do; 'npmi': by "
        "normalized mutual information.",
        used_if=(_PHRASES,),
    )
    phrase_min_count: int = setting(
        PhraseSettings.min_count,
        "Of candidates for phrases: taken off each count by 'default'; 'npmi' leaves out what is "
        "rarer.",
        low=1,
        high=2**62,
        used_if=(_PHRASES,),
    )
    phrase_threshold: float = setting(
        None,
        "Candidates with a higher score become phrases. Default: 10, and 0.5 for npmi.",
        low=-1,
        high=_LARGEST_RATE,
        used_if=(_PHRASES,),
    )
    phrase_connectors: Connectors = setting(
        "none",
        "Words that may stand within a phrase (bank_of_america): 'english': gensim's.",
        used_if=(_PHRASES,),
    )
