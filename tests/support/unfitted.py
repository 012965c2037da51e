"""Models as their last epoch left them, without what is fitted to the text at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from fastw2v.objectives.losses import own_words
from fastw2v.objectives.losses.own_words import ScoreFit
from fastw2v.training import cbow, final_form, finish, stream

__all__ = ["as_it_was", "unfitted", "with_rates_alone"]


def as_it_was(_, bias, *__):
    """Stand for the fit to the text of CBOW by the exact softmax."""
    return ScoreFit(1.0, bias, None, float("nan"))


def tree_as_it_was(_, scores, *__):
    """Stand for the fit to the text of a hierarchical softmax."""
    return ScoreFit(1.0, np.zeros(scores.n_words, np.float32), None, float("nan"))


def with_rates_alone(fit, scores, rows, counted):
    """Stand for what comes after calibrating: rates, without a step of the bias and powers."""
    point = (fit.temperature, fit.out_bias)
    loss = own_words.softmax_loss_with_rates(scores, rows, counted.rates, point)
    return fit._replace(self_rates=counted.rates, loss_nats=loss)


@contextmanager
def unfitted() -> Iterator[None]:
    """Train within it, in this process; vectors are not put into canonical form either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish, "fit_to_text", lambda *_: None)
        patch.setattr(stream, "tree_fit", tree_as_it_was)
        patch.setattr(cbow, "window_fit", as_it_was)
        patch.setattr(final_form, "canonical_form", lambda *_: None)
        yield
