"""`Word2Vec`: the whole, from a corpus to vectors, probabilities and files.

It has more than 400 lines because half of them document what users call.
"""

import difflib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import Callback, EpochRecord, StageProgress
from fastw2v.config import Hyperparameters, VectorChoice, settings_for_counts
from fastw2v.config.numbers import whole_number
from fastw2v.counts.folder import read_counting_settings
from fastw2v.errors import ConfigurationError, FastW2VError, UnknownWordError
from fastw2v.formats import export
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.losses.perplexity import Perplexity, text_perplexity
from fastw2v.objectives.losses.reliability import LEAST_COUNT, Reliability, text_reliability
from fastw2v.objectives.unknown_words import fitted_unknown_words
from fastw2v.system.threads import WorkerPool, checked_workers
from fastw2v.text.corpus import Corpus, Field, with_field
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.checkpoints import Checkpoints, checkpoint_path
from fastw2v.training.fit import fit
from fastw2v.training.result import RunRecord, TrainedModel, TrainingSummary
from fastw2v.training.resume import resumed_run
from fastw2v.training.run import CountsFolder, GivenFeatures, Run
from fastw2v.training.saved import read_saved, write_saved
from fastw2v.training.validation import Validation

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["ContextOrder", "Word2Vec"]

ContextOrder = Literal["probability", "lift"]


class Word2Vec:
    """Word vectors by skip-gram or CBOW: exact softmax, negative sampling, hierarchical softmax.

    Parameters
    ----------
    settings : Hyperparameters, optional
        All settings at once, instead of by name.
    workers : int, optional
        Threads; default: the cores at hand. With the exact softmax the result is the same for
        any number; the other objectives repeat their bits with one worker only (Hogwild).
    **hyperparameters
        Any field of `Hyperparameters`: ``vector_size=100, window=5, min_count=5, sample=1e-5,
        epochs=5, seed=1, batches="counts", optimizer="adam", bias="unigram", ...``.

    Raises
    ------
    ConfigurationError
        For an unknown name or an impossible value.

    Examples
    --------
    >>> from fastw2v import Word2Vec
    >>> sentences = [["a", "b", "a", "b"], ["c", "d", "c", "d"]]
    >>> model = Word2Vec(vector_size=2, min_count=1, sample=0, epochs=50).fit(sentences)
    >>> model.predict_context("a", topn=1)[0][0]
    'b'
    """

    def __init__(
        self,
        settings: Hyperparameters | None = None,
        *,
        workers: int | None = None,
        **hyperparameters: Any,
    ) -> None:
        if settings is not None and hyperparameters:
            raise ConfigurationError("settings: expected either an object or names, got both")
        _require_known(hyperparameters)
        self.settings = settings or Hyperparameters(**hyperparameters)
        self._given = self.settings.given
        self.workers = checked_workers(workers)
        self._workers_named = workers is not None
        self._trained: TrainedModel | None = None
        self._checkpoints: Checkpoints | None = None
        self._keyed: dict[str, KeyedVectors] = {}

    def fit(
        self,
        corpus: Corpus,
        *,
        callbacks: Sequence[Callback] = (),
        progress: StageProgress | None = None,
        notice: Callable[[str], None] | None = None,
        validation: Validation | None = None,
        patience: int | None = None,
        checkpoints: Checkpoints | None = None,
        memory_mib: int | None = None,
        features: GivenFeatures | str | None = None,
        field: Field | None = None,
    ) -> Self:
        """Build the vocabulary, count the windows, and train.

        Parameters
        ----------
        corpus : path, sequence of paths, iterable of lists of tokens, table, or Source
            See `fastw2v.text.corpus`. It is read once.
        callbacks : sequence of callable
            Each gets a `StepReport` after every batch.
        progress : callable, optional
            Gets ("reading", bytes read, bytes in all or None) while the corpus is read,
            ("counting", tokens counted, tokens) while its windows are counted, and
            ("starting", steps done, steps) while the first vectors are made.
        notice : callable, optional
            Gets a sentence for a person: what the exact softmax will take of time and memory and,
            if that is long, what would be quicker; how much was not UTF-8, when `errors` lets it
            pass; that a pipe is read only once.
        validation : Validation, optional
            A text, or a part of the corpus, whose loss is measured after each epoch and goes into
            the history.
        patience : int, optional
            End when that loss has not fallen for so many epochs, and keep the best epoch.
        checkpoints : Checkpoints, optional
            Save the run on the way, and on Ctrl-C; `resume` goes on from there. The checkpoint is
            removed when the model is saved under the name that was given.
        memory_mib : int, optional
            A budget for the whole run: counting spills to disk beyond it, texts that are gone over
            again are mapped from disk (both in the folder for temporary files), and training that
            would not fit is refused before it begins. The result does not depend on it. Default:
            no limit.
        features : mapping, (matrix, names) or path, optional
            For ``inputs="features"``, which follows from them: the names of each word's features,
            a sparse matrix (V, F) of scipy's with F names, whose rows are the words by falling
            count, or a file of lines ``word<TAB>feature feature ...``.
        field : str or int, optional
            The field or column of `corpus` that holds text or lists of tokens, where it has some:
            JSON lines, CSV, Parquet, Arrow, data frames, whatever yields dicts
            (docs/input.md). `Source` says more.

        Raises
        ------
        CorpusError, VocabularyError
            If the corpus cannot be read, or nothing is left to train on.
        ConfigurationError
            If a batch does not fit `scores_mib`, or training `memory_mib`.
        DivergenceError
            If a loss or a vector is not finite any more. The model then has the last good epoch;
            if there was none, it stays as it was.
        TrainingInterrupted
            With `checkpoints`, on Ctrl-C or SIGTERM: a `KeyboardInterrupt` that knows the file.
        """
        return self._take(
            Run(
                settings=_with_features(self.settings, features),
                workers=self.workers,
                workers_named=self._workers_named,
                source=with_field(corpus, field),
                features=_as_given(features),
                validation=validation,
                patience=patience,
                checkpoints=checkpoints,
                memory_mib=memory_mib,
                callbacks=callbacks,
                progress=progress,
                notice=notice,
                keeps_good_epochs=True,
            )
        )

    def fit_counts(
        self,
        folder: str | Path,
        *,
        callbacks: Sequence[Callback] = (),
        progress: StageProgress | None = None,
        notice: Callable[[str], None] | None = None,
        validation: Validation | None = None,
        patience: int | None = None,
        checkpoints: Checkpoints | None = None,
        memory_mib: int | None = None,
        features: GivenFeatures | str | None = None,
    ) -> Self:
        """Train on counts that `fastw2v count` wrote; the text is not needed.

        The same bits as `fit` on the text that was counted. Settings that counting depends on
        (`window`, `window_sample`, `min_count`, `max_final_vocab`, `tokenizer`) are those of the
        counts; `self.settings` has them afterwards.

        Parameters
        ----------
        folder : path
            Its counts are mapped: rows are read batch by batch.
        validation : Validation, optional
            A text; nothing can be held out of what is counted.
        callbacks, progress, notice, patience, checkpoints, memory_mib, features
            As in `fit`.

        Raises
        ------
        CorpusError
            If the folder holds no counts, damaged ones, or those of a text without pairs.
        ConfigurationError
            If a setting that was given contradicts the counts, or the objective needs the text;
            otherwise as in `fit`.
        DivergenceError, TrainingInterrupted
            As in `fit`.
        """
        if validation is not None and validation.fraction is not None:
            raise ConfigurationError(
                "validation: expected a text beside counts, of which nothing can be held out, got "
                f"the fraction {validation.fraction:g}"
            )
        folder = Path(folder)
        return self._take(
            Run(
                settings=_with_features(
                    settings_for_counts(self._given, read_counting_settings(folder)), features
                ),
                workers=self.workers,
                workers_named=self._workers_named,
                source=CountsFolder(folder),
                features=_as_given(features),
                validation=validation,
                patience=patience,
                checkpoints=checkpoints,
                memory_mib=memory_mib,
                callbacks=callbacks,
                progress=progress,
                notice=notice,
                keeps_good_epochs=True,
            )
        )

    def _take(self, run: Run) -> Self:
        """Train as a run says, and become the model that it ends in."""
        trained = fit(run)
        self.settings, self._trained = trained.settings, trained
        self._checkpoints, self._keyed = run.checkpoints, {}
        if trained.divergence is not None:
            raise trained.divergence
        return self

    @classmethod
    def resume(
        cls,
        model: str | Path,
        corpus: Corpus | None = None,
        *,
        validation: Validation | None = None,
        workers: int | None = None,
        features: GivenFeatures | str | None = None,
        callbacks: Sequence[Callback] = (),
        progress: StageProgress | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> Self:
        """Go on with a run from the checkpoint of a model folder to be.

        The result is that of the run that was never interrupted, bit for bit: with the exact
        softmax for any number of workers, with the other objectives for one.

        Parameters
        ----------
        model : path
            The folder that the run was to end in; the checkpoint is ``MODEL.checkpoint``.
        corpus : path, sequence of paths, or lists of tokens, optional
            Default: the sources that the run began with. It must hold the same text.
        validation : Validation, optional
            Needed where the run was validated on lists of tokens.
        features : mapping or (matrix, names), optional
            Needed where the run has features that came from no file.
        workers : int, optional
            Default: as the run began. Where the bits depend on it, `notice` is told of another
            number.
        callbacks, progress, notice
            As in `fit`.

        Raises
        ------
        CheckpointError
            If there is no checkpoint, or it is damaged, or of another machine or version.
        CorpusError
            If the text is not the one that the run began with.
        """
        run = resumed_run(
            Path(model),
            corpus,
            validation,
            workers=workers,
            features=_as_given(features),
            callbacks=callbacks,
            progress=progress,
            notice=notice,
        )
        return cls(run.settings, workers=run.workers)._take(run)

    @property
    def history(self) -> list[EpochRecord]:
        """A record of each epoch; empty before training."""
        return self._trained.history if self._trained else []

    @property
    def summary(self) -> TrainingSummary | None:
        """What the run amounts to; None before training."""
        return self._trained.summary if self._trained else None

    @property
    def corpus_digest(self) -> str | None:
        """Of the encoded training text; None before training."""
        return self._trained.corpus_digest if self._trained else None

    @property
    def run_record(self) -> RunRecord | None:
        """What is remembered of the run; None before training, and of the oldest models."""
        return self._trained.run_record if self._trained else None

    @property
    def _result(self) -> TrainedModel:
        if self._trained is None:
            raise FastW2VError("the model is not trained yet: call fit(corpus) or load a model")
        return self._trained

    @property
    def embeddings(self) -> Embeddings:
        """Everything learned; raises `FastW2VError` before `fit`."""
        return self._result.embeddings

    @property
    def vocabulary(self) -> Vocabulary:
        """Words and counts, most frequent first."""
        return self.embeddings.vocabulary

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Centre vectors v (V, D)."""
        return self.embeddings.in_vectors

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors u (V, D); of inner nodes, (V - 1, D), for hierarchical softmax."""
        return self.embeddings.out_vectors

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Context bias b (V,), subsampling undone."""
        return self.embeddings.out_bias

    @property
    def wv(self) -> "KeyedVectors":
        """The vectors as gensim `KeyedVectors`, with counts.

        The sum of in and out vectors; the in vectors of hierarchical softmax, which has no
        output vectors of words, and of negative sampling with subwords, as fastText has it.
        """
        return self.keyed_vectors()

    def keyed_vectors(self, vectors: VectorChoice | None = None) -> "KeyedVectors":
        """Return gensim `KeyedVectors` of the table "in", "out", "sum" or "both", made once."""
        vectors = vectors or self.embeddings.default_vectors
        if vectors not in self._keyed:
            self._keyed[vectors] = self.embeddings.keyed_vectors(vectors)
        return self._keyed[vectors]

    def vector(self, word: Hashable) -> NDArray[np.float32]:
        """Return the vector (D,) of a word, as `vectors` does."""
        row: NDArray[np.float32] = self.vectors([word])[0]
        return row

    def vectors(
        self, words: Sequence[Hashable], table: VectorChoice | None = None
    ) -> NDArray[np.float32]:
        """Return vectors (N, D) of words, known or not.

        Unknown words get theirs from character n-grams, after training with ``inputs="subwords"``
        or `make_unknown_words`.

        Parameters
        ----------
        words : sequence of str or other tokens
        table : {"in", "out", "sum", "both"}, optional
            Default: as `wv`. Unknown words have no output vectors.

        Raises
        ------
        UnknownWordError
            If a word is unknown and no vector can be made for it.
        """
        return self.embeddings.vectors_of(words, table)

    def feature_vector(self, features: Sequence[str]) -> NDArray[np.float32]:
        """Return the vector (D,) of something new that has these features.

        Raises
        ------
        UnknownWordError
            If the model was trained without features, or not with these.
        """
        named = self.embeddings.named_features
        if named is None:
            raise UnknownWordError(
                "features: expected a model that was trained with inputs='features', got one with "
                f"inputs={self.settings.inputs!r}"
            )
        return named.of(features)

    def make_unknown_words(
        self, *, min_n: int = 2, max_n: int = 5, bucket: int = 2_000_000
    ) -> Self:
        """Fit vectors of character n-grams to those of words, so that unknown words get some.

        For a model of words that have a row each; they keep their vectors. It knows how words are
        spelt, and no more: docs/subwords.md has what that is worth.

        Raises
        ------
        ConfigurationError
            If the numbers are out of range, or the model was trained on features or on subwords,
            and makes vectors of unknown words already.
        """
        if self.settings.inputs != "words":
            raise ConfigurationError(
                "make_unknown_words: expected a model with inputs='words', got one with "
                f"inputs={self.settings.inputs!r}, which trained vectors of its features"
            )
        n_grams = Hyperparameters(inputs="subwords", min_n=min_n, max_n=max_n, bucket=bucket)
        chosen = Ngrams(n_grams.min_n, n_grams.max_n, n_grams.bucket)
        with WorkerPool(self.workers) as pool:
            self.vocabulary.require_text("make_unknown_words")
            unknown = fitted_unknown_words(self.embeddings, chosen, pool)
        self._trained = replace(self._result, embeddings=replace(self.embeddings, unknown=unknown))
        self._keyed = {}
        return self

    def predict_context(
        self, word: Hashable, topn: int | None = 10, *, by: ContextOrder = "probability"
    ) -> list[tuple[Any, float]]:
        """Return the `topn` first context words of `word`, each with what orders them.

        Parameters
        ----------
        word : str or other token
            It may be unknown where the model makes vectors of unknown words.
        topn : int, optional
            None: all words. Their probabilities sum to one.
        by : {"probability", "lift"}
            p(o | word), which frequent words lead; or how many times as likely o is beside the
            word as anywhere, p(o | word) / p(o), which is what is typical of the word. p(o) is the
            word's share of the training text.

        Raises
        ------
        UnknownWordError
            If the word is not in the vocabulary, and no vector can be made for it.
        ConfigurationError
            If `by` is neither, or `topn` no whole number from 0 on.
        """
        if topn is not None:
            topn = whole_number("topn", topn, low=0)
        if by not in get_args(ContextOrder):
            raise ConfigurationError(f"by: expected 'probability' or 'lift', got {by!r}")
        values = (
            self.embeddings.context_probabilities(word)
            if by == "probability"
            else self.embeddings.context_lifts(word)
        )
        order = np.argsort(-values, kind="stable")[:topn]
        words = self.vocabulary.words
        return [(words[i], float(values[i])) for i in order]

    def reliability(
        self,
        corpus: Corpus,
        *,
        field: Field | None = None,
        least_count: int = LEAST_COUNT,
        progress: StageProgress | None = None,
    ) -> Reliability:
        """Return what the model predicts of a text beside what the text has, by probability.

        The text should be one that the model was not trained on. Where probabilities are right
        predicted and observed shares are equal, up to chance; docs/evaluation.md has more.

        Parameters
        ----------
        corpus, field
            As in `fit`.
        least_count : int
            Centre words are those that the training text has so often at least.
        progress : callable, optional
            As in `fit`.

        Raises
        ------
        CorpusError
            If the text cannot be read, or no such word has a context in it.
        ConfigurationError
            If `least_count` is no whole number from 1 on.
        """
        return text_reliability(
            self.embeddings,
            with_field(corpus, field),
            self.settings,
            least_count=least_count,
            workers=self.workers,
            progress=progress,
        )

    def perplexity(
        self,
        corpus: Corpus,
        *,
        field: Field | None = None,
        progress: StageProgress | None = None,
    ) -> Perplexity:
        """Return the exact loss on a text, read with the model's tokenizer and windows.

        `corpus` and `field` are as in `fit`.

        Losses on one text can be compared between models that weigh its pairs alike: with the
        same `window`, and the same `window_sample` and training text, whatever else differs. With
        `window_sample=0`, and with the other objectives, `window` alone decides.

        Raises
        ------
        CorpusError
            If the text cannot be read or holds no pair of known words.
        """
        return text_perplexity(
            self.embeddings,
            with_field(corpus, field),
            self.settings,
            workers=self.workers,
            progress=progress,
        )

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder, whole or not at all.

        If its run was saved on the way to this folder, the checkpoint is removed.
        """
        write_saved(self._result, Path(folder))
        if self._checkpoints and self._checkpoints.path == checkpoint_path(Path(folder)):
            self._checkpoints.path.unlink(missing_ok=True)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        mmap: bool = False,
        verify: bool | None = None,
        workers: int | None = None,
    ) -> Self:
        """Read a model folder written by `save`; those of every earlier version load.

        Parameters
        ----------
        folder : path
        mmap : bool
            Map the arrays instead of reading them: opening takes milliseconds whatever the size,
            and memory is used for what is looked at. Words are decoded when first asked for.
        verify : bool, optional
            Whether to compare the arrays with their digest, which reads all of them. Default:
            unless `mmap`. Sizes and shapes are always checked.
        workers : int, optional
            Threads; default: the cores at hand.

        Raises
        ------
        ModelFormatError
            If it is missing, no model, damaged, or of a newer schema.
        """
        trained = read_saved(Path(folder), mapped=mmap, verify=verify)
        model = cls(trained.settings, workers=workers)
        model._trained = trained
        return model

    def export(
        self,
        target: str | Path,
        form: str | None = None,
        vectors: VectorChoice | None = None,
        *,
        progress: StageProgress | None = None,
    ) -> None:
        """Write the vectors in another program's format; see `fastw2v.formats.export`.

        `progress` gets ("writing", vectors written, vectors).
        """
        written = partial(progress, "writing") if progress is not None else None
        # What writes a tokenizer, too, has none that keeps capitals.
        tokenizer = None if self.settings.keep_case else self.settings.tokenizer
        export(self.embeddings, Path(target), form, vectors, tokenizer, written)


def _require_known(hyperparameters: dict[str, Any]) -> None:
    known = [item.name for item in fields(Hyperparameters)]
    for name in hyperparameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise ConfigurationError(f"{name}: unknown hyper-parameter{hint}")


def _with_features(settings: Hyperparameters, features: object) -> Hyperparameters:
    """Return settings whose inputs are features, if there are some and nothing else was asked."""
    if features is None or "inputs" in settings.given:
        return settings
    return Hyperparameters(**settings.given, inputs="features")


def _as_given(features: GivenFeatures | str | None) -> GivenFeatures | None:
    return Path(features) if isinstance(features, str) else features
