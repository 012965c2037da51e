"""Numba kernels: arrays in, arrays out; nothing here imports a higher layer."""
