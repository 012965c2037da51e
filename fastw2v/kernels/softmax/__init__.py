"""The exact step on tiles of output words, and what belongs to it.

Imports `simd` and `formulas`.
"""
