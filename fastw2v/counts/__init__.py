"""Co-occurrence counts: windows counted once, in memory or in a folder.

Imports `text`, `kernels`, `system`, `config`. `build` is the door. Within: build > sharded >
merged_folder > folder > parts | merging | pairs > corpus | batch > matrix > windows |
checked_text.
"""
