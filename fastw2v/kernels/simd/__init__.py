"""Vector instructions: lanes, blocks of products, bfloat16, matrix tiles (AMX), atomics.

Imports `kernels.target` alone, which knows what instructions there are.
"""
