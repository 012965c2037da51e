"""Runs with phrases and stop words: as if the text had been joined before, and kept with models."""

import json
import shutil

import pandas
import pytest
from gensim.models.phrases import Phrases

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.config import CountingSettings, PhraseSettings
from fastw2v.counts.build import ShardOptions, count_corpus, reference_counts
from fastw2v.counts.folder import read_counts
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.errors import (
    CheckpointError,
    ConfigurationError,
    CorpusError,
    ModelFormatError,
    OutputError,
    TokenKindError,
    VocabularyError,
)
from fastw2v.evaluation.loading import load_table
from fastw2v.integrations.sklearn import Word2VecTransformer
from fastw2v.text.corpus import Source
from fastw2v.text.given_words import word_rules
from fastw2v.text.phrases import find_phrases
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint, write_checkpoint
from tests.support.corpora_made import write_text
from tests.support.programs import tree
from tests.text.test_phrases import running_text
from tests.training.test_resume import StoppedHereError, arrays_of, stopping_at

SENTENCES = running_text(11)
STOPPED = ["of", "w1"]
CHOSEN = PhraseSettings(min_count=2, threshold=0.4, passes=2)
PHRASES = {"phrases": 2, "phrase_min_count": 2, "phrase_threshold": 0.4}
SMALL = {"vector_size": 4, "min_count": 2, "epochs": 2, "sample": 0.01}
RUNS = {
    "counts": {},
    "tokens": {"batches": "tokens", "batch_tokens": 300},
    "cbow": {"model": "cbow"},
    "negative": {"objective": "negative"},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", SENTENCES)


@pytest.fixture(scope="module")
def found():
    return find_phrases(SENTENCES, CHOSEN)


def joined(found, sentences=SENTENCES):
    return [[word for word in found[sentence] if word not in STOPPED] for sentence in sentences]


def made(workers=1, **settings):
    return Word2Vec(workers=workers, **{**SMALL, **settings})


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_finds_phrases_is_that_on_the_joined_text(text, found, name):
    assert len(found.passes) == 2
    expected = made(**RUNS[name]).fit(joined(found))
    model = made(**RUNS[name], **PHRASES).fit(text, stop_words=STOPPED)
    assert arrays_of(model) == arrays_of(expected)
    assert model.corpus_digest == expected.corpus_digest
    assert model.vocabulary.words == expected.vocabulary.words
    assert model.vocabulary.n_raw_tokens == expected.vocabulary.n_raw_tokens
    assert model.phrases.as_dict() == found.as_dict()
    assert model.stop_words == tuple(STOPPED)
    # Without them it is another model.
    assert arrays_of(made(**RUNS[name], **PHRASES).fit(text)) != arrays_of(expected)
    # Given, they are joined the same way; so within a budget of memory.
    for options in ({}, {"memory_mib": 3000}):
        given = made(**RUNS[name]).fit(text, phrases=found, stop_words=STOPPED, **options)
        assert arrays_of(given) == arrays_of(expected)
    within = made(**RUNS[name], **PHRASES).fit(text, stop_words=STOPPED, memory_mib=3000)
    assert arrays_of(within) == arrays_of(expected)
    assert within.phrases.digest == found.digest


def test_the_result_does_not_depend_on_workers_or_the_kind_of_source(tmp_path, text, found):
    expected = arrays_of(made(**PHRASES).fit(text))
    lines = [" ".join(sentence) for sentence in SENTENCES]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"t": line}) + "\n" for line in lines))
    sources = [
        SENTENCES,
        (sentence for sentence in SENTENCES),
        Source(tmp_path / "x.jsonl", field="t"),
        pandas.Series(lines),
        Source(pandas.DataFrame({"t": SENTENCES}), field="t"),
    ]
    for source in sources:
        assert arrays_of(made(workers=3, **PHRASES).fit(source)) == expected
    assert arrays_of(made().fit(text, phrases=Phrases(SENTENCES, min_count=2, threshold=0.4))) == (
        arrays_of(made(**PHRASES | {"phrases": 1}).fit(text))
    )


def test_a_model_keeps_phrases_and_stop_words_and_reads_texts_by_them(tmp_path, text, found):
    model = made(**PHRASES).fit(text, stop_words=STOPPED)
    model.save(tmp_path / "model")
    files = ["arrays.safetensors", "config.json", "phrases.json"]
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == files
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["stop_words"] == STOPPED
    assert "phrases.json" in config["files"]
    plain = made().fit(joined(found))
    for loaded in (Word2Vec.load(tmp_path / "model"), Word2Vec.load(tmp_path / "model", mmap=True)):
        assert loaded.phrases.as_dict() == found.as_dict()
        assert loaded.stop_words == tuple(STOPPED)
        assert loaded.perplexity(text) == plain.perplexity(joined(found))
        assert loaded.joined(["w0", "w1", "x"]) == joined(found, [["w0", "w1", "x"]])[0]
        kinds = [model.reliability(t, least_count=1) for model, t in ((loaded, text),)]
        assert kinds == [plain.reliability(joined(found), least_count=1)]
    loaded.save(tmp_path / "again")
    assert tree(tmp_path / "again") == tree(tmp_path / "model")
    phrase = next(word for word in model.vocabulary.words if "_" in word)
    spaced = phrase.replace("_", " ").upper()
    assert loaded.named(spaced) == phrase
    assert loaded.vector(spaced).tolist() == model.vector(phrase).tolist()
    assert loaded.predict_context(spaced) == model.predict_context(phrase)
    assert loaded.named("nothing of it") == "nothing of it"
    table = load_table(tmp_path / "model")[0]
    assert table.words[table.find(spaced)] == phrase
    assert table.find("nothing of it") is None
    (tmp_path / "model" / "phrases.json").write_text("{}")
    with pytest.raises(ModelFormatError, match=r"phrases\.json"):
        Word2Vec.load(tmp_path / "model")
    (tmp_path / "model" / "phrases.json").unlink()
    with pytest.raises(ModelFormatError, match=r"phrases\.json"):
        Word2Vec.load(tmp_path / "model")


def test_validation_reads_by_the_same_rules(text, found):
    plain = made().fit(joined(found), validation=Validation(joined(found)))
    model = made(**PHRASES).fit(text, stop_words=STOPPED, validation=Validation(text))
    losses = [[record.held_out_loss_nats for record in run.history] for run in (plain, model)]
    assert losses[0] == losses[1]
    parts = made(**PHRASES).fit(text, validation=Validation(fraction=0.2))
    assert parts.history[-1].held_out_loss_nats > 0
    assert parts.phrases.digest != found.digest


@pytest.mark.parametrize("name", ["found", "given"])
@pytest.mark.parametrize("objective", ["softmax", "negative"])
def test_a_run_goes_on_with_its_phrases(tmp_path, monkeypatch, text, found, objective, name):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)
    settings = {"objective": objective, "epochs": 3, **(PHRASES if name == "found" else {})}
    given = {"stop_words": STOPPED, "phrases": found if name == "given" else None}
    steps = []
    whole = made(**settings).fit(
        text, **given, callbacks=[lambda report: steps.append(report.step)]
    )
    with pytest.raises(StoppedHereError):
        made(**settings).fit(
            text,
            **given,
            callbacks=[stopping_at(steps[-1])],
            checkpoints=Checkpoints(tmp_path / "model", every="1epoch"),
        )
    resumed = Word2Vec.resume(tmp_path / "model", workers=1)
    assert arrays_of(resumed) == arrays_of(whole)
    assert resumed.phrases.as_dict() == found.as_dict()
    assert resumed.stop_words == tuple(STOPPED)
    path = checkpoint_path(tmp_path / "model")
    checkpoint = read_checkpoint(path)
    checkpoint.run.words = {"phrases": 3, "stop_words": []}
    write_checkpoint(path, checkpoint)
    with pytest.raises(CheckpointError, match="phrases and stop words of the run are damaged"):
        Word2Vec.resume(tmp_path / "model")
    # Another rule makes another text, which is noticed.
    checkpoint.run.words = None
    write_checkpoint(path, checkpoint)
    with pytest.raises(CorpusError, match="expected the text that the run began with"):
        Word2Vec.resume(tmp_path / "model", text)


def counting(**changed):
    return CountingSettings(min_count=2, **changed)


def test_counts_have_the_phrases_however_they_are_made(tmp_path, text, found):
    stopped = word_rules(None, STOPPED)
    asked = counting(**PHRASES)
    whole = count_corpus(text, asked, tmp_path / "counts", words=stopped)
    assert whole.words.phrases.as_dict() == found.as_dict()
    expected = tree(tmp_path / "counts")
    assert "phrases.json" in {str(name).rpartition("/")[2] for name in expected}
    shards = ShardOptions(600, block_mib=500 / 2**20)
    for source in (text, SENTENCES, iter(SENTENCES)):
        count_corpus(source, asked, tmp_path / "spilled", shards=shards, words=stopped)
        assert tree(tmp_path / "spilled") == expected
    model = made(**PHRASES).fit(text, stop_words=STOPPED)
    counted = Word2Vec(vector_size=4, epochs=2, sample=0.01).fit_counts(tmp_path / "counts")
    assert arrays_of(counted) == arrays_of(model)
    assert counted.phrases.digest == found.digest
    assert counted.stop_words == tuple(STOPPED)
    # Given instead of found, all but the settings is the same.
    given = word_rules(found, STOPPED)
    for options in ({}, {"shards": shards}):
        again = count_corpus(text, counting(), tmp_path / "given", words=given, **options)
        assert again.vocabulary.words == whole.vocabulary.words
        assert again.statistics == whole.statistics
        assert again.counts.total == whole.counts.total
    damaged = tmp_path / "damaged"
    shutil.copytree(tmp_path / "counts", damaged)
    (damaged / "phrases.json").write_bytes((damaged / "phrases.json").read_bytes()[:-9])
    with pytest.raises(CorpusError, match="damaged"):
        read_counts(damaged)


def test_counts_of_one_vocabulary_use_its_phrases_and_others_are_not_added(tmp_path, text, found):
    half = len(SENTENCES) // 2
    stopped = word_rules(None, STOPPED)
    first = count_corpus(SENTENCES[:half], counting(**PHRASES), tmp_path / "a", words=stopped)
    reference = reference_counts(tmp_path / "a", {})
    for name, options in (("b", {}), ("c", {"shards": ShardOptions(600)})):
        second = count_corpus(
            SENTENCES[half:], None, tmp_path / name, reference=reference, **options
        )
        assert second.words.digest == first.words.digest
        both = merge_counts([tmp_path / "a", tmp_path / name], tmp_path / "both")
        assert both.words.digest == first.words.digest
    rules = word_rules(first.words.phrases, STOPPED)
    at_once = count_corpus(SENTENCES, counting(), tmp_path / "all", words=rules)
    known = [at_once.vocabulary.index(word) for word in both.vocabulary.words]
    assert both.vocabulary.counts.tolist() == at_once.vocabulary.counts[known].tolist()
    with pytest.raises(ConfigurationError, match="those of the counts that are referred to"):
        count_corpus(text, None, tmp_path / "x", reference=reference, words=word_rules(found))
    words = word_rules(first.words.phrases, ["of"])
    count_corpus(SENTENCES[:half], counting(**PHRASES), tmp_path / "y")
    count_corpus(SENTENCES[:half], counting(), tmp_path / "z", words=words)
    for other in ("y", "z"):
        with pytest.raises(VocabularyError, match="joined and left out alike"):
            merge_counts([tmp_path / "a", tmp_path / other], tmp_path / "no")


def test_an_interrupted_count_goes_on_with_the_phrases_that_it_found(
    tmp_path, monkeypatch, text, found
):
    from fastw2v.counts.sharded import rules, run

    output, asked = tmp_path / "counts", counting(**PHRASES)
    shards = ShardOptions(600, block_mib=500 / 2**20)
    expected = tree_of(count_corpus, text, asked, tmp_path / "whole", shards)

    def broken(self, *given):
        raise OutputError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(run._Run, "windows", broken)
        with pytest.raises(OutputError, match="no room"):
            count_corpus(text, asked, output, shards=shards)
    again = ShardOptions(600, resume=True)
    with pytest.raises(ConfigurationError, match="words: expected those of the interrupted count"):
        count_corpus(text, asked, output, shards=again, words=word_rules(None, ["of"]))
    monkeypatch.setattr(rules, "_found", None)  # they are not found again
    count_corpus(text, asked, output, shards=again)
    assert tree(output) == expected


def tree_of(count, text, asked, output, shards):
    count(text, asked, output, shards=shards)
    return tree(output)


def test_what_cannot_be_is_refused_before_or_while_reading(tmp_path, text, found):
    with pytest.raises(ConfigurationError, match="passes that find some, or phrases that are"):
        made(**PHRASES).fit(text, phrases=found)
    with pytest.raises(ConfigurationError, match="2 passes beside"):
        count_corpus(text, counting(**PHRASES), tmp_path / "x", words=word_rules(found))
    items = [[1, 2, 3, 1], [2, 3]] * 5
    for model in (made(**PHRASES).fit, lambda given: made().fit(given, phrases=found)):
        with pytest.raises(TokenKindError, match="tokens of text, which phrases are joined of"):
            model(items)
    shards = ShardOptions(600)
    for words, asked in ((word_rules(found), {}), (word_rules(), PHRASES)):
        with pytest.raises(TokenKindError, match="tokens of text, which phrases are joined of"):
            count_corpus(items, counting(**asked), tmp_path / "x", shards=shards, words=words)
        shutil.rmtree(tmp_path / "x.counting", ignore_errors=True)
    model = made().fit(items, stop_words=[1])
    assert set(model.vocabulary.words) == {2, 3}
    with pytest.raises(CorpusError, match="without a single token"):
        made().fit([["of", "w1"]], stop_words=STOPPED)
    with pytest.raises(CorpusError, match="without a single token"):
        made(**PHRASES).fit([["of", "w1"]], stop_words=STOPPED)


def test_documents_of_a_pipeline_have_the_phrases_of_training():
    documents = [" ".join(sentence) for sentence in SENTENCES]
    transformer = Word2VecTransformer(**SMALL, **PHRASES).fit(documents)
    phrase = next(word for word in transformer.vocabulary_ if "_" in word)
    spaced = transformer.transform([phrase.replace("_", " ")])
    assert spaced[0].tolist() == transformer.vectors_[transformer.vocabulary_[phrase]].tolist()
