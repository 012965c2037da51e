"""gensim's `Word2Vec` with its names and meanings, trained by this project."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np
from gensim.models import KeyedVectors
from gensim.models.word2vec import MAX_WORDS_IN_BATCH
from gensim.utils import call_on_class_only

from fastw2v.errors import ConfigurationError
from fastw2v.gensim_api.checks import check_corpus, check_training
from fastw2v.gensim_api.conversion import ConversionMethods
from fastw2v.gensim_api.epochs import Reading, readings, train_epoch
from fastw2v.gensim_api.exact import train_exact
from fastw2v.gensim_api.numbers import (
    LARGEST_EXPONENT,
    dimensions_of,
    float_of,
    generator_of,
    int_of,
    int_or_none,
    number_of,
    number_or_none,
    threshold_of,
)
from fastw2v.gensim_api.reading import NumberedText, Sentences
from fastw2v.gensim_api.scores import ScoreMethods
from fastw2v.gensim_api.storage import load_model, save_model
from fastw2v.gensim_api.vocabulary import TrimRule, VocabularyMethods
from fastw2v.system.threads import WorkerPool, available_cores

__all__ = ["Word2Vec", "logger"]

logger = logging.getLogger(__name__)


class Word2Vec(VocabularyMethods, ScoreMethods, ConversionMethods):
    """gensim's `Word2Vec`, trained by fastw2v: parameters, methods and their meanings are gensim's.

    Parameters
    ----------
    sentences : iterable of lists of tokens, optional
        Without it, and without `corpus_file`, the model waits for `build_vocab` and `train`.
    corpus_file : path, optional
        Instead of `sentences`: a file of lines, tokens between spaces.
    vector_size, window, min_count, sample, seed, epochs, workers
        Dimensions; largest distance of a context; least count of a word; frequency above which
        tokens are dropped at random (from 1 on: a count); seed; epochs; threads.
    alpha, min_alpha : float
        Learning rates of the first and the last token.
    sg, hs, negative, ns_exponent, cbow_mean
        Skip-gram or CBOW; whether by hierarchical softmax; noise words of negative sampling, 0:
        none; their exponent; whether CBOW's contexts are averaged or summed.
    max_vocab_size, max_final_vocab, trim_rule, sorted_vocab, null_word
        As in `build_vocab`, see gensim.
    hashfxn : callable
        For `seeded_vector` alone, as in gensim 4.
    batch_words : int
        Kept, without effect: the trainer has blocks of its own.
    compute_loss : bool
        Whether `get_latest_training_loss` says something.
    callbacks : iterable of gensim's CallbackAny2Vec
    comment : str, optional
    shrink_windows : bool
        Whether windows draw their reach evenly from 1 to `window`.
    objective : {None, "softmax"}
        "softmax": the exact loss, whatever `negative` is. Not in gensim.

    Attributes
    ----------
    wv : gensim.models.KeyedVectors
        The words' input vectors, up to date after each epoch.
    syn1neg, syn1 : (V, D) float32
        Output vectors of words, and of the inner nodes of gensim's tree (the last row is spare).

    Raises
    ------
    ConfigurationError
        A ValueError: for values that cannot be trained with.
    TypeError, RuntimeError
        As gensim raises them, for corpora and for a wrong order of calls.
    """

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: str | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: Any = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[Any], int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = MAX_WORDS_IN_BATCH,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        objective: Literal["softmax"] | None = None,
    ) -> None:
        if objective not in (None, "softmax"):
            raise ConfigurationError(f"objective: expected None or 'softmax', got {objective!r}")
        self.vector_size = self.layer1_size = dimensions_of(vector_size)
        self.workers, self.epochs = int_of("workers", workers), int_of("epochs", epochs)
        self.batch_words = int_of("batch_words", batch_words)
        self.sg, self.hs = int_of("sg", sg), int_of("hs", hs)
        self.negative = int_of("negative", negative)
        if objective == "softmax" and self.hs:
            raise ConfigurationError("hs: expected 0 with objective='softmax', got 1; choose one")
        self.objective, self.ns_exponent = (
            objective,
            float_of("ns_exponent", ns_exponent, high=LARGEST_EXPONENT),
        )
        self.cbow_mean = int_of("cbow_mean", cbow_mean)
        self.alpha, self.min_alpha = float_of("alpha", alpha), float_of("min_alpha", min_alpha)
        self.min_alpha_yet_reached = self.alpha
        self.window, self.shrink_windows = int_of("window", window), bool(shrink_windows)
        self.seed, self.random = seed, generator_of(seed)
        self.min_count = number_of("min_count", min_count)
        self.sample = threshold_of(sample)
        self.max_vocab_size = number_or_none("max_vocab_size", max_vocab_size)
        self.max_final_vocab = int_or_none("max_final_vocab", max_final_vocab)
        self.sorted_vocab = int_of("sorted_vocab", sorted_vocab)
        self.null_word = int_of("null_word", null_word)
        self.hashfxn, self.comment = hashfxn, comment
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        self.train_count, self.total_train_time = 0, 0.0
        self.corpus_count = self.corpus_total_words = 0
        self.raw_vocab = self.cum_table = None
        self.wv = KeyedVectors(self.vector_size)
        self.wv.vectors_lockf = np.ones(1, np.float32)
        self.__dict__["load"] = call_on_class_only
        self._kept_text, self._keeps_text = None, False
        if sentences is not None or corpus_file is not None:
            self._build_and_train(sentences, corpus_file, trim_rule, callbacks)
        elif trim_rule is not None or tuple(callbacks):
            logger.warning(
                "trim_rule and callbacks are not kept by the model: pass them to build_vocab() and "
                "train(); those given without sentences have no effect"
            )
        self.add_lifecycle_event("created", params=str(self))

    def _build_and_train(
        self,
        sentences: Sentences | None,
        corpus_file: str | None,
        trim_rule: TrimRule | None,
        callbacks: Iterable[Any],
    ) -> None:
        check_corpus(sentences, corpus_file, epochs=self.epochs + 1)
        self._keeps_text = True
        try:
            self.build_vocab(
                corpus_iterable=sentences, corpus_file=corpus_file, trim_rule=trim_rule
            )
            self.train(
                corpus_iterable=sentences,
                corpus_file=corpus_file,
                total_examples=self.corpus_count,
                total_words=self.corpus_total_words,
                epochs=self.epochs,
                start_alpha=self.alpha,
                end_alpha=self.min_alpha,
                compute_loss=self.compute_loss,
                callbacks=callbacks,
            )
        finally:
            self._kept_text, self._keeps_text = None, False

    def train(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        **kwargs: Any,
    ) -> tuple[int, int]:
        """Train on, from the vectors as they are.

        Parameters
        ----------
        corpus_iterable : iterable of lists of tokens
            Read once, if it is a sequence or one of gensim's readers of files; else for each
            epoch, as it may give other sentences each time. With ``objective="softmax"`` once,
            whatever it is: all epochs are one run over the pairs that were counted.
        corpus_file : path
            Instead: a file of lines. Needs `total_words`.
        total_examples, total_words : int
            Sentences, or tokens, of an epoch: the rate falls by their part that is done.
        epochs : int
        start_alpha, end_alpha : float, optional
            Replace `alpha` and `min_alpha`, from now on.
        word_count, queue_factor, report_delay
            Without effect: there are no queues.
        compute_loss : bool
            Whether `get_latest_training_loss` will say something.
        callbacks : iterable of gensim's CallbackAny2Vec
            They may read the model, and change it: an epoch begins from what they leave. With
            ``objective="softmax"`` only the first one does; a warning tells of later changes.

        Returns
        -------
        n_trained, n_tokens : int
            Tokens that were trained, without unknown and dropped ones, and tokens read, of all
            epochs.
        """
        callbacks = list(callbacks)
        total_examples = int_or_none("total_examples", total_examples)
        total_words = int_or_none("total_words", total_words)
        epochs = int_or_none("epochs", epochs, low=-(2**63))
        start_alpha = None if start_alpha is None else float_of("start_alpha", start_alpha)
        end_alpha = None if end_alpha is None else float_of("end_alpha", end_alpha)
        self.alpha, self.min_alpha = start_alpha or self.alpha, end_alpha or self.min_alpha
        check_training(self, (total_examples, total_words), epochs)
        check_corpus(corpus_iterable, corpus_file, epochs=epochs or 1)
        if corpus_file is not None and not total_words:
            raise ConfigurationError(
                "total_words: expected the number of tokens in corpus_file, got none; after "
                "build_vocab(corpus_file=...) pass total_words=model.corpus_total_words"
            )
        self.epochs = epochs = int(epochs or 1)
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        totals = (total_examples, total_words)
        self.add_lifecycle_event("train", msg=f"{epochs} epochs of {len(self.wv)} words: {self}")
        for callback in callbacks:
            callback.on_train_begin(self)
        texts = readings(corpus_iterable, corpus_file, self._take_kept_text(corpus_iterable), self)
        train_all = self._train_exact if self.objective else self._train_epochs
        n_trained, n_tokens = train_all(texts, totals, callbacks)
        self.train_count += 1
        for callback in callbacks:
            callback.on_train_end(self)
        return n_trained, n_tokens

    def _take_kept_text(self, corpus: Any) -> NumberedText | None:
        """Return the text of `build_vocab` where it is the same, within the constructor."""
        kept, self._kept_text = self._kept_text, None
        if kept is None or not (corpus is None or kept[0] is corpus):
            return None
        return kept[1]

    def _train_epochs(
        self,
        texts: Iterator[Reading],
        totals: tuple[int | None, int | None],
        callbacks: Sequence[Any],
    ) -> tuple[int, int]:
        n_trained = n_tokens = 0
        with WorkerPool(min(self.workers, available_cores())) as pool:
            for epoch in range(self.epochs):
                for callback in callbacks:
                    callback.on_epoch_begin(self)
                began = time.perf_counter()
                reading = next(texts)
                done = self._part_done(reading, totals, epoch)
                rates = self._alpha_at(epoch), self._alpha_at(epoch + done)
                result = train_epoch(self, reading.tokens, rates, pool)
                self.min_alpha_yet_reached = rates[1]
                self.total_train_time += time.perf_counter() - began
                n_trained += result.n_trained
                n_tokens += result.n_tokens
                if self.compute_loss:
                    self.running_training_loss += result.loss_nats
                for callback in callbacks:
                    callback.on_epoch_end(self)
        return n_trained, n_tokens

    def _train_exact(
        self,
        texts: Iterator[Reading],
        totals: tuple[int | None, int | None],
        callbacks: Sequence[Any],
    ) -> tuple[int, int]:
        began = time.perf_counter()
        reading = next(texts)
        self._part_done(reading, totals, 0)
        result = train_exact(self, reading.tokens, callbacks)
        self.total_train_time += time.perf_counter() - began
        if self.compute_loss:
            self.running_training_loss = result.loss_nats
        return result.n_trained, result.n_tokens

    def _alpha_at(self, epochs_done: float) -> float:
        """Return the learning rate when so many epochs of the current run are done."""
        fallen = (self.alpha - self.min_alpha) * epochs_done / self.epochs
        return max(self.min_alpha, self.alpha - fallen)

    def _part_done(
        self, reading: Reading, totals: tuple[int | None, int | None], epoch: int
    ) -> float:
        """Return the part of the epoch, as the caller counts it, that a reading is."""
        came = reading.n_sentences, reading.tokens.n_raw_tokens
        if not came[1] and self.train_count == 0:
            logger.warning(
                "train() called with an empty iterator (if not intended, be sure to provide a "
                "corpus that offers restartable iteration = an iterable)."
            )
        for name, expected, number in zip(("example", "raw word"), totals, came, strict=True):
            if expected and expected != number:
                logger.warning(
                    "EPOCH %i: supplied %s count (%i) did not equal expected count (%i)",
                    epoch,
                    name,
                    number,
                    expected,
                )
        expected, number = (totals[0], came[0]) if totals[0] else (totals[1], came[1])
        return number / expected if expected else 1.0

    def reset_from(self, other_model: Any) -> None:
        """Share another model's vocabulary, and reset the vectors."""
        self.wv = KeyedVectors(self.vector_size)
        self.wv.index_to_key = other_model.wv.index_to_key
        self.wv.key_to_index = other_model.wv.key_to_index
        self.wv.expandos = other_model.wv.expandos
        self.cum_table = other_model.cum_table
        self.corpus_count = other_model.corpus_count
        self.init_weights()

    def save(self, fname_or_handle: Any, **kwargs: Any) -> None:
        """Write the model, whole or not at all, into one file of this project's own format.

        Parameters
        ----------
        fname_or_handle : path, or file that is open for writing bytes
        **kwargs
            gensim's, about pickles; without effect.
        """
        save_model(self, fname_or_handle)

    @classmethod
    def load(cls, fname: Any, mmap: str | None = None, **kwargs: Any) -> Self:
        """Read a model that `save` wrote.

        Parameters
        ----------
        fname : path
        mmap : {None, "r", "c", "r+"}
            Map the vectors instead of reading them; the file's digest is not compared then. With
            "r+" changes go into the file, whose digest no longer fits until it is saved again.

        Raises
        ------
        NotSavedHereError
            An AttributeError and ModelFormatError: if it is another file, or damaged. Load gensim's
            own with gensim and convert them by `from_gensim`.
        ConfigurationError
            If `mmap` is none of these.
        """
        return load_model(cls, fname, mmap)

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<vocab={len(self.wv.index_to_key)}, "
            f"vector_size={self.wv.vector_size}, alpha={self.alpha}>"
        )
