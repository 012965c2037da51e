"""The plan of a count in shards, kept so that a later run can go on with it."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import orjson

from fastw2v.config.numbers import MOST_MIB, real_number, whole_number
from fastw2v.counts.request import CountRequest
from fastw2v.counts.sharded.shards import SENTENCES_OF_SHARD, Shard, shards_of
from fastw2v.counts.sharded.work_folder import PLAN, Job, write_json_whole
from fastw2v.errors import ConfigurationError, OutputError
from fastw2v.system.renames import TEMPORARY_PREFIX
from fastw2v.text.batches import checked_tokens
from fastw2v.text.corpus import OpenedCorpus
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import STANDARD_INPUT, is_read_once, shown_name, standard_input
from fastw2v.text.sources.cells import is_missing
from fastw2v.text.sources.frames import value_pieces
from fastw2v.text.sources.kinds import MissingValues
from fastw2v.text.sources.parts import SPOOL, Part
from fastw2v.text.sources.streams import is_url
from fastw2v.text.token_kinds import tokens_to_json
from fastw2v.version import VERSION

__all__ = ["FORMAT", "Plan", "ShardOptions", "memory_for_data", "new_plan"]

FORMAT = "fastw2v-count-in-progress"
# Python and compiled kernels, buffers of reading and writing: bench/bench_distributed.py.
PROGRAM_MIB = 450
SMALLEST_MEMORY_MIB = 512
SPOOLED = "sentences.jsonl"
SPOOLED_TEXT = "read-once-"
_SPOOLED_BYTES = 1 << 20  # that are written at once


@dataclass(frozen=True)
class ShardOptions:
    """How a corpus is cut into shards and counted; none of it changes the result.

    Attributes
    ----------
    memory_mib : int or None
        What counting may use of memory: the process, or each worker of a cluster. None: what
        the workers were given.
    block_mib : float
        About how much of a plain file a shard has.
    resume : bool
        Go on with what an interrupted run has left, if it has.

    Raises
    ------
    ConfigurationError
        If memory or blocks are too small.
    """

    memory_mib: int | None = None
    block_mib: float = 128
    resume: bool = False

    def __post_init__(self) -> None:
        block_mib = real_number("block_mib", self.block_mib, low=0, high=MOST_MIB, low_is_open=True)
        object.__setattr__(self, "block_mib", block_mib)
        if self.memory_mib is not None:
            memory_mib = whole_number("memory", self.memory_mib, low=1, high=MOST_MIB)
            object.__setattr__(self, "memory_mib", memory_mib)
            memory_for_data(memory_mib)


def memory_for_data(memory_mib: float) -> int:
    """Return the bytes of a budget that are left for data beside the program itself.

    Raises
    ------
    ConfigurationError
        If nothing to speak of is left.
    """
    if memory_mib < SMALLEST_MEMORY_MIB:
        raise ConfigurationError(
            f"memory: expected at least {SMALLEST_MEMORY_MIB} MiB, which Python, Numba and "
            f"buffers take, got {memory_mib:g}"
        )
    return int((memory_mib - PROGRAM_MIB) * 2**20)


@dataclass(frozen=True)
class Plan:
    """What is counted, and how it is cut.

    Attributes
    ----------
    job : Job
    shards : list of Shard
    ranges : int
        In how many ranges of centre words counts are added up.
    name : str
        What messages call the corpus.
    """

    job: Job
    shards: list[Shard]
    ranges: int
    name: str

    @property
    def folder(self) -> Path:
        """The work folder."""
        return self.job.folder


def new_plan(
    corpus: OpenedCorpus | int,
    request: CountRequest,
    job: Job,
    options: ShardOptions,
    *,
    ranges: int = 1,
) -> Plan:
    """Cut a corpus into shards and make the work folder, or go on with an earlier one.

    Parameters
    ----------
    corpus : OpenedCorpus or int
        What can be read only once is spooled to the work folder. A number: how many shards will be
        handed over.
    request : CountRequest
    job : Job
        Of the same request.
    options : ShardOptions
    ranges : int
        In how many ranges of centre words counts are added up.

    Raises
    ------
    OutputError
        If what is read once cannot be kept, or an interrupted run is in the way.
    ConfigurationError
        If the interrupted run had another corpus or other settings.
    CorpusError
        If a source cannot be found.
    """
    folder, reference = job.folder, request.reference
    earlier = _read_plan(folder) if folder.exists() else None
    if earlier is not None and not options.resume:
        raise OutputError(
            f"{folder}: an interrupted count is in the way; go on with it by --resume, or remove "
            "that folder"
        )
    if earlier is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    else:
        # However it is called now, what is done stays as it was cut.
        options = replace(options, block_mib=earlier["block_mib"])
        ranges = earlier["ranges"]
    try:
        # A paragraph may go on behind any cut.
        whole = job.counting.paragraphs
        shards = _shards(corpus, options, folder, is_new=earlier is None, whole_files=whole)
        plan = {
            "format": FORMAT,
            "fastw2v_version": VERSION,
            "counting": job.counting.as_dict(),
            "reference": None if reference is None else reference.statistics.digest,
            "words": request.words.digest,
            "block_mib": options.block_mib,
            "ranges": ranges,
            "shards": [shard.as_dict() for shard in shards],
        }
        if earlier is None:
            write_json_whole(folder / PLAN, plan)
        else:
            _require_same(plan, earlier, folder)
    except BaseException:
        if earlier is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    name = "the given partitions" if isinstance(corpus, int) else corpus.name
    return Plan(job, shards, ranges, name)


def _shards(
    corpus: OpenedCorpus | int,
    options: ShardOptions,
    folder: Path,
    *,
    is_new: bool,
    whole_files: bool,
) -> list[Shard]:
    if isinstance(corpus, int):
        return [Shard(number) for number in range(corpus)]
    if not corpus.parts:
        return _spooled(corpus, folder / SPOOLED)
    files = list(corpus.parts)
    for place, part in enumerate(files):
        if _comes_once(part.source):
            spool = folder / f"{SPOOLED_TEXT}{place}{''.join(Path(part.source).suffixes)}"
            if is_new:
                _spool(part.source, spool)
            files[place] = replace(part, source=str(spool))
    block_bytes = sys.maxsize if whole_files else int(options.block_mib * 2**20)
    return [shard.absolute() for shard in shards_of(files, block_bytes)]


def _comes_once(name: str) -> bool:
    """Return whether what was read is gone: standard input, a pipe, a terminal."""
    return not is_url(name) and is_read_once(name)


def _spool(name: str, path: Path) -> None:
    """Keep what can be read only once."""
    with _kept(path, shown_name(name)), path.open("wb") as file:
        if name == STANDARD_INPUT:
            shutil.copyfileobj(standard_input(), file)
        else:
            with Path(name).open("rb") as source:
                shutil.copyfileobj(source, file)


@contextmanager
def _kept(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: a copy of {name}, for the second reading, could not be kept there ({error}); "
            "make room, or choose another output"
        ) from error


def _spooled(corpus: OpenedCorpus, path: Path) -> list[Shard]:
    """Write lists of tokens, or texts, as lines of JSON, which can be read more than once."""
    cuts: list[int] = []
    size = 0
    waiting = bytearray()

    def write(mode: str) -> None:
        with _kept(path, corpus.name), path.open(mode) as file:
            file.write(waiting)
        waiting.clear()

    write("wb")
    # An error of whoever yields the values is none of writing them.
    for number, value in enumerate(_checked_values(corpus)):
        if number % SENTENCES_OF_SHARD == 0:
            cuts.append(size)
        line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
        waiting += line
        size += len(line)
        if len(waiting) >= _SPOOLED_BYTES:
            write("ab")
    write("ab")
    name = str(path.absolute())
    return [
        Shard(number, Part(name, SPOOL, None, start, stop, size))
        for number, (start, stop) in enumerate(pairwise([*cuts, size]))
    ]


def _checked_values(corpus: OpenedCorpus) -> Iterator[Any]:
    """Yield lists of tokens, texts, and None for what is missing; refuse anything else.

    Tokens are as `tokens_to_json` gives them.
    """
    if corpus.values is None:
        for number, sentence in enumerate(corpus.sentences or ()):
            yield tokens_to_json(checked_tokens(sentence, number))
        return
    nothing = MissingValues(), Repairs()  # counted when the spool is read
    n_before = 0
    for chunk in corpus.values:
        for _ in value_pieces([chunk], corpus.name, *nothing, n_before):
            pass
        n_before += len(chunk)
        for value in chunk if isinstance(chunk, list) else chunk.to_pylist():
            if isinstance(value, str):
                yield value
            elif is_missing(value):
                yield None
            else:
                yield [None if is_missing(token) else tokens_to_json([token])[0] for token in value]


def _read_plan(folder: Path) -> dict[str, Any] | None:
    path = folder / PLAN
    if not path.is_file():
        if folder.is_dir() and all(_is_ours(path) for path in folder.iterdir()):
            return None
        raise OutputError(
            f"{folder}: expected nothing, or an interrupted count, got something else; remove it "
            "or choose another output"
        )
    try:
        plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if plan["format"] != FORMAT:
            raise ValueError(f"format {plan['format']!r}")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise OutputError(f"{path}: cannot be gone on with ({error}); remove {folder}") from error
    return plan


def _is_ours(path: Path) -> bool:
    """Tell whether a run that was killed before it had a plan may have left a file."""
    return path.name.startswith((SPOOLED, SPOOLED_TEXT, TEMPORARY_PREFIX))


def _require_same(plan: dict[str, Any], earlier: dict[str, Any], folder: Path) -> None:
    for name, value in plan.items():
        if value != earlier.get(name):
            shown = _first_other(value, earlier) if name == "shards" else repr(value)
            raise ConfigurationError(
                f"{name}: expected those of the interrupted count in {folder}, got {shown}; give "
                "the same corpus and settings, or remove that folder and count anew"
            )


def _first_other(shards: list[dict[str, Any]], earlier: dict[str, Any]) -> str:
    """Return what messages call shards that are not those of an earlier plan."""
    before = earlier.get("shards") or []
    for now, then in zip_longest(shards, before):
        part = (now or then)["part"]
        if now != then and part is not None:
            return f"other ones from {part['source']} on (another file, or another size of it)"
    return f"{len(shards)}, not {len(before)}"
