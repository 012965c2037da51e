"""The exact step on a GPU: time, share of the peak, an epoch's seconds, memory; beside the CPU's.

    python bench/bench_gpu.py [--json bench/results/gpu.json]

Needs the extra `gpu`. It takes about four minutes at most: each case gets its share of the time
that is left, and an epoch that does not fit it is its steps' mean times their number. Counts are
generated: rows of 64 contexts, spread over all words. Steps are those of training, with batches
prepared and copied meanwhile; the first ones, in which code is compiled and memory is new, are left
out.

The share of the peak counts 6 V B D operations a step: by the data sheet of the card (--peak, in
10^12 operations a second), where it is known, and beside a square product in bf16 on the same
card. The CPU's step is tried on fewer words and scaled, as `train` does before a run. `--device
torch-cpu` runs the same without a card.
"""

import argparse
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from commands import run_command
from machine import describe_machine, header

from fastw2v.callbacks import EpochProgress
from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.errors import FastW2VError
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.objectives.softmax.device.library import Device, open_device, torch_library
from fastw2v.objectives.softmax.durations import step_seconds
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool, available_cores
from fastw2v.training.loop import BatchTraining

CONTEXTS = 64
WARM_STEPS = 4
FEWEST_STEPS = 3
SQUARE = 8192
# Dense bf16 by the makers' data sheets, in 10^12 operations a second.
PEAKS = {"H100 80GB HBM3": 989.4, "H100 PCIe": 756.0, "H200": 989.4, "A100": 312.0}


def made_counts(n_words: int) -> PairCounts:
    """Return counts of rows of `CONTEXTS` contexts that are spread over all words."""
    contexts = min(CONTEXTS, n_words)
    apart = n_words // contexts
    starts = np.random.default_rng(1).integers(0, apart, (n_words, 1), dtype=np.int32)
    indices = (starts + np.arange(contexts, dtype=np.int32) * apart).ravel()
    indptr = np.arange(0, n_words * contexts + 1, contexts, dtype=np.int64)
    return PairCounts(indptr, indices, np.ones(len(indices), np.int32), 5)


def made_vectors(n_words: int, dimensions: int, seed: int) -> Any:
    """Return vectors (V, D) that repeat, since only their size matters."""
    few = np.random.default_rng(seed).normal(0, 0.1, (min(n_words, 4096), dimensions))
    return np.resize(few.astype(np.float32), (n_words, dimensions))


def square_flops(device: Device) -> float:
    """Return operations a second of a square product in bf16, the quickest of some."""
    torch = device.torch
    size = SQUARE if device.is_card else 512
    left = torch.ones((size, size), dtype=torch.bfloat16, device=device.name)
    took_s = []
    for _ in range(10):
        synchronize(device)
        began_s = time.perf_counter()
        left @ left
        synchronize(device)
        took_s.append(time.perf_counter() - began_s)
    return 2.0 * size**3 / min(took_s)


def synchronize(device: Device) -> None:
    """Wait for a card."""
    if device.is_card:
        device.torch.cuda.synchronize()


def sheet_flops(device: Device, given: float | None) -> float | None:
    """Return the peak that was given, or that of a card that is known."""
    if given is not None:
        return given * 1e12
    name = device.described()["name"]
    return next((peak * 1e12 for known, peak in PEAKS.items() if known in name), None)


def measured(
    device: Device, settings: Hyperparameters, n_words: int, rows: int, seconds: float
) -> dict[str, Any]:
    """Return what steps of training take, for about so many seconds."""
    began_s = time.perf_counter()
    counts = made_counts(n_words)
    options = {"dimensions": settings.vector_size, "seed": 1}
    batches = CountBatches(counts, np.ones(n_words), rows=rows, tile=device.tile, **options)
    if device.is_card:
        device.torch.cuda.reset_peak_memory_stats()
    with WorkerPool(available_cores()) as pool:
        objective = ExactSoftmax(
            made_vectors(n_words, settings.vector_size, 1),
            made_vectors(n_words, settings.vector_size, 2),
            np.full(n_words, -np.log(n_words), np.float32),
            max_rows=batches.max_rows,
            precision=settings.precision,
            pool=pool,
            device=device,
        )
        steps = batches.batches_per_epoch
        training = BatchTraining(objective, batches, Optimizer(settings, 2 * steps))
        for done, _ in enumerate(training.epoch(1, EpochProgress(0, 0.0, 0.0)), 1):
            if done == WARM_STEPS:
                break
        prepared_s = time.perf_counter() - began_s
        began_s, done = time.perf_counter(), 0
        for now in training.epoch(0, EpochProgress(0, 0.0, 0.0)):
            done, took_s = now.steps_done, time.perf_counter() - began_s
            if prepared_s + took_s > seconds and done >= FEWEST_STEPS:
                break
    peak = device.torch.cuda.max_memory_allocated() if device.is_card else objective.nbytes
    flops = 6.0 * n_words * batches.max_rows * settings.vector_size
    return {
        "words": n_words,
        "dimensions": settings.vector_size,
        "rows": batches.max_rows,
        "step_ms": 1e3 * took_s / done,
        "flops": flops * done / took_s,
        "epoch_s": took_s * steps / done,
        "whole": done == steps,
        "memory_mib": peak / 2**20,
    }


def of_cpu(settings: Hyperparameters, n_words: int, rows: int) -> dict[str, Any]:
    """Return what the CPU of this machine takes, tried on fewer words."""
    with WorkerPool(available_cores()) as pool:
        step_s = step_seconds(settings, n_words, rows, pool)
    steps = -(-n_words // min(rows, n_words))
    return {
        "words": n_words,
        "dimensions": settings.vector_size,
        "rows": min(rows, n_words),
        "step_ms": 1e3 * step_s,
        "epoch_s": step_s * steps,
        "whole": False,
    }


HEAD = "words | dimensions | rows | step ms | of data sheet | of square | epoch s | memory MiB"
TITLE = f"| {HEAD} |\n|{'---|' * 8}"


def row(record: dict[str, Any], peaks: tuple[float | None, float]) -> str:
    """Return a record as a row of the table."""
    sheet, square = peaks
    flops = record.get("flops")
    shares = ["-" if flops is None or not p else f"{flops / p:.1%}" for p in (sheet, square)]
    memory = record.get("memory_mib")
    return (
        f"| {record['words']:,} | {record['dimensions']} | {record['rows']} | "
        f"{record['step_ms']:.3g} | {shares[0]} | {shares[1]} | {record['epoch_s']:.3g}"
        f"{'' if record['whole'] else ' (by its steps)'} | "
        f"{'-' if memory is None else f'{memory:,.0f}'} |"
    )


def section(path: Path) -> list[str]:
    """Return what was measured on a GPU as a section of BENCHMARKS.md, or that nothing was."""
    lines = ["## The exact softmax on a GPU", ""]
    if not path.exists():
        told = "Not measured on a GPU yet: `python bench/bench_gpu.py` measures it (docs/gpu.md)."
        return [*lines, told, ""]
    stored = json.loads(path.read_text(encoding="utf-8"))
    about = stored["machine"] | stored["device"]
    lines += [", ".join(f"{name} {value}" for name, value in about.items()) + "."]
    for kind, found in stored["results"].items():
        lines += ["", f"{kind}:", "", TITLE, *(row(one, stored["peaks"]) for one in found)]
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "torch-cpu"), default="cuda")
    parser.add_argument("--words", type=int, nargs="+", default=[45_000, 300_000, 1_000_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--rows", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--precision", choices=("auto", "bf16", "float32"), default="auto")
    parser.add_argument("--seconds", type=float, default=200.0, help="for all cases together")
    parser.add_argument("--peak", type=float, help="of the data sheet, 10^12 operations a second")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch = torch_library(options.device)
    opened = open_device(options.device, max(options.rows))
    peaks = (sheet_flops(opened, options.peak), square_flops(opened))
    about = opened.described() | {"cuda": str(torch.version.cuda), "fuses": str(opened.fuses)}
    if importlib.util.find_spec("triton") is not None:
        about["triton"] = importlib.import_module("triton").__version__
    print(header("numpy", "numba", "torch"))
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    told = "no data sheet" if peaks[0] is None else f"data sheet {peaks[0] / 1e12:,.0f}"
    print(f"peak in bf16, 10^12 operations/s: {told}, a square product {peaks[1] / 1e12:,.3g}\n")
    cases = [(v, d, b) for v in options.words for d in options.dimensions for b in options.rows]
    began_s = time.perf_counter()
    results: dict[str, list[dict[str, Any]]] = {options.device: [], "cpu": []}
    for kind, found in results.items():
        print(f"{kind}\n\n{TITLE}", flush=True)
        for k, (n_words, dimensions, rows) in enumerate(cases):
            settings = Hyperparameters(vector_size=dimensions, precision=options.precision)
            try:
                if kind == "cpu":
                    found.append(of_cpu(settings, n_words, rows))
                else:
                    device = open_device(options.device, rows)
                    left_s = options.seconds - (time.perf_counter() - began_s)
                    share_s = left_s / (len(cases) - k)
                    found.append(measured(device, settings, n_words, rows, share_s))
            except FastW2VError as error:
                print(f"| {n_words:,} | {dimensions} | {rows} | {error} |", flush=True)
                continue
            print(row(found[-1], peaks), flush=True)
        print()
    if options.json:
        content: dict[str, Any] = {"machine": describe_machine("numpy", "numba", "torch")}
        content |= {"device": about, "peaks": peaks, "results": results}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
