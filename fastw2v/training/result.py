"""What a training run ends in: a model, and what is remembered of its run."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.errors import DivergenceError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.perplexity import perplexity_of
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = ["Ended", "RunRecord", "TrainedModel", "TrainingSummary"]

Ended = Literal["finished", "patience", "diverged"]


@dataclass(frozen=True)
class TrainingSummary:
    """Summary of a finished run.

    Attributes
    ----------
    loss_nats : float
        Skip-gram with the exact softmax: the exact mean of -log p(o|c) over all window pairs of
        the training text as the run weighs them (window distance, subsampling), with the final
        parameters of training. `Word2Vec.perplexity` also has what is fitted to the text
        afterwards, which makes the loss lower. Otherwise the mean of the last epoch, in nats per
        pair of the objective's own definition.
    unigram_entropy_nats, conditional_entropy_nats : float, optional
        What the best model without centres would reach, and what no model can go below, in nats
        per pair of the same weighting; where window pairs were counted.
    n_entries : int, optional
        Different window pairs, where they were counted.
    read_s, count_s, train_s : float
        Seconds of each stage: training with its first vectors, up to the end of the last epoch.
    batch_rows : int, optional
        Rows of a batch, where there are batches.
    precision : str, optional
        The one that was used for products.
    softmax_loss_nats : float, optional
        Negative sampling: the mean of -log p(o|c) by a calibrated softmax over its scores, and
        rates of words beside themselves, on a sample of the training text, with CBOW one of windows
        that no epoch has trained on (`fastw2v.objectives.losses.own_words`).
    n_invalid : int
        Sequences of bytes that were not UTF-8 and, as `errors` asked for, were replaced or left
        out.
    n_missing : int
        Values that were missing in the field that was read.
    unicode_version : str, optional
        Of the characters by which the tokenizer cut the text; None for those that do not ask
        Unicode, and for models made before the package had a table of its own.
    tokenizer_version : str, optional
        Of what cut the text beside this package, a library for a language or the package of a
        function; None where nothing else did, or is known.
    finish_s : float
        Seconds from the end of the last epoch to the model: calibrating, measuring the exact loss.
    compile_s : float
        Seconds in which kernels were compiled, which are in none of the others. A machine compiles
        a kernel once.
    loss_rows : int, optional
        Where rare words were sampled: how many rows, drawn by their weights, `loss_nats` is the
        exact mean of. Losses during training are estimates then.
    loss_error_nats : float, optional
        Its standard error.
    device : str, optional
        What computed the output vectors by PyTorch; None for compiled kernels on the CPU.
    """

    loss_nats: float
    unigram_entropy_nats: float | None
    conditional_entropy_nats: float | None
    n_entries: int | None
    read_s: float
    count_s: float
    train_s: float
    batch_rows: int | None
    precision: str | None = "float32"
    softmax_loss_nats: float | None = None
    n_invalid: int = 0
    n_missing: int = 0
    unicode_version: str | None = None
    tokenizer_version: str | None = None
    finish_s: float = 0.0
    compile_s: float = 0.0
    loss_rows: int | None = None
    loss_error_nats: float | None = None
    device: str | None = None

    @property
    def perplexity(self) -> float:
        """exp(loss_nats)."""
        return perplexity_of(self.loss_nats)


@dataclass(frozen=True)
class RunRecord:
    """What a model remembers of its run, beside hyper-parameters and history.

    Attributes
    ----------
    sources : list of str, optional
        The files and folders of the training text; None for lists of tokens.
    validation : dict, optional
        What was held out, and how much it is.
    patience : int, optional
    ended : {"finished", "patience", "diverged"}
        Why training ended.
    kept_epoch : int
        The epoch whose parameters the model has.
    start : dict, optional
        What the run started from, as `RunDescription.start`; None for runs that started anew.
    counts : str, optional
        The folder of counts that was trained on.
    """

    sources: list[str] | None
    validation: dict[str, Any] | None
    patience: int | None
    ended: Ended
    kept_epoch: int
    start: dict[str, Any] | None = None
    counts: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class TrainedModel:
    """A model with all that is known of its training: what `Word2Vec` has, saves and loads.

    Attributes
    ----------
    settings : Hyperparameters
    embeddings : Embeddings
    corpus_digest : str, optional
        Of the encoded training text.
    history : list of EpochRecord
    summary : TrainingSummary, optional
    run_record : RunRecord, optional
        What models of the first versions lack.
    words : WordRules
        What became of the tokens of the training text, and of those of others that it reads.
    divergence : DivergenceError, optional
        What ended the run, if there was a good epoch before it; not stored.
    """

    settings: Hyperparameters
    embeddings: Embeddings
    corpus_digest: str | None = None
    history: list[EpochRecord] = field(default_factory=list)
    summary: TrainingSummary | None = None
    run_record: RunRecord | None = None
    divergence: DivergenceError | None = None
    words: WordRules = NO_RULES

    @property
    def loss_nats(self) -> float:
        """The final loss; NaN where none is known."""
        return self.summary.loss_nats if self.summary else math.nan
