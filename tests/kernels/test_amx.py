"""Products on AMX's matrix tiles: with tiles in memory, and as compiled for a CPU that has them.

On a CPU with AMX all tests of bfloat16 are run on its tiles too.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding
from numba import njit

from fastw2v.kernels.simd import amx, bfloat16
from fastw2v.kernels.simd.blocks import (
    PANEL,
    VECTORS,
    product_from_rows_intrinsic,
    product_intrinsic,
)
from tests.kernels.test_bfloat16 import halves, here

ROOT = Path(__file__).parents[2]


class BlockInMemory(amx.TileBlock):
    """A block whose tiles are memory."""

    __slots__ = ()
    tiles = amx.SoftwareTiles


BLOCK = BlockInMemory(bfloat16.BFloatPairs, amx.ROWS_OF_TILE, VECTORS)
tile_product = product_intrinsic(lambda place: BLOCK)
tile_product_from_rows = product_from_rows_intrinsic(lambda place: BLOCK)


@njit
def products(c, a, b, row_values, steps):
    tile_product((c[0], 0), (a, 0), (b, 0), steps)
    tile_product_from_rows((c[1], 0), (a, 0), (b, 0), (row_values, 0), steps)


@njit
def transpose(target, source):
    bfloat16.transpose_pairs(target, (3, 40), source, (5, 50))


def planes_of(generator, n_planes, *shape):
    """Return random planes of pairs (..., 2) and the numbers that they hold."""
    numbers = generator.normal(size=(n_planes, *shape, 2)).astype(np.float32)
    pairs = (numbers.view(np.uint32) >> 16).astype(np.uint16).view(np.uint32).reshape(n_planes, -1)
    return tuple(pairs), halves(tuple(pairs)).reshape(*shape, 2)


@here
@pytest.mark.parametrize("n_planes", [1, 2])
@pytest.mark.parametrize(("outer", "inner"), [(1, 16), (3, 16), (2, 48)])
def test_tiles_equal_numpy(n_planes, outer, inner):
    generator = np.random.default_rng(1)
    a, of_a = planes_of(generator, n_planes, amx.ROWS_OF_TILE, outer, inner)
    b, of_b = planes_of(generator, n_planes, outer, inner, PANEL)
    row_values = generator.normal(size=amx.ROWS_OF_TILE).astype(np.float32)
    c = np.zeros((2, amx.ROWS_OF_TILE * PANEL), np.float32)
    steps = (outer, inner, PANEL, outer * inner, inner, 1, inner * PANEL, PANEL)
    products(c, a, b, row_values, steps)
    expected = np.einsum("iqpk,qpjk->ij", of_a, of_b)
    if n_planes == 2:  # low * low is left out
        low_a, low_b = (halves((x[1],)).reshape(y.shape) for x, y in ((a, of_a), (b, of_b)))
        expected -= np.einsum("iqpk,qpjk->ij", low_a, low_b)
    plain, from_rows = c.reshape(2, amx.ROWS_OF_TILE, PANEL)
    assert np.allclose(plain, expected, atol=1e-3)
    assert np.allclose(from_rows, expected + row_values[:, None], atol=1e-3)
    assert not np.allclose(plain, np.roll(expected, 1, axis=0), atol=1e-3)


@here
def test_pairs_are_transposed():
    source = np.arange(5 + 16 * 50, dtype=np.uint32)
    target = np.zeros(3 + 16 * 40, np.uint32)
    transpose((target,), (source,))
    came = target[3:].reshape(16, 40)
    assert np.array_equal(came[:, :16], source[5:].reshape(16, 50)[:, :16].T)
    assert not came[:, 16:].any()


@here
@pytest.mark.slow
@pytest.mark.parametrize(
    "tiles",
    [
        "software",
        pytest.param("1", marks=pytest.mark.skipif(not amx.CPU_HAS_AMX, reason="no AMX here")),
    ],
)
def test_the_whole_step_on_tiles(tiles, tmp_path):
    """All tests of bfloat16 and of the exact step, with the layouts that tiles need."""
    environment = {
        **os.environ,
        "FASTW2V_AMX": tiles,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/kernels/test_bfloat16.py",
            "tests/kernels/test_exact_step.py",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


COMPILE_FOR_AMX = """
import ctypes
import numba
import numpy as np
from llvmlite import binding
binding.get_default_triple()

class Granted:
    def __init__(self, *arguments, **options):
        pass
    def syscall(self, *arguments):
        return 0

loader, ctypes.CDLL = ctypes.CDLL, Granted
from fastw2v.kernels.simd import amx
ctypes.CDLL = loader
assert amx.HAS_AMX and not amx.SOFTWARE_TILES

from numba import typeof
from fastw2v.kernels.softmax.layout import OutputState, Shape, Workspace
from fastw2v.kernels.softmax.operands import Operands
from fastw2v.kernels.softmax.tiles import forward_tiles

row, table, planes = np.zeros(1, "f4"), np.zeros((1, 1), "f4"), (np.zeros(1, np.uint32),)
arguments = (
    np.zeros(1, np.int64),
    Shape(1, 1, 1, 1, 1, 1),
    OutputState(row, table, row, table),
    Operands(planes, planes, planes),
    Workspace(row, table, table, row, row, np.zeros(1), table),
)
forward_tiles.compile(tuple(typeof(argument) for argument in arguments))
print(forward_tiles.inspect_asm(forward_tiles.signatures[0]))
"""


@pytest.mark.slow
@pytest.mark.skipif("x86_64" not in binding.get_default_triple(), reason="for x86-64 alone")
def test_compiled_for_a_cpu_with_tiles_it_uses_them(tmp_path):
    """The code is made and read, not run."""
    wanted = ("sse2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512dq")
    wanted += ("avx512bf16", "amx-tile", "amx-bf16")
    environment = {
        **os.environ,
        "FASTW2V_AMX": "1",
        "NUMBA_CPU_NAME": "sapphirerapids",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in wanted),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", COMPILE_FOR_AMX],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for instruction in ("ldtilecfg", "tileloadd", "tdpbf16ps", "tilestored", "tilerelease"):
        assert re.search(rf"\b{instruction}\b", done.stdout), instruction
    assert "vdpbf16ps" not in done.stdout
