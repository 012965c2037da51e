"""How a model is trained: on a text, on counts, or from a checkpoint."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from fastw2v.callbacks import Callback
from fastw2v.config import Hyperparameters, TokenizeFunction, settings_for_counts
from fastw2v.counts.folder import read_counting_settings
from fastw2v.errors import ConfigurationError
from fastw2v.model.progress import ProgressChoice, showing
from fastw2v.model.state import ModelState
from fastw2v.model.tokenizer import with_tokenizer
from fastw2v.text.corpus import Corpus, Field, with_field
from fastw2v.text.given_words import GivenPhrases, GivenStopWords, word_rules
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.checkpoints import Checkpoints
from fastw2v.training.fit import fit
from fastw2v.training.options import Reports, RunOptions
from fastw2v.training.resume import resumed_run
from fastw2v.training.run import CountsFolder, GivenFeatures, Run
from fastw2v.training.start_from import Earlier, StartFrom, begun_start
from fastw2v.training.validation import Validation

__all__ = ["Fitting"]


class Fitting(ModelState):
    """Training, and going on with it."""

    def fit(
        self,
        corpus: Corpus,
        *,
        callbacks: Sequence[Callback] = (),
        progress: ProgressChoice = None,
        notice: Callable[[str], None] | None = None,
        validation: Validation | None = None,
        patience: int | None = None,
        checkpoints: Checkpoints | None = None,
        memory_mib: int | None = None,
        features: GivenFeatures | str | None = None,
        field: Field | None = None,
        phrases: GivenPhrases | None = None,
        stop_words: GivenStopWords | None = None,
        start: Any = None,
    ) -> Self:
        """Build the vocabulary, count the windows, and train.

        Parameters
        ----------
        corpus : path, sequence of paths, iterable of lists of tokens, table, or Source
            See `fastw2v.text.corpus`. It is read once.
        callbacks : sequence of callable
            Each gets a `StepReport` after every batch.
        progress : bool or callable, optional
            True: bars, as widgets in a notebook (``pip install 'fastw2v[notebook]'``, else lines
            of text) and on a terminal, lines of text elsewhere; with what `notice` would get.
            False: nothing is shown. Default: as True in a notebook, as False elsewhere. A function
            gets ("reading", bytes read, bytes in all or None) while the corpus is read,
            ("finding phrases", passes done, passes) where they are found, ("counting", tokens
            counted, tokens) while its windows are counted, ("starting", steps done, steps) while
            the first vectors are made, and ("training", steps done, steps).
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
        phrases : PhraseModel, path, gensim's Phrases or FrozenPhrases, or a list, optional
            Phrases that are joined; a list has a pass for each. Instead, the setting `phrases`
            says in how many passes they are found. The model keeps them, and joins them in
            every text that it reads (docs/phrases.md).
        stop_words : path, str, or iterable of tokens, optional
            Words that are left out once phrases are joined: of a file, of a language ("english"),
            or the tokens themselves. The model keeps them as well.
        start : path, Word2Vec, KeyedVectors or StartFrom, optional
            What training goes on from: a model, or vectors in any format. Settings that were not
            given are then those of the model (docs/continued_training.md).

        Raises
        ------
        CorpusError, VocabularyError
            If the corpus cannot be read, or nothing is left to train on.
        TokenKindError
            If phrases are to be joined of tokens that are no text.
        ConfigurationError
            If a batch does not fit `scores_mib`, or training `memory_mib`; if phrases are given
            beside the setting that finds some.
        DivergenceError
            If a loss or a vector is not finite any more. The model then has the last good epoch;
            if there was none, it stays as it was.
        TrainingInterrupted
            With `checkpoints`, on Ctrl-C or SIGTERM: a `KeyboardInterrupt` that knows the file.
        """
        options = RunOptions(
            validation=validation,
            patience=patience,
            checkpoints=checkpoints,
            memory_mib=memory_mib,
        )
        earlier, settings = _begun(start, self._asked, self._given)
        words = word_rules(phrases, stop_words)
        with showing(progress, callbacks, notice) as reports:
            return self._train(
                settings, with_field(corpus, field), options, reports, features, earlier, words
            )

    def fit_counts(
        self,
        folder: str | Path,
        *,
        callbacks: Sequence[Callback] = (),
        progress: ProgressChoice = None,
        notice: Callable[[str], None] | None = None,
        validation: Validation | None = None,
        patience: int | None = None,
        checkpoints: Checkpoints | None = None,
        memory_mib: int | None = None,
        features: GivenFeatures | str | None = None,
        start: Any = None,
    ) -> Self:
        """Train on counts that `fastw2v count` wrote; the text is not needed.

        The same bits as `fit` on the text that was counted. Settings that counting depends on
        (`window`, `window_sample`, `min_count`, `max_final_vocab`, `tokenizer`, `phrases`) are
        those of the counts, as are phrases and stop words; `self.settings` has them afterwards.

        Parameters
        ----------
        folder : path
            Its counts are mapped: rows are read batch by batch.
        validation : Validation, optional
            A text; nothing can be held out of what is counted.
        callbacks, progress, notice, patience, checkpoints, memory_mib, features, start
            As in `fit`; the words are those of the counts, whatever is started from.

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
        options = RunOptions(
            validation=validation,
            patience=patience,
            checkpoints=checkpoints,
            memory_mib=memory_mib,
        )
        if validation is not None and validation.fraction is not None:
            raise ConfigurationError(
                "validation: expected a text beside counts, of which nothing can be held out, got "
                f"the fraction {validation.fraction:g}"
            )
        folder = Path(folder)
        given = self._asked.given if start is None else self._given
        counted = settings_for_counts(given, read_counting_settings(folder))
        earlier, settings = _begun(start, counted, counted.given, folder)
        with showing(progress, callbacks, notice) as reports:
            return self._train(settings, CountsFolder(folder), options, reports, features, earlier)

    def _train(
        self,
        settings: Hyperparameters,
        source: Corpus | CountsFolder,
        options: RunOptions,
        reports: Reports,
        features: GivenFeatures | str | None,
        earlier: Earlier | None,
        words: WordRules = NO_RULES,
    ) -> Self:
        """Train on a source of either kind."""
        return self._take(
            Run(
                settings=_with_features(settings, features),
                workers=self.workers,
                workers_named=self._workers_named,
                source=source,
                options=options,
                reports=reports,
                features=_as_given(features),
                words=words,
                earlier=earlier,
                keeps_good_epochs=True,
            )
        )

    def _take(self, run: Run) -> Self:
        """Train as a run says, and become the model that it ends in."""
        trained = fit(run)
        self._become(trained, run.options.checkpoints)
        if trained.divergence is not None:
            trained.divergence.model = self
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
        start: Any = None,
        tokenizer: str | TokenizeFunction | None = None,
        callbacks: Sequence[Callback] = (),
        progress: ProgressChoice = None,
        notice: Callable[[str], None] | None = None,
    ) -> Self:
        """Resume a run from its checkpoint.

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
        start : Word2Vec or KeyedVectors, optional
            Needed where the run started from such, and not from a folder or file.
        tokenizer : callable, optional
            Needed where a function cuts the text: checkpoints know its name and import nothing.
        workers : int, optional
            Default: as the run began. Where the bits depend on it, `notice` hears of another
            number.
        callbacks, progress, notice
            As in `fit`.

        Raises
        ------
        CheckpointError
            If there is no checkpoint, or it is damaged, or of another machine or version.
        CorpusError
            If the text is not the one that the run began with.
        DivergenceError
            As in `fit`; its `model` has the last good epoch.
        """
        with showing(progress, callbacks, notice) as reports:
            run = resumed_run(
                Path(model),
                corpus,
                validation,
                workers=workers,
                features=_as_given(features),
                start=_as_start(start),
                reports=reports,
            )
            run = replace(run, settings=with_tokenizer(run.settings, tokenizer))
            return cls._of_stored(run.settings, run.workers)._take(run)


def _with_features(settings: Hyperparameters, features: object) -> Hyperparameters:
    """Return settings whose inputs are features, if there are some and nothing else was asked."""
    if features is None or "inputs" in settings.given:
        return settings
    return Hyperparameters(**settings.given, inputs="features")


def _as_given(features: GivenFeatures | str | None) -> GivenFeatures | None:
    return Path(features) if isinstance(features, str) else features


def _begun(
    start: Any, settings: Hyperparameters, given: dict[str, Any], folder: Path | None = None
) -> tuple[Earlier | None, Hyperparameters]:
    """Return what a run starts from, if anything, and its settings, of which some were given."""
    asked = _as_start(start)
    if asked is None:
        return None, settings
    return begun_start(asked, given, folder)


def _as_start(start: Any) -> StartFrom | None:
    """Return what training goes on from as it was asked for; of a `Word2Vec` what it holds."""
    if start is None:
        return None
    asked = start if isinstance(start, StartFrom) else StartFrom(start)
    if isinstance(asked.source, ModelState):
        return replace(asked, source=asked.source._result)
    return asked
