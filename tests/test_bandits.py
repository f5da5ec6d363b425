"""Bandits and their players: fixed tapes against naive definitions, one bandit against the plain loop, exact limits."""

import math

import numpy as np
import pytest

from rlcore.algorithms import bandits as fast
from rlcore.algorithms.td import q_learning
from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import finite_difference, softmax
from rlcore.plain import bandits as plain
from rlcore.problems.bandits import (
    BernoulliBandit,
    DriftingBandit,
    GaussianBandit,
    OnePull,
    expected_best,
    gaussian_testbed,
    one_state,
)

MEAN = np.array([0.2, -0.8, 1.5, 0.4, 1.2])
BANDITS = {
    "gaussian": GaussianBandit(MEAN),
    "without noise": GaussianBandit(MEAN, sd=0.0),
    "bernoulli": BernoulliBandit([0.5, 0.2, 0.6, 0.6]),
    "drifting": DriftingBandit(np.zeros(4), walk=0.1),
    "one arm": GaussianBandit([0.3]),
}
PLAYERS = {
    "greedy": ("epsilon_greedy_bandit", {"epsilon": 0.0}),
    "epsilon-greedy": ("epsilon_greedy_bandit", {"epsilon": 0.1}),
    "constant step": ("epsilon_greedy_bandit", {"epsilon": 0.1, "alpha": 0.1}),
    "optimistic": ("epsilon_greedy_bandit", {"epsilon": 0, "alpha": 0.1, "Q1": 5}),
    "random": ("epsilon_greedy_bandit", {"epsilon": 1.0}),
    "ucb": ("ucb_bandit", {"c": 2.0}),
    "gradient": ("gradient_bandit", {"alpha": 0.4}),
    "gradient, no baseline": ("gradient_bandit", {"alpha": 0.1, "baseline": False}),
    "thompson": ("thompson_normal", {"sd": np.int64(1), "prior_mean": 0.5, "prior_sd": np.int64(2)}),
}


def rng(seed=0):
    return np.random.default_rng(seed)


class Tape(GaussianBandit):
    """Pays what stands on the tape, whatever is pulled: eighths, so that float32 holds them exactly."""

    def pay(self, mean, rng):
        self.__dict__["t"] = self.__dict__.get("t", -1) + 1
        return np.full(np.shape(mean), self.__dict__["tape"][self.__dict__["t"]])


def tape(k=4, steps=60, runs=1, seed=5):
    """A taped bandit whose arms can be told apart by their means."""
    bandit = Tape(np.tile(np.arange(k, 0.0, -1), (runs, 1)))
    bandit.__dict__["tape"] = rng(seed).integers(-16, 24, steps) / 8
    return bandit


def arms(pulls):
    """Which arms were pulled on a taped bandit: the gap of arm a is a.   -> (steps, runs) int"""
    return pulls.gap.astype(int)


# ---------------------------------------------------------------- one bandit in lock-step is the plain loop


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("name", BANDITS)
def test_one_run_is_the_plain_loop(name, player):
    function, settings = PLAYERS[player]
    a, b = rng(1), rng(1)
    pulls = getattr(fast, function)(BANDITS[name], steps=300, rng=a, **settings)
    table, reward = getattr(plain, function)(BANDITS[name], steps=300, rng=b, **settings)
    np.testing.assert_allclose(pulls.estimate[0], table, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pulls.reward[:, 0], reward, rtol=1e-6, atol=1e-6)
    assert pulls.count.sum() == 300
    assert a.random() == b.random()  # and both have drawn as many numbers


def test_one_run_of_thompson_with_a_beta_is_the_plain_loop():
    pulls = fast.thompson_beta(BANDITS["bernoulli"], steps=300, rng=rng(1))
    table, reward = plain.thompson_beta(BANDITS["bernoulli"], steps=300, rng=rng(1))
    np.testing.assert_allclose(pulls.estimate[0], table, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(pulls.reward[:, 0], reward)


@pytest.mark.parametrize("k", [1, 2, 10, 300])
def test_ties_are_split_as_policies_splits_them(k):
    """Tables with many ties, epsilon 0 and 1/2: the arm-first choice is that of `learning.policies`."""
    Q = rng(k).integers(0, 3, (500, k)).astype(float)
    for epsilon in (0.0, 0.5):
        expected = epsilon_greedy(Q, epsilon, rng(7))
        stream = rng(7)
        explore = stream.random(500) < epsilon
        candidates = (Q.T == Q.max(axis=1)) | explore
        np.testing.assert_array_equal(fast.one_of(candidates, stream.random(500)), expected)


def test_running_sum_and_number_of():
    x = rng().normal(size=(7, 5))
    np.testing.assert_array_equal(fast.running_sum(x), x.cumsum(axis=0))
    true = rng().random((300, 6)) < 0.97  # more than 255 in a column
    assert true.sum(axis=0).max() > 255
    np.testing.assert_array_equal(fast.number_of(true), true.sum(axis=0))


# ---------------------------------------------------------------- fixed tapes, 1e-10


def test_the_incremental_mean_is_the_mean():
    pulls = fast.epsilon_greedy_bandit(tape(), steps=60, epsilon=0.5, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    assert len(set(a)) == 4
    for arm in range(4):
        assert pulls.estimate[0, arm] == pytest.approx(reward[a == arm].mean(), abs=1e-10)
        assert pulls.count[0, arm] == (a == arm).sum()


def test_a_constant_step_weights_the_past_geometrically():
    """Q = (1 - alpha)^n Q1 + sum_i alpha (1 - alpha)^(n - i) reward_i, and these weights sum to one."""
    alpha, Q1 = 0.3, 5.0
    pulls = fast.epsilon_greedy_bandit(tape(), steps=60, epsilon=0.5, alpha=alpha, Q1=Q1, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    for arm in range(4):
        mine = reward[a == arm]
        n = len(mine)
        weight = [(1 - alpha) ** n] + [alpha * (1 - alpha) ** (n - i) for i in range(1, n + 1)]
        assert sum(weight) == pytest.approx(1, abs=1e-12)
        assert pulls.estimate[0, arm] == pytest.approx(weight @ np.append(Q1, mine), abs=1e-10)


def test_greedy_pulls_are_greedy():
    pulls = fast.epsilon_greedy_bandit(tape(), steps=60, epsilon=0.0, Q1=1.0, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    for t in range(60):
        Q = [reward[:t][a[:t] == arm].mean() if (a[:t] == arm).any() else 1.0 for arm in range(4)]
        assert Q[a[t]] == pytest.approx(max(Q), abs=1e-10)


@pytest.mark.parametrize("c", [0.0, 0.5, 2.0])
def test_ucb_pulls_an_arm_of_largest_bound(c):
    pulls = fast.ucb_bandit(tape(), steps=60, c=c, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    assert sorted(a[:4]) == [0, 1, 2, 3]
    for t in range(4, 60):
        N = np.array([(a[:t] == arm).sum() for arm in range(4)])
        Q = np.array([reward[:t][a[:t] == arm].mean() for arm in range(4)])
        bound = Q + c * np.sqrt(math.log(t + 1) / N)
        assert bound[a[t]] == pytest.approx(bound.max(), abs=1e-10)


def test_the_first_ucb_pulls_come_in_every_order():
    """24 orders, 4,800 runs, 200 each; 6 standard errors: false failure below 1e-7."""
    first = arms(fast.ucb_bandit(tape(runs=4800), steps=4, c=1.0, rng=rng()))  # (4, 4800)
    orders = np.unique([64, 16, 4, 1] @ first, return_counts=True)[1]
    assert len(orders) == 24
    assert np.abs(orders - 200).max() < 6 * math.sqrt(200)


@pytest.mark.parametrize("baseline", [True, False])
def test_gradient_preferences_are_the_sum_of_their_updates(baseline):
    alpha = 0.2
    pulls = fast.gradient_bandit(tape(), steps=60, alpha=alpha, baseline=baseline, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    H = np.zeros(4)
    for t in range(60):
        b = 0.0 if not baseline else reward[:t].mean() if t else reward[0]
        pi = np.exp(H) / np.exp(H).sum()
        H = H + [alpha * (reward[t] - b) * ((arm == a[t]) - pi[arm]) for arm in range(4)]
    np.testing.assert_allclose(pulls.estimate[0], H, rtol=0, atol=1e-10)
    assert H.sum() == pytest.approx(0, abs=1e-12)


def test_large_preferences_do_not_overflow():
    bandit = GaussianBandit([1e4, 0.0], sd=0.0)
    pulls = fast.gradient_bandit(bandit, steps=50, alpha=1.0, baseline=False, rng=rng())
    assert np.isfinite(pulls.estimate).all()


def test_the_normal_posterior_is_that_of_bayes():
    """Mean and precision of the product of prior and likelihoods, on a grid; 1e-10 against the closed form."""
    sd, m0, s0 = 1.5, 0.5, 2.0
    pulls = fast.thompson_normal(tape(), steps=60, sd=sd, prior_mean=m0, prior_sd=s0, rng=rng())
    a, reward = arms(pulls)[:, 0], pulls.reward[:, 0].astype(float)
    x = np.linspace(-12, 12, 20_001)
    for arm in range(4):
        log = -((x - m0) ** 2) / (2 * s0**2)
        for r in reward[a == arm]:
            log = log - (r - x) ** 2 / (2 * sd**2)
        density = np.exp(log - log.max())
        assert pulls.estimate[0, arm] == pytest.approx((x * density).sum() / density.sum(), abs=1e-10)


def test_the_beta_posterior_counts():
    bandit = BernoulliBandit([1.0, 0.0])
    pulls = fast.thompson_beta(bandit, steps=40, rng=rng())
    ones, zeros = pulls.count[0]
    np.testing.assert_allclose(pulls.estimate[0], [(1 + ones) / (2 + ones), 1 / (2 + zeros)], atol=1e-12)


def test_thompson_pulls_as_often_as_an_arm_is_best():
    """Arms that surely pay 1 and 0: the posteriors are known, and so is the chance that arm 0 looks best.

    P(Beta(1 + m, 1) > Beta(1, 1 + n)) after m and n pulls, by quadrature, through the tree of pulls.
    20,000 runs, 8 steps, 5 standard errors each: false failure below 5e-6.
    """
    x = (np.arange(20_000) + 0.5) / 20_000
    chance = {(0, 0): 1.0}
    runs, pulls = (
        20_000,
        fast.thompson_beta(BernoulliBandit(np.tile([1.0, 0], (20_000, 1))), steps=8, rng=rng()),
    )
    for t in range(8):
        after, expected = {}, 0.0
        for (m, n), p in chance.items():
            first = ((m + 1) * x**m * (1 - (1 - x) ** (n + 1))).mean()
            expected += p * first
            after[m + 1, n] = after.get((m + 1, n), 0) + p * first
            after[m, n + 1] = after.get((m, n + 1), 0) + p * (1 - first)
        chance = after
        se = math.sqrt(expected * (1 - expected) / runs)
        assert abs(pulls.optimal[t].mean() - expected) < 5 * se


# ---------------------------------------------------------------- the gradient bandit ascends the gradient


H0, Q0 = np.array([0.3, -1.0, 0.8, 0.0]), np.array([1.0, 5.0, -2.0, 3.5])


def moments(b):
    """Mean (k,) and covariance (k, k) of (reward - b) score(pi, a) over a ~ pi, rewards without noise."""
    pi = softmax(H0)
    sample = np.array([(Q0[a] - b) * plain.score(pi, a) for a in range(4)])
    mean = pi @ sample
    return mean, (sample.T * pi) @ sample - np.outer(mean, mean)


@pytest.mark.parametrize("b", [0.0, 2.0, -7.5, 100.0])
def test_the_expected_update_is_the_gradient_whatever_the_baseline(b):
    pi, H = softmax(H0), H0.copy()
    np.testing.assert_allclose(moments(b)[0], pi * (Q0 - pi @ Q0), rtol=0, atol=1e-12)
    slope = finite_difference(lambda: softmax(H) @ Q0, H)
    np.testing.assert_allclose(moments(b)[0], slope, rtol=0, atol=1e-8)


def test_the_variance_depends_on_the_baseline():
    """A parabola in b; its lowest point is the mean of Q weighted by pi |score|^2, near E[Q] but not equal."""
    pi = softmax(H0)
    length = np.array([plain.score(pi, a) @ plain.score(pi, a) for a in range(4)])
    best = (pi * length) @ Q0 / (pi @ length)
    total = [np.trace(moments(b)[1]) for b in (best - 1, best, best + 1)]
    np.testing.assert_allclose([total[0] - total[1], total[2] - total[1]], pi @ length, atol=1e-12)
    far, none, mean = (np.trace(moments(b)[1]) for b in (100.0, 0.0, pi @ Q0))
    assert total[1] < mean < none < far
    assert abs(best - pi @ Q0) > 0.1


def test_a_step_of_many_runs_moves_along_the_gradient():
    """One pull from equal preferences, 200,000 runs without a baseline: on average alpha times the gradient.

    4 arms, 5 standard errors each: false failure below 3e-6.
    """
    runs = 200_000
    bandit = GaussianBandit(np.tile(Q0, (runs, 1)))
    moved = fast.gradient_bandit(bandit, steps=1, alpha=0.1, baseline=False, rng=rng()).estimate
    gradient = (Q0 - Q0.mean()) / 4
    z = (moved.mean(axis=0) - 0.1 * gradient) / (moved.std(axis=0) / math.sqrt(runs))
    assert np.abs(z).max() < 5


# ---------------------------------------------------------------- regret


def test_regret_adds_up_the_gaps():
    pulls = fast.epsilon_greedy_bandit(tape(runs=3), steps=50, epsilon=0.3, rng=rng())
    lost = fast.regret(pulls)
    np.testing.assert_allclose(lost[-1], pulls.count @ np.arange(4.0), rtol=0, atol=1e-10)
    assert (np.diff(lost, axis=0) >= 0).all()
    np.testing.assert_array_equal(pulls.optimal, arms(pulls) == 0)


def test_a_gap_is_a_gap_however_small():
    bandit = GaussianBandit([0.0, 1e-6], sd=0.0)
    pulls = fast.epsilon_greedy_bandit(bandit, steps=50, epsilon=1.0, rng=rng())
    assert 0 < pulls.count[0, 0] < 50
    assert pulls.optimal.sum() == pulls.count[0, 1]


def test_regret_of_a_long_play_keeps_its_digits():
    """A million in single precision is 0.06 fine; 20,000 gaps of 0.1 to 100.1 must add up to 1e-4 all the same."""
    bandit = GaussianBandit([100.1, 100.0, 0.0], sd=0.0)
    pulls = fast.epsilon_greedy_bandit(bandit, steps=20_000, epsilon=1.0, rng=rng())
    exact = pulls.count[0] @ [0.0, 0.1, 100.1]
    assert exact > 500_000
    assert fast.regret(pulls)[-1, 0] == pytest.approx(exact, rel=1e-6)


def test_regret_grows_like_the_logarithm_or_like_time():
    """From t = 1,000 to 4,000: a constant epsilon loses epsilon times the mean gap a step; log t grows by ln 4.

    300 runs. The loss of epsilon-greedy is within 5% of that (greedy pulls of a wrong arm are rare by then,
    and its standard error is below 1%); UCB1 and Thompson sampling lose less than half and a fifth of it.
    """
    mean = np.array([0.9, 0.6, 0.5, 0.4])
    bandit = BernoulliBandit(np.tile(mean, (300, 1)))
    players = {
        "epsilon": fast.epsilon_greedy_bandit(bandit, steps=4000, epsilon=0.1, rng=rng(1)),
        "ucb": fast.ucb_bandit(bandit, steps=4000, c=math.sqrt(2) / 2, rng=rng(2)),
        "thompson": fast.thompson_beta(bandit, steps=4000, rng=rng(3)),
    }
    grown = {name: np.diff(fast.regret(p)[[999, 3999]], axis=0).mean() for name, p in players.items()}
    slope = 0.1 * (mean.max() - mean).mean()
    assert grown["epsilon"] / 3000 == pytest.approx(slope, rel=0.05)
    assert grown["ucb"] < 0.5 * grown["epsilon"]
    assert grown["thompson"] < 0.2 * grown["epsilon"]


def test_thompson_regret_lies_near_the_lower_bound_of_lai_and_robbins():
    """Slope over ln t between 500 and 5,000, against sum of gap / KL: a limit, so a factor of two is allowed."""
    mean = np.array([0.8, 0.5, 0.3])
    pulls = fast.thompson_beta(BernoulliBandit(np.tile(mean, (1000, 1))), steps=5000, rng=rng(4))
    lost = fast.regret(pulls).mean(axis=1)
    slope = (lost[4999] - lost[499]) / math.log(10)
    p, best = mean[1:], mean[0]
    kl = p * np.log(p / best) + (1 - p) * np.log((1 - p) / (1 - best))
    assert 0.5 < slope / ((best - p) / kl).sum() < 2


# ---------------------------------------------------------------- problems


@pytest.mark.parametrize(
    ("bandit", "mean", "variance"),
    [
        (GaussianBandit([0.7], sd=2.0), 0.7, 4.0),
        (BernoulliBandit([0.3]), 0.3, 0.21),
        (DriftingBandit([0.7], sd=0.5), 0.7, 0.25),
    ],
    ids=["gaussian", "bernoulli", "drifting"],
)
def test_rewards_have_their_mean_and_variance(bandit, mean, variance):
    """200,000 rewards, 5 standard errors; the fourth moment is at most 3 variance^2: false failure below 2e-6."""
    n = 200_000
    reward = bandit.pay(np.full(n, bandit.mean[0, 0]), rng())
    assert abs(reward.mean() - mean) < 5 * math.sqrt(variance / n)
    assert abs(reward.var() - variance) < 5 * variance * math.sqrt(2 / n)


def test_means_drift_or_stay():
    """100 steps of 0.1: variance 1, 20,000 walks, 5 standard errors."""
    bandit, stream = DriftingBandit(np.zeros((5000, 4)), walk=0.1), rng()
    mean = bandit.mean
    for _ in range(100):
        mean = bandit.drift(mean, stream)
    assert abs(mean.var() - 1) < 5 * math.sqrt(2 / 20_000)
    still = GaussianBandit(MEAN)
    assert still.drift(still.mean, stream) is still.mean


def test_the_gap_follows_the_drifting_means():
    """Without noise the reward is the mean, so reward + gap is the best mean; replayed from the stream."""
    bandit = DriftingBandit(np.zeros((3, 4)), sd=0.0, walk=1.0)
    pulls = fast.ucb_bandit(bandit, steps=6, c=0.0, rng=rng(9))
    mean, stream = bandit.mean.T, rng(9)
    for t in range(6):
        np.testing.assert_allclose(pulls.reward[t] + pulls.gap[t], mean.max(axis=0), rtol=0, atol=1e-6)
        stream.random(3)
        stream.standard_normal(3)
        mean = mean + stream.standard_normal((4, 3))


def test_the_testbed():
    """Means around the shift with variance 1: 100,000 of them, 5 standard errors; false failure below 2e-6."""
    mean = gaussian_testbed(10_000, shift=4.0, rng=rng()).mean
    assert mean.shape == (10_000, 10)
    assert abs(mean.mean() - 4) < 5 / math.sqrt(100_000)
    assert abs(mean.var() - 1) < 5 * math.sqrt(2 / 100_000)
    assert gaussian_testbed(2, 3, rng=rng()).mean.shape == (2, 3)


def test_expected_best():
    assert expected_best(1) == pytest.approx(0, abs=1e-12)
    assert expected_best(2) == pytest.approx(1 / math.sqrt(math.pi), abs=1e-12)
    assert expected_best(3) == pytest.approx(1.5 / math.sqrt(math.pi), abs=1e-12)
    assert (np.diff([expected_best(k) for k in range(1, 30)]) > 0).all()


def test_a_bandit_is_an_mdp_with_one_state():
    mdp = one_state(MEAN, 0.9)
    assert optimal_value(mdp)[0] == pytest.approx(10 * MEAN.max(), abs=1e-9)


def test_the_gradient_bandit_follows_the_policy_gradient():
    """The slope of the value of the one-state MDP, by differences: (1 - gamma) V = E[reward]."""
    mdp, H = one_state(Q0, 0.5), H0.copy()
    slope = finite_difference(lambda: 0.5 * policy_value(mdp, softmax(H)[None])[0], H)
    np.testing.assert_allclose(moments(3.0)[0], slope, rtol=0, atol=1e-8)


def test_q_learning_on_one_pull_is_the_constant_step_bandit():
    """After each pull Q = Q + alpha (reward - Q): with alpha = 0.05 the estimates come near the means.

    Stationary standard deviation sqrt(alpha / (2 - alpha)) = 0.16 an arm and run, over 400 runs: 5 errors.
    """
    learned = q_learning(
        OnePull(GaussianBandit([1.0, 0.0, -1.0])),
        episodes=600, alpha=0.05, epsilon=1.0, gamma=0.9, rng=rng(), runs=400,
    ).Q  # fmt: skip
    np.testing.assert_allclose(learned[:, 0].mean(axis=0), [1, 0, -1], atol=5 * 0.16 / 20)
    np.testing.assert_array_equal(learned[:, 1], 0)


# ---------------------------------------------------------------- a whole figure in one call


def test_parameters_may_differ_from_run_to_run():
    """Runs of one call do not touch each other: epsilon 0 and no noise never explores, epsilon 1 always."""
    bandit = GaussianBandit(np.tile([1.0, 2.0, 3.0], (200, 1)), sd=0.0)
    epsilon = np.repeat([0.0, 1.0], 100)
    count = fast.epsilon_greedy_bandit(bandit, steps=90, epsilon=epsilon, alpha=0.5, rng=rng()).count
    assert (count[:100].max(axis=1) == 90).all()  # the first arm pays more than 0, and stays the best
    assert (count[100:] > 0).all()
    optimist = fast.epsilon_greedy_bandit(bandit, steps=90, epsilon=0.0, Q1=epsilon * 50, rng=rng()).count
    assert (optimist[:100].max(axis=1) == 90).all()
    assert (optimist[100:] > 0).all()


def test_the_same_seed_plays_the_same():
    first, second = (
        fast.gradient_bandit(gaussian_testbed(50, rng=rng(2)), steps=40, alpha=0.1, rng=rng(3)) for _ in "12"
    )
    np.testing.assert_array_equal(first.reward, second.reward)
    other = fast.gradient_bandit(gaussian_testbed(50, rng=rng(2)), steps=40, alpha=0.1, rng=rng(4))
    assert (first.reward != other.reward).any()


def test_a_player_leaves_the_bandit_as_it_was():
    bandit = DriftingBandit(np.zeros((3, 4)))
    fast.ucb_bandit(bandit, steps=20, c=1.0, rng=rng())
    np.testing.assert_array_equal(bandit.mean, 0)


def test_a_bandit_keeps_means_of_its_own():
    given = np.zeros((2, 3))
    bandit = GaussianBandit(given)
    given[:] = 9.0
    np.testing.assert_array_equal(bandit.mean, 0)


def test_a_bar_is_told_of_every_pull_and_closed(monkeypatch):
    told = []

    class Bar:
        def __init__(self, what, total):
            told.append(total)

        def __call__(self, t):
            told.append(t)

        def close(self):
            told.append("closed")

    monkeypatch.setattr(fast, "Progress", Bar)
    fast.ucb_bandit(TWO, steps=3, c=1.0, rng=rng())
    assert told == [3, 1, 2, 3, "closed"]


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GaussianBandit([[0.0, np.nan]]), r"mean\[0, 1\] is nan; every mean must be finite"),
        (lambda: GaussianBandit([]), r"mean has shape \(0,\); it must be \(runs, k\) or \(k,\)"),
        (lambda: GaussianBandit(np.zeros((2, 2, 2))), r"mean has shape \(2, 2, 2\)"),
        (lambda: GaussianBandit(["a", "b"]), r"mean is \['a', 'b'\]; it must be numbers"),
        (lambda: GaussianBandit([1.0], sd=-1), "sd is -1; it must be a finite number >= 0"),
        (lambda: GaussianBandit([1.0], sd=np.inf), "sd is inf"),
        (lambda: BernoulliBandit([0.2, 1.2]), r"mean\[0, 1\] is 1.2; it must be a probability"),
        (lambda: BernoulliBandit([[0.2], [-0.1]]), r"mean\[1, 0\] is -0.1; it must be a probability"),
        (lambda: DriftingBandit([1.0], walk=np.nan), "walk is nan"),
        (lambda: gaussian_testbed(0, rng=rng()), "runs is 0; it must be a whole number >= 1"),
        (lambda: gaussian_testbed(3, 0, rng=rng()), "k is 0"),
        (lambda: gaussian_testbed(3, shift=np.nan, rng=rng()), "shift is nan"),
        (lambda: expected_best(0), "k is 0"),
        (lambda: OnePull(DriftingBandit([1.0])), "bandit drifts"),
        (lambda: OnePull(GaussianBandit([[1.0], [2.0]])), "bandit holds 2 runs"),
        (lambda: OnePull([1.0, 2.0]), "bandit is list; it must be a bandit"),
        (lambda: one_state([[1.0], [2.0]], 0.9), "mean holds 2 runs; one state is one bandit"),
    ],
)
def test_problems_refuse(make, said):
    with pytest.raises(ValueError, match=said):
        make()


TWO = GaussianBandit([[0.0, 1.0], [2.0, 3.0]])


@pytest.mark.parametrize(
    ("function", "settings", "said"),
    [
        ("epsilon_greedy_bandit", {"epsilon": 1.5}, "epsilon is 1.5; it must be from 0 to 1"),
        ("epsilon_greedy_bandit", {"epsilon": [0.1, np.nan]}, r"epsilon\[1\] is nan"),
        ("epsilon_greedy_bandit", {"epsilon": [0.1] * 3}, "2 of them, one a run"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "alpha": -0.1}, "alpha is -0.1"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "Q1": np.inf}, "Q1 is inf; it must be finite"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "steps": 0}, "steps is 0"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "steps": 2.0}, "steps is 2.0; it must be a whole number"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "rng": 0}, "rng is int; it must be a Generator"),
        ("epsilon_greedy_bandit", {"epsilon": 0.1, "bandit": [1.0]}, "bandit is list"),
        ("ucb_bandit", {"c": -1}, "c is -1; it must be finite and >= 0"),
        ("ucb_bandit", {"c": "two"}, "c is 'two'; it must be a number, or 2 of them"),
        ("gradient_bandit", {"alpha": [0.1, np.inf]}, r"alpha\[1\] is inf"),
        ("gradient_bandit", {"alpha": -0.1}, "alpha is -0.1; it must be finite and >= 0"),
        ("gradient_bandit", {"alpha": 0.1, "baseline": 1}, "baseline is 1; it must be True or False"),
        ("gradient_bandit", {"alpha": 0.1, "baseline": [True] * 3}, "or 2 of them"),
        ("thompson_beta", {}, "bandit is GaussianBandit; a Beta posterior needs a BernoulliBandit"),
        ("thompson_normal", {"sd": 0}, "sd is 0; it must be a finite number > 0"),
        ("thompson_normal", {"sd": np.inf}, "sd is inf"),
        ("thompson_normal", {"prior_sd": np.nan}, "prior_sd is nan"),
        ("thompson_normal", {"prior_mean": np.nan}, "prior_mean is nan"),
    ],
)
def test_players_refuse(function, settings, said):
    arguments = {"bandit": TWO, "steps": 5, "rng": rng(), **settings}
    with pytest.raises(ValueError, match=said):
        getattr(fast, function)(**arguments)
