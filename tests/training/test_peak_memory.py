"""Peak memory of a whole process that trains, by what the text and the vocabulary have."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastw2v import Word2Vec

ROOT = Path(__file__).parents[2]
DIMENSIONS = 100
MIB = 2**20
# Of a process whose kernels are on disk, with nothing to speak of to train on.
PROGRAM_BYTES = 150 * MIB
BYTES_A_TOKEN = 10  # while a text is read: its numbers twice
BYTES_AN_ENTRY = 2  # of the counts
# Tables, moments and rounded vectors of rows of 112 float32, rounded scores of 256 rows.
BYTES_A_WORD = 4 * 112 * 5.5 + 2 * 256
PARTS_BYTES = 12 * MIB  # batches, and parts of counts that are unpacked
PROCESS = """
import json, sys
from fastw2v.cli.main import command_line
path, output, *options = sys.argv[1:]
command_line.main(["train", path, "--output", output, *options], standalone_mode=False)
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "peak_bytes": int(lines["VmHWM"].split()[0]) * 1024,
    "imported": [name for name in ("scipy.linalg", "gensim", "numba.cpython.printimpl", "rich")
                 if name in sys.modules],
}))
"""


def trained(path, output, *options):
    command = [sys.executable, "-c", PROCESS, str(path), str(output), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1]), Word2Vec.load(output)


@pytest.mark.slow
def test_training_stays_within_its_bound_for_words_and_tokens(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    generator = np.random.default_rng(1)
    n_words, n_tokens = 20_000, 1_500_000
    ranks = np.minimum(generator.zipf(1.15, n_tokens), n_words) - 1
    words = [f"w{word}" for word in ranks.tolist()] + [f"w{word}" for word in range(n_words)]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(words[at : at + 30]) for at in range(0, len(words), 30)))
    options = ("--vector-size", str(DIMENSIONS), "--min-count", "1", "--epochs", "2", "--quiet")
    trained(path, tmp_path / "first", *options)  # compiling takes memory of its own
    found, model = trained(path, tmp_path / "model", *options)
    assert len(model.vocabulary) == n_words
    assert found["imported"] == []
    scores = 512 if model.summary.precision == "float32" else 0
    training = n_words * (BYTES_A_WORD + scores) + BYTES_AN_ENTRY * model.summary.n_entries
    reading = BYTES_A_TOKEN * model.vocabulary.n_tokens
    bound = PROGRAM_BYTES + max(training + PARTS_BYTES, reading)
    print(f"{found['peak_bytes'] / MIB:.0f} MiB, bound {bound / MIB:.0f} MiB")
    assert 0.8 * bound < found["peak_bytes"] < bound
