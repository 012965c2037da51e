"""From a run's source to its trained model, by whichever objective: read, then train."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import read_counts
from fastw2v.counts.sharded.plan import memory_for_data
from fastw2v.errors import ConfigurationError, CorpusError, FastW2VError
from fastw2v.kernels.compile_clock import told_of_compiling, working_s
from fastw2v.system.signals import TrainingInterrupted
from fastw2v.text.appearance import notices_about_corpus
from fastw2v.text.corpus import Corpus, OpenedCorpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoded_folder import temporary_folder
from fastw2v.text.encoding import READ_WITH_ERRORS
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.phrase_finding import phrase_settings
from fastw2v.text.reading import PhraseSearch, ReadingOptions, TextRead, encode_corpus, read_text
from fastw2v.text.rules import TextRules
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import VocabularyLimits
from fastw2v.training.ahead import compiled_ahead
from fastw2v.training.cbow import train_cbow
from fastw2v.training.continued import prepare_start
from fastw2v.training.inputs import prepare_features
from fastw2v.training.result import TrainedModel
from fastw2v.training.run import CountsFolder, Run
from fastw2v.training.skipgram import train_counted, train_skipgram
from fastw2v.training.stream import train_running_text
from fastw2v.training.text import TrainingText
from fastw2v.training.validation import ValidationText

__all__ = ["fit"]

_LOGGER = logging.getLogger(__name__)
_COMPILING = (
    "compiling kernels that this machine has not run yet; they are kept for later runs "
    "(fastw2v compile makes them ahead)"
)


def fit(run: Run) -> TrainedModel:
    """Train on a run's source, which is read once; errors as in `Word2Vec.fit`.

    Skip-gram with the exact softmax holds the encoded corpus in memory until its windows are
    counted; with a budget of memory it counts in a folder instead. The other objectives go over
    the text itself. It is in files that are mapped, and removed at the end; without a budget CBOW
    with the exact softmax has it in memory.
    """
    source, settings = run.source, run.settings
    if source is None:
        raise ConfigurationError("source: expected a text or counts to train on, got none")
    prepare_features(run)  # refused before the text is read
    prepare_start(run)
    with _supervised(run), compiled_ahead(run):
        if isinstance(source, CountsFolder):
            return _train_on_counts(run, source.path)
        is_exact = settings.objective == "softmax"
        if is_exact and run.options.memory_mib is None:
            return _train_on_text(run, source, None)
        with temporary_folder() as folder:
            by_counts = settings.model == "skipgram" and settings.batches == "counts"
            if is_exact and by_counts and run.earlier is None:
                return _train_spilled(run, source, folder)
            return _train_on_text(run, source, folder)


@contextmanager
def _supervised(run: Run) -> Iterator[None]:
    """Save on the way out what an interrupted or failed run has to be saved."""
    run.announce()
    notice = run.reports.notice
    try:
        with told_of_compiling(partial(notice, _COMPILING) if notice else None):
            yield
    except FastW2VError:
        run.failed()
        raise
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt as error:
        if run.options.checkpoints is None:
            raise
        raise run.interrupted() from error


def _train_on_counts(run: Run, folder: Path) -> TrainedModel:
    """Train on a folder of counts, which is mapped."""
    started = working_s()
    corpus = read_counts(folder)
    run.words = corpus.words
    return _train_on(run, corpus, (working_s() - started, 0.0))


def _train_spilled(run: Run, source: Corpus, folder: Path) -> TrainedModel:
    """Count in a folder, within the budget of memory, and train on what is there."""
    options = run.options
    if options.validation is not None and options.validation.fraction is not None:
        raise ConfigurationError(
            f"memory: expected no fraction of the corpus to hold out beside it, got "
            f"{options.validation.fraction:g}; give a validation text, or leave one of both out"
        )
    started = working_s()
    opened = open_corpus(source, run.settings.errors, READ_WITH_ERRORS)
    corpus = count_corpus(
        opened,
        CountingSettings.of(run.settings),
        folder / "counts",
        workers=run.workers,
        shards=ShardOptions(options.memory_mib),
        words=run.words,
        progress=run.reports.stage,
        notice=run.reports.notice,
    )
    run.words = corpus.words
    return _train_on(run, corpus, (0.0, working_s() - started))


def _train_on(run: Run, corpus: CountedCorpus, seconds: tuple[float, float]) -> TrainedModel:
    """Train on counts that are there; `seconds` is what reading and counting took."""
    statistics, held_out = corpus.statistics, _validation_text(run, corpus.vocabulary)
    _note_texts(run, corpus.vocabulary, (lambda: statistics.digest, statistics.n_tokens), held_out)
    return train_counted(run, corpus, None, seconds)


def _train_on_text(run: Run, source: Corpus, folder: Path | None) -> TrainedModel:
    """Read a text, into a folder if there is one, and train on it."""
    # The text is held by nobody but the trainer, which can give it up.
    if run.settings.objective != "softmax":
        return train_running_text(run, _text(run, source, folder))
    if run.settings.model == "cbow":
        return train_cbow(run, _text(run, source, folder))
    return train_skipgram(run, _text(run, source, folder))


def _text(run: Run, source: Corpus, folder: Path | None) -> TrainingText:
    """Return the text to train on; the run knows of it, and has its validation text."""
    started = working_s()
    opened = open_corpus(source, run.settings.errors, READ_WITH_ERRORS)
    read = _read(run, opened, folder)
    vocabulary, tokens, run.words = read.vocabulary, read.tokens, read.words
    held_out = read.held_out if read.held_out is not None else _validation_text(run, vocabulary)
    _notice_reading(run, opened, folder)
    _note_texts(run, vocabulary, (lambda: tokens.digest(vocabulary), tokens.n_tokens), held_out)
    read_s = working_s() - started
    _LOGGER.info(
        "read %d tokens, %d of %d words kept, in %.1f s",
        vocabulary.n_raw_tokens, len(vocabulary), vocabulary.n_raw_types, read_s,
    )  # fmt: skip
    lost = opened.repairs.n_sequences, opened.missing.n_values
    return TrainingText(vocabulary, tokens, read_s, *lost, folder)


def _notice_reading(run: Run, opened: OpenedCorpus, folder: Path | None) -> None:
    notice = run.reports.notice
    if notice is None:
        return
    if opened.read_once:
        place = "memory" if folder is None else str(folder)
        notice(
            f"{', '.join(opened.read_once)} cannot be read again: its words are kept in {place}, "
            "as numbers, until the end of training"
        )
    rules = TextRules.of(run.settings)
    for sentence in notices_about_corpus(opened, rules, _decided_by(run)):
        notice(sentence)
    if opened.repairs.n_sequences:
        notice(opened.repairs.sentence(opened.errors))
    if opened.missing.n_values:
        notice(opened.missing.sentence(opened.field))


def _decided_by(run: Run) -> str:
    """Return what has decided how the text is cut; empty if options of the command have."""
    if not run.begins:
        return "the settings that the run began with"
    return run.earlier.decided_by if run.earlier is not None else ""


def _read(run: Run, corpus: OpenedCorpus, folder: Path | None) -> TextRead:
    """Return the training text, and what is held out of it."""
    settings, validation = run.settings, run.options.validation
    fraction = None if validation is None else validation.fraction
    return read_text(
        corpus,
        TextRules.of(settings, run.workers, words=run.words),
        search=_search(run),
        held_out=None if fraction is None else HeldOutChoice(fraction, settings.seed),
        limits=VocabularyLimits(settings.min_count, settings.max_final_vocab),
        earlier=run.earlier.words if run.earlier is not None else None,
        options=ReadingOptions(
            run.stage("reading"), encoded_folder=None if folder is None else folder / "corpus"
        ),
    )


def _search(run: Run) -> PhraseSearch | None:
    asked = phrase_settings(run.settings)
    if asked is None:
        return None
    memory_mib = run.options.memory_mib
    most_bytes = None if memory_mib is None else memory_for_data(memory_mib)
    return PhraseSearch(asked, run.workers, most_bytes, run.stage("finding phrases"))


def _validation_text(run: Run, vocabulary: Vocabulary) -> EncodedTokens | None:
    validation = run.options.validation
    if validation is None or validation.text is None:
        return None
    text = open_corpus(validation.text, run.settings.errors, READ_WITH_ERRORS)
    rules = TextRules.of(run.settings, run.workers, words=run.words)
    held_out = encode_corpus(text, vocabulary, tokenizer=rules)
    _notice_reading(run, text, None)
    return held_out


def _note_texts(
    run: Run,
    vocabulary: Vocabulary,
    text: tuple[Callable[[], str], int],
    held_out: EncodedTokens | None,
) -> None:
    """Note in the run what its texts are; `text` is digest and tokens of that to train on."""
    about, run.n_tokens = run.description, text[1]
    about.corpus_text = _same_text(run, "corpus", about.corpus_text, *text)
    if held_out is not None:
        about.validation_text = _same_text(
            run,
            "validation",
            about.validation_text,
            lambda: held_out.digest(vocabulary),
            held_out.n_tokens,
        )
        run.validation_text = ValidationText(held_out, vocabulary, run.settings, run.workers)
        about.held_out = run.validation_text.as_dict()


def _same_text(
    run: Run,
    name: str,
    begun: dict[str, Any] | None,
    digest: Callable[[], str],
    n_tokens: int,
) -> dict[str, Any] | None:
    """Return what tells a text; raise `CorpusError` if a resumed run began with another."""
    if run.options.checkpoints is None and run.resumed is None:
        return None
    came: dict[str, Any] = {"digest": digest(), "n_tokens": n_tokens}
    if begun is not None and begun != came:
        raise CorpusError(
            f"{name}: expected the text that the run began with ({begun['n_tokens']:,} tokens, "
            f"digest {begun['digest'][:16]}...), got another ({came['n_tokens']:,} tokens, digest "
            f"{came['digest'][:16]}...); restore the text, or begin a new run on this one"
        )
    return came
