"""Small problems of the exact softmax, for layers on any device; PyTorch is there or tests skip."""

import numpy as np
import pytest

from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.device.library import Device
from tests.support.dense_softmax import pair_counts, random_counts

WITHOUT_TORCH = "PyTorch is not installed; make test-gpu has it"


def torch_or_skip():
    """Return PyTorch with one thread, the quickest for small problems; or skip the module."""
    torch = pytest.importorskip("torch", reason=WITHOUT_TORCH)
    torch.set_num_threads(1)
    return torch


def on_torch(tile=16, **options):
    """Return PyTorch on the CPU with small tiles, so that small problems have several."""
    return Device("torch-cpu", tile, **options)


class Problem:
    """Counts, weights and tables of V words, and their batches for a device or the CPU."""

    def __init__(self, seed, n_words, dimensions, density=0.2):
        generator = np.random.default_rng(seed)
        self.dense = random_counts(generator, n_words, density)
        self.dense[0, 0] = 3
        self.keep = generator.uniform(0.2, 1, n_words)
        vectors = generator.normal(0, 0.5, (2, n_words, dimensions)).astype(np.float32)
        self.tables = (*vectors, generator.normal(0, 1, n_words).astype(np.float32))

    def batches(self, device, rows=10**6):
        return CountBatches(
            pair_counts(self.dense),
            self.keep,
            dimensions=self.tables[0].shape[1],
            rows=rows,
            seed=3,
            tile=None if device is None else device.tile,
        )

    def weighted(self, scale):
        return self.dense * self.keep[:, None] * self.keep[None, :] * scale


def parameters_of(objective):
    return objective.in_vectors, objective.out_vectors, objective.out_bias
