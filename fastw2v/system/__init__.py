"""Files, arrays, threads, signals: what every room asks of the operating system.

Imports `errors` alone.
"""
