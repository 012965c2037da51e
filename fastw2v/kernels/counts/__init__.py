"""Windows counted, and sparse rows of counts added up, drawn and summed.

Imports `simd`, `formulas` and `text`.
"""
