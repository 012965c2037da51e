"""Train on the embedded corpus and show what came of it: `make demo`."""

import argparse
from pathlib import Path

from fastw2v import Word2Vec
from fastw2v.cli.commands.train import describe_result
from fastw2v.cli.display import Display
from fastw2v.evaluation import scores

ROOT = Path(__file__).parent.parent
WORDS = ("music", "river", "computer", "president", "green")


def main() -> None:
    """Train, evaluate, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT / "corpora" / "wikipedia.txt")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "demo")
    arguments = parser.parse_args()
    model = Word2Vec(vector_size=100, window=5, min_count=5, epochs=10)
    print(f"Exact full-softmax skip-gram on {arguments.corpus.name}")
    with Display() as display:
        model.fit(arguments.corpus, callbacks=[display.step], progress=display.stage)
    vocabulary, summary = model.vocabulary, model.summary
    assert summary is not None
    print(f"tokens       {vocabulary.n_raw_tokens:,}, vocabulary {len(vocabulary):,} words")
    print(describe_result(summary, model.settings.objective))
    print("\nNearest neighbours by cosine")
    for word in WORDS:
        near = ", ".join(
            f"{other} {cosine:.2f}" for other, cosine in model.wv.most_similar(word)[:6]
        )
        print(f"  {word:10} {near}")
    print("\nLikeliest contexts, p(context | word)")
    for word in WORDS:
        likely = ", ".join(f"{other} {p:.1%}" for other, p in model.predict_context(word, 6))
        print(f"  {word:10} {likely}")
    print("\nTests that come with gensim (a small corpus knows few of their words)")
    for score in scores(model.wv):
        print(f"  {score.name:17} {score.value:.3f} over {score.covered:,} of {score.total:,}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    model.save(arguments.output)
    exported = arguments.output.with_suffix(".txt")
    model.export(exported, "word2vec")
    print(f"\nmodel        {arguments.output}\nvectors      {exported} (word2vec text format)")


if __name__ == "__main__":
    main()
