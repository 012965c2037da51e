"""Input rows meet output rows: scores, sigmoid errors, loss, and both updates, in registers.

Every cell of negative sampling and hierarchical softmax comes down to the same small problem.
M input rows x_i (the vectors of a window's words, or their mean) meet J output rows w_j (the
predicted word and its negatives, or the inner nodes on its path), and each output has a label.
With the sign s_j = -1 for label 1 and +1 for label 0, t = s_j x_i . w_j and sigma the logistic
function (docs/math.md):

    loss        sum_ij log(1 + e^t)
    error       e_ij = -s_j sigma(t)                    (what the score should grow by)
    updates     x_i += rate sum_j e_ij w_j,    w_j += rate sum_i e_ij x_i

Outputs are taken in tiles of up to `TILE` rows that stay in registers. Each function below comes
as one intrinsic per size of tile, emitted as LLVM; loops run over inputs and over the vectors of
a row, so that any number of dimensions works with the same compiled code.

References
----------
Mikolov et al. 2013, arXiv:1310.4546, equation 4 (negative sampling) and equation 3 (hierarchical
softmax). One set of outputs for all inputs of a window: Ji et al. 2016, arXiv:1604.04661.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd import (
    LANES,
    REGISTERS,
    VECTOR,
    constant,
    element_pointer,
    load,
    logarithm,
    maximum_of,
    multiply_add,
    packed_sums,
    shuffle,
    sigmoid_of,
    splat,
    store,
    vector_load,
    vector_store,
)

TILE = 6  # outputs side by side: 2 inputs times 6 outputs leave registers for the operands
# How many factors of at least 1/2 a running product may have: float32 holds 2^-126.
_MOST_FACTORS = 120
_GROUPS = -(-2 * TILE // LANES)  # factors that a pair of inputs adds at most
_SCORED_AT_ONCE = 64  # inputs; their factors must not exceed what a product may have
_INDEX = ir.IntType(64)
_TINY = -30.0  # 1 - sigma(-30) rounds to 1: a lane with this score adds nothing to the loss


class Tables(NamedTuple):
    """The parameters, rows of one length after each other, zeros behind the last dimension.

    `in_rows` and `out_rows` are one-dimensional float32 arrays.
    """

    in_rows: object
    out_rows: object


class Window(NamedTuple):
    """Work space of one window: who meets whom, and what came of it.

    `in_at` and `out_at` (int64) are the first elements of the rows in their tables; `signs`
    (float32) is -1 for label 1 and +1 for label 0, with at least `LANES` elements behind the last;
    `errors` (float32, inputs times outputs and `LANES` more) takes rate times e_ij, tile by tile,
    input by input; `gradients` (float32, inputs times row length) collects the steps of inputs.
    `losses` (3 * LANES float32) holds running sums and products, `total` (1 float64) the loss in nats
    and `factors` (1 int64) how many factors the products have, see `fold_losses`.
    """

    in_at: object
    out_at: object
    signs: object
    errors: object
    gradients: object
    losses: object
    total: object
    factors: object


class RowShape(NamedTuple):
    """How long rows are: `vectors` that hold dimensions, and elements in those.

    `vectors` is a number, or a tuple with so many zeros: then code is compiled for this number
    alone, without loops along rows.
    """

    vectors: object
    length: int


class Meeting(NamedTuple):
    """How many inputs meet how many outputs, at which rate.

    With `collect` (0 or 1) the inputs stay as they are, and their steps are left in
    ``window.gradients``, input by input.
    """

    n_inputs: int
    n_outputs: int
    rate: float
    collect: int


class Tile(NamedTuple):
    """Which part of a window: inputs in all, first output, length of rows in vectors, the rate;
    and which inputs are scored.
    """

    n_inputs: int
    first_output: int
    n_vectors: int
    rate: float
    first_input: int
    n_scored: int


class _Emitter:
    """What one tile of `size` outputs needs while it is emitted."""

    def __init__(self, context, builder, signature, arguments, size):
        self.builder, self.size = builder, size
        tables, window, tile = arguments
        fields = cgutils.unpack_tuple(builder, tables, 2)
        kinds = signature.args[0].types
        self.in_base, self.out_base = (
            self._start(context, kind, array) for kind, array in zip(kinds, fields, strict=True)
        )
        fields = cgutils.unpack_tuple(builder, window, len(Window._fields))
        self.window = Window(
            *(
                self._start(context, kind, array)
                for kind, array in zip(signature.args[1].types, fields, strict=True)
            )
        )
        self.tile = Tile(*cgutils.unpack_tuple(builder, tile, len(Tile._fields)))
        if isinstance(signature.args[2].types[2], types.BaseTuple):
            self.tile = self.tile._replace(n_vectors=_INDEX(signature.args[2].types[2].count))
        self.outputs = []
        for j in range(size):
            at = builder.gep(
                self.window.out_at, [builder.add(self.tile.first_output, _INDEX(j))]
            )
            self.outputs.append(builder.gep(self.out_base, [builder.load(at)]))
        # A pair of inputs has whole vectors to itself: those within a cache line are read again
        # at once, those across two lines only after a delay.
        self.errors = self.window.errors
        self.pair_errors = -(-2 * size // LANES) * LANES

    def _start(self, context, kind, array):
        return element_pointer(context, self.builder, kind, array, _INDEX(0))

    def input_row(self, i):
        at = self.builder.load(self.builder.gep(self.window.in_at, [i]))
        return self.builder.gep(self.in_base, [at])

    def errors_of(self, i):
        """Return where the errors of input `i` begin."""
        builder = self.builder
        pair = builder.mul(builder.lshr(i, _INDEX(1)), _INDEX(self.pair_errors))
        second = builder.mul(builder.and_(i, _INDEX(1)), _INDEX(self.size))
        return builder.gep(self.errors, [builder.add(pair, second)])

    def variable(self, value):
        """Return memory for a vector, which the compiler turns into a register."""
        place = cgutils.alloca_once(self.builder, VECTOR)
        self.builder.store(value, place)
        return place

    def add_product(self, place, x, y):
        builder = self.builder
        builder.store(multiply_add(builder, x, y, builder.load(place)), place)


def _emit_scores(emit, first_input, n_inputs):
    """Scores, errors and loss of `n_inputs` (1 or 2) inputs with all outputs of the tile."""
    builder, size = emit.builder, emit.size
    inputs = [emit.input_row(builder.add(first_input, _INDEX(i))) for i in range(n_inputs)]
    sums = [emit.variable(constant(0.0)) for _ in range(n_inputs * size)]
    with cgutils.for_range(builder, emit.tile.n_vectors) as loop:
        offset = builder.mul(loop.index, _INDEX(LANES))
        x = [vector_load(builder, builder.gep(row, [offset])) for row in inputs]
        for j, row in enumerate(emit.outputs):
            w = vector_load(builder, builder.gep(row, [offset]))
            for i in range(n_inputs):
                emit.add_product(sums[i * size + j], x[i], w)
    scores = packed_sums(builder, [builder.load(place) for place in sums])
    errors = emit.errors_of(first_input)
    signs = builder.gep(emit.window.signs, [emit.tile.first_output])
    signs = [
        vector_load(builder, builder.gep(signs, [_INDEX(LANES * k)])) for k in range(2)
    ] if size > LANES else [vector_load(builder, signs)] * 2
    for group, score in enumerate(scores):
        lanes = range(group * LANES, (group + 1) * LANES)
        sign = shuffle(builder, *signs, [lane % size for lane in lanes])
        used = [lane < n_inputs * size for lane in lanes]
        error = _emit_error(emit, score, sign, used)
        vector_store(builder, builder.gep(errors, [_INDEX(group * LANES)]), error)


def _emit_error(emit, score, sign, used):
    """Return rate times the errors of a vector of scores; add their loss to the running one."""
    builder = emit.builder
    t = builder.fmul(score, sign)
    if not all(used):
        mask = ir.Constant(ir.VectorType(ir.IntType(1), LANES), used)
        t = builder.select(mask, t, constant(_TINY))
    zero = constant(0.0)
    wrong = sigmoid_of(builder, t)
    peak = builder.select(builder.fcmp_ordered("<", t, zero), zero, t)  # NaN stays what it is
    builder.store(builder.fadd(builder.load(emit.peaks), peak), emit.peaks)
    larger = maximum_of(builder, wrong, builder.fsub(constant(1.0), wrong))
    builder.store(builder.fmul(builder.load(emit.products), larger), emit.products)
    step = builder.fmul(sign, splat(builder, builder.fsub(ir.Constant(ir.FloatType(), 0.0), emit.tile.rate)))
    return builder.fmul(step, wrong)


def _emit_columns(emit, offset, width, mode):
    """Update `width` vectors of every row, from the values that all rows had before."""
    builder, size = emit.builder, emit.size
    n_vectors = emit.tile.n_vectors

    def at(row, k):
        return builder.gep(row, [builder.add(offset, _INDEX(k * LANES))])

    before = [[vector_load(builder, at(row, k)) for k in range(width)] for row in emit.outputs]
    steps = [[emit.variable(constant(0.0)) for _ in range(width)] for _ in range(size)]
    with cgutils.for_range(builder, emit.tile.n_inputs) as loop:
        row = emit.input_row(loop.index)
        kept = row
        if mode != "direct":
            length = builder.mul(n_vectors, _INDEX(LANES))
            kept = builder.gep(emit.window.gradients, [builder.mul(loop.index, length)])
        x = [vector_load(builder, at(row, k)) for k in range(width)]
        if mode == "direct":
            moved = x
        else:
            moved = [vector_load(builder, at(kept, k)) for k in range(width)]
        errors = emit.errors_of(loop.index)
        for j in range(size):
            error = splat(builder, builder.load(builder.gep(errors, [_INDEX(j)])))
            for k in range(width):
                emit.add_product(steps[j][k], error, x[k])
            moved = [multiply_add(builder, error, before[j][k], moved[k]) for k in range(width)]
        for k in range(width):
            vector_store(builder, at(kept, k), moved[k])
    # Read again: the same row may be there twice, as two negatives, and gets both steps.
    for row, step in zip(emit.outputs, steps, strict=True):
        for k in range(width):
            value = vector_load(builder, at(row, k))
            vector_store(builder, at(row, k), builder.fadd(value, builder.load(step[k])))


def _score_tile(size):
    """Make the intrinsic that fills `errors` for a tile of `size` outputs."""

    @intrinsic
    def score(typing_context, tables, window, tile):
        def generate(context, builder, signature, arguments):
            emit = _Emitter(context, builder, signature, arguments, size)
            first, n_scored = emit.tile.first_input, emit.tile.n_scored
            peaks_at = emit.window.losses
            products_at = builder.gep(peaks_at, [_INDEX(LANES)])
            emit.peaks = emit.variable(vector_load(builder, peaks_at))
            emit.products = emit.variable(vector_load(builder, products_at))
            pairs = builder.lshr(n_scored, _INDEX(1))
            with cgutils.for_range(builder, pairs) as loop:
                _emit_scores(emit, builder.add(first, builder.shl(loop.index, _INDEX(1))), 2)
            with builder.if_then(builder.trunc(n_scored, ir.IntType(1))):
                last = builder.sub(builder.add(first, n_scored), _INDEX(1))
                _emit_scores(emit, last, 1)
            vector_store(builder, peaks_at, builder.load(emit.peaks))
            vector_store(builder, products_at, builder.load(emit.products))
            return context.get_dummy_value()

        return types.void(tables, window, tile), generate

    return score


def _update_tile(size, mode):
    """Make the intrinsic that updates a tile of `size` outputs and what it means for the inputs.

    `mode` says where the inputs' steps go: "direct" into their rows, "added" onto `gradients`.
    """
    width = 2 if size <= TILE and REGISTERS >= 32 else 1

    @intrinsic
    def update(typing_context, tables, window, tile):
        def generate(context, builder, signature, arguments):
            emit = _Emitter(context, builder, signature, arguments, size)
            n_vectors = emit.tile.n_vectors
            blocks = builder.udiv(n_vectors, _INDEX(width))
            with cgutils.for_range(builder, blocks) as loop:
                _emit_columns(emit, builder.mul(loop.index, _INDEX(width * LANES)), width, mode)
            if width > 1:
                with builder.if_then(builder.trunc(n_vectors, ir.IntType(1))):
                    last = builder.sub(n_vectors, _INDEX(1))
                    _emit_columns(emit, builder.mul(last, _INDEX(LANES)), 1, mode)
            return context.get_dummy_value()

        return types.void(tables, window, tile), generate

    return update


_SCORE = [_score_tile(size) for size in range(1, TILE + 1)]
_DIRECT = [_update_tile(size, "direct") for size in range(1, TILE + 1)]
_ADDED = [_update_tile(size, "added") for size in range(1, TILE + 1)]
_score_1, _score_2, _score_3, _score_4, _score_5, _score_6 = _SCORE
_direct_1, _direct_2, _direct_3, _direct_4, _direct_5, _direct_6 = _DIRECT
_added_1, _added_2, _added_3, _added_4, _added_5, _added_6 = _ADDED


@njit(nogil=True, inline="always")
def score_tile(tables, window, tile, size):
    """Fill in the errors of one tile of `size` outputs (1 to `TILE`) and add up its loss."""
    if size == 6:
        _score_6(tables, window, tile)
    elif size == 5:
        _score_5(tables, window, tile)
    elif size == 4:
        _score_4(tables, window, tile)
    elif size == 3:
        _score_3(tables, window, tile)
    elif size == 2:
        _score_2(tables, window, tile)
    else:
        _score_1(tables, window, tile)


@njit(nogil=True, inline="always")
def update_rows(tables, window, tile, size):
    """Update a tile's outputs, and the input rows in place."""
    if size == 6:
        _direct_6(tables, window, tile)
    elif size == 5:
        _direct_5(tables, window, tile)
    elif size == 4:
        _direct_4(tables, window, tile)
    elif size == 3:
        _direct_3(tables, window, tile)
    elif size == 2:
        _direct_2(tables, window, tile)
    else:
        _direct_1(tables, window, tile)


@njit(nogil=True, inline="always")
def update_outputs(tables, window, tile, size):
    """Update a tile's outputs; add the steps of inputs to ``window.gradients``."""
    if size == 6:
        _added_6(tables, window, tile)
    elif size == 5:
        _added_5(tables, window, tile)
    elif size == 4:
        _added_4(tables, window, tile)
    elif size == 3:
        _added_3(tables, window, tile)
    elif size == 2:
        _added_2(tables, window, tile)
    else:
        _added_1(tables, window, tile)


@njit(cache=True, nogil=True)
def clear_losses(window):
    """Begin anew: no loss so far."""
    window.losses[:LANES] = 0
    window.losses[LANES:] = 1
    window.total[0] = 0
    window.factors[0] = 0


@njit(cache=True, nogil=True)
def fold_losses(window):
    """Add the running sums and products to the total, in float64.

    log(1 + e^t) = max(t, 0) - log max(sigma(t), 1 - sigma(t)). The first terms are summed lane by
    lane; of the second ones only the products of the maxima, each at least 1/2, are kept, so that
    one logarithm serves up to `_MOST_FACTORS` of them.
    """
    logarithms = logarithm(load(window.losses, LANES))
    store(window.losses, 2 * LANES, load(window.losses, 0) - logarithms)
    for lane in range(LANES):
        window.total[0] += window.losses[2 * LANES + lane]
        window.losses[lane] = 0
        window.losses[LANES + lane] = 1
    window.factors[0] = 0


@njit(nogil=True, inline="always")
def add_steps(tables, window, n_inputs, shape):
    """Add the collected steps to the input rows."""
    for i in range(n_inputs):
        for d in range(0, shape.length, LANES):
            at = window.in_at[i] + d
            step = load(window.gradients, i * shape.length + d)
            store(tables.in_rows, at, load(tables.in_rows, at) + step)


@njit(nogil=True, inline="always")
def score_outputs(tables, window, meeting, first, size, shape):
    """Errors and loss of a tile of outputs with all inputs."""
    for i in range(0, meeting.n_inputs, _SCORED_AT_ONCE):
        n_scored = min(_SCORED_AT_ONCE, meeting.n_inputs - i)
        factors = (n_scored + 1) // 2 * _GROUPS
        if window.factors[0] + factors > _MOST_FACTORS:
            fold_losses(window)
        window.factors[0] += factors
        tile = Tile(meeting.n_inputs, first, shape.vectors, meeting.rate, i, n_scored)
        score_tile(tables, window, tile, size)


@njit(nogil=True, inline="always")
def train_window(tables, window, meeting, shape):
    """Take one step on the loss of a window's inputs with its outputs.

    All scores are those of the rows before the step, whatever the number of outputs.

    Parameters
    ----------
    tables : Tables
        Updated; where ``meeting.collect`` is set, only ``tables.out_rows``.
    window : Window
        Who meets whom.
    meeting : Meeting
    shape : RowShape
    """
    n_inputs, n_outputs = meeting.n_inputs, meeting.n_outputs
    direct = n_outputs <= TILE and meeting.collect == 0
    if not direct:
        for i in range(n_inputs * shape.length):
            window.gradients[i] = 0
    first = 0
    tiles = (n_outputs + TILE - 1) // TILE
    while tiles > 0:
        size = (n_outputs - first + tiles - 1) // tiles
        score_outputs(tables, window, meeting, first, size, shape)
        tile = Tile(n_inputs, first, shape.vectors, meeting.rate, 0, 0)
        if direct:
            update_rows(tables, window, tile, size)
        else:
            update_outputs(tables, window, tile, size)
        first += size
        tiles -= 1
    if not direct and meeting.collect == 0:
        add_steps(tables, window, n_inputs, shape)
