"""What people install: the same packages for pip and conda, a version, and nothing of the machine it was made on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rlcore

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

TOP = {
    *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("chapters", "rlcore", "notebooks", "tests", "figures", "tools"),
    *("make.py", "Makefile", "pyproject.toml", "environment.yml"),
    *(".ci", ".github", ".gitignore", ".gitattributes", ".pre-commit-config.yaml"),
}


def tracked() -> list[str]:
    """The files of the repository; in an unpacked archive, those of the listed names."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        return [name for name in listed.decode().split("\0") if name and (ROOT / name).exists()]
    files = [path for name in TOP for path in [ROOT / name, *(ROOT / name).rglob("*")] if path.is_file()]
    return [path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts]


def test_conda_and_pip_install_the_same():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^  - ([^\s:]+)$", text.partition("dependencies:")[2], re.MULTILINE)
    python = f"python{PROJECT['requires-python']}"
    assert sorted(listed) == sorted(
        [python, "pip", *PROJECT["dependencies"], *EXTRAS["book"], *EXTRAS["test"], *EXTRAS["distributed"]]
    )
    assert re.search(r"^  - pip:\n      - --editable \.$", text, re.MULTILINE)


def test_runtime_needs_four_packages():
    names = [re.split(r"[<>=!~ ]", requirement)[0] for requirement in PROJECT["dependencies"]]
    assert sorted(names) == ["gymnasium", "matplotlib", "numpy", "scipy"]


def test_the_extras_that_make_py_installs_exist():
    text = (ROOT / "make.py").read_text(encoding="utf-8")
    used = {
        name for group in re.findall(r"\(\w+, \[([^\]]*)\]\)", text) for name in re.findall(r'"(\w+)"', group)
    }
    assert {"book", "test", "distributed", "dev", "bench"} == used == set(EXTRAS)


def test_the_version_is_the_same_everywhere():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    assert newest
    assert PROJECT["version"] == rlcore.__version__ == newest[1]


def test_the_top_level_holds_only_what_is_listed():
    assert sorted({name.split("/")[0] for name in tracked()} - TOP) == []


# Put together from pieces, so that this file does not hold what it looks for.
FOREIGN = [
    "/" + "home/",
    "/" + "Users/",
    "/" + "root/",
    "/" + "work/",
    "/" + "opt/",
    "C:" + "\\\\Users",
    "files." + "pythonhosted",
    "pypi" + ".org/simple",
    "index" + "-url",
    "registry." + "npmjs",
]


@pytest.mark.parametrize("place", FOREIGN)
def test_no_file_names_a_place_on_someones_machine(place):
    found = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data[:8000] and place in data.decode("utf-8"):
            found.append(name)
    assert found == []
