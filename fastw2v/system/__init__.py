"""Files, arrays, threads, signals: what every room asks of the operating system.

Imports `config`, `callbacks`, `errors` and `version`.
"""
