"""One module for each command; `fastw2v.cli.main` imports it when it is asked for.

Imports every room, but within functions: a command's help needs neither Numba nor numpy.
"""
