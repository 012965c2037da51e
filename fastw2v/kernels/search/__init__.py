"""The nearest of many vectors: heaps of the best, scans of all, exact cosines.

Imports `simd`.
"""
