"""The form that the vectors of a run end in: canonical, and where those of its start point."""

from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.objectives.axes import EarlierAxes, nearest_rotation
from fastw2v.objectives.canonical import CanonicalForm, canonical_form
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.threads import WorkerPool
from fastw2v.training.continued import Continuation

__all__ = ["FinalForm", "final_form"]


@dataclass(frozen=True, eq=False)
class FinalForm:
    """What has to be known of a start when training ends and its vectors are gone.

    Attributes
    ----------
    stays : bool
        Whether vectors have to stay as they are, so that no other form may be given them.
    axes : EarlierAxes, optional
        Where words were.
    """

    stays: bool = False
    axes: EarlierAxes | None = None

    def of(
        self, embeddings: Embeddings, settings: Hyperparameters, pool: WorkerPool
    ) -> CanonicalForm | None:
        """Return the canonical form of trained vectors, turned to where words were.

        None where they stay as they are.
        """
        form = None if self.stays else canonical_form(embeddings, settings, pool)
        if form is None or self.axes is None:
            return form
        rows = self.axes.rows
        with threadpool_limits(1, "blas"):  # with more threads the last bits of products differ
            placed = (embeddings.in_vectors[rows] - form.in_mean) @ form.in_map
            placed += (embeddings.out_vectors[rows] - form.out_mean) @ form.out_map
        rotation = nearest_rotation(placed, self.axes.vectors)
        return form if rotation is None else form.turned(rotation)


def final_form(continued: Continuation | None, settings: Hyperparameters) -> FinalForm:
    """Return what becomes of the vectors of a run when it ends."""
    if continued is None:
        return FinalForm()
    if continued.locked_inputs.any():
        return FinalForm(stays=True)
    if settings.inputs == "subwords" and not continued.by_counts:
        return FinalForm()  # its form has no map: they are still where they began
    return FinalForm(axes=continued.axes)
