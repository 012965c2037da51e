"""The command line: commands, their options, what is shown on a terminal.

Imports every room; nothing imports it.
"""
