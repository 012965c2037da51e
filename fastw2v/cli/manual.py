"""What each command's help says besides options: examples, exit status, files, environment.

docs/command_line.md has the same; `tests/cli/test_manual.py` holds both to this table, and runs the
examples through the commands' own parsers.
"""

from dataclasses import dataclass

__all__ = [
    "ENVIRONMENT",
    "EXIT_DONE",
    "EXIT_ERROR",
    "EXIT_FAULT",
    "EXIT_INTERRUPTED",
    "EXIT_READER_GONE",
    "EXIT_STATUSES",
    "MANUALS",
    "Manual",
    "manual_text",
]

EXIT_DONE = 0
EXIT_FAULT = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141

EXIT_STATUSES = {
    EXIT_DONE: "done",
    EXIT_FAULT: "a fault of fastw2v; please report it with what is on standard error",
    EXIT_ERROR: "wrong use or input; a line on standard error says what was expected and what came",
    EXIT_INTERRUPTED: "interrupted, by Ctrl-C or SIGTERM; no half-written file is left behind",
    EXIT_READER_GONE: "whoever read standard output has stopped, as 'head -1' does",
}

ENVIRONMENT = {
    "FASTW2V_AMX": "1: multiply on the matrix tiles of a CPU that has AMX (--precision bf16).",
    "FASTW2V_AHEAD": "0: no second process compiles kernels while a first run reads its text.",
    "FASTW2V_TORCH_COMPILE": "0: with `--device cuda` PyTorch compiles nothing (docs/gpu.md).",
    "NUMBA_CACHE_DIR": "Where compiled kernels are kept, instead of the package's folder.",
    "NO_COLOR": "If set, progress has no colours.",
    "TMPDIR": "Where training keeps running text meanwhile, and with --memory its counts.",
}

_MODEL = "MODEL is a folder: config.json, the vocabulary, and arrays.safetensors."


@dataclass(frozen=True)
class Manual:
    """Examples as (what it does, command line), and the files that a command reads or writes."""

    examples: tuple[tuple[str, str], ...]
    files: str = _MODEL


MANUALS = {
    "train": Manual(
        (
            ("Train with the defaults:", "fastw2v train corpus.txt --output model"),
            (
                "Several sources, compressed ones and folders among them:",
                "fastw2v train corpus.txt more.txt.gz folder/ -o model --vector-size 200",
            ),
            (
                "Prepared tokens from a pipe, frequent words as they are:",
                "zcat tokens.gz | fastw2v train - -o model --tokenizer whitespace --sample 0",
            ),
            (
                "JSON lines, by the field that holds the text:",
                "fastw2v train 'tweets/*.jsonl.gz' -o model --field text",
            ),
            (
                "How large the vocabulary will be, and how long each objective takes:",
                "fastw2v train corpus.txt --dry-run --vector-size 200",
            ),
            (
                "A large vocabulary, by negative sampling:",
                "fastw2v train corpus.txt -o model --objective negative --sample 1e-4",
            ),
        ),
        "CORPUS is UTF-8 text, a sentence or paragraph a line, or a field of JSON lines, CSV, "
        "Parquet or Arrow files. The model folder is written whole or not at all; an earlier model "
        "there is replaced.",
    ),
    "export": Manual(
        (
            ("For other programs, as text:", "fastw2v export model vectors.txt"),
            (
                "Centre vectors alone, in word2vec's binary format:",
                "fastw2v export model vectors.bin --format word2vec-bin --vectors in",
            ),
        ),
        _MODEL
        + " OUT is written whole or not at all. 'fastw2v docs formats' describes the formats.",
    ),
    "convert": Manual(
        (
            ("From text to binary, the same bits:", "fastw2v convert vectors.txt vectors.bin"),
            (
                "GloVe's largest file, some of whose words hold blanks:",
                "fastw2v convert glove.840B.300d.txt glove.parquet --split-right",
            ),
            (
                "To text, without the words that it cannot hold:",
                "fastw2v convert wiki.fr.bin wiki.fr.txt --skip-unwritable",
            ),
        ),
        "IN is a file of vectors, OUT is written whole or not at all. 'fastw2v docs formats' "
        "describes the formats.",
    ),
    "info": Manual(
        (
            ("What a model was made with:", "fastw2v info model"),
            ("What a file of vectors promises, for a script:", "fastw2v info wiki.vec --json"),
            ("What phrases there are, and how they were found:", "fastw2v info phrases.json"),
        ),
        "PATH is read alone as far as it describes itself; nothing is written.",
    ),
    "neighbors": Manual(
        (
            ("Two words, five neighbours each:", "fastw2v neighbors model river music --topn 5"),
            ("A sum of words:", "fastw2v neighbors model 'king - man + woman'"),
            (
                "In two tables, for a script:",
                "fastw2v neighbors model river --vectors in --vectors out --json",
            ),
        ),
        "MODEL_OR_VECTORS is a model folder or a file of vectors ('fastw2v docs formats').",
    ),
    "vectors": Manual(
        (
            ("Of any words, seen or not:", "fastw2v vectors model river riverine"),
            (
                "Of a list of words, as a file for other programs:",
                "fastw2v vectors model --output vectors.txt < words.txt",
            ),
        ),
        "MODEL is a model folder or a file of vectors; fastText's .bin has vectors of n-grams.",
    ),
    "perplexity": Manual(
        (
            ("On a text that was held out:", "fastw2v perplexity model held-out.txt"),
            ("For a script:", "fastw2v perplexity model held-out.txt --json --quiet"),
        )
    ),
    "calibration": Manual(
        (
            ("On a text that was held out:", "fastw2v calibration model held-out.txt"),
            (
                "Rarer words as well, for a script:",
                "fastw2v calibration model held-out.txt --least-count 20 --json --quiet",
            ),
        ),
        _MODEL + " 'fastw2v docs evaluation' says how to read the table.",
    ),
    "eval": Manual(
        (
            ("The usual sets, which come with gensim:", "fastw2v eval model"),
            (
                "Pairs of one's own, and the perplexity on a text:",
                "fastw2v eval model --pairs pairs.tsv --text held-out.txt --json",
            ),
        ),
        _MODEL + " 'fastw2v docs evaluation' describes the files of test sets.",
    ),
    "compare": Manual(
        (
            ("Against other trainers, each in its own process:", "fastw2v compare corpus.txt"),
            (
                "One rival, all figures to a file:",
                "fastw2v compare corpus.txt --rivals gensim --json results.json",
            ),
        ),
        "CORPUS is UTF-8 text. 'fastw2v docs compare' describes the result.",
    ),
    "count": Manual(
        (
            ("Count once:", "fastw2v count corpus.txt --output counts"),
            ("What the text holds, and what training takes:", "fastw2v count corpus.txt --dry-run"),
            ("Train from it as often as you like:", "fastw2v train --counts counts -o model"),
        ),
        "The folder of counts is written whole or not at all.",
    ),
    "counts": Manual(
        (
            ("What a folder of counts holds:", "fastw2v counts info counts"),
            ("The counts of two texts as one:", "fastw2v counts merge one two --output both"),
        ),
        "A folder of counts is written by 'fastw2v count'.",
    ),
    "phrases": Manual(
        (
            ("The phrases of a text, the best first:", "fastw2v phrases corpus.txt"),
            (
                "A text with phrases of up to four words joined, and the phrases:",
                "fastw2v phrases corpus.txt --passes 2 --connector-words english "
                "--text joined.txt --output phrases.json",
            ),
            (
                "The same phrases joined in another text:",
                "fastw2v phrases more.txt --phrases phrases.json --text more-joined.txt",
            ),
        ),
        "CORPUS is UTF-8 text. Files are written whole or not at all. 'fastw2v docs phrases' has "
        "more.",
    ),
    "report": Manual(
        (
            ("A page to look at:", "fastw2v report model --output report.html"),
            (
                "Of principal components, which are there at once:",
                "fastw2v report model -o report.html --map pca",
            ),
            (
                "Coloured by what you know of the words:",
                "fastw2v report model -o report.html --columns parts-of-speech.tsv",
            ),
            (
                "A smaller file from a large vocabulary:",
                "fastw2v report model -o report.html --words 20000 --no-evaluation",
            ),
            (
                "Of vectors that another program made:",
                "fastw2v report wiki.en.bin -o wiki.html --words 20000",
            ),
        ),
        _MODEL + " The page is one HTML file, written whole or not at all; it needs no network. "
        "'fastw2v docs report' says how to read it.",
    ),
    "plot": Manual(
        (
            ("The map, as pixels:", "fastw2v plot model --output map.png"),
            ("The loss, with the entropies:", "fastw2v plot model --kind loss --output loss.svg"),
        ),
        _MODEL + " The picture is written whole or not at all.",
    ),
    "compile": Manual(
        (
            ("All that runs with the defaults need:", "fastw2v compile"),
            (
                "For runs with these settings, in the Dockerfile of an image:",
                "fastw2v compile --objective negative --vector-size 300",
            ),
        ),
        "Kernels are kept beside the package, in NUMBA_CACHE_DIR, or in the user's cache; the "
        "folder is printed. They are for CPUs with the same features and versions of Numba.",
    ),
    "completion": Manual(
        (
            ("bash, in ~/.bashrc:", 'eval "$(fastw2v completion bash)"'),
            ("zsh, in ~/.zshrc, after compinit:", 'eval "$(fastw2v completion zsh)"'),
            (
                "fish, once:",
                "fastw2v completion fish > ~/.config/fish/completions/fastw2v.fish",
            ),
        ),
        "Nothing is read or written; the script goes to standard output.",
    ),
    "docs": Manual(
        (
            ("What there is:", "fastw2v docs"),
            ("The formats of files:", "fastw2v docs formats"),
        ),
        "Guides come with the package; nothing is written.",
    ),
}


def manual_text(command: str) -> str:
    """Return what stands below the options in the help, marked so that click does not fill it."""
    manual = MANUALS.get(command)
    examples = manual.examples if manual else ()
    blocks = []
    if examples:
        lines = [line for what, line in examples for line in (f"  {what}", f"    {line}")]
        blocks.append("\n".join(["Examples:", *lines]))
    statuses = [f"  {number:<4} {meaning}" for number, meaning in EXIT_STATUSES.items()]
    blocks.append("\n".join(["Exit status:", *statuses]))
    if manual:
        blocks.append("\n".join(["Files:", *_filled(manual.files)]))
    width = max(map(len, ENVIRONMENT))
    names = [f"  {name:<{width}} {meaning}" for name, meaning in ENVIRONMENT.items()]
    blocks.append("\n".join(["Environment:", *names]))
    blocks.append("More: 'fastw2v docs command_line'.")
    return "\n\n".join(f"\b\n{block}" for block in blocks)


def _filled(text: str, width: int = 90) -> list[str]:
    from textwrap import wrap

    return [f"  {line}" for line in wrap(text, width)]
