"""The README's code runs as it stands, a block after the other, and what its remarks promise holds."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What is defined after the last block; files go to a folder of their own."""
    found: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        for block in BLOCKS:
            exec(block, found)
        found["files"] = sorted(path.name for path in Path.cwd().iterdir())
    return found


def test_there_are_blocks():
    assert len(BLOCKS) == 4


def test_planning_is_as_near_as_it_says(names):
    assert names["solution"].bound <= 1e-9


def test_a_hundred_runs_are_a_hundred_rows(names):
    assert names["control"].returns.shape == (100, 500)


def test_ppo_is_reported(names):
    assert names["files"] == ["ppo.html"]
    assert names["policy"].params["W0"].dtype == "float32"


def test_rlhf_comes_near_the_best_policy(names):
    """1.6494 is what the best policy earns; the bounds are those of the learner's own tests."""
    assert names["history"][-1]["exact_reward"] == pytest.approx(1.6494, abs=0.03)
    assert names["history"][-1]["distance"] < 0.03
