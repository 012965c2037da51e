"""Counting on a cluster: the engine is Dask, the steps are those of one machine.

A client is handed in; clusters are the user's business. Workers and this process must see the
folder of the output under the same path (a shared file system), since what is counted waits there:
a step that is done is never done again, whoever dies.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.request import CountRequest
from fastw2v.counts.sharded.local import DEFAULT_MEMORY_MIB
from fastw2v.counts.sharded.plan import ShardOptions, memory_for_data, new_plan
from fastw2v.counts.sharded.run import Task, count_shards
from fastw2v.counts.sharded.work_folder import PLAN, Job
from fastw2v.errors import (
    ClusterError,
    ConfigurationError,
    FastW2VError,
)
from fastw2v.system.dependencies import optional_module
from fastw2v.text.corpus import OpenedCorpus
from fastw2v.version import VERSION

__all__ = ["count_on_cluster", "opened_client"]

WORKERS_WITHIN_SECONDS = 60.0  # the first one is waited for, as a new cluster has none yet
RETRIES = 1  # of a step whose worker died, beside those that Dask makes itself


def count_on_cluster(
    corpus: OpenedCorpus | Any, request: CountRequest, options: ShardOptions, client: Any
) -> CountedCorpus:
    """Count a corpus on a Dask cluster; parameters and errors as in `fastw2v.counts.build`.

    The memory of `options` is that of one worker; by default what the worker was given.
    """
    n_workers, given_mib = _workers_of(client)
    memory = memory_for_data(options.memory_mib or given_mib)
    job = Job.of(request, memory, workers=1)
    partitions = corpus.to_delayed() if hasattr(corpus, "to_delayed") else None
    items: Any = len(partitions) if partitions is not None else corpus
    plan = new_plan(items, request, job, options, ranges=n_workers)
    engine = DaskEngine(client, partitions or [])
    engine.require_shared(plan.folder)
    return count_shards(plan, request, engine)


def _workers_of(client: Any) -> tuple[int, float]:
    """Return how many tasks run side by side, and what each may use of memory, in MiB."""
    states = _on_all_workers(client, _state_of_worker)
    if not states:
        try:
            client.wait_for_workers(1, timeout=WORKERS_WITHIN_SECONDS)
        except TimeoutError as error:
            raise ClusterError(
                "cluster: expected at least one worker, got none within "
                f"{WORKERS_WITHIN_SECONDS:g} s; start some"
            ) from error
        states = _on_all_workers(client, _state_of_worker)
    for address, worker in states.items():
        if worker.version != VERSION:
            raise ClusterError(
                f"{address}: expected fastw2v {VERSION} as here, got {worker.version}; install the "
                "same version on all workers"
            )
    each = [
        worker.memory_bytes / worker.threads / 2**20
        for worker in states.values()
        if worker.memory_bytes
    ]
    return sum(worker.threads for worker in states.values()), min(each, default=DEFAULT_MEMORY_MIB)


@dataclass(frozen=True)
class _WorkerState:
    version: str
    threads: int
    memory_bytes: int | None


def _state_of_worker(dask_worker: Any) -> _WorkerState:
    # Asked of the workers: a client's own list of them is empty at times, since it is refreshed
    # without them in the background.
    memory = dask_worker.memory_manager.memory_limit
    return _WorkerState(VERSION, dask_worker.state.nthreads, memory)


def _on_all_workers(client: Any, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    try:
        answers: dict[str, Any] = client.run(function, *arguments)
    except (OSError, TimeoutError) as error:
        raise _lost_scheduler(error) from error
    except Exception as error:
        raise ClusterError(
            f"cluster: a worker cannot run fastw2v {VERSION} ({_in_one_line(error)}); install the "
            "same version on all workers"
        ) from error
    return answers


class DaskEngine:
    """Lets the workers of a cluster make the calls.

    Parameters
    ----------
    client : distributed.Client
    partitions : sequence of dask.delayed.Delayed
        Sentences that shards are handed, each computed where its shard is counted.
    """

    def __init__(self, client: Any, partitions: Sequence[Any] = ()) -> None:
        self._client = client
        self._partitions = partitions

    def require_shared(self, folder: Path) -> None:
        """Raise `ClusterError` unless all workers see the work folder."""
        seen = _on_all_workers(self._client, _sees_plan, str(folder))
        blind = [address for address, sees in seen.items() if not sees]
        if blind:
            raise ClusterError(
                f"{folder}: expected a folder that all workers see, {blind[0]} does not; choose an "
                "output on a file system that they share"
            )

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """Yield each task's place and its result, as they are done."""
        from distributed import as_completed

        futures: dict[Any, int] = {}
        deaths = [0] * len(tasks)
        try:
            for place, task in enumerate(tasks):
                futures[self._submit(task)] = place
            waiting = as_completed(list(futures))
            for future in waiting:
                place = futures.pop(future)
                if _worker_died(future) and deaths[place] < RETRIES:
                    deaths[place] += 1
                    again = self._submit(tasks[place])
                    futures[again] = place
                    waiting.add(again)
                    continue
                yield place, _result_of(future, tasks[place])
        except (OSError, TimeoutError) as error:
            raise _lost_scheduler(error) from error
        finally:
            if futures and self._client.status == "running":
                self._client.cancel(list(futures))

    def _submit(self, task: Task) -> Any:
        handed = () if task.given is None else (self._partitions[task.given],)
        return self._client.submit(task.function, *task.arguments, *handed, pure=False)


def _sees_plan(folder: str) -> bool:
    return (Path(folder) / PLAN).is_file()


def _worker_died(future: Any) -> bool:
    from distributed import KilledWorker

    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _result_of(future: Any, task: Task) -> Any:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except FastW2VError:
        raise
    except KilledWorker as error:
        raise ClusterError(
            f"{task.name}: the workers that counted it died, again and again; give workers more "
            f"memory or counting less, then go on by --resume ({_in_one_line(error)})"
        ) from error
    except (CancelledError, OSError, TimeoutError) as error:
        raise _lost_scheduler(error) from error
    except Exception as error:
        raise ClusterError(
            f"{task.name}: could not be counted ({_in_one_line(error)}); when the cause "
            "is gone, go on by --resume"
        ) from error


def _in_one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _lost_scheduler(error: BaseException) -> ClusterError:
    return ClusterError(
        f"cluster: the connection to the scheduler was lost ({_in_one_line(error)}); "
        "start the cluster again, then go on by --resume"
    )


@contextmanager
def opened_client(cluster: str, memory_mib: int | None = None) -> Iterator[Any]:
    """Yield a client of the cluster that is named on the command line.

    Parameters
    ----------
    cluster : str
        ``"local"`` or ``"local:N"``: workers on this machine, which end with the context; or the
        address of a scheduler, as ``"tcp://host:8786"``.
    memory_mib : int, optional
        Of each local worker.

    Raises
    ------
    ConfigurationError
        If it is none of these.
    MissingDependencyError
        If Dask is not installed.
    ClusterError
        If the scheduler does not answer.
    """
    distributed = optional_module("distributed", "--cluster", "distributed", "dask.distributed")
    kind, _, rest = cluster.partition(":")
    if kind == "local":
        if rest and not (rest.isdecimal() and int(rest) > 0):
            raise ConfigurationError(
                f"cluster: expected local:N with a whole number of workers, got {cluster!r}"
            )
        made = distributed.LocalCluster(
            n_workers=int(rest) if rest else None,
            threads_per_worker=1,
            memory_limit="auto" if memory_mib is None else memory_mib * 2**20,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
        with made as local, distributed.Client(local) as client:
            yield client
        return
    if "://" not in cluster:
        raise ConfigurationError(
            f"cluster: expected local, local:N or the address of a scheduler as tcp://host:8786, "
            f"got {cluster!r}"
        )
    try:
        client = distributed.Client(cluster)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"{cluster}: no scheduler answers there ({_in_one_line(error)}); start one "
            "with: dask scheduler"
        ) from error
    with client:
        yield client
