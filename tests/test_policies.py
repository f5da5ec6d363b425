"""Tables choose: which actions, with which probabilities, from which random numbers."""

import numpy as np
import pytest
from scipy.stats import chi2

from rlcore.learning.policies import (
    epsilon_greedy,
    epsilon_greedy_probabilities,
    greedy,
    greedy_probabilities,
    largest,
    mean_value,
    softmax_action,
)
from rlcore.numerics import softmax

NONE = -np.inf  # of an action that does not exist

ROWS = np.array([
    [1.0, 3.0, 2.0, 0.0],     # one best
    [2.0, 5.0, 5.0, 1.0],     # a tie of two
    [0.0, 0.0, 0.0, 0.0],     # a tie of all
    [-3.0, NONE, -7.0, NONE],  # two exist
    [NONE, -4.0, -4.0, NONE],  # two exist, and tie
    [NONE, NONE, NONE, 1.0],  # one exists
    [np.inf, 0.0, 1.0, NONE],  # endless optimism
    [-1.7e308, 1e300, 1e300, NONE],
])  # fmt: skip


def by_hand(q, epsilon):
    """The probabilities of epsilon-greedy, action by action."""
    q = list(q)
    best = [a for a, x in enumerate(q) if x == max(q)]
    exist = [a for a, x in enumerate(q) if x > NONE]
    return [
        (1 - epsilon) * (a in best) / len(best) + epsilon * (a in exist) / len(exist) for a in range(len(q))
    ]


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0])
def test_probabilities(epsilon):
    expected = [by_hand(q, epsilon) for q in ROWS]
    np.testing.assert_allclose(epsilon_greedy_probabilities(ROWS, epsilon), expected, atol=1e-15)
    if epsilon == 0:
        np.testing.assert_allclose(greedy_probabilities(ROWS), expected, atol=1e-15)


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_actions_have_their_probabilities(epsilon):
    """Chi-square over all rows, 20,000 draws a row; a right program fails with probability 1e-6 a case."""
    n, rng = 20_000, np.random.default_rng(1)
    statistic = freedom = 0.0
    for q in ROWS:
        p = np.array(by_hand(q, epsilon))
        count = np.bincount(epsilon_greedy(np.tile(q, (n, 1)), epsilon, rng), minlength=4)
        assert (count[p == 0] == 0).all()
        open_ = p > 0
        statistic += ((count - n * p)[open_] ** 2 / (n * p[open_])).sum()
        freedom += open_.sum() - 1
    assert statistic < chi2.isf(1e-6, freedom)


def test_greedy_splits_ties_uniformly():
    """Chi-square with one and three degrees of freedom; a right program fails with probability 2e-6."""
    n, rng = 20_000, np.random.default_rng(2)
    for q, tied in (([2.0, 5.0, 5.0, 1.0], [1, 2]), ([0.0] * 4, [0, 1, 2, 3])):
        count = np.bincount(greedy(np.tile(q, (n, 1)), rng), minlength=4)
        assert count.sum() == count[tied].sum()
        share = n / len(tied)
        assert ((count[tied] - share) ** 2 / share).sum() < chi2.isf(1e-6, len(tied) - 1)


@pytest.mark.parametrize("A", [1, 2, 4, 10, 37])
def test_which_action_a_number_picks(A):
    """Number floor(u * count) of the candidates, with u handed in; ties and missing actions at random."""

    class Numbers:
        def __init__(self, *rows):
            self.rows = list(rows)

        def random(self, shape):
            row = self.rows.pop(0)
            assert row.shape == shape
            return row

    rng = np.random.default_rng(3)
    Q = rng.integers(0, 3, (500, A)).astype(float)
    Q[rng.random(Q.shape) < 0.3] = NONE
    Q[:, 0] = np.where((Q == NONE).all(axis=1), 0.0, Q[:, 0])
    v, u = rng.random(500), rng.random(500)
    u[:5] = 0.0
    u[5:10] = np.nextafter(1.0, 0.0)
    chosen = epsilon_greedy(Q, 0.5, Numbers(v, u))
    for q, explores, x, a in zip(Q, v < 0.5, u, chosen):
        candidates = np.flatnonzero(q > NONE if explores else q == q.max())
        assert a == candidates[int(x * len(candidates))]
    np.testing.assert_array_equal(greedy(Q, Numbers(u)), epsilon_greedy(Q, 0.0, Numbers(v, u)))


@pytest.mark.parametrize("rule", [greedy, lambda Q, rng: epsilon_greedy(Q, 0.4, rng)])
def test_a_batch_draws_all_of_one_kind_before_the_next(rule):
    """One walker and a batch of one are the same; leading axes are only shape."""
    Q = np.random.default_rng(4).integers(0, 3, (24, 5)).astype(float)
    flat = rule(Q, np.random.default_rng(5))
    deep = rule(Q.reshape(2, 3, 4, 5), np.random.default_rng(5))
    np.testing.assert_array_equal(flat, deep.ravel())
    for k, q in enumerate(Q):
        alone, lane = rule(q, np.random.default_rng(k)), rule(q[None], np.random.default_rng(k))
        assert np.shape(alone) == ()
        assert alone == lane[0]


def test_random_numbers_are_drawn_needed_or_not():
    """Two a lane for epsilon-greedy and one for greedy, whatever the values are."""
    for Q in (ROWS, ROWS[:1].repeat(8, axis=0)):
        rng, other = np.random.default_rng(6), np.random.default_rng(6)
        epsilon_greedy(Q, 0.5, rng)
        greedy(Q, rng)
        other.random(3 * len(Q))
        assert rng.random() == other.random()


def test_the_largest_value():
    Q = np.random.default_rng(7).normal(size=(3, 4, 5))
    np.testing.assert_array_equal(largest(Q), Q.max(axis=-1))
    np.testing.assert_array_equal(largest(Q[:, ::2, ::-1]), Q[:, ::2].max(axis=-1))
    np.testing.assert_array_equal(largest(Q[0, 0]), Q[0, 0].max())
    np.testing.assert_array_equal(largest(ROWS), ROWS.max(axis=1))


@pytest.mark.filterwarnings("error")
def test_mean_values():
    """By hand, over the actions that exist; a mean of one value is that value."""
    rows = ROWS[:6]
    for epsilon in (0.0, 0.3):
        pi = epsilon_greedy_probabilities(rows, epsilon)
        expected = [sum(p * x for p, x in zip(by_hand(q, epsilon), q) if p > 0) for q in rows]
        np.testing.assert_allclose(mean_value(pi, rows), expected, rtol=1e-14)
        np.testing.assert_allclose(mean_value(pi[1], rows[1]), expected[1], rtol=1e-14)


def test_softmax_actions():
    """Chi-square with three degrees of freedom; a right program fails with probability 1e-6."""
    preference, n = np.array([0.0, 1.0, -1.0, 2.0]), 50_000
    count = np.bincount(softmax_action(np.tile(preference, (n, 1)), np.random.default_rng(8)), minlength=4)
    share = n * softmax(preference)
    assert ((count - share) ** 2 / share).sum() < chi2.isf(1e-6, 3)


def test_a_learning_table_is_left_alone():
    Q = ROWS.copy()
    for rule in (greedy, softmax_action):
        rule(Q[:3], np.random.default_rng(9))
    epsilon_greedy(Q, 0.5, np.random.default_rng(9))
    np.testing.assert_array_equal(Q, ROWS)
