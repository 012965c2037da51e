"""`fastw2v eval`: word similarity, analogies, held-out perplexity, and a probe."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import (
    display_options,
    repeated_tokenizer_option,
    require_no_reads,
    source_options,
    sources_of,
    tokenizer_given_again,
    workers_option,
)
from fastw2v.cli.streams import as_json_text
from fastw2v.config import VECTOR_CHOICES

if TYPE_CHECKING:
    from fastw2v.evaluation.analogies import AllQuestions, AnalogyResult
    from fastw2v.evaluation.probe import ProbeResult
    from fastw2v.evaluation.similarity import AllPairs, SimilarityResult

__all__ = ["eval_command", "evaluated"]

_FILE = click.Path(path_type=Path)


@click.command("eval")
@click.argument("model", type=_FILE, metavar="MODEL_OR_VECTORS")
@click.option(
    "--pairs",
    type=_FILE,
    multiple=True,
    help="Lines of word<TAB>word<TAB>similarity; repeatable. Default: WordSim-353, SimLex-999.",
)
@click.option(
    "--analogies",
    type=_FILE,
    multiple=True,
    help="Lines of four words, in sections ': NAME'; repeatable. Default: the Google analogies.",
)
@click.option(
    "--restrict",
    type=click.IntRange(min=4),
    default=50_000,
    show_default=True,
    help="Analogies are asked and answered among this many words, the most frequent ones.",
)
@click.option("--text", multiple=True, help="Held-out text for the perplexity of a model.")
@click.option("--probe", type=_FILE, help="Lines of word<TAB>label to train a small network on.")
@click.option(
    "--tune", is_flag=True, help="Also send the probe's gradient on into the word vectors."
)
@click.option("--hidden-size", type=int, default=50, show_default=True, help="Of the probe.")
@click.option(
    "--folds", type=int, default=5, show_default=True, help="Of the probe's cross validation."
)
@click.option(
    "--vectors",
    type=click.Choice(VECTOR_CHOICES),
    help="Which table of a model. Default: sum; in for hierarchical, and for negative with "
    "subwords.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@source_options
@repeated_tokenizer_option
@workers_option
@display_options
def eval_command(model: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Measure vectors on test sets.

    MODEL_OR_VECTORS is a model folder or a file of vectors. Where it makes vectors of unknown
    words, each test is also scored over all its pairs or questions. See 'fastw2v docs
    evaluation' for what each figure means.
    """
    if not options["text"]:
        require_no_reads(options, "--text beside it, which is read so")
    found = evaluated(model, quiet, options)
    if as_json:
        click.echo(as_json_text(_as_json(model, found)))
        return
    for result in found["similarity"]:
        click.echo(_similarity_lines(result))
    for result in found["analogies"]:
        click.echo(_analogy_lines(result))
    if found["perplexity"] is not None:
        result = found["perplexity"]
        click.echo(f"perplexity {result.perplexity:,.2f} ({result.loss_nats:.4f} nats a pair)")
    if found["probe"] is not None:
        click.echo(_probe_lines(found["probe"]))


def evaluated(path: Path, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Return the results that `options` ask for, by name."""
    from fastw2v.cli.display import Display
    from fastw2v.cli.text_notices import give_text_notices
    from fastw2v.errors import ConfigurationError
    from fastw2v.evaluation import evaluate_analogies, evaluate_similarity
    from fastw2v.evaluation.loading import load_table
    from fastw2v.evaluation.probe import run_probe
    from fastw2v.evaluation.probe_network import ProbeSettings
    from fastw2v.evaluation.test_sets import (
        bundled_analogies,
        bundled_pairs,
        read_analogies,
        read_labels,
        read_pairs,
    )

    if options["tune"] and options["probe"] is None:
        raise ConfigurationError("--tune: expected --probe FILE with it, got none")
    # All files are read, and refused if need be, before anything is measured.
    pair_sets = [read_pairs(file) for file in options["pairs"]] or bundled_pairs()
    analogy_sets = [read_analogies(file) for file in options["analogies"]] or bundled_analogies()
    labelled = read_labels(options["probe"]) if options["probe"] else None
    seed, workers = options["seed"], options["workers"]
    probe_settings = ProbeSettings(
        hidden_size=options["hidden_size"], folds=options["folds"], seed=seed
    )
    table, model = load_table(
        path, options["vectors"], workers=workers, tokenizer=tokenizer_given_again()
    )
    if options["text"] and model is None:
        raise ConfigurationError(
            f"--text: expected a model folder, whose p(context | word) is measured; {path} holds "
            "vectors alone"
        )
    found: dict[str, Any] = {"words": len(table), "dimensions": table.vectors.shape[1]}
    with Display(quiet=quiet) as display:
        n_sets = len(pair_sets) + len(analogy_sets)
        display.stage("evaluating", 0, n_sets)
        found["similarity"], found["analogies"] = [], []
        for done, pairs in enumerate(pair_sets, 1):
            found["similarity"].append(evaluate_similarity(table, pairs, seed=seed))
            display.stage("evaluating", done, n_sets)
        for done, questions in enumerate(analogy_sets, len(pair_sets) + 1):
            found["analogies"].append(
                evaluate_analogies(
                    table,
                    questions,
                    restrict=options["restrict"],
                    workers=workers,
                    progress=lambda done, total: display.stage("analogies", done, total),
                )
            )
            display.stage("evaluating", done, n_sets)
        found["perplexity"] = found["probe"] = None
        if options["text"] and model is not None:
            source = sources_of(options["text"], options)
            give_text_notices(display, source, model.settings, f"the settings of {path}")
            found["perplexity"] = model.perplexity(source, progress=display.stage)
        if labelled:
            found["probe"] = run_probe(
                table,
                labelled,
                probe_settings,
                tune=options["tune"],
                progress=lambda done, total: display.stage("probe", done, total),
            )
    return found


def _as_json(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    perplexity = found["perplexity"]
    return {
        "model": str(path),
        "words": found["words"],
        "dimensions": found["dimensions"],
        "similarity": [result.as_dict() for result in found["similarity"]],
        "analogies": [result.as_dict() for result in found["analogies"]],
        "perplexity": None if perplexity is None else asdict(perplexity),
        "probe": found["probe"].as_dict() if found["probe"] else None,
    }


def _similarity_lines(result: "SimilarityResult") -> str:
    covered = f"{result.covered:,} of {result.total:,} pairs"
    lines = [f"{result.name:28} " + _correlation(result, covered, f"{covered} known")]
    if result.with_unknown is not None:
        every = result.with_unknown
        covered = f"all {result.total:,} pairs, {_made(every)}"
        lines.append(f"  {'with unknown words':26} " + _correlation(every, covered, covered))
    return "\n".join(lines)


def _correlation(result: "SimilarityResult | AllPairs", covered: str, without: str) -> str:
    if math.isnan(result.spearman):
        return f"no correlation, {without}"
    return f"rho {result.spearman:.3f} [{result.low:.3f}, {result.high:.3f}], {covered}"


def _made(result: "AllPairs | AllQuestions") -> str:
    return f"{result.made:,} by n-grams, {result.lacking:,} have no vector"


def _analogy_lines(result: "AnalogyResult") -> str:
    lines = [f"{result.name:28} 3CosAdd 3CosMul  asked"]
    named = [*((section.name, section) for section in result.sections), ("all", result.overall)]
    for name, section in named:
        shares = "      -       -"
        if section.covered:
            shares = f"{section.cos_add_accuracy:7.3f} {section.cos_mul_accuracy:7.3f}"
        lines.append(f"  {name:26} {shares}  {section.covered:,} of {section.total:,}")
    if result.with_unknown is not None:
        every = result.with_unknown
        shares = f"{every.cos_add / every.total:7.3f} {every.cos_mul / every.total:7.3f}"
        lines.append(f"  {'with unknown words':26} {shares}  all {every.total:,}, {_made(every)}")
    return "\n".join(lines)


def _probe_lines(result: "ProbeResult") -> str:
    from fastw2v.evaluation.probe import SCIKIT_LEARN

    def line(name: str, test: float, rest: str) -> str:
        return f"  {name:26} {test:7.3f}  {rest}"

    plain = result.accuracy
    lines = [
        f"{'probe':28} accuracy, {result.settings.folds} folds, {len(result.labels)} labels, "
        f"{result.covered:,} of {result.total:,} words",
        line(
            "network", plain.test, f"± {plain.test_deviation:.3f}, trained words {plain.train:.3f}"
        ),
        line("majority label", result.majority, ""),
    ]
    if result.scikit_learn is not None:
        other = result.scikit_learn
        rest = f"± {other.test_deviation:.3f}, trained words {other.train:.3f}"
        lines.append(line("scikit-learn's network", other.test, rest))
    else:
        lines.append(f"  scikit-learn's network is not compared: pip install {SCIKIT_LEARN}")
    if result.tuned is not None:
        tuned = result.tuned
        rest = (
            f"{tuned.test_gain:+.3f}, trained words {tuned.accuracy.train:.3f} "
            f"{tuned.train_gain:+.3f}, whose vectors moved by {tuned.moved:.0%}"
        )
        lines.append(line("network, vectors tuned", tuned.accuracy.test, rest))
        lines.append("  (words asked for get no gradient: only weights can serve them better)")
    return "\n".join(line.rstrip() for line in lines)
