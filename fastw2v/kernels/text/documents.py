"""Hashes of documents, by which some are held out."""

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.hashing import hash_bytes
from fastw2v.kernels.formulas.random_numbers import seed_state

__all__ = ["hash_documents"]


@kernel
def hash_documents(text, ends, seed, stream, hashes):
    """Write a hash of each document, made of its bytes, a seed, and what it is for.

    Parameters
    ----------
    text : uint8 array
        The documents one behind the other.
    ends : int64 array (n,)
        Where each ends.
    seed, stream : uint64
    hashes : uint64 array (n,)
        Written. Evenly spread whatever the documents are.
    """
    start = 0
    for document in range(ends.shape[0]):
        value = hash_bytes(text, start, ends[document])
        hashes[document] = seed_state(seed, stream, value)
        start = ends[document]
