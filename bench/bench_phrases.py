"""Phrases of a text, found and joined, against gensim's `Phrases` at the same settings.

    python bench/bench_phrases.py CORPUS [--lines 400000] [--rounds 3] [--passes 1] [--connectors]
        [--train]

CORPUS is text whose tokens blanks part. The rivals take turns, each time in a fresh process, and
both read the first lines of the file. Finding is reading, counting and scoring every candidate;
joining is the text with phrases joined, written to a file. gensim reads it by `LineSentence`,
scores as `Phrases.export_phrases` does, and joins by `FrozenPhrases`, its quick way. A small text
is done before, so that kernels are loaded; nothing of that is in the times. After one pass the
phrases of both are compared: the same texts with the same scores, or the command ends with an
error.

With `--train` it is a whole training that is timed, of as many passes and five epochs of skip-gram
with 100 dimensions: gensim's `Phrases`, frozen, its joined sentences held in a list, then its
`Word2Vec` with as many workers as there are cores; and `Word2Vec(phrases=N)`, by the exact softmax
and by negative sampling. Nothing is written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from commands import run_command

GENSIM, FASTW2V, NEGATIVE = "gensim", "fastw2v", "fastw2v-negative"
MIN_COUNT, THRESHOLD = 5, 10.0
DIMENSIONS, EPOCHS = 100, 5


def time_gensim(path: str, passes: int, connectors: frozenset[str], out: Path) -> dict[str, object]:
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    begin = time.perf_counter()
    # By default it cuts long lines, and counts no pair across the cuts.
    sentences, scores = LineSentence(path, max_sentence_length=10**9), {}
    for _ in range(passes):
        model = Phrases(
            sentences, min_count=MIN_COUNT, threshold=THRESHOLD, connector_words=connectors
        ).freeze()
        sentences, scores = model[sentences], scores | model.phrasegrams
    found = time.perf_counter()
    with out.open("w") as file:
        file.writelines(" ".join(sentence) + "\n" for sentence in sentences)
    return {"find_s": found - begin, "join_s": time.perf_counter() - found, "scores": scores}


def time_fastw2v(
    path: str, passes: int, connectors: frozenset[str], out: Path
) -> dict[str, object]:
    from fastw2v.text.phrases import (
        PhraseSettings,
        encoded_sentences,
        find_and_join,
        write_sentences,
    )

    chosen = PhraseSettings(
        min_count=MIN_COUNT, threshold=THRESHOLD, connector_words=connectors, passes=passes
    )

    def run(source: object) -> dict[str, object]:
        begin = time.perf_counter()
        # What joins for the next pass joins for the text, too: all but the writing is finding.
        model, text = find_and_join(encoded_sentences(source, tokenizer="whitespace"), chosen)
        found = time.perf_counter()
        with out.open("wb") as file:
            write_sentences(text, file)
        done = time.perf_counter()
        return {"find_s": found - begin, "join_s": done - found, "scores": model.scores()}

    small = out.with_suffix(".small")
    small.write_text("new york of new york_city\n" * 20)
    run(small)
    return run(Path(path))


def train_gensim(path: str, passes: int, connectors: frozenset[str]) -> dict[str, object]:
    from gensim.models import Word2Vec
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    begin = time.perf_counter()
    sentences = LineSentence(path, max_sentence_length=10**9)
    for _ in range(passes):
        model = Phrases(
            sentences, min_count=MIN_COUNT, threshold=THRESHOLD, connector_words=connectors
        ).freeze()
        sentences = list(model[sentences])
    found = time.perf_counter()
    trained = Word2Vec(
        sentences, vector_size=DIMENSIONS, sg=1, min_count=5, epochs=EPOCHS, workers=os.cpu_count()
    )
    done = time.perf_counter()
    return {"find_s": found - begin, "train_s": done - found, "words": len(trained.wv)}


def train_fastw2v(
    path: str, passes: int, connectors: frozenset[str], objective: str
) -> dict[str, object]:
    from fastw2v import Word2Vec

    def run(source: str, min_count: int) -> dict[str, object]:
        begin = time.perf_counter()
        model = Word2Vec(
            vector_size=DIMENSIONS,
            min_count=min_count,
            epochs=EPOCHS,
            tokenizer="whitespace",
            objective=objective,
            phrases=passes,
            phrase_min_count=MIN_COUNT,
            phrase_threshold=THRESHOLD,
            phrase_connectors="english" if connectors else "none",
        ).fit(source)
        elapsed_s = time.perf_counter() - begin
        read_s = model.summary.read_s
        return {"find_s": read_s, "train_s": elapsed_s - read_s, "words": len(model.vocabulary)}

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.txt")
        small.write_text("new york of new york_city\n" * 200)
        run(str(small), 1)
    return run(path, 5)


def train_rival(
    rival: str, path: str, passes: int, connectors: frozenset[str]
) -> dict[str, object]:
    if rival == GENSIM:
        return train_gensim(path, passes, connectors)
    objective = "negative" if rival == NEGATIVE else "softmax"
    return train_fastw2v(path, passes, connectors, objective)


def show_trained(found: dict[str, list[dict[str, object]]]) -> None:
    """Print the medians of whole trainings, and how they compare with gensim's."""
    print(f"{'':18}{'words':>10}{'phrases':>10}{'training':>10}{'whole':>10}{'ratio':>8}")
    wholes = {}
    for rival, results in found.items():
        times = [median(result[part] for result in results) for part in ("find_s", "train_s")]
        wholes[rival] = median(result["find_s"] + result["train_s"] for result in results)
        seconds = "".join(f"{elapsed_s:8.2f} s" for elapsed_s in (*times, wholes[rival]))
        ratio = f"{wholes[GENSIM] / wholes[rival]:7.1f}x"
        print(f"{rival:18}{results[0]['words']:>10,}{seconds}{ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--connectors", action="store_true", help="English connector words.")
    parser.add_argument("--train", action="store_true", help="Whole trainings, phrases among them.")
    rivals = [GENSIM, FASTW2V, NEGATIVE]
    parser.add_argument("--rival", choices=rivals, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.rival:
            from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS

            call = time_gensim if given.rival == GENSIM else time_fastw2v
            words = ENGLISH_CONNECTOR_WORDS if given.connectors else frozenset()
            if given.train:
                print(json.dumps(train_rival(given.rival, given.corpus, given.passes, words)))
                return
            print(json.dumps(call(given.corpus, given.passes, words, Path(folder, "out.txt"))))
            return
        text = Path(folder, "text.txt")
        with Path(given.corpus).open() as corpus, text.open("w") as file:
            file.writelines(islice(corpus, given.lines))
        n_tokens = sum(len(line.split()) for line in text.open())
        print(f"{n_tokens:,} tokens, {given.passes} passes, median of {given.rounds} rounds")
        arguments = [sys.executable, __file__, str(text), "--passes", str(given.passes)]
        arguments += ["--connectors"] * given.connectors + ["--train"] * given.train
        found: dict[str, list[dict[str, object]]] = {GENSIM: [], FASTW2V: []}
        if given.train:
            found[NEGATIVE] = []
        for _ in range(given.rounds):
            for rival, results in found.items():
                command = [*arguments, "--rival", rival]
                printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
                results.append(json.loads(printed))
    if given.train:
        show_trained(found)
        return
    if given.passes == 1 and found[GENSIM][0]["scores"] != found[FASTW2V][0]["scores"]:
        differing = set(found[GENSIM][0]["scores"].items()) ^ set(
            found[FASTW2V][0]["scores"].items()
        )
        sys.exit(f"the phrases differ: {sorted(differing)[:5]} ...")
    print(f"{len(found[FASTW2V][0]['scores']):,} phrases")
    print(f"{'':10}{'find':>10}{'join':>10}{'both':>10}")
    medians = {}
    for rival, results in found.items():
        times = [median(result[part] for result in results) for part in ("find_s", "join_s")]
        times.append(median(result["find_s"] + result["join_s"] for result in results))
        medians[rival] = times
        print(f"{rival:10}" + "".join(f"{elapsed_s:8.2f} s" for elapsed_s in times))
    ratios = [a / b for a, b in zip(medians[GENSIM], medians[FASTW2V], strict=True)]
    print(f"{'ratio':10}" + "".join(f"{ratio:9.1f}x" for ratio in ratios))


if __name__ == "__main__":
    run_command(main)
