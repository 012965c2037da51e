"""Where a corpus stands: files, folders, globs and URLs; plain text, JSON lines, tables, frames.

Each reader yields blocks of text, or batches of lists of tokens; what is missing is counted. One
class, `parts.Part`, knows a file of any kind, or a part of one; `fastw2v.text.corpus` puts them
together.

Imports `kernels`, `system`, `config`, and of `text` blocks, batches and encodings.
"""
