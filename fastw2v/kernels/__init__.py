"""Compiled code: arrays in, arrays out. One sub-room for each room that calls it.

Imports nothing of the package but other kernels: `simd` and `formulas` stand below `text`,
`counts`, `softmax` and `stream`.
"""
