"""Negative sampling and hierarchical softmax on blocks of running text.

Imports `simd`, `formulas` and `text`.
"""
