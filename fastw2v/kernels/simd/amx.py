"""Matrix tiles of AMX: registers of 16 rows by 64 bytes, multiplied as pairs of bfloat16.

C (16 rows by 16 float32) += A (16 rows by 16 pairs) times B (16 rows of pairs by 16 columns). The
pairs of A run along its rows and those of B down its columns, which is how `bfloat16` lays out
operands for AVX512-BF16 too.

The operating system gives tiles to a process that asks (Linux, ``arch_prctl``); each thread then
sets their shapes before use (`configure_tiles`) and clears them after (`release_tiles`).

The environment variable FASTW2V_AMX decides: "1" uses the tiles of a CPU that has them. It is not
the default, because no such CPU was at hand when this was written: the code was tested with
"software", where tiles are memory and AVX512-BF16 multiplies them, slowly, and by reading what is
compiled for a CPU with AMX.
"""

import ctypes
import os
import platform
import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd.blocks import Block, loop_over
from fastw2v.kernels.simd.vectors import (
    FLOAT,
    INT32,
    LANES,
    TARGET_FEATURES,
    VECTOR,
    call_llvm,
    vector_load,
)

__all__ = [
    "CPU_HAS_AMX",
    "HAS_AMX",
    "PAIRS_OF_TILE",
    "ROWS_OF_TILE",
    "SOFTWARE_TILES",
    "HardwareTiles",
    "SoftwareTiles",
    "TileBlock",
    "configure_tiles",
    "release_tiles",
]

ROWS_OF_TILE = 16
PAIRS_OF_TILE = 16
_ROW_BYTES = 64
_SUMS, _LEFT, _RIGHT = 0, 2, 4  # first tile of C, of A's planes, of B's planes

_BYTE = ir.IntType(8)
_BYTES = _BYTE.as_pointer()
_INT64 = ir.IntType(64)
_VOID = ir.VoidType()

_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18


def _permitted() -> bool:
    """Ask Linux for the tile registers, once for the process and all of its threads."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    system_call = ctypes.CDLL(None, use_errno=True).syscall
    return bool(system_call(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0)


_CHOICE = os.environ.get("FASTW2V_AMX", "0")
_FEATURES = {"amx-tile", "amx-bf16", "avx512bf16"}
CPU_HAS_AMX = TARGET_FEATURES >= _FEATURES and LANES == 16
SOFTWARE_TILES = _CHOICE == "software"
HAS_AMX = SOFTWARE_TILES or (_CHOICE == "1" and CPU_HAS_AMX and _permitted())


class HardwareTiles:
    """The CPU's eight tile registers, by number."""

    def __init__(self, builder):
        self.builder = builder

    def _call(self, name, *arguments):
        call_llvm(self.builder, f"llvm.x86.{name}", _VOID, arguments)

    def _address(self, pointer):
        return self.builder.bitcast(pointer, _BYTES)

    def zero(self, tile):
        """Set a tile to zeros."""
        self._call("tilezero", _BYTE(tile))

    def load(self, tile, pointer, step_bytes):
        """Load 16 rows of 64 bytes, `step_bytes` apart."""
        self._call("tileloadd64", _BYTE(tile), self._address(pointer), step_bytes)

    def store(self, tile, pointer, step_bytes):
        """Store 16 rows of 64 bytes, `step_bytes` apart."""
        self._call("tilestored64", _BYTE(tile), self._address(pointer), step_bytes)

    def multiply_add(self, total, left, right):
        """Add the product of two tiles of pairs to a tile of float32."""
        self._call("tdpbf16ps", _BYTE(total), _BYTE(left), _BYTE(right))


class SoftwareTiles:
    """The same in memory; `multiply` emits one product of pairs by AVX512-BF16."""

    multiply: Any = None

    def __init__(self, builder):
        self.builder = builder
        self.tiles = [
            cgutils.alloca_once(builder, ir.ArrayType(VECTOR, ROWS_OF_TILE)) for _ in range(8)
        ]

    def _row(self, tile, row):
        return self.builder.gep(self.tiles[tile], [INT32(0), row])

    def _row_at(self, pointer, row, step_bytes):
        address = self.builder.bitcast(pointer, _BYTES)
        place = self.builder.gep(address, [self.builder.mul(row, step_bytes)])
        return self.builder.bitcast(place, VECTOR.as_pointer())

    def _rows(self):
        return cgutils.for_range(self.builder, _INT64(ROWS_OF_TILE))

    def zero(self, tile):
        """Set a tile to zeros."""
        with self._rows() as loop:
            self.builder.store(ir.Constant(VECTOR, [0.0] * LANES), self._row(tile, loop.index))

    def load(self, tile, pointer, step_bytes):
        """Load 16 rows of 64 bytes, `step_bytes` apart."""
        with self._rows() as loop:
            row = self.builder.load(self._row_at(pointer, loop.index, step_bytes), align=4)
            self.builder.store(row, self._row(tile, loop.index))

    def store(self, tile, pointer, step_bytes):
        """Store 16 rows of 64 bytes, `step_bytes` apart."""
        with self._rows() as loop:
            row = self.builder.load(self._row(tile, loop.index))
            self.builder.store(row, self._row_at(pointer, loop.index, step_bytes), align=4)

    def multiply_add(self, total, left, right):
        """Add the product of two tiles of pairs to a tile of float32."""
        builder = self.builder
        with self._rows() as row, self._rows() as k:
            of_left = builder.bitcast(self._row(left, row.index), INT32.as_pointer())
            pair = builder.gep(of_left, [k.index])
            column = self._row(right, k.index)
            held = self._row(total, row.index)
            operand = self.multiply
            product = operand.multiply_add(
                builder,
                operand.factor(builder, pair),
                operand.column(builder, column),
                builder.load(held),
            )
            builder.store(product, held)


class TileBlock(Block):
    """A block of 16 rows whose sums are tiles; `Steps.a_inner` must be 1, `inner` whole tiles."""

    __slots__ = ()
    tiles = SoftwareTiles if SOFTWARE_TILES else HardwareTiles

    def sums(self, builder, a, b, steps, first):
        """Emit the loops over k; return `first` plus the sums, loaded from scratch memory."""
        tiles = self.tiles(builder)
        pairs = self.operand.plane_pairs(len(a.planes))
        for j in range(self.vectors):
            tiles.zero(_SUMS + j)
        a_step = builder.mul(steps.a_row, _INT64(4))
        b_step = builder.mul(steps.b_inner, _INT64(4))

        def chunk(a, b):
            for plane, pointer in enumerate(a.planes):
                tiles.load(_LEFT + plane, pointer, a_step)
            for plane, pointer in enumerate(b.planes):
                for j in range(self.vectors):
                    column = builder.gep(pointer, [_INT64(j * LANES)])
                    tiles.load(_RIGHT + plane * self.vectors + j, column, b_step)
            for of_a, of_b in pairs:
                for j in range(self.vectors):
                    right = _RIGHT + of_b * self.vectors + j
                    tiles.multiply_add(_SUMS + j, _LEFT + of_a, right)

        loop_over(builder, (a, b), steps, PAIRS_OF_TILE, chunk)
        scratch = cgutils.alloca_once(builder, FLOAT, self.rows * self.vectors * LANES)
        cells = [
            builder.gep(scratch, [_INT64(cell * LANES)]) for cell in range(self.rows * self.vectors)
        ]
        for j in range(self.vectors):
            tiles.store(_SUMS + j, cells[j], _INT64(_ROW_BYTES * self.vectors))
        return [
            builder.fadd(start, vector_load(builder, cell))
            for start, cell in zip(first, cells, strict=True)
        ]


def _configuration():
    shape = bytearray(64)
    shape[0] = 1  # palette
    for tile in range(8):
        shape[16 + 2 * tile] = _ROW_BYTES
        shape[48 + tile] = ROWS_OF_TILE
    return shape


@intrinsic
def configure_tiles(typing_context):
    """Set the shapes of this thread's tiles; nothing on a CPU without."""

    def generate(context, builder, signature, arguments):
        if HAS_AMX and not SOFTWARE_TILES:
            constant = cgutils.make_bytearray(_configuration())
            place = cgutils.alloca_once_value(builder, constant)
            call_llvm(builder, "llvm.x86.ldtilecfg", _VOID, [builder.bitcast(place, _BYTES)])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def release_tiles(typing_context):
    """Clear this thread's tiles, so that nobody has to save them; nothing on a CPU without."""

    def generate(context, builder, signature, arguments):
        if HAS_AMX and not SOFTWARE_TILES:
            call_llvm(builder, "llvm.x86.tilerelease", _VOID, [])
        return context.get_dummy_value()

    return types.void(), generate
