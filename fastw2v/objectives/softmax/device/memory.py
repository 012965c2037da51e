"""What a layer takes of a device's memory, said before it is taken, and when there was too little.

Tables and a tile under way have to fit. The exponentials of the other tiles are kept as far as
there is room, and computed a second time where there is none: the result is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.memory import fitting_words
from fastw2v.objectives.softmax.device.library import WORD_STEP, Device, device_precision
from fastw2v.objectives.softmax.optimizers import UPDATE_RULES
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["LayerSize", "require_device_memory", "told_of_memory"]

_TEMPORARIES = 3  # tables of a tile that an update has at a time, beside its gradient
_SCORES = 4  # of a tile in float32 at a time, where nothing is fused
_MIB = 2**20


class LayerSize(NamedTuple):
    """The sizes of a layer.

    Attributes
    ----------
    n_words, dimensions, rows, tile : int
    moments : int
        Of the optimiser.
    is_rounded : bool
        Whether products are of bfloat16.
    most_columns : int, optional
        The most columns of a batch, where batches list them.
    """

    n_words: int
    dimensions: int
    rows: int
    tile: int
    moments: int
    is_rounded: bool
    most_columns: int | None = None

    @property
    def columns(self) -> int:
        """The most words that a batch's softmax is over."""
        return min(self.n_words, self.most_columns or self.n_words)

    @property
    def tile_bytes(self) -> int:
        """The exponentials of a tile."""
        return self.rows * min(self.tile, self.columns) * (2 if self.is_rounded else 4)

    @property
    def needed_bytes(self) -> int:
        """What cannot be done without: tables, and a tile under way."""
        row = 4 * round_up(self.dimensions, WORD_STEP)
        tables = self.n_words * (row + 4) * (1 + self.moments)
        copies = self.columns * row // 2 if self.is_rounded else 0
        in_tile = min(self.tile, self.columns)
        if self.most_columns is not None:
            copies += self.columns * row + in_tile * row * self.moments
        update = in_tile * row * (1 + _TEMPORARIES)
        scores = 4 * _SCORES * self.rows * in_tile + self.tile_bytes
        return tables + copies + update + scores

    def kept_tiles(self, budget: int | None) -> int:
        """Return of how many tiles a budget of bytes has room to keep the exponentials."""
        n_tiles = -(-self.columns // self.tile)
        if budget is None:
            return n_tiles
        return max(0, min(n_tiles, (budget - self.needed_bytes) // self.tile_bytes))


def require_device_memory(
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    max_rows: int,
    device: Device,
    most_columns: int | None = None,
) -> None:
    """Raise `ConfigurationError` if a layer would not fit its device; say what would."""
    budget = device.memory_bytes
    told = "the budget is"
    if budget is None:
        budget, told = device.free_bytes, "of which are free"
    if budget is None:
        return

    def needed_bytes(n_words: int) -> int:
        return LayerSize(
            n_words,
            settings.vector_size,
            max_rows,
            device.tile,
            UPDATE_RULES[settings.optimizer].output_moments,
            device_precision(settings.precision, device.kind) == "bf16",
            most_columns,
        ).needed_bytes

    needed = needed_bytes(len(vocabulary))
    if needed <= budget:
        return
    raised = f"raise it to {-(-needed // _MIB)}, or " if device.memory_bytes is not None else ""
    fewer = fitting_words(vocabulary, needed_bytes, budget)
    raise ConfigurationError(
        f"memory: training {len(vocabulary):,} words with vector_size={settings.vector_size} needs "
        f"about {-(-needed // _MIB)} MiB of the memory of device {device.kind!r}, {told} "
        f"{budget // _MIB}; {raised}{f'{fewer}, or ' if fewer else ''}use device='cpu'"
    )


@contextmanager
def told_of_memory(device: Device, size: LayerSize) -> Iterator[None]:
    """Turn what PyTorch raises where memory ends into an error that says which setting fits.

    Raises
    ------
    ConfigurationError
    """
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not _is_of_memory(error, device.torch):
            raise
        free = device.free_bytes
        taken = "" if free is None else f", with {free // _MIB} MiB free"
        least = -(-size.needed_bytes // _MIB)
        raise ConfigurationError(
            f"memory: device {device.kind!r} ran out of memory with {size.n_words:,} words of "
            f"{size.dimensions} dimensions in batches of {size.rows} rows{taken}; use --memory "
            f"{least}, by which it keeps no more than it needs, fewer words (--max-final-vocab "
            f"{max(size.n_words // 2, 1)}), or --device cpu"
        ) from error


def _is_of_memory(error: RuntimeError, torch: Any) -> bool:
    own = getattr(torch, "OutOfMemoryError", None)
    return (own is not None and isinstance(error, own)) or "can't allocate memory" in str(error)
