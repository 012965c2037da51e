"""Words that tests of features train on, and the options of a quick training."""

import numpy as np

QUICK = ["--vector-size", "6", "--min-count", "1", "--epochs", "2", "--quiet"]
STEMS, ENDINGS = ("river", "lake", "straße", "stone"), ("", "s", "ing", "er")
WORDS = [stem + ending for stem in STEMS for ending in ENDINGS]


def sentences():
    generator = np.random.default_rng(1)
    return [list(map(str, generator.choice(WORDS, 9))) for _ in range(120)]


def centre_of(named, features):
    """Return the centre vector of something that has these features, by the vectors of a model."""
    places = [named.names.index(name) for name in features]
    return named.centres[places].sum(axis=0) / np.sqrt(len(places)) - named.offset
