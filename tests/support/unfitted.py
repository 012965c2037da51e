"""Models as their last epoch left them, without what is fitted to the text at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fastw2v.objectives.losses.own_words import ScoreFit
from fastw2v.training import cbow, final_form, finish, stream

__all__ = ["unfitted"]


@contextmanager
def unfitted() -> Iterator[None]:
    """Train within it, in this process; vectors are not put into canonical form either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish, "fit_to_text", lambda *_: None)
        patch.setattr(stream, "tree_rates", lambda *_: None)
        patch.setattr(
            cbow, "window_fit", lambda _, bias, *__: ScoreFit(1.0, bias, None, float("nan"))
        )
        patch.setattr(final_form, "canonical_form", lambda *_: None)
        yield
