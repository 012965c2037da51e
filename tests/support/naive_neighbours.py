"""The plain twin of exact search: all cosines in double precision, sorted."""

import numpy as np


def nearest_rows(table, query, topn):
    """Return the rows nearest to a query, of equal cosines the first row, and the cosines."""
    wide = table.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    cosines = np.array([sum(row * query) for row in wide])
    cosines /= np.where(lengths > 0, lengths, 1) * np.linalg.norm(query)
    order = np.lexsort((np.arange(len(table)), -cosines))[:topn]
    return order, cosines[order]
