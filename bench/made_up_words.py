"""Words that share syllables as real ones do, for benchmarks of n-grams."""

import numpy as np

__all__ = ["made_up_words"]

SYLLABLES = [a + b + c for a in "bdfgklmnprstv" for b in "aeiou" for c in ["", "n", "r", "s"]]


def made_up_words(n_words: int) -> list[str]:
    """Return different words of one to four syllables, some of which are far more frequent."""
    generator = np.random.default_rng(4)
    shares = 1.0 / np.arange(1, len(SYLLABLES) + 1) ** 0.5
    shares /= shares.sum()
    words: dict[str, None] = {}
    while len(words) < n_words:
        size = int(generator.choice([1, 2, 3, 4], p=[0.02, 0.28, 0.45, 0.25]))
        words["".join(generator.choice(SYLLABLES, size, p=shares))] = None
    return list(words)
