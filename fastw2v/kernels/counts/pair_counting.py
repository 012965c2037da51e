"""Windowed pair counts, centre word by centre word.

The positions of the corpus are grouped by their centre word with a counting sort; then, for
one centre after the other, the windows of all its positions are added into a dense row
(`fastw2v.kernels.counts.sparse_rows`). No pair is ever stored or hashed. What a pair adds is said
in `fastw2v.kernels.counts.windows`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.counts.sparse_rows import RowAccumulator, drain_row
from fastw2v.kernels.counts.windows import Spans, Windows, add_windows, pack_span
from fastw2v.kernels.simd.atomics import fetch_add
from fastw2v.kernels.text.sentences import find_sentence

__all__ = [
    "EncodedText",
    "Rows",
    "Tasks",
    "copy_rows",
    "count_rows",
    "count_words",
    "group_positions",
]


class EncodedText(NamedTuple):
    """Running word ids and the sentences they form.

    Attributes
    ----------
    ids : ndarray of uint32, shape (n_tokens,)
    sentence_starts : ndarray of int64, shape (n_sentences + 1,)
        Sentence s is ``ids[sentence_starts[s]:sentence_starts[s + 1]]``.
    """

    ids: NDArray[np.uint32]
    sentence_starts: NDArray[np.int64]


class Tasks(NamedTuple):
    """Blocks of rows that workers take one after the other.

    Attributes
    ----------
    cuts : ndarray of int64, shape (n_tasks + 1,)
        Task t makes the rows from ``cuts[t]`` to ``cuts[t + 1]``.
    places : ndarray of int64, shape (n_tasks,)
        Where the entries of task t begin in the staging arrays.
    """

    cuts: NDArray[np.int64]
    places: NDArray[np.int64]


class Rows(NamedTuple):
    """Entries of sparse rows: context words and counts.

    Attributes
    ----------
    indices : ndarray of int32, shape (n,)
    values : ndarray of int32 or int64, shape (n,)
    """

    indices: NDArray[np.int32]
    values: NDArray[Any]


@kernel
def count_words(
    ids: NDArray[np.uint32],
    cuts: NDArray[np.int64],
    frequencies: NDArray[np.int64],
    unknown: NDArray[np.int64],
    counter: NDArray[np.int64],
) -> None:
    """Count the words of every block of the text.

    Parameters
    ----------
    ids : ndarray of uint32, shape (n_tokens,)
    cuts : ndarray of int64, shape (n_blocks + 1,)
        Block b is ``ids[cuts[b]:cuts[b + 1]]``.
    frequencies : ndarray of int64, shape (n_blocks, V)
        Zeros; receives the counts.
    unknown : ndarray of int64, shape (n_blocks,)
        Receives the first position of a block whose id is not below V, and -1 if there is none.
    counter : ndarray of int64, shape (1,)
        The next block; shared by the workers.
    """
    n_words = frequencies.shape[1]
    while True:
        block = fetch_add(counter, 0, 1)
        if block >= cuts.size - 1:
            return
        unknown[block] = -1
        row = frequencies[block]
        for i in range(cuts[block], cuts[block + 1]):
            if ids[i] >= n_words:
                unknown[block] = i
                break
            row[ids[i]] += 1


@kernel
def group_positions(
    text: EncodedText,
    cuts: NDArray[np.int64],
    first_centre: int,
    windows: Windows,
    slots: NDArray[np.int64],
    packed: NDArray[np.int64],
    counter: NDArray[np.int64],
) -> None:
    """Write the spans of a range of centres, grouped by centre, positions ascending.

    Parameters
    ----------
    text : EncodedText
    cuts : ndarray of int64, shape (n_blocks + 1,)
        The blocks of `count_words`.
    first_centre : int
        The range begins with this word and has as many as `slots` has columns.
    windows : Windows
    slots : ndarray of int64, shape (n_blocks, C)
        Where the next span of each centre from each block goes; advanced.
    packed : ndarray of int64, shape (n,)
        Receives the spans.
    counter : ndarray of int64, shape (1,)
        The next block; shared by the workers.
    """
    n_centres = np.uint64(slots.shape[1])
    while True:
        block = fetch_add(counter, 0, 1)
        if block >= cuts.size - 1:
            return
        row = slots[block]
        position, stop = cuts[block], cuts[block + 1]
        sentence = find_sentence(text.sentence_starts, position)
        while position < stop:
            sentence_start = text.sentence_starts[sentence]
            sentence_stop = text.sentence_starts[sentence + 1]
            for i in range(position, min(sentence_stop, stop)):
                # A word before the range wraps round to a huge number.
                centre = np.uint64(np.int64(text.ids[i]) - first_centre)
                if centre < n_centres:
                    slot = row[centre]
                    row[centre] = slot + 1
                    packed[np.uint64(slot)] = pack_span(
                        i, sentence_start, sentence_stop, windows.reach
                    )
            position = max(position, sentence_stop)
            sentence += 1


@kernel
def count_rows(
    ids: NDArray[np.uint32],
    spans: Spans,
    tasks: Tasks,
    windows: Windows,
    row: RowAccumulator,
    staged: Rows,
    sizes: NDArray[np.int64],
    counter: NDArray[np.int64],
) -> int:
    """Count the contexts of the centres of every task.

    Parameters
    ----------
    ids : ndarray of uint32, shape (n_tokens,)
    spans : Spans
        Of C centres.
    tasks : Tasks
        Rows are counted from the first centre of `spans`.
    windows : Windows
    row : RowAccumulator
        This worker's own, with sums that hold the largest count.
    staged : Rows
        Receives the rows of a task one after the other, from the task's place on.
    sizes : ndarray of int64, shape (C,)
        Receives the number of entries of every row.
    counter : ndarray of int64, shape (1,)
        The next task; shared by the workers.

    Returns
    -------
    int
        The largest count that this worker met; 0 if none.
    """
    largest = 0
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= tasks.places.size:
            return largest
        place = tasks.places[task]
        for centre in range(tasks.cuts[task], tasks.cuts[task + 1]):
            n_touched = add_windows(ids, spans, centre, windows, row)
            stop, row_largest = drain_row(row, n_touched, staged.indices, staged.values, place)
            sizes[centre] = stop - place
            largest = max(largest, row_largest)
            place = stop


@kernel
def copy_rows(
    tasks: Tasks,
    row_starts: NDArray[np.int64],
    staged: Rows,
    result: Rows,
    counter: NDArray[np.int64],
) -> None:
    """Move the rows of every task from where `count_rows` left them to their final place.

    Parameters
    ----------
    tasks : Tasks
    row_starts : ndarray of int64, shape (C + 1,)
        Where every row begins in `result`.
    staged, result : Rows
    counter : ndarray of int64, shape (1,)
        The next task; shared by the workers.
    """
    while True:
        task = fetch_add(counter, 0, 1)
        if task >= tasks.places.size:
            return
        start = row_starts[tasks.cuts[task]]
        size = row_starts[tasks.cuts[task + 1]] - start
        place = tasks.places[task]
        for k in range(size):
            result.indices[start + k] = staged.indices[place + k]
            result.values[start + k] = staged.values[place + k]
