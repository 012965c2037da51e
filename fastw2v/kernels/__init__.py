"""Compiled code: arrays in, arrays out. One sub-room for each room that calls it.

Imports nothing of the package but other kernels and the errors: `counts`, `search`, `softmax` and
`stream` stand on `text`, that on `formulas`, and that on `simd`.
"""
