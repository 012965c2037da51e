"""The plain mathematics of docs/math.md: losses and gradients as pure functions.

Imports no other kernels but `simd`.
"""
