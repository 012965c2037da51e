"""How a run is begun again from what its checkpoint says of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastw2v.config import Hyperparameters
from fastw2v.errors import CheckpointError, ConfigurationError, FastW2VError, one_line
from fastw2v.formats.model_folder import with_later_settings, with_present_names
from fastw2v.system.threads import checked_workers
from fastw2v.text.corpus import Corpus
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.checkpoints import (
    Checkpoints,
    RunDescription,
    checkpoint_path,
    read_checkpoint,
)
from fastw2v.training.options import NO_REPORTS, Reports, RunOptions
from fastw2v.training.run import (
    CountsFolder,
    GivenFeatures,
    Run,
    first_device,
    used_products,
)
from fastw2v.training.start_from import Earlier, StartFrom, read_start
from fastw2v.training.validation import Validation, opened_sources

__all__ = ["resumed_run"]


def resumed_run(
    model: Path,
    corpus: Corpus | None = None,
    validation: Validation | None = None,
    *,
    workers: int | None = None,
    features: GivenFeatures | None = None,
    start: StartFrom | None = None,
    reports: Reports = NO_REPORTS,
) -> Run:
    """Read the checkpoint of a model folder to be; parameters and errors as `Word2Vec.resume`."""
    path = checkpoint_path(model)
    checkpoint = read_checkpoint(path)
    about = checkpoint.run
    settings = Hyperparameters.from_stored(
        with_later_settings(with_present_names(about.hyperparameters))
    )
    device = first_device(settings, about)
    precision = used_products(settings, device)
    if precision != about.precision:
        raise CheckpointError(
            f"{path}: the run multiplies in {about.precision}, precision="
            f"{settings.precision!r} is {precision} on this machine; resume it on one like the "
            "first, with FASTW2V_AMX as it was there"
        )
    earlier = _earlier_of(path, about, start)
    options = RunOptions(
        validation=_validation_of(path, about) if validation is None else validation,
        patience=about.patience,
        checkpoints=Checkpoints(model, about.every),
        memory_mib=about.memory_mib,
    )
    if validation is not None:
        _require_same_kind(about, validation)
    run = Run(
        settings=settings,
        workers=checked_workers(about.workers if workers is None else workers),
        source=_source_of(path, about, corpus),
        options=options,
        reports=reports,
        features=features if features is not None else _features_of(about),
        words=_rules_of(path, about),
        earlier=earlier,
        keeps_good_epochs=True,
        resumed=checkpoint,
    )
    if reports.notice is not None and not run.is_exact and run.workers != about.workers:
        reports.notice(_other_workers(run.workers, about.workers))
    return run


def _earlier_of(path: Path, about: RunDescription, given: StartFrom | None) -> Earlier | None:
    """Return what the run started from, read again; `given` is what was given for it now."""
    begun = about.start
    if begun is None:
        if given is not None:
            raise ConfigurationError("start: expected none, since the run started anew, got one")
        return None
    source = given.source if given is not None else begun["path"]
    if source is None:
        raise CheckpointError(
            f"{path}: the vectors that this run started from were no file; pass the same ones to "
            "Word2Vec.resume (start=...)"
        )
    asked = StartFrom(source, begun["vocabulary"], begun["lock_known"], begun["counts"])
    try:
        earlier = read_start(asked)
    except FastW2VError as error:
        error.add_note(
            f"{path}: the run started from that; put it back, or pass it from where it is now to "
            "Word2Vec.resume (start=...)"
        )
        raise
    for name, came in earlier.as_dict().items():
        if name in ("digest", "counts_digest") and came != begun[name]:
            what = "counts" if name == "counts_digest" else "vectors"
            raise CheckpointError(
                f"{path}: expected the {what} that the run started from (digest {begun[name]}), "
                f"got others (digest {came}) in {earlier.name}; restore them, or begin a new run"
            )
    # As it was when the run began: counts that have been moved since may say less.
    return replace(earlier, is_counted=begun.get("is_counted", False))


def _other_workers(now: int, begun: int | None) -> str:
    if begun is None:
        return (
            f"the run goes on with {now} workers; its checkpoint, of an earlier version, does not "
            "say how many it began with. With another number it ends in other vectors, and with "
            "more than one no two runs end in the same"
        )
    return (
        f"the run began with {begun} workers and goes on with {now}: it ends in other vectors than "
        "if it had never been interrupted"
    )


def _require_same_kind(about: RunDescription, given: Validation) -> None:
    """Raise `ConfigurationError` if a run was not validated on a text, or not on that fraction."""
    begun = about.validation
    fraction = None if begun is None else begun.get("fraction")
    if begun is None or given.fraction != fraction:
        expected = "none" if begun is None else _description(fraction)
        raise ConfigurationError(
            f"validation: expected {expected}, as the run began, got "
            f"{_description(given.fraction)}; leave it out"
        )


def _description(fraction: float | None) -> str:
    return "a text" if fraction is None else f"the fraction {fraction:g}"


def _validation_of(path: Path, about: RunDescription) -> Validation | None:
    asked = about.validation
    if asked is None:
        return None
    if "fraction" in asked:
        return Validation(fraction=asked["fraction"])
    return Validation(_stored_text(path, "validation text", asked["sources"], asked))


def _features_of(about: RunDescription) -> Path | None:
    return Path(about.features) if about.features else None


def _rules_of(path: Path, about: RunDescription) -> WordRules:
    if about.words is None:
        return NO_RULES
    try:
        return WordRules.from_dict(about.words)
    except (LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: the phrases and stop words of the run are damaged "
            f"({type(error).__name__}: {one_line(error)}); restore the file from a copy"
        ) from error


def _source_of(path: Path, about: RunDescription, corpus: Corpus | None) -> Corpus | CountsFolder:
    """Return what the run trains on; `corpus` is what was given for it now."""
    if about.counts:
        if corpus is not None:
            raise ConfigurationError(
                f"corpus: expected none, since the run trains on the counts {about.counts}, got one"
            )
        return CountsFolder(Path(about.counts))
    if corpus is None:
        return _stored_text(path, "corpus", about.sources, about.reads or {})
    return corpus


def _stored_text(
    path: Path, name: str, sources: list[str] | None, options: Mapping[str, Any]
) -> Corpus:
    if sources is None:
        raise CheckpointError(
            f"{path}: the {name} of this run were lists of tokens or tables, not files; pass the "
            "same ones to Word2Vec.resume"
        )
    return opened_sources(sources, options)
