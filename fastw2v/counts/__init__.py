"""Co-occurrence counts: windows counted once, in memory or in a folder.

Imports `text`, `kernels`, `system`, `config`. Within: sharded > build > folder > parts | merging |
pairs > corpus | batch > matrix > windows.
"""
