"""From a corpus to trained parameters, by whichever objective: read, then train."""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastw2v.callbacks import StepReport
from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import read_counts
from fastw2v.errors import ConfigurationError, CorpusError, FastW2VError, OutputError
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.system.renames import claimed, clear_abandoned, temporary_prefix
from fastw2v.system.signals import TrainingInterrupted
from fastw2v.text.corpus import Corpus, OpenedCorpus, TextCorpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.reading import encode_corpus, read_corpus, read_split_corpus
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.cbow import fit_cbow
from fastw2v.training.run import Fitted, RunOptions
from fastw2v.training.skipgram import fit_counted, fit_counts
from fastw2v.training.stream import fit_stream
from fastw2v.training.supervisor import Supervisor
from fastw2v.training.validation import Validation, ValidationText

_LOGGER = logging.getLogger(__name__)


def fit(
    corpus: Corpus,
    settings: Hyperparameters,
    run: RunOptions,
    validation: Validation | None = None,
) -> Fitted:
    """Read a corpus once and train on it; parameters and errors as in `Word2Vec.fit`.

    Skip-gram with the exact softmax holds the encoded corpus in memory until its windows are
    counted; with a budget of memory it counts in a folder instead. The other objectives go over the
    text itself, in files that are mapped, and removed
    at the end.
    """
    if settings.objective == "softmax":
        resolved_precision(settings.precision)  # refused before the text is read
    with _supervised(run):
        if settings.objective == "softmax":
            if run.memory_mib is None:
                return _fit(corpus, settings, run, validation, None)
            if settings.model == "skipgram" and settings.batches == "counts":
                return _fit_spilled(corpus, settings, run, validation)
        with _temporary_folder() as folder:
            return _fit(corpus, settings, run, validation, folder / "corpus")


@contextmanager
def _supervised(run: RunOptions) -> Iterator[None]:
    """Save on the way out what an interrupted or failed run has to be saved."""
    run.supervisor.announce()
    try:
        yield
    except FastW2VError:
        run.supervisor.failed()
        raise
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt as error:
        if run.supervisor.checkpoints is None:
            raise
        raise run.supervisor.interrupted() from error


def _fit_spilled(
    corpus: Corpus, settings: Hyperparameters, run: RunOptions, validation: Validation | None
) -> Fitted:
    """Count in a folder, within the budget of memory, and train on what is there."""
    if validation is not None and validation.fraction is not None:
        raise ConfigurationError(
            f"memory: expected no fraction of the corpus to hold out beside it, got "
            f"{validation.fraction:g}; give a validation text, or leave one of both out"
        )
    started = time.perf_counter()
    opened = open_corpus(corpus, settings.errors)
    with _temporary_folder() as folder:
        counted = count_corpus(
            opened,
            CountingSettings.of(settings),
            folder / "counts",
            workers=run.workers,
            shards=ShardOptions(run.memory_mib),
            progress=run.progress,
        )
        return _fit_known(counted, settings, run, validation, (0.0, time.perf_counter() - started))


def _fit_known(
    corpus: CountedCorpus,
    settings: Hyperparameters,
    run: RunOptions,
    validation: Validation | None,
    seconds: tuple[float, float],
) -> Fitted:
    """Train on counts that are there; `seconds` is what reading and counting took."""
    statistics = corpus.statistics
    held_out = _validation_text(validation, corpus.vocabulary, settings, run)
    _prepare_supervisor(
        run, corpus.vocabulary, (lambda: statistics.digest, statistics.n_tokens), held_out, settings
    )
    fitted = fit_counted(corpus, None, settings, _logged(run), seconds)
    return replace(fitted, summary=replace(fitted.summary, n_invalid=statistics.n_invalid))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yield a folder for the encoded text; remove it, and those of processes that were killed.

    What cannot be written there says what to do.
    """
    try:
        family = Path(tempfile.gettempdir()) / "encoded text"
        clear_abandoned(family)
        with (
            tempfile.TemporaryDirectory(
                prefix=temporary_prefix(family), ignore_cleanup_errors=True
            ) as folder,
            claimed(Path(folder)),
        ):
            yield Path(folder)
    except OutputError as error:
        raise OutputError(
            f"{error}; the encoded text needs about 4 bytes a word and 8 a line twice over: set "
            "TMPDIR to a folder on a disk with room"
        ) from error
    except FileNotFoundError as error:
        raise OutputError(
            f"temporary folder: expected one to write to, got none ({error.strerror}); set TMPDIR "
            "to a folder that exists"
        ) from error


def _fit(
    corpus: Corpus,
    settings: Hyperparameters,
    run: RunOptions,
    validation: Validation | None,
    folder: Path | None,
) -> Fitted:
    started = time.perf_counter()
    opened = open_corpus(corpus, settings.errors)
    vocabulary, tokens, held_out = _read(opened, settings, run, validation, folder)
    _tell_of_reading(opened, folder, run)
    _prepare_supervisor(
        run, vocabulary, (lambda: tokens.digest(vocabulary), tokens.n_tokens), held_out, settings
    )
    read_s = time.perf_counter() - started
    _LOGGER.info(
        "read %d tokens, %d of %d words kept, in %.1f s",
        vocabulary.n_raw_tokens, len(vocabulary), vocabulary.n_raw_types, read_s,
    )  # fmt: skip
    run = _logged(run)
    fit_text = fit_stream
    if settings.objective == "softmax":
        fit_text = fit_counts if settings.model == "skipgram" else fit_cbow
    fitted = fit_text(vocabulary, tokens, settings, run, read_s)
    n_invalid = opened.repairs.n_sequences if isinstance(opened, TextCorpus) else 0
    return replace(fitted, summary=replace(fitted.summary, n_invalid=n_invalid))


def _tell_of_reading(opened: OpenedCorpus, folder: Path | None, run: RunOptions) -> None:
    if run.notice is None or not isinstance(opened, TextCorpus):
        return
    if opened.read_once:
        place = "memory" if folder is None else str(folder.parent)
        run.notice(
            f"{', '.join(opened.read_once)} cannot be read again: its words are kept in {place}, "
            "as numbers, until the end of training"
        )
    if opened.repairs.n_sequences:
        run.notice(opened.repairs.sentence(opened.errors))


def _read(
    corpus: OpenedCorpus,
    settings: Hyperparameters,
    run: RunOptions,
    validation: Validation | None,
    folder: Path | None,
) -> tuple[Vocabulary, EncodedTokens, EncodedTokens | None]:
    """Return the vocabulary, the training text, and the validation text if there is one."""
    report = run.stage("reading")
    if validation is not None and validation.fraction is not None:
        return read_split_corpus(
            corpus,
            HeldOutChoice(validation.fraction, settings.seed),
            tokenizer=settings.tokenizer,
            min_count=settings.min_count,
            max_final_vocab=settings.max_final_vocab,
            progress=report,
            encoded_folder=folder,
        )
    vocabulary, tokens = read_corpus(
        corpus,
        tokenizer=settings.tokenizer,
        min_count=settings.min_count,
        max_final_vocab=settings.max_final_vocab,
        progress=report,
        encoded_folder=folder,
    )
    return vocabulary, tokens, _validation_text(validation, vocabulary, settings, run)


def _validation_text(
    validation: Validation | None,
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    run: RunOptions,
) -> EncodedTokens | None:
    if validation is None or validation.text is None:
        return None
    text = open_corpus(validation.text, settings.errors)
    held_out = encode_corpus(text, vocabulary, tokenizer=settings.tokenizer)
    _tell_of_reading(text, None, run)
    return held_out


def _prepare_supervisor(
    run: RunOptions,
    vocabulary: Vocabulary,
    text: tuple[Callable[[], str], int],
    held_out: EncodedTokens | None,
    settings: Hyperparameters,
) -> None:
    """Tell the supervisor of the texts; `text` is digest and raw tokens of that to train on."""
    supervisor = run.supervisor
    supervisor.n_tokens = text[1]
    _require_same(supervisor, "corpus", *text)
    if held_out is not None:
        _require_same(
            supervisor, "validation", lambda: held_out.digest(vocabulary), held_out.n_tokens
        )
        measured = ValidationText(held_out, vocabulary, settings, run.workers)
        supervisor.held_out_loss = measured
        supervisor.run["held_out"] = measured.as_dict()


def _require_same(
    supervisor: Supervisor, name: str, digest: Callable[[], str], n_tokens: int
) -> None:
    """Note what a text is; raise `CorpusError` if a resumed run began with another."""
    if supervisor.checkpoints is None and supervisor.resumed is None:
        return
    came: dict[str, Any] = {"digest": digest(), "n_tokens": n_tokens}
    begun: dict[str, Any] = supervisor.run.setdefault(f"{name}_text", came)
    if begun != came:
        raise CorpusError(
            f"{name}: expected the text that the run began with ({begun['n_tokens']:,} tokens, "
            f"digest {begun['digest'][:16]}...), got another ({came['n_tokens']:,} tokens, digest "
            f"{came['digest'][:16]}...); restore the text, or begin a new run on this one"
        )


def _logged(run: RunOptions) -> RunOptions:
    return replace(run, callbacks=(*run.callbacks, _log_epoch))


def _log_epoch(report: StepReport) -> None:
    if report.epoch_ended:
        _LOGGER.info(
            "epoch %d of %d: loss %.4f nats, %.1f s",
            report.epoch, report.epochs, report.loss_nats, report.elapsed_s,
        )  # fmt: skip


def fit_counts_folder(
    folder: Path, settings: Hyperparameters, run: RunOptions, validation: Validation | None = None
) -> Fitted:
    """Train on a folder of counts, which is mapped; parameters as in `Word2Vec.fit_counts`."""
    resolved_precision(settings.precision)
    with _supervised(run):
        started = time.perf_counter()
        corpus = read_counts(folder)
        seconds = (time.perf_counter() - started, 0.0)
        return _fit_known(corpus, settings, run, validation, seconds)
