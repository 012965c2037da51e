"""Phrases of a text, found and joined, against gensim's `Phrases` at the same settings.

    python bench/bench_phrases.py CORPUS [--lines 400000] [--rounds 3] [--passes 1] [--connectors]

CORPUS is text whose tokens blanks part. The rivals take turns, each time in a fresh process, and
both read the first lines of the file. Finding is reading, counting and scoring every candidate;
joining is the text with phrases joined, written to a file. gensim reads it by `LineSentence`,
scores as `Phrases.export_phrases` does, and joins by `FrozenPhrases`, its quick way. A small text
is done before, so that kernels are loaded; nothing of that is in the times. After one pass the
phrases of both are compared: the same texts with the same scores, or the command ends with an
error.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

GENSIM, FASTW2V = "gensim", "fastw2v"
MIN_COUNT, THRESHOLD = 5, 10.0


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--connectors", action="store_true", help="English connector words.")
    parser.add_argument("--rival", choices=[GENSIM, FASTW2V], help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.rival:
            from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS

            call = time_gensim if given.rival == GENSIM else time_fastw2v
            words = ENGLISH_CONNECTOR_WORDS if given.connectors else frozenset()
            print(json.dumps(call(given.corpus, given.passes, words, Path(folder, "out.txt"))))
            return
        text = Path(folder, "text.txt")
        with Path(given.corpus).open() as corpus, text.open("w") as file:
            file.writelines(islice(corpus, given.lines))
        n_tokens = sum(len(line.split()) for line in text.open())
        print(f"{n_tokens:,} tokens, {given.passes} passes, median of {given.rounds} rounds")
        arguments = [sys.executable, __file__, str(text), "--passes", str(given.passes)]
        arguments += ["--connectors"] * given.connectors
        found: dict[str, list[dict[str, object]]] = {GENSIM: [], FASTW2V: []}
        for _ in range(given.rounds):
            for rival, results in found.items():
                command = [*arguments, "--rival", rival]
                printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
                results.append(json.loads(printed))
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
    main()
