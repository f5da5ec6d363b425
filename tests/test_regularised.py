"""KL-regularised optima, best-of-n and soft values: identities, brute force, and a search that cannot do better."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from rlcore.exact.regularised import (
    best_of_n,
    best_of_n_bound,
    divergence,
    kl_optimal_policy,
    kl_ref_optimal_policy,
    regularised_performance,
    soft_optimal_policy,
    soft_optimal_value,
    soft_value,
)
from rlcore.exact.values import optimal_value, policy_value
from rlcore.numerics import log_softmax, softmax
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import cliff
from rlcore.problems.mdp import MDP

BETAS = pytest.mark.parametrize("beta", [0.05, 0.3, 1.0, 20.0])


def instance(seed, *shape):
    """log pi, log ref and rewards."""
    rng = np.random.default_rng(seed)
    log_pi, log_ref = log_softmax(1.5 * rng.standard_normal((2, *shape)))
    return log_pi, log_ref, 2 * rng.standard_normal(shape)


# ---------------------------------------------------------------- one choice


@BETAS
@pytest.mark.parametrize("seed", range(3))
def test_what_is_lost_is_a_distance(seed, beta):
    """J(pi) = beta log Z - beta KL(pi || pi*), for every pi."""
    log_pi, log_ref, reward = instance(seed, 3, 5, 7)
    best, value = kl_optimal_policy(log_ref, reward, beta)
    J = regularised_performance(log_pi, log_ref, reward, beta)
    np.testing.assert_allclose(J, value - beta * divergence(log_pi, best), rtol=0, atol=1e-12 * (1 + beta))
    np.testing.assert_allclose(
        regularised_performance(best, log_ref, reward, beta), value, atol=1e-12 * (1 + beta)
    )
    assert (value - J > 1e-3).all()


def test_no_search_finds_better():
    for seed, beta in itertools.product(range(3), [0.3, 1.0]):
        _, log_ref, reward = instance(seed, 6)

        def loss(logits, log_ref=log_ref, reward=reward, beta=beta):
            return -regularised_performance(log_softmax(logits), log_ref, reward, beta)

        found = minimize(loss, np.zeros(6), tol=1e-12)
        best, value = kl_optimal_policy(log_ref, reward, beta)
        assert value - 1e-6 < -found.fun < value + 1e-12  # differences in place of slopes lead only so near
        np.testing.assert_allclose(softmax(found.x), np.exp(best), atol=2e-3)


def test_the_limits_of_beta():
    _, log_ref, reward = instance(4, 6)
    ref = np.exp(log_ref)
    best, value = kl_optimal_policy(log_ref, reward, 1e9)
    np.testing.assert_allclose(np.exp(best), ref, atol=1e-8)
    assert value == pytest.approx(ref @ reward, abs=1e-6)
    reward[[1, 4]] = 5.0  # the best two stay, in ref's proportions
    best, value = kl_optimal_policy(log_ref, reward, 1e-3)
    want = np.where(reward == 5, ref, 0) / ref[[1, 4]].sum()
    np.testing.assert_allclose(np.exp(best), want, atol=1e-12)
    assert value == pytest.approx(5 + 1e-3 * np.log(ref[[1, 4]].sum()), abs=1e-12)


def test_a_constant_in_the_reward_changes_the_value_alone():
    _, log_ref, reward = instance(5, 4, 6)
    c = np.arange(4.0)
    best, value = kl_optimal_policy(log_ref, reward, 0.2)
    shifted, more = kl_optimal_policy(log_ref, reward + c[:, None], 0.2)
    np.testing.assert_allclose(shifted, best, atol=1e-12)
    np.testing.assert_allclose(more, value + c, atol=1e-12)


def test_what_ref_cannot_do():
    with np.errstate(divide="ignore"):
        log_ref = np.log([0.5, 0.5, 0.0])
    best, value = kl_optimal_policy(log_ref, [1.0, 0.0, 99.0], 1.0)
    np.testing.assert_allclose(np.exp(best), [np.e / (1 + np.e), 1 / (1 + np.e), 0], atol=1e-15)
    assert value == pytest.approx(np.log((np.e + 1) / 2), abs=1e-15)
    assert divergence(best, log_ref) == pytest.approx(np.log(2) - 0.582203, abs=1e-6)  # less the entropy
    assert divergence(np.log([0.2, 0.2, 0.6]), log_ref) == np.inf
    assert np.exp(kl_ref_optimal_policy(log_ref, [1.0, 0.0, 99.0], 1.0))[2] == 0
    assert np.exp(best_of_n(log_ref, [1.0, 0.0, 99.0], 5))[2] == 0


# ---------------------------------------------------------------- the other divergence


@BETAS
def test_the_optimum_of_the_other_divergence(beta):
    """It is beta ref / (lam - r) with one lam above all rewards, and no search finds better."""
    _, log_ref, reward = instance(6, 5)
    log_pi = kl_ref_optimal_policy(log_ref, reward, beta)
    lam = reward + beta * np.exp(log_ref - log_pi)
    np.testing.assert_allclose(lam, lam[0], rtol=1e-12)
    assert lam[0] > reward.max()

    def loss(logits):
        log_p = log_softmax(logits)
        return beta * divergence(log_ref, log_p) - np.exp(log_p) @ reward

    assert loss(log_pi) <= minimize(loss, log_ref, tol=1e-12).fun + 1e-9


def test_the_other_optimum_asks_nothing_of_what_ref_cannot_do():
    """Its reward may be anything, and costs no digits."""
    pi = kl_ref_optimal_policy([np.log(0.5), np.log(0.5), -np.inf], [0.0, 1.0, 1e15], 0.2)
    want = kl_ref_optimal_policy(np.log([0.5, 0.5]), [0.0, 1.0], 0.2)
    np.testing.assert_allclose(pi, [*want, -np.inf], rtol=0, atol=1e-14)


def test_the_other_optimum_in_batches_and_with_ties():
    """Each row for itself; equal rewards keep ref's proportions; all equal: ref."""
    _, log_ref, reward = instance(7, 3, 4, 6)
    reward[0, 0, :3] = reward[0, 0].max() + 1
    reward[1, 1] = -7.0
    log_pi = kl_ref_optimal_policy(log_ref, reward, 1e-3)
    for i in np.ndindex(3, 4):
        np.testing.assert_allclose(log_pi[i], kl_ref_optimal_policy(log_ref[i], reward[i], 1e-3), atol=1e-11)
    np.testing.assert_allclose(np.diff((log_pi - log_ref)[0, 0, :3]), 0, atol=1e-12)
    np.testing.assert_allclose(log_pi[1, 1], log_ref[1, 1], atol=1e-12)


# ---------------------------------------------------------------- the best of n


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_best_of_n_by_every_draw(n):
    """All Y^n draws, the winner a fair coin among the best: two scores are equal."""
    ref, score = np.array([0.1, 0.4, 0.2, 0.3]), np.array([1.0, 0.0, 1.0, -2.0])
    want = np.zeros(4)
    for draw in itertools.product(range(4), repeat=n):
        s = score[list(draw)]
        winners = np.flatnonzero(s == s.max())
        np.add.at(want, np.array(draw)[winners], ref[list(draw)].prod() / len(winners))
    np.testing.assert_allclose(np.exp(best_of_n(np.log(ref), score, n)), want, rtol=0, atol=1e-14)


def test_the_bound_is_one():
    """Never passed; nearly met by many unlike scores; far from met by two."""
    rng = np.random.default_rng(8)
    log_ref = log_softmax(rng.standard_normal((10, 40)))
    score = rng.integers(0, 12, (10, 40))
    for n in (1, 2, 4, 16, 256, 4096):
        kl = divergence(best_of_n(log_ref, score, n), log_ref)
        assert (kl <= best_of_n_bound(n) + 1e-12).all()
    many = np.full(2000, -np.log(2000))
    assert divergence(best_of_n(many, np.arange(2000.0), 4), many) == pytest.approx(
        best_of_n_bound(4), abs=1e-5
    )
    two = np.log([0.5, 0.5])
    assert divergence(best_of_n(two, [0.0, 1.0], 10**6), two) == pytest.approx(np.log(2), abs=1e-12)


def test_only_the_order_of_the_scores_counts():
    _, log_ref, score = instance(9, 3, 8)
    np.testing.assert_array_equal(best_of_n(log_ref, score, 7), best_of_n(log_ref, np.exp(score), 7))
    np.testing.assert_allclose(best_of_n(log_ref, score, 1), log_ref, atol=1e-12)
    np.testing.assert_allclose(np.exp(best_of_n(log_ref, score, 7)).sum(axis=-1), 1, atol=1e-13)


# ---------------------------------------------------------------- soft values


def worlds(sparse):
    model = garnet(12, 3, 4, gamma=0.9, rng=np.random.default_rng(10))
    edge = cliff()
    return [model, edge] if sparse else [m if isinstance(m, MDP) else m.dense() for m in (model, edge)]


@pytest.mark.parametrize("beta", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("sparse", [True, False])
def test_soft_optimal_values_solve_their_equation(beta, sparse):
    for mdp in worlds(sparse):
        ref = np.random.default_rng(11).dirichlet(np.ones(mdp.n_actions), mdp.n_states)
        V = soft_optimal_value(mdp, ref, beta)
        with np.errstate(divide="ignore"):
            soft = beta * np.log((ref * np.exp((mdp.lookahead(V) - V[:, None]) / beta)).sum(axis=1))
        scale = 1 + np.abs(V).max()
        assert np.abs(soft[~mdp.terminal]).max() < 1e-10 * scale
        assert not V[mdp.terminal].any()
        pi = soft_optimal_policy(mdp, V, ref, beta)
        np.testing.assert_allclose(soft_value(mdp, pi, ref, beta), V, atol=1e-10 * scale)
        for seed in range(3):  # and no other policy has more
            other = np.random.default_rng(seed).dirichlet(np.ones(mdp.n_actions), mdp.n_states)
            assert (soft_value(mdp, other, ref, beta) <= V + 1e-9 * scale).all()


def test_soft_values_between_the_policy_and_the_best():
    mdp, edge = worlds(True)
    uniform = np.full((mdp.n_states, 3), 1 / 3)
    np.testing.assert_allclose(soft_value(mdp, uniform, uniform, 5.0), policy_value(mdp, uniform), atol=1e-12)
    np.testing.assert_allclose(soft_optimal_value(mdp, uniform, 1e7), policy_value(mdp, uniform), atol=1e-5)
    np.testing.assert_allclose(soft_optimal_value(mdp, uniform, 1e-4), optimal_value(mdp), atol=2e-3)
    quarter = np.full((edge.n_states, 4), 0.25)
    np.testing.assert_allclose(soft_optimal_value(edge, quarter, 1e-3), optimal_value(edge), atol=0.1)


def test_the_price_of_a_step_by_hand():
    """Two arms that pay 1 and 0 and end; pi = (3/4, 1/4) against a coin costs beta KL = log 2 - H."""
    P = np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    mdp = MDP(P, np.array([[1.0, 0.0], [0.0, 0.0]]), 1.0, np.array([1.0, 0.0]), np.array([False, True]))
    coin = np.full((2, 2), 0.5)
    H = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    V = soft_value(mdp, [[0.75, 0.25], [0.5, 0.5]], coin, 2.0)
    np.testing.assert_allclose(V, [0.75 - 2 * (np.log(2) - H), 0], atol=1e-15)
    over = soft_value(mdp, [[0.75, 0.25], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]], 2.0)
    np.testing.assert_array_equal(over, V)  # what is done where all is over costs nothing
    np.testing.assert_allclose(
        soft_optimal_value(mdp, coin, 2.0), [2 * np.log((np.exp(0.5) + 1) / 2), 0], atol=1e-14
    )


@pytest.mark.parametrize("sparse", [True, False])
def test_an_endless_gain_is_refused(sparse):
    """A loop that pays 2, left with probability 1/2, at beta 1: leaving is never worth it. One that pays .5 is."""
    coin = np.full((2, 2), 0.5)

    def loop(pays):
        P = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
        mdp = MDP(P, np.array([[pays, 0.0], [0.0, 0.0]]), 1.0, np.array([1.0, 0.0]), np.array([False, True]))
        return mdp.sparse() if sparse else mdp

    with pytest.raises(ValueError, match="gamma is 1 and state 0 is recurrent"):
        soft_optimal_value(loop(2.0), coin, 1.0)
    V = soft_optimal_value(loop(0.5), coin, 1.0)[0]  # e^V = e^(V + 1/2) / 2 + 1/2
    assert np.exp(V) == pytest.approx(0.5 / (1 - np.exp(0.5) / 2), abs=1e-12)


# ---------------------------------------------------------------- bad input


LOG_REF, REWARD = np.log([0.5, 0.25, 0.25]), np.array([1.0, 0.0, 2.0])


@pytest.mark.parametrize("beta", [0, -0.1, np.nan, np.inf, "1", True])
def test_a_beta_that_is_no_price(beta):
    for f in (
        lambda: kl_optimal_policy(LOG_REF, REWARD, beta),
        lambda: kl_ref_optimal_policy(LOG_REF, REWARD, beta),
        lambda: regularised_performance(LOG_REF, LOG_REF, REWARD, beta),
        lambda: soft_value(worlds(True)[0], np.full((12, 3), 1 / 3), np.full((12, 3), 1 / 3), beta),
    ):
        with pytest.raises(ValueError, match="beta is"):
            f()


@pytest.mark.parametrize(
    ("log_ref", "reward", "message"),
    [
        (np.log([0.5, 0.6]), [0.0, 1.0], r"log_ref has probabilities that sum to 1\.1, not 1"),
        (np.log([[0.5, 0.5], [0.5, 0.25]]), np.zeros((2, 2)), r"log_ref\[1\] has .* sum to 0\.75"),
        ([np.nan, 0.0], [0.0, 1.0], "sum to nan"),
        ([], [], "sum to 0, not 1"),
        (0.0, 0.0, r"must be \(\.\.\., Y\)"),
        (LOG_REF, REWARD[:2], r"reward has shape \(2,\); it must be \(3,\)"),
        (LOG_REF, REWARD[:, None], r"reward has shape \(3, 1\)"),
        (LOG_REF, [0.0, np.inf, 1.0], r"reward\[1\] is inf; it must be a finite number"),
    ],
)
def test_bad_arrays_are_refused(log_ref, reward, message):
    for f in (kl_optimal_policy, kl_ref_optimal_policy, best_of_n):
        with pytest.raises(ValueError, match=message):
            f(log_ref, reward, 1)


def test_bad_counts_and_policies():
    for n in (0, -1, 2.0, True, None):
        with pytest.raises(ValueError, match="n is"):
            best_of_n(LOG_REF, REWARD, n)
        with pytest.raises(ValueError, match="n is"):
            best_of_n_bound(n)
    with pytest.raises(ValueError, match=r"log_q has shape \(2,\)"):
        divergence(LOG_REF, np.log([0.5, 0.5]))
    mdp = worlds(True)[0]
    pi, ref = np.full((12, 3), 1 / 3), np.tile([0.5, 0.5, 0.0], (12, 1))
    with pytest.raises(ValueError, match=r"pi\[0, 2\] is 0.333333333333, but ref\[0, 2\] is 0"):
        soft_value(mdp, pi, ref, 1.0)
    with pytest.raises(ValueError, match=r"ref has shape \(12,\); it must be probabilities, \(12, 3\)"):
        soft_optimal_value(mdp, np.zeros(12, int), 1.0)
    with pytest.raises(ValueError, match=r"pi\[0\] sums to"):
        soft_value(mdp, pi / 2, pi, 1.0)
