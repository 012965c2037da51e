"""Chi-square: the judge of every frequency in these tests.

Seeds are fixed, so a test either always epochs or always fails. Use `assert_frequencies` both for
the real draws and, inside ``pytest.raises``, for sabotaged ones.
"""

import numpy as np
from scipy.stats import chi2

SMALLEST_EXPECTED = 10.0
SMALLEST_P_VALUE = 1e-4


class FrequencyMismatchError(AssertionError):
    """Draws do not follow the distribution that they should."""


def assert_frequencies(observed, probabilities):
    """Raise FrequencyMismatchError unless counts of draws look like draws from a distribution.

    Outcomes that are expected fewer than `SMALLEST_EXPECTED` times are judged together; an
    impossible outcome must not be there at all.
    """
    observed = np.asarray(observed, np.float64)
    expected = np.asarray(probabilities, np.float64) * observed.sum()
    assert observed.shape == expected.shape
    if observed[expected == 0].any():
        raise FrequencyMismatchError("an outcome of probability zero was drawn")
    rare = expected < SMALLEST_EXPECTED
    if rare.any():
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    used = expected > 0
    statistic = ((observed[used] - expected[used]) ** 2 / expected[used]).sum()
    p_value = chi2.sf(statistic, used.sum() - 1)
    if p_value < SMALLEST_P_VALUE:
        raise FrequencyMismatchError(f"chi-square {statistic:.1f}, p-value {p_value:.1e}")
