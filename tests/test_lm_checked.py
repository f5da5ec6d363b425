"""Answers that a program checks: demonstrations, pass@k, and a linear policy that cannot tell parity."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from scipy.optimize import linprog

from rlcore.lm.checked import demonstrations, pass_at_k
from rlcore.lm.evaluate import expectation, responses
from rlcore.lm.language import Language
from rlcore.lm.linear import linear_model
from rlcore.lm.models import token_logp
from rlcore.lm.tasks import Task, addition, brackets, parity, preference_task
from rlcore.lm.tree import Tree
from rlcore.numerics import finite_difference

# ---------------------------------------------------------------- demonstrations


def test_demonstrations_are_right_but_for_their_share():
    """Of those at random a tenth is right by chance: 1 - 0.9 share. 20,000 of them, z below 4."""
    task, n = addition(), 20_000
    for share in (0.0, 0.5, 1.0):
        prompt, response = demonstrations(task, n, share, np.random.default_rng(0))
        assert response.shape == (n, 2)
        right, want = task.reward(prompt, response).mean(), 1 - 0.9 * share
        assert abs(right - want) <= 4 * np.sqrt(want * (1 - want) / n)
        assert (response[:, 1] == task.language.eos).all()
        assert set(prompt) == set(range(25))
    prompt, response = demonstrations(task, 0, 0.5, np.random.default_rng(0))
    assert (prompt.shape, response.shape) == ((0,), (0, 2))


def test_a_demonstration_does_not_change_the_tree():
    task = brackets(3)
    before = Tree(task.language).response.copy()
    _, response = demonstrations(task, 4, 0.0, np.random.default_rng(0))
    assert task.language.texts(response) == ["()."] * 4
    np.testing.assert_array_equal(Tree(task.language).response, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0.5), "n is -1"),
        ((2.5, 0.5), "n is 2.5"),
        ((3, 1.5), "share is 1.5"),
        ((3, np.nan), "share is nan"),
    ],
)
def test_demonstrations_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        demonstrations(addition(), *arguments, np.random.default_rng(0))


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)], ids=["seed", "none", "old"])
def test_a_seed_is_no_generator(rng):
    with pytest.raises(ValueError, match="rng is"):
        demonstrations(addition(), 3, 0.5, rng)


def test_a_task_without_an_answer():
    task = Task(Language("ab", ("P", "Q"), 1), lambda x, y: (x == 0).astype(float))
    with pytest.raises(ValueError, match="no right answer to prompt 1, 'Q'"):
        demonstrations(task, 3, 0.0, np.random.default_rng(0))


# ---------------------------------------------------------------- pass@k


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (5, 2), (5, 5), (7, 3)])
def test_pass_at_k_counts_choices(n, k):
    """Against every choice of k of the n tries."""
    for c in range(n + 1):
        tries = np.arange(n) < c
        share = np.mean([tries[list(some)].any() for some in combinations(range(n), k)])
        assert pass_at_k(c, n, k) == pytest.approx(share, abs=1e-14)
        assert pass_at_k(c, n, k) == pytest.approx(1 - comb(n - c, k) / comb(n, k), abs=1e-14)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.9])
def test_pass_at_k_has_no_bias_and_drawing_with_repetition_has(p):
    n, k = 10, 4
    c = np.arange(n + 1)
    likely = np.array([comb(n, j) for j in c]) * p**c * (1 - p) ** (n - c)
    assert likely @ pass_at_k(c, n, k) == pytest.approx(1 - (1 - p) ** k, abs=1e-13)
    assert likely @ (1 - (1 - c / n) ** k) < 1 - (1 - p) ** k - 1e-4


def test_pass_at_k_of_many_tries_is_finite():
    """Binomials of this size overflow a float; the product does not."""
    assert pass_at_k(np.array([0, 1, 100_000]), 100_000, 5_000) == pytest.approx([0, 0.05, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0, 1), "n is 0"),
        ((1, 3, 4), "k is 4"),
        ((1, 3, 0), "k is 0"),
        (([1, 4], 3, 2), "whole numbers from 0 to n = 3"),
        ((1.5, 3, 2), "right is 1.5"),
        ((np.nan, 3, 2), "right is nan"),
        ((-1, 3, 2), "right is -1"),
    ],
)
def test_tries_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        pass_at_k(*arguments)


# ---------------------------------------------------------------- the linear policy


def test_the_gradient_of_a_linear_policy():
    task, rng = preference_task(), np.random.default_rng(0)
    model, tree = linear_model(task.language), Tree(task.language)
    np.testing.assert_allclose(np.exp(token_logp(model, *tree.everything())[0][0, 0]), 1 / 5, atol=1e-15)
    for array in model.params.values():
        array += rng.standard_normal(array.shape)
    x, y = tree.everything()
    some = rng.permutation(len(x))[:20]
    weight = rng.standard_normal((20, 3))
    _, back = token_logp(model, x[some], y[some])
    grads = back(weight)
    for key, array in model.params.items():
        slope = finite_difference(lambda: (weight * token_logp(model, x[some], y[some])[0]).sum(), array)
        np.testing.assert_allclose(grads[key], slope, rtol=0, atol=1e-8)
        assert np.abs(grads[key]).max() > 0.1


def test_a_linear_logit_sums_to_the_same_over_odd_and_even_words():
    task = parity()
    model = linear_model(task.language)
    model.params["W_prompt"] += np.random.default_rng(0).standard_normal(model.params["W_prompt"].shape)
    y = task.language.batch(["1."] * 8)
    logits, _ = model(np.arange(8), y)
    f = logits[:, 0, 1] - logits[:, 0, 0]
    odd = np.array([word.count("1") % 2 for word in task.language.prompts], bool)
    assert f[odd].sum() == pytest.approx(f[~odd].sum(), abs=1e-12)
    assert np.abs(f).max() > 0.5


def test_no_linear_policy_answers_more_than_six_of_eight_words():
    """Every way to be right on seven or eight words asks for signs that no plane has; some of six are possible."""
    words = np.array(list(product((0, 1), repeat=3)))
    sign = np.where(words.sum(axis=1) % 2, 1, -1)
    plane = np.column_stack([words, np.ones(8)])

    def possible(wrong):
        y = sign * np.where(np.isin(np.arange(8), wrong), -1, 1)
        found = linprog(np.zeros(4), A_ub=-y[:, None] * plane, b_ub=-np.ones(8), bounds=(None, None))
        return found.status == 0

    assert not any(possible(wrong) for n in (0, 1) for wrong in combinations(range(8), n))
    assert any(possible(wrong) for wrong in combinations(range(8), 2))


def test_a_policy_that_is_right_on_six_words():
    """1 for at most one 1: a plane, and right but for "000" and "111"."""
    task = parity()
    model, tree = linear_model(task.language), Tree(task.language)
    one = np.array([word == "1" for word in "01" * 3])  # columns of the features: "0", "1" of each place
    model.params["W_prompt"][one, 1] = -40.0
    model.params["W_position"][0] = [0.0, 60.0, -60.0]
    model.params["W_position"][1, 2] = 1_000.0  # then the end, whatever the bits
    p = expectation(responses(model, tree), task.table(tree))
    np.testing.assert_allclose(p, [0, 1, 1, 1, 1, 1, 1, 0], atol=1e-8)


def test_a_dtype_that_is_none():
    with pytest.raises(ValueError, match="dtype"):
        linear_model(parity().language, int)
    model = linear_model(parity().language, np.float32)
    assert {array.dtype for array in model.params.values()} == {np.dtype(np.float32)}
