"""Every trajectory, enumerated: against recursion, backward induction, exact gradients, and samples.

The samples come from a runner, with fixed seeds. A comparison passes where |z| <= 4 with the exact standard
error, which enumeration gives too; a right program fails one with probability 6.3e-5.
"""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

from rlcore.exact.gradients import advantage, performance, policy_gradient
from rlcore.exact.moments import Trajectories, moments, trajectories
from rlcore.exact.values import occupancy, policy_value
from rlcore.learning.estimators import (
    exact_advantage,
    full_return,
    gae_advantage,
    gradient_estimate,
    reward_to_go,
    with_baseline,
)
from rlcore.learning.losses import standardised
from rlcore.learning.returns import discounted_return
from rlcore.learning.rollout import Rollout, make_runner
from rlcore.numerics import categorical, finite_difference, pick, softmax
from rlcore.problems.chains import Blindfold, loop, random_walk, short_corridor, two_state
from rlcore.problems.clock import at_any_time, with_clock
from rlcore.problems.mdp import MDP

GAMMA = 0.9
THETA = np.array([[0.2, -0.1], [0.0, 0.5]])


def with_ends(seed=0, gamma=GAMMA):
    """Three states and an end, rewards that depend on the next state, a start that is drawn."""
    rng = np.random.default_rng(seed)
    P, R = rng.dirichlet(np.ones(4), size=(4, 2)), rng.normal(size=(4, 2, 4))
    P[3], R[3] = np.eye(4)[3], 0.0
    return MDP(P, R, gamma, start=np.array([0.5, 0.2, 0.3, 0.0]), terminal=np.arange(4) == 3)


def random_pi(mdp, seed=1):
    return softmax(np.random.default_rng(seed).normal(size=(mdp.n_states, mdp.n_actions)))


def total(walks):
    """What each trajectory paid, discounted.   -> (N,)"""
    return discounted_return(walks.reward, walks.done, gamma=GAMMA)[0]


# ---------------------------------------------------------------- the trajectories


def by_recursion(mdp, pi, horizon):
    """Every trajectory as its steps (s, a, r, s'), and its probability: the definition, one after the other."""

    def go_on(s, steps, p):
        if len(steps) == horizon or mdp.terminal[s]:
            found[tuple(steps)] = found.get(tuple(steps), 0.0) + p
            return
        for a in range(mdp.n_actions):
            for s_next in range(mdp.n_states):
                q = p * pi[s, a] * mdp.P[s, a, s_next]
                if q > 0:
                    go_on(s_next, [*steps, (s, a, mdp.R[s, a, s_next], s_next)], q)

    found = {}
    for s in np.flatnonzero(mdp.start):
        go_on(int(s), [], mdp.start[s])
    return found


@pytest.mark.parametrize("horizon", [1, 2, 4])
@pytest.mark.parametrize("name", ["with ends", "two_state", "short_corridor", "loop", "random_walk"])
def test_trajectories_are_those_of_the_recursion(name, horizon):
    mdp = {
        "with ends": with_ends,
        "two_state": two_state,
        "short_corridor": short_corridor,
        "loop": loop,
        "random_walk": lambda: random_walk(3),
    }[name]()
    pi = random_pi(mdp)
    walks = trajectories(mdp, pi, horizon)
    found = {}
    for n in range(len(walks.probability)):
        columns = (
            x[walks.live[:, n], n].tolist()
            for x in (walks.state, walks.action, walks.reward, walks.next_state)
        )
        found[tuple(zip(*columns))] = walks.probability[n]
    expected = by_recursion(mdp, pi, horizon)
    assert found.keys() == expected.keys()
    assert len(found) == len(walks.probability)
    np.testing.assert_allclose([found[key] for key in expected], list(expected.values()), rtol=1e-12)
    assert walks.probability.sum() == pytest.approx(1.0, abs=1e-12)


def test_what_ended_stays_where_it_is():
    mdp = with_ends()
    walks = trajectories(mdp, random_pi(mdp), 4)
    ended = ~walks.live
    assert ended.any()
    assert (walks.state[ended] == 3).all()
    assert (walks.next_state[ended] == 3).all()
    assert (walks.action[ended] == 0).all()
    assert (walks.reward[ended] == 0).all()
    assert (walks.logp[ended] == 0).all()
    assert walks.terminated[ended].all()
    np.testing.assert_array_equal(walks.live[0], True)
    np.testing.assert_array_equal(walks.live[1:], ~walks.done[:-1])
    assert not walks.truncated[:-1].any()
    np.testing.assert_array_equal(walks.truncated[-1], ~walks.terminated[-1])
    assert walks.truncated.any()
    assert walks.done[-1].all()
    np.testing.assert_array_equal(walks.terminated, mdp.terminal[walks.next_state])


def test_logp_is_that_of_the_policy():
    mdp = with_ends()
    pi = random_pi(mdp)
    walks = trajectories(mdp, pi, 3)
    expected = np.where(walks.live, np.log(pi[walks.state, walks.action]), 0.0)
    np.testing.assert_allclose(walks.logp, expected, rtol=0, atol=1e-14)


def test_a_policy_that_names_its_actions_and_a_sparse_model():
    mdp = with_ends()
    pi = np.array([1, 0, 1, 0])
    one = trajectories(mdp, pi, 3)
    for two in (trajectories(mdp, np.eye(2)[pi], 3), trajectories(mdp.sparse(), pi, 3)):
        for field in fields(Trajectories):
            np.testing.assert_allclose(getattr(two, field.name), getattr(one, field.name), rtol=1e-12)
    assert set(one.action[one.live & (one.state == 1)].tolist()) == {0}


def test_a_start_that_is_the_end():
    mdp = replace(with_ends(), start=np.eye(4)[3])
    walks = trajectories(mdp, random_pi(mdp), 3)
    assert walks.probability.tolist() == [1.0]
    assert not walks.live.any()
    mean, covariance = moments(mdp, random_pi(mdp), total, 3)
    assert (float(mean), covariance.tolist()) == (0.0, [[0.0]])


def test_trajectories_have_the_fields_of_a_rollout():
    names = {field.name for field in fields(Trajectories)}
    assert {field.name for field in fields(Rollout)} <= names


def test_a_hundred_thousand_trajectories():
    walks = trajectories(two_state(), softmax(THETA), 8)
    assert walks.state.shape == (8, 2 * 4**8)
    assert walks.probability.sum() == pytest.approx(1.0, abs=1e-12)


# ---------------------------------------------------------------- mean and covariance


def return_moments(mdp, pi, horizon):
    """Mean and variance of the return, by backward induction on its first two moments: no trajectories."""
    first, second = np.zeros(mdp.n_states), np.zeros(mdp.n_states)
    for _ in range(horizon):
        square = mdp.R**2 + 2 * mdp.gamma * mdp.R * first + mdp.gamma**2 * second
        mean = mdp.R + mdp.gamma * first
        first = np.einsum("sa,san,san->s", pi, mdp.P, mean)
        second = np.einsum("sa,san,san->s", pi, mdp.P, square)
    return mdp.start @ first, mdp.start @ second - (mdp.start @ first) ** 2


@pytest.mark.parametrize("horizon", [1, 3, 6])
def test_mean_and_variance_of_the_return(horizon):
    mdp = with_ends()
    pi = random_pi(mdp)
    mean, covariance = moments(mdp, pi, total, horizon)
    assert (mean.shape, covariance.shape) == ((), (1, 1))
    expected = return_moments(mdp, pi, horizon)
    assert expected[1] > 0.1
    np.testing.assert_allclose([mean, covariance[0, 0]], expected, rtol=1e-10)


def test_covariance_of_an_array_by_its_definition():
    mdp = with_ends()
    pi = random_pi(mdp)

    def estimator(walks):
        return np.stack([walks.reward[:2], walks.state[:2] == 0], axis=1).transpose(2, 0, 1)  # (N, 2, 2)

    mean, covariance = moments(mdp, pi, estimator, 2)
    walks = trajectories(mdp, pi, 2)
    x, p = estimator(walks).reshape(-1, 4), walks.probability
    by_hand = sum(p[n] * x[n] for n in range(len(p)))
    scatter = sum(p[n] * np.outer(x[n] - by_hand, x[n] - by_hand) for n in range(len(p)))
    np.testing.assert_allclose(mean, by_hand.reshape(2, 2), rtol=0, atol=1e-12)
    np.testing.assert_allclose(covariance, scatter, rtol=0, atol=1e-12)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() > 0.01


def test_a_constant_has_no_variance():
    mean, covariance = moments(two_state(), softmax(THETA), lambda walks: 7 + 0 * walks.state[0], 3)
    assert mean == pytest.approx(7.0, abs=1e-12)
    np.testing.assert_allclose(covariance, 0.0, atol=1e-12)


# ---------------------------------------------------------------- estimates of the gradient


HORIZON = 5


@pytest.fixture(scope="module")
def problem():
    """Two states and a clock, preferences, what is exact about them; and a V that is not the policy's."""
    mdp = with_clock(two_state(), HORIZON)
    theta = np.random.default_rng(4).normal(size=(mdp.n_states, mdp.n_actions))
    pi = softmax(theta)
    wrong_V = np.where(mdp.terminal, 0.0, np.random.default_rng(5).normal(3.0, 2.0, mdp.n_states))
    return mdp, theta, pi, policy_value(mdp, pi), wrong_V


def estimators(mdp, pi, V, wrong_V, gamma_t):
    """Name -> estimator; gamma_t is the base of the factor gamma^t, 1 to leave it out."""
    A = advantage(mdp, pi)
    weights = {
        "reward to go": lambda w: reward_to_go(w, gamma=GAMMA),
        "a constant baseline": lambda w: with_baseline(w, np.full(mdp.n_states, 2.0), gamma=GAMMA),
        "a wrong baseline": lambda w: with_baseline(w, wrong_V, gamma=GAMMA),
        "baseline V": lambda w: with_baseline(w, V, gamma=GAMMA),
        "exact advantage": lambda w: exact_advantage(w, A),
        "gae 0": lambda w: gae_advantage(w, V, gamma=GAMMA, lam=0.0),
        "gae 0.8": lambda w: gae_advantage(w, V, gamma=GAMMA, lam=0.8),
        "gae 1": lambda w: gae_advantage(w, V, gamma=GAMMA, lam=1.0),
        "gae 1, wrong V": lambda w: gae_advantage(w, wrong_V, gamma=GAMMA, lam=1.0),
    }
    found = {
        name: lambda w, weight=weight: gradient_estimate(w, pi, weight(w), gamma_t)
        for name, weight in weights.items()
    }
    found["full return"] = lambda w: gradient_estimate(w, pi, full_return(w, gamma=GAMMA))
    return found


NAMES = list(estimators(two_state(), softmax(THETA), np.zeros(2), np.zeros(2), GAMMA))


@pytest.mark.parametrize("name", NAMES)
def test_estimates_are_right_on_average(problem, name):
    """With gamma^t all of them estimate the same: the exact gradient."""
    mdp, theta, pi, V, wrong_V = problem
    mean, _ = moments(mdp, pi, estimators(mdp, pi, V, wrong_V, GAMMA)[name], HORIZON)
    exact = policy_gradient(mdp, theta)
    assert np.abs(exact).max() > 0.1
    np.testing.assert_allclose(mean, exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "full return"])
def test_without_gamma_t_late_states_count_as_early_ones(problem, name):
    """The mean is sum_s visits(s) pi A with undiscounted visits: another direction."""
    mdp, theta, pi, V, wrong_V = problem
    mean, _ = moments(mdp, pi, estimators(mdp, pi, V, wrong_V, 1.0)[name], HORIZON)
    visits = occupancy(replace(mdp, gamma=1.0), pi)
    np.testing.assert_allclose(mean, visits[:, None] * pi * advantage(mdp, pi), rtol=0, atol=1e-12)
    assert np.abs(mean - policy_gradient(mdp, theta)).max() > 0.05


def test_gae_does_not_look_into_the_next_episode():
    """One column, cut after its first step: what follows is another walk's."""
    cut, V = np.array([[True], [False], [True]]), np.array([1.0, 3.0])
    walks = SimpleNamespace(
        state=np.array([[0], [1], [0]]),
        next_state=np.array([[1], [0], [1]]),
        reward=np.array([[2.0], [5.0], [7.0]]),
        terminated=np.zeros((3, 1), bool),
        done=cut,
    )
    A = gae_advantage(walks, V, gamma=0.5, lam=1.0)[:, 0]
    np.testing.assert_allclose(A, [2 + 1.5 - 1, 5 + 0.5 * 7 + 0.25 * 3 - 3, 7 + 1.5 - 1], rtol=0, atol=1e-12)


def test_gae_with_a_wrong_critic_is_biased_less_with_larger_lam(problem):
    mdp, theta, pi, _, wrong_V = problem
    exact = policy_gradient(mdp, theta)

    def bias(lam):
        weight = lambda w: gae_advantage(w, wrong_V, gamma=GAMMA, lam=lam)
        return np.abs(
            moments(mdp, pi, lambda w: gradient_estimate(w, pi, weight(w), GAMMA), HORIZON)[0] - exact
        ).max()

    biases = [bias(lam) for lam in (0.0, 0.5, 0.8, 0.95, 1.0)]
    assert (np.diff(biases) < 0).all()
    assert biases[0] > 0.1
    assert biases[-1] < 1e-12


@pytest.mark.parametrize("lam", [0.0, 0.8, 1.0])
def test_gae_looks_beyond_the_cut(lam):
    """The horizon is not the end: with the V of the endless problem the cut costs nothing but the late states.

    The mean is sum_s d(s) pi A with the visits of the first four steps; the weight of the others is 0.9^4.
    """
    mdp = two_state()
    pi = softmax(THETA)
    V = policy_value(mdp, pi)
    mean, _ = moments(
        mdp,
        pi,
        lambda w: gradient_estimate(w, pi, gae_advantage(w, V, gamma=GAMMA, lam=lam), GAMMA),
        4,
    )
    P = np.einsum("sa,san->sn", pi, mdp.P)
    visits = sum(GAMMA**t * mdp.start @ np.linalg.matrix_power(P, t) for t in range(4))
    np.testing.assert_allclose(mean, visits[:, None] * pi * advantage(mdp, pi), rtol=0, atol=1e-12)
    assert np.abs(mean - (1 - GAMMA**4) * policy_gradient(mdp, THETA)).max() < 0.05


def test_variance_falls_from_estimator_to_estimator(problem):
    """The story of chapters 9 and 10 in one line; factors, not only an order."""
    mdp, _, pi, V, wrong_V = problem
    spread = {
        name: np.trace(moments(mdp, pi, estimator, HORIZON)[1])
        for name, estimator in estimators(mdp, pi, V, wrong_V, GAMMA).items()
    }
    assert spread["full return"] > 1.5 * spread["reward to go"]
    assert spread["reward to go"] > 1.5 * spread["baseline V"]
    assert spread["baseline V"] == pytest.approx(spread["gae 1"], rel=1e-10)
    assert spread["gae 1"] > spread["gae 0.8"] > spread["gae 0"] > spread["exact advantage"] > 0


def test_the_mean_of_an_event_is_its_probability():
    mdp = two_state()
    pi = softmax(THETA)
    mean, covariance = moments(mdp, pi, lambda w: w.action[0] == 1, 2)
    p = mdp.start @ pi[:, 1]
    np.testing.assert_allclose([mean, covariance[0, 0]], [p, p * (1 - p)], rtol=0, atol=1e-12)


def test_the_score_alone_is_zero_on_average():
    mdp = with_ends()
    pi = random_pi(mdp)
    mean, covariance = moments(mdp, pi, lambda w: gradient_estimate(w, pi, np.ones(w.reward.shape)), 4)
    np.testing.assert_allclose(mean, 0.0, atol=1e-13)
    assert np.trace(covariance) > 0.5
    assert (mean[3] == 0).all()  # nobody acts after the end


def test_gradient_estimate_by_its_definition():
    """One trajectory and one step after the other."""
    mdp = with_ends()
    pi = random_pi(mdp)
    walks = trajectories(mdp, pi, 3)
    weight = np.random.default_rng(0).normal(size=walks.reward.shape)
    expected = np.zeros((len(walks.probability), 4, 2))
    for t, n in np.argwhere(walks.live):
        s, a = walks.state[t, n], walks.action[t, n]
        expected[n, s] += 0.7**t * weight[t, n] * (np.eye(2)[a] - pi[s])
    np.testing.assert_allclose(gradient_estimate(walks, pi, weight, 0.7), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_a_policy_without_a_clock(gamma):
    """What an estimate means where the horizon cuts: the slope of the return of so many steps.

    Three ways: the mean estimate, finite differences of the mean return, and the chain rule through the
    problem with a clock.
    """
    mdp = with_ends(gamma=gamma)
    theta = np.log(random_pi(mdp))

    def estimate(walks):
        return gradient_estimate(walks, softmax(theta), reward_to_go(walks, gamma=gamma), gamma)

    mean, _ = moments(mdp, softmax(theta), estimate, 4)
    clock = with_clock(mdp, 4)
    by_clock = policy_gradient(clock, at_any_time(theta, 4)).reshape(5, 4, 2).sum(axis=0)
    np.testing.assert_allclose(mean, by_clock, rtol=0, atol=1e-12)

    def J():
        return float(moments(mdp, softmax(theta), lambda w: reward_to_go(w, gamma=gamma)[0], 4)[0])

    assert pytest.approx(performance(clock, at_any_time(softmax(theta), 4)), abs=1e-12) == J()
    np.testing.assert_allclose(mean, finite_difference(J, theta), rtol=0, atol=1e-8)


def test_the_best_constant_baseline_is_not_the_mean_return():
    """One step, one state: the variance is least at E[g^2 r] / E[g^2], here below E[r]."""
    end = np.array([False, True])
    P = np.zeros((2, 2, 2))
    P[:, :, 1] = 1.0
    mdp = MDP(P, np.array([[4.0, 1.0], [0.0, 0.0]]), 1.0, np.array([1.0, 0.0]), end)
    pi = np.array([[0.8, 0.2], [0.5, 0.5]])

    def variance(b):
        estimate = lambda w: gradient_estimate(w, pi, with_baseline(w, np.full(2, b), gamma=1.0))
        return np.trace(moments(mdp, pi, estimate, 1)[1])

    best = (0.8 * 0.2**2 * 4 + 0.2 * 0.8**2 * 1) / (0.8 * 0.2**2 + 0.2 * 0.8**2)
    assert best == pytest.approx(1.6)
    assert variance(best) < 1e-14  # two actions: no variance is left at all
    assert variance(3.4) > 0.3 > variance(best + 0.1) > variance(best + 0.05)


# ---------------------------------------------------------------- what looks like a baseline, and is none


def test_a_baseline_that_depends_on_the_action_is_biased(problem):
    """By -sum_s d(s) sum_a pi b d log pi; with b = Q nothing is left of the gradient."""
    mdp, theta, pi, V, _ = problem
    Q = advantage(mdp, pi) + V[:, None]
    for b in (Q, np.random.default_rng(6).normal(size=Q.shape)):
        weight = lambda w, b=b: reward_to_go(w, gamma=GAMMA) - b[w.state, w.action]
        mean, _ = moments(mdp, pi, lambda w, f=weight: gradient_estimate(w, pi, f(w), GAMMA), HORIZON)
        bias = -occupancy(mdp, pi)[:, None] * pi * (b - (pi * b).sum(axis=1, keepdims=True))
        assert np.abs(bias).max() > 0.05
        np.testing.assert_allclose(mean, policy_gradient(mdp, theta) + bias, rtol=0, atol=1e-12)


def every_batch(n=3):
    """All batches of n one-step episodes of two states: chances (B,), scores (B, n, 4), returns (B, n)."""
    pi = softmax(THETA)
    walks = trajectories(two_state(), pi, 1)
    score = gradient_estimate(walks, pi, np.ones((1, 8))).reshape(8, 4)
    batch = np.indices((8,) * n).reshape(n, -1).T
    return walks.probability[batch].prod(axis=1), score[batch], walks.reward[0][batch]


def test_the_mean_return_of_a_batch_shortens_the_gradient():
    """To (N - 1) / N, since it holds the episode's own return; that of the others does not."""
    chance, score, G = every_batch()
    exact = policy_gradient(with_clock(two_state(), 1), at_any_time(THETA, 1))[:2].ravel()
    own = np.einsum("b,bn,bni->i", chance, G - G.mean(axis=1, keepdims=True), score) / 3
    others = np.einsum("b,bn,bni->i", chance, G - (G.sum(axis=1, keepdims=True) - G) / 2, score) / 3
    assert np.abs(exact).max() > 0.1
    np.testing.assert_allclose(others, exact, rtol=0, atol=1e-12)
    np.testing.assert_allclose(own, exact * 2 / 3, rtol=0, atol=1e-12)


def test_standardised_returns_turn_the_gradient():
    """Another direction, and the same step whatever the scale of the rewards."""
    chance, score, G = every_batch()
    mean = lambda G: np.einsum("b,bn,bni->i", chance, np.array([standardised(g) for g in G]), score) / 3
    exact = policy_gradient(with_clock(two_state(), 1), at_any_time(THETA, 1))[:2].ravel()
    np.testing.assert_allclose(mean(10 * G), mean(G), rtol=1e-6)
    assert abs(mean(G)[3] / mean(G)[1] - exact[3] / exact[1]) > 0.1


def test_old_data_point_elsewhere():
    """Scores of the new policy on episodes of the old one: after a step of size 1 they pull back in state 0."""
    mdp = with_clock(two_state(), HORIZON)
    old = at_any_time(THETA, HORIZON)
    by_state = lambda g: g.reshape(HORIZON + 1, 2, 2).sum(axis=0)[:, 1]
    step = policy_gradient(mdp, old).reshape(HORIZON + 1, 2, 2).sum(axis=0)
    pi = softmax(at_any_time(THETA + step, HORIZON))
    mean, _ = moments(
        mdp,
        softmax(old),
        lambda w: gradient_estimate(w, pi, reward_to_go(w, gamma=GAMMA), GAMMA),
        HORIZON,
    )
    assert by_state(policy_gradient(mdp, np.log(pi)))[0] < -0.2
    assert by_state(mean)[0] > 0.2


# ---------------------------------------------------------------- samples


def sample(mdp, pi, horizon, n, seed):
    """n episodes of a runner, with what `Trajectories` has beside a rollout."""
    runner = make_runner(replace(mdp, horizon=horizon), n, np.random.default_rng(seed))

    def act(state, rng):
        action = categorical(pi[state], rng)
        return action, np.log(pick(pi[state], action))

    rollout = runner.collect(act, horizon)
    live = rollout.done.cumsum(axis=0) - rollout.done == 0  # a lane that ended has begun another episode
    return Trajectories(**vars(rollout), live=live, probability=np.full(n, 1 / n))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ends", [True, False])
def test_samples_agree_with_enumeration(name, ends):
    """20,000 episodes: mean and variance of every entry, at most 20 comparisons a case, 20 cases.

    The standard errors are exact, by enumeration of (x - mean)^2. False failures: below 400 * 6.3e-5 = 2.5e-2
    under seeds drawn anew; the entries of a row are the same number twice, which makes it 1.3e-2.
    """
    mdp = with_ends() if ends else two_state()
    pi, n = random_pi(mdp), 20_000
    V = policy_value(mdp, pi)
    wrong_V = np.where(mdp.terminal, 0.0, V + np.arange(mdp.n_states))
    estimator = estimators(mdp, pi, V, wrong_V, GAMMA)[name]
    mean, covariance = moments(mdp, pi, estimator, 4)
    variance, scatter = moments(mdp, pi, lambda walks: (estimator(walks) - mean) ** 2, 4)
    np.testing.assert_allclose(np.diag(covariance), variance.ravel(), rtol=1e-10, atol=1e-12)

    x = estimator(sample(mdp, pi, 4, n, seed=7))
    acts = ~mdp.terminal
    z_mean = (x.mean(axis=0) - mean)[acts] / np.sqrt(variance[acts] / n)
    spread = ((x - mean) ** 2).mean(axis=0)
    se = np.sqrt(np.diag(scatter).reshape(mean.shape)[acts] / n)
    assert np.abs(z_mean).max() <= 4
    assert np.abs((spread - variance)[acts] / se).max() <= 4
    assert (x[:, ~acts] == 0).all()


def test_samples_would_show_a_missing_factor():
    """The test above can fail: without gamma^t the mean is off by more than ten standard errors."""
    mdp = two_state()
    pi, n = random_pi(mdp), 20_000

    def estimator(w, gamma_t=GAMMA):
        return gradient_estimate(w, pi, reward_to_go(w, gamma=GAMMA), gamma_t)

    mean, covariance = moments(mdp, pi, estimator, 4)
    x = estimator(sample(mdp, pi, 4, n, seed=7), gamma_t=1.0)
    z = (x.mean(axis=0) - mean).ravel() / np.sqrt(np.diag(covariance) / n)
    assert np.abs(z).max() > 10


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, r"^horizon is 0; it must be a whole number >= 1$"),
        ({"horizon": 2.5}, r"^horizon is 2.5; it must be a whole number >= 1$"),
        ({"horizon": None}, r"^horizon is None; it must be a whole number >= 1$"),
        ({"horizon": 10}, r"^horizon is 10, and the trajectories would have more than 10,000,000 steps together; "),
        ({"horizon": 10**9}, r"^horizon is 1000000000, and the trajectories would have more"),
        ({"pi": [[0.5, 0.5], [np.nan, 1.0]]}, r"^pi\[1, 0\] is nan, not a probability$"),
        ({"pi": []}, r"^pi is float64 \(0,\); it must be"),
        ({"pi": [0, 2]}, r"^pi\[1\] is 2, not an action"),
        ({"estimator": lambda w: 1.0}, r"^estimator returned float64 \(\); it must return numbers \(8, ...\)"),
        ({"estimator": lambda w: w.reward}, r"^estimator returned float64 \(2, 32\); it must return numbers \(32"),
        ({"estimator": lambda w: None}, r"^estimator returned object \(\)"),
        ({"estimator": lambda w: w.reward[0] * np.nan}, r"^estimator returned nan for trajectory 0; it must be fin"),
    ],
)  # fmt: skip
def test_moments_are_checked(arguments, message):
    call = {"pi": softmax(THETA), "estimator": lambda w: w.reward[0], "horizon": 2} | arguments
    if "(8," in message:
        call["horizon"] = 1
    with pytest.raises(ValueError, match=message):
        moments(two_state(), **call)


def test_a_blindfold_is_lifted_for_the_oracle():
    """With one distribution in all states the corridor can be left in three steps: right, left, right."""
    blind = Blindfold(short_corridor())
    pi = blind.everywhere([0.25, 0.75])
    walks = trajectories(blind.mdp, pi, 3)
    ended = walks.terminated[-1]
    assert walks.probability[ended].sum() == pytest.approx(0.75 * 0.25 * 0.75)
    assert walks.action[:, ended].T.tolist() == [[1, 0, 1]]
