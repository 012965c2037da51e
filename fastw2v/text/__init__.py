"""From files, lists and streams to a vocabulary and running word ids.

Imports `kernels`, `system`, `config`.
"""
