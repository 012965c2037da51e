"""From a corpus to trained parameters, by whichever objective: read, then train."""

import logging
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from fastw2v.callbacks import StepReport
from fastw2v.cbow_fitting import fit_cbow
from fastw2v.config import Hyperparameters
from fastw2v.corpus import Corpus
from fastw2v.exact_fitting import fit_counts
from fastw2v.fitted import Fitted, RunOptions
from fastw2v.precision import resolved_precision
from fastw2v.stream_fitting import fit_stream
from fastw2v.tokens import read_corpus

_LOGGER = logging.getLogger(__name__)


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
    _LOGGER.info(
        "read %d tokens, %d of %d words kept, in %.1f s",
        vocabulary.n_raw_tokens, len(vocabulary), vocabulary.n_raw_types, read_s,
    )  # fmt: skip
    run = replace(run, callbacks=(*run.callbacks, _log_pass))
    fit_text = fit_stream
    if settings.objective == "softmax":
        fit_text = fit_counts if settings.model == "skipgram" else fit_cbow
    return fit_text(vocabulary, tokens, settings, run, read_s)


def _log_pass(report: StepReport) -> None:
    if report.pass_ended:
        _LOGGER.info(
            "pass %d of %d: loss %.4f nats, %.1f s",
            report.pass_number, report.passes, report.loss_nats, report.elapsed_s,
        )  # fmt: skip
