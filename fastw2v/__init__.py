"""Numba-accelerated word2vec: the exact full softmax, counted once, trained as dense tiles."""

__version__ = "0.1.0"
