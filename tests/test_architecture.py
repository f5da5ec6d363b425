"""The plan of the house: who may import whom, what an import costs, and the twins of the equations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import myst
from tools.architecture import reachable, twins, violations

ROOT = Path(__file__).parents[1]


def house(root: Path, **files: str) -> Path:
    """A small project; `a__b` is the file a/b.py."""
    for name, text in files.items():
        path = root / "rlcore" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_every_import_goes_up():
    assert violations() == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("problems__a", "from rlcore.lab import b", "problems imports rlcore.lab"),
        (
            "problems__a",
            "def f():\n    import rlcore.lab.b",
            "rlcore/problems/a.py:2: problems imports rlcore.lab.b",
        ),
        ("exact__a", "from rlcore.learning.b import c", "shares no code with learning"),
        ("algorithms__a", "from .b import c", "imports its sibling rlcore.algorithms.b"),
        ("algorithms__a", "from rlcore.algorithms import b", "imports its sibling rlcore.algorithms.b"),
        ("lab__a", "import matplotlib.pyplot as plt", "only lab/flow.py and lab/plots.py may"),
        ("problems__a", "def f():\n    from gymnasium import spaces", "only problems/gym.py may"),
        ("learning__a", "import torch", "on which rlcore does not depend"),
        ("cellar__a", "import rlcore.numerics", "'cellar' is no room"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, file, text, message):
    root = house(tmp_path, numerics="", lab__b="", learning__b="", algorithms__b="", **{file: text})
    found = violations(root)
    assert len(found) >= 1
    assert any(message in line for line in found)


def test_imports_that_go_up_are_allowed(tmp_path):
    text = (
        "import scipy.sparse\nfrom rlcore.problems.mdp import MDP\nfrom rlcore import numerics\nimport json"
    )
    root = house(tmp_path, numerics="", problems__mdp="from rlcore.numerics import pick", algorithms__a=text)
    assert violations(root) == []


def test_a_circle_is_found(tmp_path):
    middle = "def f():\n    from .c import g"
    root = house(tmp_path, nn__a="from rlcore.nn import b", nn__b=middle, nn__c="import rlcore.nn.a")
    assert violations(root) == [
        "a circle of imports: rlcore.nn.a -> rlcore.nn.b -> rlcore.nn.c -> rlcore.nn.a"
    ]


def test_reachable_follows_every_import(tmp_path):
    lazy = "def f():\n    from rlcore.nn.b import g"
    root = house(tmp_path, numerics="", nn__a=lazy, nn__b="import rlcore.numerics", nn__c="")
    assert sorted(reachable(["rlcore.nn.a", "numpy"], root)) == [
        "rlcore.nn.a",
        "rlcore.nn.b",
        "rlcore.numerics",
    ]


HEAVY = ("matplotlib", "gymnasium", "scipy", "PIL", "pandas", "IPython")


CORE = ["rlcore", "rlcore.problems.mdp", "rlcore.problems.gridworlds", "rlcore.algorithms.dp"]


@pytest.mark.parametrize("module", CORE)
def test_an_import_brings_in_no_more_than_it_needs(module):
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert module in loaded
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []


# ---------------------------------------------------------------- each labelled equation has code, and the reverse


def unmatched(root: Path) -> tuple[set[str], set[str]]:
    """(labels without a function, labels in docstrings without an equation)"""
    labels = set(myst.equations(root))
    functions, named = twins(root)
    return labels - set(functions), set(named) - labels


def test_every_labelled_equation_has_its_twin():
    without_code, without_equation = unmatched(ROOT)
    assert not without_code, (
        "no function of rlcore/ or of a chapter's solutions.py has [label] in its docstring"
    )
    assert not without_equation, "a docstring names an equation that no chapter has"


def test_a_missing_twin_is_found(tmp_path):
    chapter = tmp_path / "chapters" / "ch04_x"
    chapter.mkdir(parents=True)
    (chapter / "chapter.md").write_text("# X\n\n$$a$$ (eq:a)\n\n$$b$$ (eq:b)\n\n$$c$$ (eq:c)\n")
    (chapter / "solutions.py").write_text('def a():\n    """[eq:a]"""\n')
    house(tmp_path, numerics='"""[eq:c] of a module does not compute it."""\n\ndef d():\n    """[eq:d]"""\n')
    assert unmatched(tmp_path) == ({"eq:b", "eq:c"}, {"eq:d"})
