"""What the guides and docstrings promise of settings, stages and errors."""

import pytest

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.evaluation import evaluate_analogies
from fastw2v.evaluation.test_sets import AnalogySet
from fastw2v.system.progress import UNITS
from tests.evaluation.test_analogies import grid
from tests.support.corpora_made import random_sentences, write_text

SENTENCES = random_sentences(3, 40, sentences=200)
SMALL = {"vector_size": 4, "epochs": 1, "min_count": 1}


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts") / "counts"
    count_corpus(SENTENCES, CountingSettings(window=3, min_count=1), folder, workers=1)
    return folder


@pytest.mark.parametrize("window", [5, 4])
def test_a_setting_that_was_given_contradicts_counts_however_it_was_given(counts, window):
    """5 is the default: given, it was meant all the same."""
    for model in (Word2Vec(window=window, **SMALL), Word2Vec(Hyperparameters(window=window))):
        with pytest.raises(ConfigurationError, match=f"window: expected 3, .*, got {window}"):
            model.fit_counts(counts)
        assert model.settings.window == window


def test_a_setting_that_was_not_given_is_that_of_the_counts(counts):
    for model in (Word2Vec(**SMALL), Word2Vec(Hyperparameters(**SMALL))):
        assert model.fit_counts(counts).settings.window == 3
    agreeing = Word2Vec(Hyperparameters(window=3, **SMALL)).fit_counts(counts)
    assert (agreeing.in_vectors == model.in_vectors).all()


def stages_of(source, **options):
    told = {}

    def progress(stage, done, total):
        told[stage] = (done, total)

    Word2Vec(**SMALL).fit(source, progress=progress, **options)
    return told


@pytest.mark.parametrize("memory_mib", [None, 600])
def test_reading_is_told_in_bytes_and_counting_in_tokens(tmp_path, memory_mib):
    path = write_text(tmp_path / "text.txt", SENTENCES)
    told = stages_of(path, memory_mib=memory_mib)
    size, n_tokens = path.stat().st_size, sum(map(len, SENTENCES))
    assert size != n_tokens
    assert told["reading"] == (size, size)
    assert told["counting"] == (n_tokens, n_tokens)


def test_analogies_are_told_in_words():
    told = []
    table = grid(3)
    questions = AnalogySet("none", {"x": [(table.words[0],) * 4] * 5})
    evaluate_analogies(table, questions, progress=lambda *now: told.append(now))
    assert told[-1] == (len(table.words), len(table.words))
    assert UNITS["analogies"].name == "words"


@pytest.mark.parametrize("settings", [{}, {"memory_mib": 600}])
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_a_text_without_tokens_is_one_kind_of_error(tmp_path, settings, model):
    path = tmp_path / "text.txt"
    path.write_text("\n \n")
    with pytest.raises(CorpusError, match=r"without a single token"):
        Word2Vec(model=model).fit(path, **settings)
