"""Input vectors of the exact skip-gram: a row for each word, or sums over features.

Both have one interface: they load the rows of a batch, take the gradient of each row, and hand
out vectors of words. The dense step between does not know which it serves.
"""
