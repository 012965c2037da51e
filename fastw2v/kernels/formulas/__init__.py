"""Plain formulas as pure functions: those of docs/math.md, hashes, random numbers, Huffman's tree.

Imports no other kernels but `simd`.
"""
