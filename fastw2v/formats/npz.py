"""numpy's .npz: everything needed to recompute p(o | c), readable without this package."""

from pathlib import Path

import numpy as np

from fastw2v.embeddings import Embeddings
from fastw2v.errors import OutputError
from fastw2v.files import whole_file

LARGEST_WORD_TABLE_BYTES = 2**31


def write_npz(embeddings: Embeddings, target: Path) -> None:
    """Write ``words, counts, in_vectors, out_vectors, out_bias``; nothing is pickled.

    Raises
    ------
    OutputError
        If a word ends in a NUL character or the longest word makes the table of words, whose
        cells are all as wide, larger than 2 GiB.
    """
    words = embeddings.vocabulary.words
    longest = max(words, key=len, default="")
    if 4 * len(longest) * len(words) > LARGEST_WORD_TABLE_BYTES:
        raise OutputError(
            f"{target}: npz stores all words as wide as the longest, which has {len(longest):,} "
            f"characters and begins with {longest[:40]!r}; leave it out with a higher min_count"
        )
    for word in words:
        if word.endswith("\0"):
            raise OutputError(f"{target}: npz cannot hold {word!r}, which ends in NUL")
    with whole_file(target) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            words=np.array(words, dtype=np.str_),
            counts=embeddings.vocabulary.counts,
            in_vectors=embeddings.in_vectors,
            out_vectors=embeddings.out_vectors,
            out_bias=embeddings.out_bias,
        )
