"""From a corpus to trained parameters, by whichever objective: read, then train."""

import tempfile
import time
from pathlib import Path

from fastw2v.cbow_fitting import fit_cbow
from fastw2v.config import Hyperparameters
from fastw2v.corpus import Corpus
from fastw2v.exact_fitting import fit_counted, fit_counts
from fastw2v.fitted import Fitted, RunOptions
from fastw2v.formats.counts_folder import read_counts
from fastw2v.precision import resolved_precision
from fastw2v.stream_fitting import fit_stream
from fastw2v.tokens import read_corpus


def fit(corpus: Corpus, settings: Hyperparameters, run: RunOptions) -> Fitted:
    """Read a corpus once and train on it; parameters and errors as in `Word2Vec.fit`.

    Skip-gram with the exact softmax holds the encoded corpus in memory until its windows are
    counted. The other objectives go over the text itself, in files that are mapped, and removed
    at the end.
    """
    if settings.objective == "softmax":
        resolved_precision(settings.precision)  # refused before the text is read
        return _fit(corpus, settings, run, None)
    with tempfile.TemporaryDirectory(prefix="fastw2v-", ignore_cleanup_errors=True) as folder:
        return _fit(corpus, settings, run, Path(folder) / "corpus")


def _fit(corpus: Corpus, settings: Hyperparameters, run: RunOptions, folder: Path | None) -> Fitted:
    started = time.perf_counter()
    vocabulary, tokens = read_corpus(
        corpus,
        tokenizer=settings.tokenizer,
        min_count=settings.min_count,
        max_final_vocab=settings.max_final_vocab,
        progress=run.stage("reading"),
        encoded_folder=folder,
    )
    read_s = time.perf_counter() - started
    fit_text = fit_stream
    if settings.objective == "softmax":
        fit_text = fit_counts if settings.model == "skipgram" else fit_cbow
    return fit_text(vocabulary, tokens, settings, run, read_s)


def fit_counts_folder(folder: Path, settings: Hyperparameters, run: RunOptions) -> Fitted:
    """Train on a folder of counts, which is mapped; parameters as in `Word2Vec.fit_counts`."""
    resolved_precision(settings.precision)
    started = time.perf_counter()
    corpus = read_counts(folder)
    return fit_counted(corpus, None, settings, run, (time.perf_counter() - started, 0.0))
