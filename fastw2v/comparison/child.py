"""A process that trains once: ``python -m fastw2v.comparison.child REQUEST STARTED``.

REQUEST is a `TrainingRequest` as JSON, STARTED the parent's time of day when it started the
process, so that importing, reading, counting and training are all in ``wall_s``; writing vectors
for the parent is not. The last line on standard output is the answer.
"""

import json
import sys

from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.rivals import RIVALS
from fastw2v.errors import MissingDependencyError

__all__ = ["train_and_describe"]


def train_and_describe(text: str, started: float) -> dict[str, object]:
    """Train what `text` asks for and return the figures of it, or its error."""
    request = TrainingRequest.from_json(text)
    try:
        trained = RIVALS[request.trainer].train(request)
    except MissingDependencyError as error:
        return {"error": str(error), "is_missing": True}
    except Exception as error:  # whatever a rival does is a row of the table
        return {"error": f"{type(error).__name__}: {error}"}
    trained.save(request.vectors)
    return {
        "wall_s": trained.clock.ended - started,
        "cpu_s": trained.clock.cpu_s,
        "peak_bytes": trained.clock.peak_bytes,
        **trained.stages,
        "loss": trained.loss,
        "settings": trained.settings,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(train_and_describe(sys.argv[1], float(sys.argv[2]))) + "\n")
