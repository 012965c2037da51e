"""Vector instructions: lanes, blocks of products, bfloat16, matrix tiles (AMX), atomics.

Imports nothing of the package.
"""
