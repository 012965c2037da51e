"""What is told to those who install, cite or mend the package: one version, readable files."""

import tomllib

import pytest
import yaml

from fastw2v.version import VERSION
from tests.test_structure import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
YAML = sorted(
    [ROOT / "CITATION.cff", ROOT / ".pre-commit-config.yaml", *(ROOT / ".github").rglob("*.yml")]
)


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_files_of_settings_are_yaml(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_one_version_and_one_licence():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == VERSION
    assert cited["license"] == PROJECT["license"] == "MIT"
    for name in PROJECT["license-files"]:
        assert (ROOT / name).read_text(encoding="utf-8").startswith("MIT License")


def test_workflows_run_targets_that_the_makefile_has():
    targets = set()
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        if line and not line[0].isspace() and ":" in line:
            targets |= set(line.split(":")[0].split())
    asked = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                words = step.get("run", "").split()
                asked |= set(words[1:]) if words[:1] == ["make"] else set()
    assert asked
    assert asked <= targets


def test_the_newest_python_is_tested_and_the_oldest_allowed():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]
    tested = set(jobs["test"]["strategy"]["matrix"]["python"])
    classified = {
        name.removeprefix("Programming Language :: Python :: ")
        for name in PROJECT["classifiers"]
        if name.startswith("Programming Language :: Python :: 3.")
    }
    assert tested == classified
    assert PROJECT["requires-python"].removeprefix(">=") == min(tested, key=lambda v: int(v[2:]))
