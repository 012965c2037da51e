"""The history of training as the page's table and its loss curve show it."""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fastw2v.model import Word2Vec

__all__ = ["EpochRow", "epoch_rows"]


class EpochRow(NamedTuple):
    """One epoch of training, as the page's table shows it.

    Attributes
    ----------
    number : int
        From 1.
    loss_nats : float
        Mean over the epoch, per weighted pair.
    held_out_nats : float or None
        On the validation text, if the run had one.
    learning_rate : float
        Of the last batch.
    seconds : float
    tokens_per_s : float
        Infinite where the clock did not move.
    """

    number: int
    loss_nats: float
    held_out_nats: float | None
    learning_rate: float
    seconds: float
    tokens_per_s: float


def epoch_rows(model: "Word2Vec") -> list[EpochRow]:
    """Return the history of training with the seconds and the throughput of each epoch.

    Throughput is the text's running tokens of known words by the seconds of an epoch, whatever the
    objective goes over, so that trainers can be compared.
    """
    rows, before = [], 0.0
    for record in model.history:
        seconds = record.elapsed_s - before
        rows.append(
            EpochRow(
                record.epoch,
                record.loss_nats,
                record.held_out_loss_nats,
                record.learning_rate,
                seconds,
                model.vocabulary.n_tokens / seconds if seconds else math.inf,
            )
        )
        before = record.elapsed_s
    return rows
