"""Counting a corpus in shards: by one machine that spills to disk, or by many.

`shards` says what a shard is and how it is read, `steps` has the steps of a count (`words` what
they do with words), `work_folder` is where their results wait, `plan` says how a corpus is cut,
`run` puts it all together, `local` does it in one process.

Imports the rest of `counts`, `text`, `kernels`, `system`, `config`.
"""
