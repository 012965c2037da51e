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
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastw2v.kernels.simd.vectors import (
    LANES,
    REGISTERS,
    VECTOR,
    constant,
    element_pointer,
    maximum_of,
    multiply_add,
    packed_sums,
    shuffle,
    sigmoid_of,
    splat,
    vector_load,
    vector_store,
)

__all__ = [
    "TILE",
    "Tables",
    "Tile",
    "TileEmitter",
    "Window",
    "emit_dot_products",
    "score_tile",
    "update_outputs",
    "update_rows",
]

# Outputs side by side: 2 inputs times 6 sums leave registers for the operands, even with 16 of
# them. Where there are 32, tiles of 8 and 12 were not faster.
TILE = 6
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

    Attributes
    ----------
    in_at, out_at : int64 arrays
        The first elements of the rows in their tables.
    signs : float32 array
        -1 for label 1 and +1 for label 0, with at least `LANES` elements behind the last. They are
        read as vectors, so they should not have been written one by one just before.
    errors : float32 array
        Takes rate times e_ij of one tile: whole vectors for each pair of inputs.
    gradients : float32 array (inputs times row length)
        Collects the steps of inputs.
    losses : float32 array (3 * LANES)
        Running sums and products, see `fastw2v.kernels.stream.sigmoid_windows.fold_losses`.
    total : float64 array (1,)
        The loss in nats so far.
    factors : int64 array (1,)
        How many factors the products have.
    """

    in_at: object
    out_at: object
    signs: object
    errors: object
    gradients: object
    losses: object
    total: object
    factors: object


class Tile(NamedTuple):
    """Which part of a window is worked on.

    `n_inputs` is the number of all inputs, `first_output` the tile's first, `vectors` the length
    of rows (a number, or a tuple of as many zeros), `rate` the learning rate (float32); of the
    inputs, `n_scored` from `first_input` on are scored. `first_sign` is the place of the window's
    first sign.
    """

    n_inputs: int
    first_output: int
    vectors: object
    rate: float
    first_input: int
    n_scored: int
    first_sign: int


class TileEmitter:
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
        vectors = signature.args[2].types[2]
        is_known = isinstance(vectors, types.BaseTuple)
        self.n_vectors = _INDEX(vectors.count) if is_known else self.tile.vectors
        self.outputs = []
        for j in range(size):
            at = builder.gep(self.window.out_at, [builder.add(self.tile.first_output, _INDEX(j))])
            self.outputs.append(builder.gep(self.out_base, [builder.load(at)]))
        # A pair of inputs has whole vectors to itself: those within a cache line are read again
        # at once, those across two lines only after a delay.
        self.errors = self.window.errors
        self.pair_errors = -(-2 * size // LANES) * LANES

    def _start(self, context, kind, array):
        return element_pointer(context, self.builder, kind, array, _INDEX(0))

    def input_row(self, i):
        """Return where the row of input `i` begins."""
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
        """Add x*y to a variable."""
        builder = self.builder
        builder.store(multiply_add(builder, x, y, builder.load(place)), place)

    def begin_losses(self):
        """Take the running sums and products of the loss into registers."""
        self.peaks_at = self.window.losses
        self.products_at = self.builder.gep(self.peaks_at, [_INDEX(LANES)])
        self.peaks = self.variable(vector_load(self.builder, self.peaks_at))
        self.products = self.variable(vector_load(self.builder, self.products_at))

    def end_losses(self):
        """Write them back."""
        vector_store(self.builder, self.peaks_at, self.builder.load(self.peaks))
        vector_store(self.builder, self.products_at, self.builder.load(self.products))

    def error(self, score, sign, mask):
        """Return rate times the errors of a vector of scores; add their loss to the running one.

        Lanes where `mask` is false hold no score; None if all do.
        """
        builder = self.builder
        t = builder.fmul(score, sign)
        if mask is not None:
            t = builder.select(mask, t, constant(_TINY))
        zero = constant(0.0)
        wrong = sigmoid_of(builder, t)
        peak = builder.select(builder.fcmp_ordered("<", t, zero), zero, t)  # NaN stays what it is
        builder.store(builder.fadd(builder.load(self.peaks), peak), self.peaks)
        larger = maximum_of(builder, wrong, builder.fsub(constant(1.0), wrong))
        builder.store(builder.fmul(builder.load(self.products), larger), self.products)
        rate = splat(builder, self.tile.rate)
        step = builder.fmul(builder.fsub(zero, sign), rate)
        return builder.fmul(step, wrong)


def emit_dot_products(emit, inputs):
    """Return the products of each of `inputs` with each output, as vectors still to be summed."""
    builder, size = emit.builder, emit.size
    sums = [emit.variable(constant(0.0)) for _ in range(len(inputs) * size)]
    with cgutils.for_range(builder, emit.n_vectors) as loop:
        offset = builder.mul(loop.index, _INDEX(LANES))
        x = [vector_load(builder, builder.gep(row, [offset])) for row in inputs]
        for j, row in enumerate(emit.outputs):
            w = vector_load(builder, builder.gep(row, [offset]))
            for i, value in enumerate(x):
                emit.add_product(sums[i * size + j], value, w)
    return [builder.load(place) for place in sums]


def _emit_scores(emit, first_input, n_inputs):
    """Scores, errors and loss of `n_inputs` (1 or 2) inputs with all outputs of the tile."""
    builder, size = emit.builder, emit.size
    inputs = [emit.input_row(builder.add(first_input, _INDEX(i))) for i in range(n_inputs)]
    scores = packed_sums(builder, emit_dot_products(emit, inputs))
    errors = emit.errors_of(first_input)
    first_sign = builder.add(emit.tile.first_sign, emit.tile.first_output)
    signs = builder.gep(emit.window.signs, [first_sign])
    pieces = [
        vector_load(builder, builder.gep(signs, [_INDEX(LANES * k)]))
        for k in range(-(-size // LANES))
    ]
    for group, score in enumerate(scores):
        lanes = range(group * LANES, (group + 1) * LANES)
        places = [lane % size for lane in lanes]
        first = min(places) // LANES  # the lanes of a group lie in at most two pieces
        pair = (pieces + pieces[-1:])[first : first + 2]
        sign = shuffle(builder, *pair, [place - first * LANES for place in places])
        used = [lane < n_inputs * size for lane in lanes]
        mask = None if all(used) else ir.Constant(ir.VectorType(ir.IntType(1), LANES), used)
        error = emit.error(score, sign, mask)
        vector_store(builder, builder.gep(errors, [_INDEX(group * LANES)]), error)


def _emit_columns(emit, offset, width, mode):
    """Update `width` vectors of every row, from the values that all rows had before."""
    builder, size = emit.builder, emit.size
    n_vectors = emit.n_vectors

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
        moved = [vector_load(builder, at(kept, k)) for k in range(width)] if kept is not row else x
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


def _emit_errors(emit):
    """All scores of the tile, input by input, two at a time."""
    builder = emit.builder
    first, n_scored = emit.tile.first_input, emit.tile.n_scored
    emit.begin_losses()
    pairs = builder.lshr(n_scored, _INDEX(1))
    with cgutils.for_range(builder, pairs) as loop:
        _emit_scores(emit, builder.add(first, builder.shl(loop.index, _INDEX(1))), 2)
    with builder.if_then(builder.trunc(n_scored, ir.IntType(1))):
        last = builder.sub(builder.add(first, n_scored), _INDEX(1))
        _emit_scores(emit, last, 1)
    emit.end_losses()


def _emit_updates(emit, mode):
    """All steps of the tile, along the rows.

    `mode` says where the inputs' steps go: "direct" into their rows, "added" onto `gradients`.
    """
    builder, n_vectors = emit.builder, emit.n_vectors
    width = 2 if 4 * emit.size + 5 <= REGISTERS else 1
    blocks = builder.udiv(n_vectors, _INDEX(width))
    with cgutils.for_range(builder, blocks) as loop:
        _emit_columns(emit, builder.mul(loop.index, _INDEX(width * LANES)), width, mode)
    if width > 1:
        with builder.if_then(builder.trunc(n_vectors, ir.IntType(1))):
            last = builder.sub(n_vectors, _INDEX(1))
            _emit_columns(emit, builder.mul(last, _INDEX(LANES)), 1, mode)


def _for_each_size(emit_size):
    """Make the intrinsic that does what is emitted for its `size` of tile, 1 to `TILE`."""

    @intrinsic
    def chosen(typing_context, tables, window, tile, size):
        def generate(context, builder, signature, arguments):
            *parts, size = arguments
            done = builder.append_basic_block("done")
            switch = builder.switch(size, done)
            for case in range(1, TILE + 1):
                block = builder.append_basic_block(f"size_{case}")
                switch.add_case(_INDEX(case), block)
                builder.position_at_end(block)
                emit_size(TileEmitter(context, builder, signature, parts, case))
                builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.void(tables, window, tile, types.int64), generate

    return chosen


# Fill in the errors of a tile of `size` outputs, and add up their loss.
score_tile = _for_each_size(_emit_errors)
# Update a tile's outputs, and the input rows in place.
update_rows = _for_each_size(lambda emit: _emit_updates(emit, "direct"))
# Update a tile's outputs; add the steps of inputs to ``window.gradients``.
update_outputs = _for_each_size(lambda emit: _emit_updates(emit, "added"))
