"""Kernels on other CPUs than the host: no instruction that Numba's target has not."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"}, reason="these CPUs are x86-64"
)

TARGETS = {
    "no AVX": {"NUMBA_ENABLE_AVX": "0"},
    "generic": {"NUMBA_CPU_NAME": "generic"},
    "haswell": {"NUMBA_CPU_NAME": "haswell"},
    # Numba leaves AVX out for these, whatever the host has.
    "sandybridge": {"NUMBA_CPU_NAME": "sandybridge"},
}
WITHOUT_AVX = ("no AVX", "generic", "sandybridge")

REGISTERS = """
import re
import numpy as np
from numba import njit
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from fastw2v.kernels.simd.vectors import LANES, load, store

@njit
def product(x, y):
    store(y, 0, load(x, 0) * load(y, 0))

product(np.ones(16, np.float32), np.ones(16, np.float32))
(assembly,) = product.inspect_asm().values()
used = set(re.findall(r"mulps.*%([xyz]mm)", assembly))
assert used == {{4: "xmm", 8: "ymm", 16: "zmm"}[LANES]}, (LANES, used)
print(LANES, HAS_BFLOAT16)
"""

TRAINED = """
from fastw2v import Word2Vec
sentences = [["a", "b", "c", "d"], ["d", "b", "a"], ["c", "a"]] * 40
for objective in ("softmax", "negative"):
    settings = {"vector_size": 8, "min_count": 1, "epochs": 2, "sample": 0, "workers": 1}
    model = Word2Vec(objective=objective, **settings)
    print(model.fit(sentences).history[-1].loss_nats)
"""


def output_of(code, environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("target", TARGETS)
def test_vectors_are_as_wide_as_the_targets_registers(target):
    lanes, has_bfloat16 = output_of(REGISTERS, TARGETS[target])
    if target in WITHOUT_AVX:
        assert (lanes, has_bfloat16) == ("4", "False")
    assert has_bfloat16 == "False" or lanes == "16"


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_training_on_another_target_comes_to_the_same(target):
    expected = [float(loss) for loss in output_of(TRAINED, {})]
    assert [float(loss) for loss in output_of(TRAINED, TARGETS[target])] == pytest.approx(
        expected, rel=2e-3
    )
