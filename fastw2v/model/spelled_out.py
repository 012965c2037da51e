"""`Word2Vec`'s constructor, every setting spelled out for editors and type checkers.

Written by tools/spell_out_settings.py from `Hyperparameters`; not edited by hand. It may have more
than 400 lines, since each setting brings its help.
"""

from fastw2v.config import (
    BatchKind,
    Bias,
    Connectors,
    DeviceName,
    Errors,
    Hyperparameters,
    Inputs,
    Language,
    ModelName,
    Normalization,
    ObjectiveName,
    OptimizerName,
    Precision,
    RareWords,
    Scoring,
    Start,
    TokenizeFunction,
)
from fastw2v.model.construction import taking_settings
from fastw2v.model.state import ModelState

__all__ = ["SpelledOut"]


class SpelledOut(ModelState):
    """What a model is made from."""

    @taking_settings
    def __init__(
        self,
        settings: Hyperparameters | None = None,
        *,
        workers: int | None = None,
        vector_size: int = 100,
        window: int = 5,
        window_sample: float = 0.001,
        min_count: int = 5,
        max_final_vocab: int | None = None,
        sample: float | None = None,
        epochs: int | None = None,
        replicas: int = 1,
        seed: int = 1,
        model: ModelName = "skipgram",
        objective: ObjectiveName = "softmax",
        inputs: Inputs = "words",
        min_n: int | None = None,
        max_n: int | None = None,
        bucket: int = 2_000_000,
        negative: int = 5,
        ns_exponent: float = 0.75,
        negatives_shared: bool = True,
        cbow_mean: bool = True,
        batches: BatchKind = "counts",
        rare_words: RareWords = "exact",
        batch_rows: int | None = None,
        batch_tokens: int | None = None,
        scores_mib: int = 2048,
        optimizer: OptimizerName = "adam",
        learning_rate: float | None = None,
        final_rate: float | None = None,
        bias: Bias = "unigram",
        start: Start = "spectral",
        canonical: bool = True,
        precision: Precision = "auto",
        device: DeviceName = "cpu",
        tokenizer: str | TokenizeFunction = "words",
        paragraphs: bool = False,
        normalize: Normalization | None = None,
        language: Language = "any",
        keep_case: bool = False,
        errors: Errors = "strict",
        phrases: int = 0,
        phrase_scoring: Scoring = "default",
        phrase_min_count: int = 5,
        phrase_threshold: float | None = None,
        phrase_connectors: Connectors = "none",
    ) -> None:
        """Begin a model that is not trained yet.

        Settings that are not given have their defaults. What was given is remembered, at its
        default too, and may not contradict counts that the model is trained on.

        Parameters
        ----------
        settings : Hyperparameters, optional
            All settings at once, instead of by name.
        workers : int, optional
            Threads; default: the cores at hand. With the exact softmax the result is the same for
            any number; the other objectives repeat their bits with one worker only (Hogwild).
        vector_size : int
            Dimensions of the vectors. Default: 100. From 1 to 1,048,576.
        window : int
            Places that a window has on each side; nearer words weigh more. Default: 5. From 1 to
            10,000.
        window_sample : float
            Frequency above which words take less than a whole place in a window of skip-gram,
            which reaches over them as word2vec's does over dropped words; 0: always a whole place.
            Default: 0.001. From 0 to 1.
        min_count : int
            Words that occur less often are left out. Default: 5. At least 1.
        max_final_vocab : int, optional
            Keep at most this many words, the most frequent ones. Default: all. At least 1.
        sample : float, optional
            Frequency above which words are down-weighted; 0 switches it off. Default: 1e-5 for
            softmax, 1e-4 for the other objectives. From 0 to 1.
        epochs : int, optional
            Passes over the objective. Default: 5 for softmax, 20 for the other objectives. From 1
            to 1,000,000.
        replicas : int
            Runs whose mean is the model, each with first vectors and an order of its own: vectors
            of a small text depend less on the seed, in so many times the time. Default: 1. From 1
            to 1,000.
        seed : int
            All random choices follow from it. Default: 1. At least 0.
        model : {"skipgram", "cbow"}
            'skipgram': each word predicts each of its contexts; 'cbow': all contexts together
            predict the word. Default: 'skipgram'.
        objective : {"softmax", "negative", "hierarchical"}
            The loss that is trained: the exact softmax, or negative sampling or hierarchical
            softmax in its place. Default: 'softmax'.
        inputs : {"words", "subwords", "features"}
            What a centre vector is: 'words': a row of its own; 'subwords': made of vectors of the
            word and of its character n-grams, so that unknown words have vectors too; 'features':
            the sum of vectors of features that are given (`features` of `fit`), with the exact
            softmax. Default: 'words'.
        min_n : int, optional
            Characters of the shortest n-gram of a word. Default: 2 for softmax, 3 for the other
            objectives. From 1 to 1,000.
        max_n : int, optional
            Characters of the longest n-gram of a word. Default: 5 for softmax, 6 for the other
            objectives. From 1 to 1,000.
        bucket : int
            Buckets that n-grams are hashed into; only those in use take memory. Default: 2000000.
            At least 1.
        negative : int
            Noise words for each predicted word. Default: 5. From 1 to 1,000.
        ns_exponent : float
            Noise words come with a probability like their count to this power. Default: 0.75. From
            -100 to 100.
        negatives_shared : bool
            Whether the contexts of a window share their noise words, which is faster. Default:
            True.
        cbow_mean : bool
            Whether the contexts of a window are averaged or summed. Default: True.
        batches : {"counts", "tokens"}
            'counts': rows of the whole corpus's counts; 'tokens': stretches of running text. CBOW
            has neither: it takes positions of the text. Default: 'counts'.
        rare_words : {"exact", "sampled", "auto"}
            How rare words are part of the softmax of a batch: 'exact': all of them; 'sampled':
            those that the batch was seen with, and a draw of the others that stands for all;
            'auto': sampled where that is at least twice as fast. Frequent words are always all
            part of it. Default: 'exact'.
        batch_rows : int, optional
            Centre words in a batch of counts. Default: 256, fewer if memory is short. At least 1.
        batch_tokens : int, optional
            Running tokens in a batch of tokens, or positions in a batch of CBOW. Default: 1024,
            with CBOW 512, fewer if memory is short. At least 1.
        scores_mib : int
            What the scores of one batch may take of memory, in MiB; it bounds the batch size, and
            so belongs to the result. `memory_mib` of `fit` is the budget of the whole run, and
            changes no result. Default: 2048. At least 1.
        optimizer : {"adam", "adagrad", "sgd"}
            How gradients become steps. Default: 'adam'.
        learning_rate : float, optional
            First rate; it falls linearly. Default: the optimizer's own with softmax, else 0.025,
            0.05 with subwords, and 0.15 for the mean of CBOW. Above 0.
        final_rate : float, optional
            Rate of the last step, as a fraction of the first. Default: 0.05 for softmax, 1e-4 for
            the other objectives. From 0 to 1.
        bias : {"unigram", "learned", "none"}
            Output bias: log frequency (fixed), learned from there, or none. Default: 'unigram'.
        start : {"spectral", "random"}
            First vectors: from the spectrum of the counts, or small random ones. Default:
            'spectral'.
        canonical : bool
            Whether vectors get their canonical form after training: all probabilities stay, and
            cosines tell more. Default: True.
        precision : {"auto", "float32", "bf16x2", "bf16"}
            Numbers that are multiplied; bf16 and bf16x2 need a CPU that has them. 'auto': bf16
            where it is faster and as good, else float32. Default: 'auto'.
        device : {"cpu", "cuda", "auto", "torch-cpu"}
            What computes the output vectors: 'cpu'; 'cuda': a GPU, by PyTorch (extra gpu); 'auto':
            the GPU, where there is one and a step is faster there; 'torch-cpu': PyTorch on the
            CPU, which is slow, to try without a GPU what 'cuda' does. Default: 'cpu'.
        tokenizer : str or callable
            'words': lower-cased Unicode words without punctuation; 'unicode': by Unicode's word
            boundaries, with numbers, URLs, hashtags and emoji whole; 'whitespace': as the text is
            cut; 'chinese', 'japanese', 'korean', 'thai': by a library for the language; a
            function: by it, which is one that gets a line. Default: 'words'.
        paragraphs : bool
            Whether a blank line ends a sentence, and not every line: for books with wrapped lines.
            Default: False.
        normalize : {"none", "nfc", "nfkc"}, optional
            Unicode's form that text is brought to before it is cut, so that the same letters are
            the same word however they were typed: 'nfc', 'nfkc' (full-width letters and ligatures
            too), or 'none'. Default: nfc, and none for whitespace and functions, whose tokens stay
            as they are.
        language : {"none", "any", "tr", "az"}
            By whose rules words are lower-cased: 'any': Unicode's, with the Greek final sigma;
            'tr' and 'az': with dotless i besides; 'none': each character by itself. Default:
            'any'.
        keep_case : bool
            Whether words keep their capitals. Default: False.
        errors : {"strict", "replace", "ignore"}
            What is not UTF-8 in a text: 'strict' refuses it, 'replace' puts U+FFFD there, 'ignore'
            leaves it out; both say how much it was. Default: 'strict'.
        phrases : int
            Passes in which words that stand together more often than by chance are joined to one
            token (new_york), as 'fastw2v phrases' does; 0: none are looked for. Default: 0. From 0
            to 100.
        phrase_scoring : {"default", "npmi"}
            How phrases are scored: 'default': by counts, as word2vec and gensim do; 'npmi': by
            normalized mutual information. Default: 'default'.
        phrase_min_count : int
            Of candidates for phrases: taken off each count by 'default'; 'npmi' leaves out what is
            rarer. Default: 5. At least 1.
        phrase_threshold : float, optional
            Candidates with a higher score become phrases. Default: 10, and 0.5 for npmi. At least
            -1.
        phrase_connectors : {"none", "english"}
            Words that may stand within a phrase (bank_of_america): 'english': gensim's. Default:
            'none'.

        Raises
        ------
        ConfigurationError
            For an unknown name or an impossible value.
        """
