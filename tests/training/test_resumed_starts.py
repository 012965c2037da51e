"""A run that started from something earlier, interrupted and resumed, ends in the same bits."""

import shutil

import pytest

from fastw2v import Checkpoints, StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.errors import CheckpointError, ConfigurationError, ModelFormatError
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from tests.support.corpora_made import random_sentences, write_text
from tests.training.test_resume import COMMON, StoppedHereError, arrays_of, losses_of, stopping_at

CELLS = {
    "counts": {"batch_rows": 16},
    "subwords": {"inputs": "subwords", "batch_rows": 16},
    "cbow": {"model": "cbow", "batch_tokens": 300, "sample": 0.1},
    "negative": {"objective": "negative"},
    "hierarchical": {"objective": "hierarchical"},
}


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    yesterday = random_sentences(4, 50, sentences=300, longest=12)
    today = random_sentences(5, 60, sentences=300, longest=12)
    return (
        write_text(folder / "yesterday.txt", yesterday),
        write_text(folder / "today.txt", today),
    )


def stopped(corpus, target, start):
    """Train from a start until some steps into the second epoch, then stop as if killed."""
    model = Word2Vec(workers=1)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus,
            start=start,
            callbacks=[lambda report: report.epoch == 2 and stopping_at(report.step)(report)],
            checkpoints=Checkpoints(target, every="0.0001s"),
        )
    return read_checkpoint(checkpoint_path(target)).run


@pytest.mark.parametrize("cell", CELLS)
def test_the_same_bits(texts, tmp_path, cell):
    yesterday, today = texts
    model = Word2Vec(workers=1, **COMMON, **CELLS[cell]).fit(yesterday)
    model.save(tmp_path / "earlier")
    start = StartFrom(tmp_path / "earlier", lock_known=cell in ("counts", "negative"))
    whole = Word2Vec(workers=1).fit(today, start=start)
    about = stopped(today, tmp_path / "model", start)
    assert about.start["path"] == str(tmp_path / "earlier")
    assert (about.start["n_known"], about.start["n_words"]) == (50, 60)
    resumed = Word2Vec.resume(tmp_path / "model", workers=1)
    assert arrays_of(resumed) == arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)
    assert resumed.vocabulary.counts.tolist() == whole.vocabulary.counts.tolist()
    assert resumed.run_record.start == whole.run_record.start
    # A start that were forgotten would be noticed: the words would be others.
    alone = Word2Vec(whole.settings, workers=1).fit(today)
    assert arrays_of(alone) != arrays_of(whole)


def test_another_model_in_its_place_is_refused(texts, tmp_path):
    yesterday, today = texts
    model = Word2Vec(workers=1, **COMMON).fit(yesterday)
    model.save(tmp_path / "earlier")
    stopped(today, tmp_path / "model", tmp_path / "earlier")
    Word2Vec(workers=1, **COMMON | {"seed": 4}).fit(yesterday).save(tmp_path / "earlier")
    message = r"expected the vectors that the run started from \(digest .*earlier; restore them"
    with pytest.raises(CheckpointError, match=message):
        Word2Vec.resume(tmp_path / "model")
    shutil.rmtree(tmp_path / "earlier")
    model.save(tmp_path / "moved")
    with pytest.raises(ModelFormatError, match="earlier: no such file or folder") as caught:
        Word2Vec.resume(tmp_path / "model")
    assert "the run started from that; put it back" in caught.value.__notes__[0]
    found = Word2Vec.resume(tmp_path / "model", start=tmp_path / "moved")
    assert arrays_of(found) == arrays_of(Word2Vec(workers=1).fit(today, start=model))


def test_a_start_from_memory_has_to_be_given_again(texts, tmp_path):
    yesterday, today = texts
    model = Word2Vec(workers=1, **COMMON).fit(yesterday)
    stopped(today, tmp_path / "model", model)
    with pytest.raises(CheckpointError, match=r"were no file; pass the same ones to Word2Vec\.res"):
        Word2Vec.resume(tmp_path / "model")
    whole = Word2Vec(workers=1).fit(today, start=model)
    assert arrays_of(Word2Vec.resume(tmp_path / "model", start=model)) == arrays_of(whole)


def test_a_run_without_a_start_takes_none(texts, tmp_path):
    yesterday, _ = texts
    model = Word2Vec(workers=1, **COMMON)
    with pytest.raises(StoppedHereError):
        model.fit(
            yesterday, callbacks=[stopping_at(1)], checkpoints=Checkpoints(tmp_path / "m", "1epoch")
        )
    with pytest.raises(
        ConfigurationError, match="start: expected none, since the run started anew"
    ):
        Word2Vec.resume(tmp_path / "m", start=Word2Vec(**COMMON).fit(yesterday))


def test_counts_that_were_added_are_added_again(texts, tmp_path):
    yesterday, today = texts
    counting = CountingSettings(window=2, min_count=1)
    count_corpus(yesterday, counting, tmp_path / "counts")
    Word2Vec(workers=1, **COMMON).fit(yesterday).save(tmp_path / "earlier")
    start = StartFrom(tmp_path / "earlier", counts=tmp_path / "counts")
    whole = Word2Vec(workers=1).fit(today, start=start)
    about = stopped(today, tmp_path / "model", start)
    assert about.start["counts"] == str(tmp_path / "counts")
    assert arrays_of(Word2Vec.resume(tmp_path / "model", workers=1)) == arrays_of(whole)
    stopped(today, tmp_path / "again", start)
    count_corpus(today, counting, tmp_path / "counts")
    with pytest.raises(CheckpointError, match="expected the counts that the run started from"):
        Word2Vec.resume(tmp_path / "again")


def test_counts_that_were_away_at_the_start_are_not_added_by_a_resumed_run(texts, tmp_path):
    yesterday, today = texts
    count_corpus(yesterday, CountingSettings(window=2, min_count=1), tmp_path / "counts")
    Word2Vec(workers=1, **COMMON).fit_counts(tmp_path / "counts").save(tmp_path / "earlier")
    (tmp_path / "counts").rename(tmp_path / "away")
    whole = Word2Vec(workers=1).fit(today, start=tmp_path / "earlier")
    assert stopped(today, tmp_path / "model", tmp_path / "earlier").start["counts"] is None
    (tmp_path / "away").rename(tmp_path / "counts")
    resumed = Word2Vec.resume(tmp_path / "model", workers=1)
    assert arrays_of(resumed) == arrays_of(whole)
    assert resumed.run_record.start["counts"] is None


def test_replicas_on_counts_of_both_texts_go_on(texts, tmp_path):
    """The earlier counts say what the merged ones hold; away, they cannot say it again."""
    counting = CountingSettings(window=2, window_sample=0.0, min_count=1)
    for text, name in zip(texts, ("before", "now"), strict=True):
        count_corpus(text, counting, tmp_path / name)
    merge_counts([tmp_path / "before", tmp_path / "now"], tmp_path / "both")
    Word2Vec(workers=1, **COMMON).fit_counts(tmp_path / "before").save(tmp_path / "earlier")
    start = tmp_path / "earlier"
    whole = Word2Vec(workers=1, replicas=2).fit_counts(tmp_path / "both", start=start)
    with pytest.raises(StoppedHereError):
        Word2Vec(workers=1, replicas=2).fit_counts(
            tmp_path / "both",
            start=start,
            callbacks=[lambda report: report.epoch == 4 and stopping_at(report.step)(report)],
            checkpoints=Checkpoints(tmp_path / "model", every="1epoch"),
        )
    shutil.rmtree(tmp_path / "before")
    resumed = Word2Vec.resume(tmp_path / "model")
    assert arrays_of(resumed) == arrays_of(whole)
    assert resumed.run_record.start == whole.run_record.start
    assert whole.run_record.start["is_counted"]
