"""One step of CBOW: the mean of a window's contexts meets its outputs.

A single input has little arithmetic for each output; what takes time is a reduction, a sigmoid
and a pass over the gradient, one waiting for the other. So there is one of each for up to `SCORED`
outputs, whatever their number. The next window shares most of the contexts, so these are moved
first, and the outputs last. `fastw2v.kernels.stream.sigmoid_tiles` has the formulas.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from fastw2v.kernels.simd.vectors import INT32, LANES, packed_sums, vector_load, vector_store
from fastw2v.kernels.stream.context_rows import move_rows, move_rows_by, sum_rows, weigh_rows
from fastw2v.kernels.stream.sigmoid_tiles import Tile, TileEmitter, emit_dot_products
from fastw2v.kernels.stream.sigmoid_windows import reserve_factors

__all__ = ["SCORED", "Scales", "train_mean"]

SCORED = LANES  # outputs that are scored together: their errors fill a vector
_STEP = 4  # code is there for each multiple of this many outputs
_INDEX = ir.IntType(64)


class Scales(NamedTuple):
    """Factors of a window's contexts: of their sum as the input, and of the step each takes.

    The gradient has the same factor for both, 1, or 1 / C for the mean of C contexts.
    """

    sum: float
    step: float


@intrinsic
def _score_outputs(typing_context, tables, window, tile):
    """Fill in the errors of ``tile.n_scored`` outputs, 1 to `SCORED`, with the first input.

    ``window.out_at`` has places of rows, any, up to the next multiple of 4; what is in
    ``window.errors`` behind the tile's becomes undefined.
    """

    def generate(context, builder, signature, arguments):
        n_scored = TileEmitter(context, builder, signature, arguments, 0).tile.n_scored
        done = builder.append_basic_block("done")
        steps = builder.lshr(builder.add(n_scored, _INDEX(_STEP - 1)), _INDEX(2))
        switch = builder.switch(steps, done)
        for case in range(1, SCORED // _STEP + 1):
            block = builder.append_basic_block(f"outputs_{case * _STEP}")
            switch.add_case(_INDEX(case), block)
            builder.position_at_end(block)
            emit = TileEmitter(context, builder, signature, arguments, case * _STEP)
            sums = emit_dot_products(emit, [emit.input_row(_INDEX(0))])
            (score,) = packed_sums(builder, sums)
            numbers = ir.Constant(ir.VectorType(INT32, LANES), list(range(LANES)))
            count = builder.trunc(n_scored, INT32)
            undefined = ir.Constant(numbers.type, ir.Undefined)
            counts = builder.shuffle_vector(
                builder.insert_element(undefined, count, INT32(0)),
                undefined,
                ir.Constant(numbers.type, [0] * LANES),
            )
            mask = builder.icmp_signed("<", numbers, counts)
            first = builder.add(emit.tile.first_sign, emit.tile.first_output)
            sign = vector_load(builder, builder.gep(emit.window.signs, [first]))
            emit.begin_losses()
            error = emit.error(score, sign, mask)
            emit.end_losses()
            place = builder.gep(emit.window.errors, [emit.tile.first_output])
            vector_store(builder, place, error)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(tables, window, tile), generate


@njit(nogil=True, inline="always")
def train_mean(tables, window, meeting, scales, shape):
    """Take one step on the loss of the scaled sum of contexts with the window's outputs.

    All scores and gradients are those of the rows before the step.

    Parameters
    ----------
    tables : Tables
        Updated.
    window : Window
        ``in_at[0]`` is where the sum may be written in the table of inputs; the contexts follow.
        Their step, before scaling, is left in ``gradients``.
    meeting : Meeting
        Its `n_inputs` is the number of contexts, at least 1.
    scales : Scales
        float32.
    shape : RowShape
    """
    n_outputs, vectors = meeting.n_outputs, shape.vectors
    contexts = window.in_at[1:]
    mean = tables.in_rows[window.in_at[0] :]
    sum_rows(tables.in_rows, contexts, meeting.n_inputs, mean, scales.sum, vectors)
    first = 0
    tiles = (n_outputs + SCORED - 1) // SCORED
    while tiles > 0:
        size = (n_outputs - first + tiles - 1) // tiles
        reserve_factors(window, 1)
        tile = Tile(1, first, vectors, meeting.rate, 0, size, meeting.first_sign)
        _score_outputs(tables, window, tile)
        first += size
        tiles -= 1
    weigh_rows(tables.out_rows, window.out_at, n_outputs, window.gradients, window.errors, vectors)
    move_rows(tables.in_rows, contexts, meeting.n_inputs, window.gradients, scales.step, vectors)
    move_rows_by(tables.out_rows, window.out_at, n_outputs, mean, window.errors, vectors)
