"""How much a reader of PPO reads: the counter on a small house, and the goals."""

from pathlib import Path

import pytest

from tools.lines import EXAMPLE, PPO, reachable, total

MAIN = '''"""A loop."""

from rlcore.shared import helper, other
from rlcore import boxes

LIMIT = 3  # steps


@decorated
def start(x: Shape) -> int:
    """Walk.

    Twice.
    """
    # how far
    check_distance(x)
    if isinstance(x, Rare):
        return helper(
            x,
        )

    return boxes.count(LIMIT)


def decorated(f):
    return f


Shape = int


class Rare:
    """Only asked for."""


def check_distance(x):
    refused(x)


def refused(x):
    raise ValueError


def unread(x):
    return other
'''
SHARED = '''def helper(x):
    return Pair(start(x))


def start(x):
    """Not that of the loop."""
    return x


class Pair:
    """Two."""

    def __post_init__(self):
        check_pair(self)

    def first(self):
        return text


text = """two
lines"""


def other(x):
    return x


def check_pair(x):
    pass
'''


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "rlcore").mkdir()
    for name, text in (("loop", MAIN), ("shared", SHARED), ("boxes", "def count(n):\n    return n\n")):
        (tmp_path / "rlcore" / f"{name}.py").write_text(text)
    return tmp_path


def test_what_is_counted(house):
    """Brackets of their own and decorators are lines of code; comments, blank lines and docstrings are not."""
    assert reachable(("rlcore.loop.start",), root=house) == {
        "rlcore.loop.start": (8, 3),
        "rlcore.loop.decorated": (2, 0),
        "rlcore.loop.Shape": (1, 0),
        "rlcore.loop.LIMIT": (1, 0),
        "rlcore.boxes.count": (2, 0),
        "rlcore.shared.helper": (2, 0),
        "rlcore.shared.start": (2, 1),
        "rlcore.shared.Pair": (3, 1),
        "rlcore.shared.text": (2, 0),
    }


def test_doors_and_what_they_lead_to_are_a_sum_of_their_own(house):
    found = reachable(("rlcore.loop.start",), root=house)
    with_doors = reachable(("rlcore.loop.start",), doors=True, root=house)
    assert {name.rpartition(".")[2] for name in with_doors.keys() - found.keys()} == {
        *("check_distance", "refused", "Rare", "check_pair")
    }
    assert with_doors["rlcore.shared.Pair"] == (5, 1)
    assert total(with_doors)[0] == total(found)[0] + 2 + 2 + 1 + 2 + 2


def test_a_name_that_is_not_there_leads_nowhere(house):
    assert reachable(("rlcore.loop.stop", "numpy.zeros"), root=house) == {}


def test_the_readers_of_ppo():
    """The goals: 150 lines of code for `ppo` and its configuration, 500 with all that they lead to."""
    found = reachable(PPO)
    assert total({name: found[name] for name in PPO})[0] <= 150
    assert total(found)[0] <= 500
    assert {
        "rlcore.learning.returns.gae",
        "rlcore.nn.optim.Adam",
        "rlcore.numerics.log_softmax",
    } < found.keys()
    assert set(EXAMPLE) < reachable(PPO + EXAMPLE).keys()
