"""PyTorch and its devices: whether they are there, and in which numbers they multiply."""

import importlib.util
import os
from dataclasses import dataclass
from typing import Any, Literal

from fastw2v.config import Precision
from fastw2v.errors import ConfigurationError, one_line
from fastw2v.system.dependencies import optional_module

__all__ = [
    "FUSE_SWITCH",
    "WORD_STEP",
    "Device",
    "DeviceKind",
    "device_precision",
    "open_device",
    "product",
    "sees_card",
    "tile_of",
    "torch_library",
]

DeviceKind = Literal["cuda", "torch-cpu"]
Tensor = Any

FUSE_SWITCH = "FASTW2V_TORCH_COMPILE"  # 0: PyTorch compiles nothing
WORD_STEP = 16  # words and dimensions of tables are filled up to it, as products like them
# Scores of a tile in float32. On a card a tile is work for more time than its calls take; on the
# CPU it stays in the cache.
_TILE_SCORES = {"cuda": 2**25, "torch-cpu": 2**20}
# With it products of a card have one order of sums, whatever else runs there.
_CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
_BFLOAT16_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Device:
    """What a layer computes on.

    Attributes
    ----------
    kind : {"cuda", "torch-cpu"}
    tile : int
        Output words of a tile. Sums go tile by tile, so it belongs to the result.
    memory_bytes : int, optional
        The most that may be taken of the device's memory; None for what is free. It changes no
        result: what does not fit is computed twice.
    fuses : bool
        Whether functions of many small steps are compiled to go over memory once.
    """

    kind: DeviceKind
    tile: int
    memory_bytes: int | None = None
    fuses: bool = False

    @property
    def torch(self) -> Any:
        """The library."""
        return torch_library(self.kind)

    @property
    def is_card(self) -> bool:
        """Whether it is a GPU."""
        return self.kind == "cuda"

    @property
    def name(self) -> str:
        """What PyTorch calls it."""
        return "cuda" if self.is_card else "cpu"

    @property
    def free_bytes(self) -> int | None:
        """What is free of the device's memory; None where it is this machine's own."""
        return int(self.torch.cuda.mem_get_info()[0]) if self.is_card else None

    def described(self) -> dict[str, str]:
        """Return what results may depend on, beside the settings."""
        torch = self.torch
        card = torch.cuda.get_device_name() if self.is_card else "CPU"
        return {"kind": self.kind, "name": card, "torch": str(torch.__version__)}


def torch_library(kind: str) -> Any:
    """Return PyTorch.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    ConfigurationError
        If it is, and cannot be loaded.
    """
    if kind == "cuda":
        os.environ.setdefault(*_CUBLAS)  # looked at when the card is first used
    try:
        return optional_module("torch", f"device={kind!r}", "gpu", "PyTorch")
    except OSError as error:  # a library of the card's that is not there
        raise ConfigurationError(
            f"device: expected a PyTorch that can be loaded for {kind!r}, got {one_line(error)}; "
            "install it again, or use device='cpu'"
        ) from error


def sees_card() -> bool:
    """Whether PyTorch is installed and sees a GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    try:
        return bool(torch_library("cuda").cuda.is_available())
    except (ImportError, ConfigurationError):
        return False


def tile_of(kind: DeviceKind, rows: int) -> int:
    """Return the output words of a tile, for batches of at most so many rows."""
    return max(_TILE_SCORES[kind] // max(rows, 1) // WORD_STEP, 1) * WORD_STEP


def open_device(kind: DeviceKind, rows: int, memory_mib: int | None = None) -> Device:
    """Return a device that is there.

    Parameters
    ----------
    kind : {"cuda", "torch-cpu"}
    rows : int
        The most rows of a batch.
    memory_mib : int, optional
        The most that may be taken of its memory.

    Raises
    ------
    MissingDependencyError, ConfigurationError
        If PyTorch is not installed, or sees no card.
    """
    torch = torch_library(kind)
    if kind == "cuda" and not torch.cuda.is_available():
        built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
        raise ConfigurationError(
            f"device: expected a GPU that PyTorch sees for 'cuda', got none (PyTorch "
            f"{torch.__version__}, built {built}); look at the driver and the build "
            "(docs/gpu.md), or use device='cpu'"
        )
    budget = None if memory_mib is None else memory_mib * 2**20
    return Device(kind, tile_of(kind, rows), budget, kind == "cuda" and _can_fuse())


def _can_fuse() -> bool:
    """Whether PyTorch has what compiles for a card, and nobody has switched it off."""
    is_wanted = os.environ.get(FUSE_SWITCH) != "0"
    return is_wanted and importlib.util.find_spec("triton") is not None


def device_precision(precision: Precision, kind: DeviceKind) -> Precision:
    """Return the precision that a run uses on a device; ``auto`` is bf16 on a card that has it.

    Raises
    ------
    ConfigurationError
        If the device has it not.
    """
    can = kind != "cuda" or torch_library(kind).cuda.get_device_capability() >= _BFLOAT16_CAPABILITY
    if precision == "auto":
        return "bf16" if kind == "cuda" and can else "float32"
    if precision == "bf16x2" or (precision == "bf16" and not can):
        has = "'float32', 'bf16' or 'auto'" if can else "'float32' or 'auto' on this card"
        raise ConfigurationError(
            f"precision: expected {has} with device {kind!r}, got {precision!r}"
        )
    return precision


def product(left: Tensor, right: Tensor, library: Any) -> Tensor:
    """Return a product of matrices in float32, whatever is multiplied.

    Numbers of bfloat16 have products that a float32 holds, so where a device multiplies them only
    to sums of bfloat16 they are multiplied as float32.
    """
    if left.dtype == library.float32:
        return left @ right
    if left.is_cuda:
        return library.mm(left, right, out_dtype=library.float32)
    return left.float() @ right.float()
