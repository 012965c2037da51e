"""From a corpus to trained parameters, by whichever objective: read, then train."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fastw2v.cbow_fitting import fit_cbow
from fastw2v.config import Hyperparameters
from fastw2v.corpus import Corpus, OpenedCorpus, TextCorpus, open_corpus
from fastw2v.counting_settings import CountingSettings
from fastw2v.errors import OutputError
from fastw2v.exact_fitting import fit_counted, fit_counts
from fastw2v.fitted import Fitted, RunOptions
from fastw2v.formats.counts_folder import read_counts
from fastw2v.precision import resolved_precision
from fastw2v.sharded.local import count_spilling
from fastw2v.sharded.plan import ShardOptions
from fastw2v.stream_fitting import fit_stream
from fastw2v.tokens import read_corpus


def fit(corpus: Corpus, settings: Hyperparameters, run: RunOptions) -> Fitted:
    """Read a corpus once and train on it; parameters and errors as in `Word2Vec.fit`.

    Skip-gram with the exact softmax holds the encoded corpus in memory until its windows are
    counted; with a budget of memory it counts in a folder instead. The other objectives go over the
    text itself, in files that are mapped, and removed
    at the end.
    """
    if settings.objective == "softmax":
        resolved_precision(settings.precision)  # refused before the text is read
        if run.memory_mib is None:
            return _fit(corpus, settings, run, None)
        if settings.model == "skipgram" and settings.batches == "counts":
            return _fit_spilled(corpus, settings, run)
    with _temporary_folder() as folder:
        return _fit(corpus, settings, run, folder / "corpus")


def _fit_spilled(corpus: Corpus, settings: Hyperparameters, run: RunOptions) -> Fitted:
    """Count in a folder, within the budget of memory, and train on what is there."""
    started = time.perf_counter()
    opened = open_corpus(corpus, settings.errors)
    sources = opened.files if isinstance(opened, TextCorpus) else opened.sentences
    with _temporary_folder() as folder:
        counted = count_spilling(
            sources,
            CountingSettings.of(settings),
            folder / "counts",
            ShardOptions(run.memory_mib),
            workers=run.workers,
            progress=run.progress,
        )
        fitted = fit_counted(counted, None, settings, run, (0.0, time.perf_counter() - started))
    n_invalid = counted.facts.n_invalid
    return replace(fitted, summary=replace(fitted.summary, n_invalid=n_invalid))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yield a folder for the encoded text; what cannot be written there says what to do."""
    try:
        with tempfile.TemporaryDirectory(prefix="fastw2v-", ignore_cleanup_errors=True) as folder:
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


def _fit(corpus: Corpus, settings: Hyperparameters, run: RunOptions, folder: Path | None) -> Fitted:
    started = time.perf_counter()
    opened = open_corpus(corpus, settings.errors)
    vocabulary, tokens = read_corpus(
        opened,
        tokenizer=settings.tokenizer,
        min_count=settings.min_count,
        max_final_vocab=settings.max_final_vocab,
        progress=run.stage("reading"),
        encoded_folder=folder,
    )
    _tell_of_reading(opened, folder, run)
    read_s = time.perf_counter() - started
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


def fit_counts_folder(folder: Path, settings: Hyperparameters, run: RunOptions) -> Fitted:
    """Train on a folder of counts, which is mapped; parameters as in `Word2Vec.fit_counts`."""
    resolved_precision(settings.precision)
    started = time.perf_counter()
    corpus = read_counts(folder)
    fitted = fit_counted(corpus, None, settings, run, (time.perf_counter() - started, 0.0))
    return replace(fitted, summary=replace(fitted.summary, n_invalid=corpus.facts.n_invalid))
