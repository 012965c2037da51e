"""A text with planted topics."""

import pytest

from fastw2v.text.reading import read_corpus
from tests.support.corpora_made import topic_sentences


@pytest.fixture(scope="module")
def topics():
    return read_corpus(topic_sentences(seed=1), min_count=1)
