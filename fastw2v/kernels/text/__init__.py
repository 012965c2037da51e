"""From bytes to numbers of words and of vectors.

Imports `simd` and `formulas`.
"""
