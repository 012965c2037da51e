"""Probabilities in the report's page: its own script, run by Node, against the model."""

from dataclasses import replace

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.objectives.losses import share_bins
from fastw2v.objectives.peaks import Peaks
from fastw2v.report.embedded import embedded_model, normalisers
from tests.report.test_report_unknown_words import needs_node, run_script
from tests.support.corpora_made import chain_sentences

PEAKS = Peaks.at(0.03, 0.5)
SEVERAL = Peaks((0.01, 0.03, 0.1), (1.5, 0.5, 0.8))
CONTEXTS = """
  const vectors = await Vectors.of(given);
  answer = given.words.map((_, id) => vectors.contexts(id, given.words.length));
"""


def agrees(embeddings, n_shown, changed=("", "")):
    """Whether the page tells every word's contexts as the model does; vectors are rounded."""
    data = embedded_model(embeddings, n_shown)
    for word, contexts in zip(data["words"], run_script(CONTEXTS, data, changed), strict=True):
        told = embeddings.context_probabilities(word)
        assert len(contexts) == n_shown
        expected = [told[one["id"]] for one in contexts]
        if not np.allclose([one["value"] for one in contexts], expected, rtol=2e-3):
            return False
    return True


@needs_node
@pytest.mark.parametrize("n_shown", [5, 40])
@pytest.mark.parametrize("peaks", [None, PEAKS, SEVERAL])
def test_the_page_tells_what_the_model_does(model, n_shown, peaks):
    embeddings = replace(model.embeddings, peaks=peaks)
    assert agrees(embeddings, n_shown)
    if peaks is not None:
        assert not agrees(embeddings, n_shown, ("(q / knots[part]) ** (powers[part] - power)", "1"))
        assert not agrees(embeddings, n_shown, ("found.map((p) => p / sum)", "found"))


@needs_node
@pytest.mark.parametrize("n_shown", [5, 40])
def test_the_page_of_a_tree_tells_what_the_model_does(n_shown, monkeypatch):
    """With the bias of each word, powers and rates that are fitted to the text."""
    monkeypatch.setattr(share_bins, "LEAST_GAIN_NATS", 0.0)
    text = chain_sentences(2, 40, sentences=400, noise=0.2)
    settings = {"vector_size": 8, "min_count": 1, "epochs": 5, "seed": 1, "workers": 1}
    embeddings = Word2Vec(objective="hierarchical", **settings).fit(text).embeddings
    assert embeddings.peaks is not None
    assert embeddings.out_bias.any()
    for changed in (
        embeddings,
        replace(embeddings, self_rates=None),
        replace(embeddings, peaks=None),
    ):
        assert agrees(changed, n_shown)
    assert not agrees(embeddings, n_shown, ("+ this.bias[word]", ""))
    assert not agrees(embeddings, n_shown, ("(q / knots[part]) ** (powers[part] - power)", "1"))


def test_sums_of_a_part_of_the_words_are_of_the_whole(model):
    embeddings = replace(model.embeddings, peaks=PEAKS)
    _, sums = normalisers(embeddings, 5)
    for row in range(5):
        rate = float(embeddings.self_rates[row])
        word = embeddings.vocabulary.words[row]
        q = replace(embeddings, peaks=None).context_probabilities(word) / (1 - rate)
        q[row] = 0
        above = q > 0.03
        peaks = 0.03 * (q[above] / 0.03) ** 0.5
        assert sums[row] == pytest.approx(q[~above].sum() + peaks.sum(), rel=1e-5)
    assert (normalisers(replace(model.embeddings, peaks=None), 5)[1] == 1).all()
