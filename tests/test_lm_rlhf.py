"""RLHF: gradients by enumeration, the stages of the design, what goes wrong with the price."""

import numpy as np
import pytest

from rlcore.lm.evaluate import as_trie, responses
from rlcore.lm.models import mlp_model
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

TASK = preference_task()
TOY, TREE = TASK.language, Tree(TASK.language)
REF, REWARD = reference(TOY), TASK.table(TREE)
LOG_REF = responses(REF, TREE)


# ---------------------------------------------------------------- prompts, and models as tables


@pytest.mark.parametrize("n", [1, 2, 3, 8, 192])
def test_prompts_come_up_evenly(n):
    x = draw_prompts(TOY, n, np.random.default_rng(n))
    count = np.bincount(x, minlength=3)
    assert x.shape == (n,)
    assert count.max() - count.min() == (n % 3 > 0)


def test_no_prompt_is_left_out_over_many_draws():
    """One of three each time: 300 draws, of which each gets 100 +- 4 x 8.2 (one test in 5,000 fails by chance)."""
    rng = np.random.default_rng(0)
    count = np.bincount([draw_prompts(TOY, 1, rng)[0] for _ in range(300)], minlength=3)
    assert np.abs(count - 100).max() < 33


def test_any_model_as_a_table():
    model = mlp_model(TOY, np.random.default_rng(0), hidden=5, last_gain=2.0)
    table = as_trie(model, TREE)
    assert table.params["theta"].shape == (3, 21, 5)
    np.testing.assert_allclose(responses(table, TREE), responses(model, TREE), rtol=0, atol=1e-12)
