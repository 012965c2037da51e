"""Runs on features that are resumed, validated, ended early or that diverge."""

import json
import shutil

import numpy as np
import pytest
from scipy import sparse

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import ConfigurationError, CorpusError, DivergenceError
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from tests.support.corpora_made import random_sentences, write_text
from tests.support.feature_models import centre_of
from tests.support.unfitted import unfitted
from tests.training.test_input_features import all_arrays_of
from tests.training.test_resume import StoppedHereError, losses_of, stopping_at
from tests.training.test_validation import diverging_in_epoch

COMMON = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 3, "seed": 3, "batch_rows": 16}
PATIENT = {"epochs": 12, "learning_rate": 0.05, "final_rate": 1.0}
HELD_OUT = random_sentences(5, 60, sentences=60)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 60, sentences=700, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture(scope="module")
def words(corpus):
    return Word2Vec(**COMMON | {"epochs": 1}).fit(corpus).vocabulary.words


def mapping_of(words):
    return {word: [word, f"ends-{word[-1]}"] for word in words}


@pytest.fixture(params=["mapping", "matrix", "file", "subwords"])
def given(request, words, tmp_path):
    """Keywords of `fit`, keywords of `resume`, and the same with other features."""
    mapping = mapping_of(words)
    if request.param == "subwords":
        return {}, {}, None
    if request.param == "mapping":
        asked = {"features": mapping}
        return asked, asked, {"features": {**mapping, words[0]: [words[1]]}}
    if request.param == "matrix":
        names = sorted({name for found in mapping.values() for name in found})
        table = np.array([[name in mapping[word] for name in names] for word in words], float)
        asked = {"features": (sparse.csr_matrix(table), names)}
        table[0, 0] = 0.5
        return asked, asked, {"features": (sparse.csr_matrix(table), names)}
    path = tmp_path / "features.tsv"
    path.write_text("".join(f"{word}\t{' '.join(found)}\n" for word, found in mapping.items()))
    return {"features": path}, {}, {"features": {**mapping, words[0]: [words[1]]}}


def test_a_file_names_items_that_are_whole_numbers(tmp_path):
    """A line names the token of the text that it shows: the text itself, else the number."""
    path = tmp_path / "features.tsv"
    path.write_text("7\tx odd\n8\tx even\n-9\todd\n")
    items = [[7, 8, -9, 7], [8, 7, 7]] * 4
    mapping = {7: ["x", "odd"], 8: ["x", "even"], -9: ["odd"]}
    from_file = Word2Vec(**COMMON).fit(items, features=path)
    assert all_arrays_of(from_file) == all_arrays_of(
        Word2Vec(**COMMON).fit(items, features=mapping)
    )
    texts = [[str(item) for item in sentence] for sentence in items]
    assert set(Word2Vec(**COMMON).fit(texts, features=path).vocabulary.words) == {"7", "8", "-9"}
    with pytest.raises(ConfigurationError, match="'7'"):
        Word2Vec(**COMMON).fit(items, features={"7": ["x"], 8: ["x"], -9: ["x"]})


def settings_of(asked, **more):
    return COMMON | {"inputs": "features" if asked else "subwords"} | more


def stopped(corpus, target, step, every, asked, **more):
    fit = {key: more.pop(key) for key in ("validation", "patience") if key in more}
    with pytest.raises(StoppedHereError):
        Word2Vec(workers=1, **settings_of(asked, **more)).fit(
            corpus,
            callbacks=[stopping_at(step)],
            checkpoints=Checkpoints(target, every=every),
            **asked,
            **fit,
        )


@pytest.mark.parametrize(
    ("step", "every", "place"),
    [(6, "0.0001s", (1, 2)), (8, "1epoch", (2, 0)), (12, "1epoch", (3, 0))],
)
def test_resumed_in_an_epoch_and_at_its_end_to_the_same_bits(
    corpus, tmp_path, given, step, every, place
):
    asked, again, other = given
    reports = []
    whole = Word2Vec(**settings_of(asked)).fit(corpus, callbacks=[reports.append], **asked)
    assert reports[-1].steps == 12
    stopped(corpus, tmp_path / "model", step, every, asked)
    state = read_checkpoint(checkpoint_path(tmp_path / "model")).state
    assert (state.epochs_done, state.steps_done) == place
    if other is not None:
        with pytest.raises(ConfigurationError, match=r"features: expected those that the run bega"):
            Word2Vec.resume(tmp_path / "model", **other)
    resumed = Word2Vec.resume(tmp_path / "model", workers=3, **again)
    assert all_arrays_of(resumed) == all_arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)
    assert resumed.summary.loss_nats == whole.summary.loss_nats
    assert resumed.settings == whole.settings
    resumed.save(tmp_path / "model")
    assert all_arrays_of(Word2Vec.load(tmp_path / "model")) == all_arrays_of(whole)


def test_features_that_came_from_no_file_have_to_be_given_again(corpus, tmp_path, words):
    asked = {"features": mapping_of(words)}
    stopped(corpus, tmp_path / "model", 6, "0.0001s", asked)
    with pytest.raises(ConfigurationError, match=r"got none; give them to fit and resume"):
        Word2Vec.resume(tmp_path / "model")
    assert checkpoint_path(tmp_path / "model").exists()
    assert Word2Vec.resume(tmp_path / "model", **asked).summary is not None


def test_a_file_that_changed_or_is_gone_is_told(corpus, tmp_path, words):
    path = tmp_path / "features.tsv"
    content = "".join(f"{word}\t{word} all\n" for word in words)
    path.write_text(content)
    stopped(corpus, tmp_path / "model", 6, "0.0001s", {"features": path})
    path.write_text(content.replace(" all", " each", 1))
    with pytest.raises(ConfigurationError, match=r"expected those that the run began with \(dig"):
        Word2Vec.resume(tmp_path / "model")
    path.unlink()
    with pytest.raises(CorpusError, match=r"features\.tsv: no such file"):
        Word2Vec.resume(tmp_path / "model")
    path.write_text("".join(reversed(content.splitlines(keepends=True))))  # the same features
    assert Word2Vec.resume(tmp_path / "model").summary is not None


def test_a_file_is_found_from_another_folder(corpus, tmp_path, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "features.tsv").write_text("".join(f"{word}\t{word} all\n" for word in words))
    stopped(corpus, tmp_path / "model", 6, "0.0001s", {"features": "features.tsv"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert Word2Vec.resume(tmp_path / "model").summary is not None


def test_features_of_a_run_with_subwords_are_refused(corpus, tmp_path, words):
    stopped(corpus, tmp_path / "model", 6, "0.0001s", {})
    with pytest.raises(ConfigurationError, match=r"expected none with inputs='subwords', got some"):
        Word2Vec.resume(tmp_path / "model", features=mapping_of(words))


def test_the_command_line_resumes_with_its_file(run, corpus, tmp_path, words):
    path = tmp_path / "features.tsv"
    path.write_text("".join(f"{word}\t{word} all\n" for word in words))
    stopped(corpus, tmp_path / "model", 6, "0.0001s", {"features": path})
    shutil.copy(path, tmp_path / "copy.tsv")
    status, _, errors = run("train", "--resume", tmp_path / "model", "--features", path)
    assert status == 2
    assert "--features: expected no settings beside --resume" in errors
    status, _, errors = run("train", "--resume", tmp_path / "model", "--quiet")
    assert (status, errors) == (0, "")
    whole = Word2Vec(**settings_of({"features": path})).fit(corpus, features=path)
    assert all_arrays_of(Word2Vec.load(tmp_path / "model")) == all_arrays_of(whole)


def test_moments_of_features_are_part_of_the_state(corpus, tmp_path, monkeypatch):
    whole = Word2Vec(**settings_of({})).fit(corpus)
    stopped(corpus, tmp_path / "model", 6, "0.0001s", {})
    for sabotage in ("in_moments", "in_visits"):

        def spoilt(path, name=sabotage):
            checkpoint = read_checkpoint(path)
            checkpoint.arrays[name][:] = 0
            return checkpoint

        with monkeypatch.context() as patched:
            patched.setattr("fastw2v.training.resume.read_checkpoint", spoilt)
            assert all_arrays_of(Word2Vec.resume(tmp_path / "model")) != all_arrays_of(whole)


@pytest.mark.parametrize("kind", ["subwords", "features"])
def test_patience_keeps_the_best_epoch_of_features_too(corpus, tmp_path, words, kind):
    fit = {"features": mapping_of(words)} if kind == "features" else {}
    settings = settings_of(fit, **PATIENT)
    validation = Validation(HELD_OUT)
    model = Word2Vec(**settings).fit(corpus, validation=validation, patience=2, **fit)
    losses = [record.held_out_loss_nats for record in model.history]
    assert model.run_record.ended == "patience"
    best = int(np.argmin(losses)) + 1
    assert model.run_record.kept_epoch == best == len(losses) - 2
    with unfitted():
        kept = Word2Vec(**settings).fit(corpus, validation=validation, patience=2, **fit)
    found = kept.perplexity(HELD_OUT).loss_nats
    assert found == pytest.approx(min(losses), rel=1e-6)
    assert abs(found - min(losses)) < abs(found - losses[-1])
    # The features are those of that epoch: they add up to the words' vectors.
    assert_centres_add_up(model)
    per_epoch = 4
    stopped(
        corpus, tmp_path / "model", best * per_epoch + 2, "0.0001s", fit,
        **PATIENT, validation=validation, patience=2,
    )  # fmt: skip
    resumed = Word2Vec.resume(tmp_path / "model", validation=validation, **fit)
    assert all_arrays_of(resumed) == all_arrays_of(model)
    assert resumed.run_record.kept_epoch == best


def assert_centres_add_up(model):
    named, unknown = model.embeddings.named_features, model.embeddings.unknown
    words = model.vocabulary.words
    if named is not None:
        found = np.array([centre_of(named, mapping_of(words)[word]) for word in words])
        assert np.abs(found - model.in_vectors).max() < 1e-5
    else:  # of words, their own vectors are not kept, but the rest of the sums is
        assert np.abs(unknown.offset).max() < 10
        assert np.isfinite(unknown.centre_vectors(words)).all()


def test_a_run_on_subwords_that_diverges_ends_in_its_last_good_epoch(corpus, monkeypatch):
    two = Word2Vec(**settings_of({}, epochs=2, final_rate=1.0)).fit(corpus)
    model = Word2Vec(**settings_of({}, epochs=3, final_rate=1.0))
    diverging_in_epoch(3, monkeypatch)
    with pytest.raises(DivergenceError, match=r"got nan in step 9 of 12"):
        model.fit(corpus, callbacks=[lambda report: None])
    assert (model.run_record.ended, model.run_record.kept_epoch) == ("diverged", 2)
    assert [r.loss_nats for r in model.history] == [r.loss_nats for r in two.history]
    for table in (model.in_vectors, model.out_vectors, model.out_bias):
        assert np.isfinite(table).all()
    assert np.abs(model.in_vectors - two.in_vectors).max() < 1e-6


def test_a_program_that_diverges_saves_the_last_good_epoch(run, corpus, tmp_path, monkeypatch):
    diverging_in_epoch(2, monkeypatch)
    options = ["--vector-size", "6", "--window", "2", "--min-count", "1", "--batch-rows", "16"]
    target = ["-o", tmp_path / "model", "--epochs", "3", "--quiet", "--inputs", "subwords"]
    status, _, errors = run("train", corpus, *target, *options)
    assert status == 2
    assert "the model has epoch 1, the last good one, saved as" in errors
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["run"]["ended"], config["run"]["kept_epoch"]) == ("diverged", 1)
    model = Word2Vec.load(tmp_path / "model")
    found = [model.embeddings.unknown is not None, "unknown-one" not in model.vocabulary]
    assert found == [True, True], "what is saved is a whole model"
    assert np.isfinite(model.vector("w99999")).all()


def test_held_out_lines_are_measured_with_subwords(corpus):
    settings = settings_of({})
    with unfitted():
        model = Word2Vec(**settings).fit(corpus, validation=Validation(HELD_OUT))
    last = model.history[-1].held_out_loss_nats
    assert model.perplexity(HELD_OUT).loss_nats == pytest.approx(last, rel=1e-6)
    fraction = Word2Vec(**settings).fit(corpus, validation=Validation(fraction=0.1))
    assert len([r for r in fraction.history if r.held_out_loss_nats]) == 3
