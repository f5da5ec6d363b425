"""Published numbers of chapter 9: the gradient of two states, and the short corridor.

The two-state figures were made by automatic differentiation, with no code of this project; those of the corridor
follow from Sutton & Barto, Example 13.1. They are exact, so no comparison of theirs fails by chance. What REINFORCE
earns in the corridor is sampled, and was sampled elsewhere: passes where |z| <= 4.
"""

from pathlib import Path

import numpy as np
import pytest

from rlcore.algorithms.linear_reinforce import linear_reinforce
from rlcore.exact.average import stationary
from rlcore.exact.gradients import advantage, natural_policy_gradient, performance, policy_gradient
from rlcore.exact.values import action_value, occupancy, optimal_value, policy_value
from rlcore.numerics import softmax
from rlcore.problems.chains import Blindfold, short_corridor, two_state

# ---------------------------------------------------------------- two states

THETA = np.array([[0.2, -0.1], [0.0, 0.5]])
PI = [[0.574442516811659, 0.4255574831883411], [0.37754066879814546, 0.6224593312018546]]
V = [6.869501111499037, 7.113287423242319]
Q = [[7.24837330451982, 6.358077144804297], [5.314195608690506, 8.20449176840603]]
D = [0.582641719787355, 0.4173582802126458]  # discounted visits, normalised
J = 6.967015636196351
GRADIENT = [[1.2680631641986675, -1.2680631641986744], [-2.8348240110123752, 2.8348240110123766]]
NATURAL = [[3.7887219302078288, -5.114239666947401], [-17.990918145518137, 10.912043451637105]]
BY_TIME_SHARE = [[1.264633756703306, -1.264633756703308], [-2.8455267972876115, 2.8455267972876115]]
V_STAR = [12.288135593220337, 13.135593220338983]


def test_two_states_before_the_gradient():
    mdp, pi = two_state(), softmax(THETA)
    np.testing.assert_allclose(pi, PI, rtol=0, atol=1e-12)
    np.testing.assert_allclose(policy_value(mdp, pi), V, rtol=0, atol=1e-10)
    np.testing.assert_allclose(action_value(mdp, pi), Q, rtol=0, atol=1e-10)
    np.testing.assert_allclose(occupancy(mdp, pi), 10 * np.array(D), rtol=0, atol=1e-10)
    np.testing.assert_allclose(optimal_value(mdp), V_STAR, rtol=0, atol=1e-10)
    assert performance(mdp, pi) == pytest.approx(J, abs=1e-10)


def test_two_states_policy_gradient():
    np.testing.assert_allclose(policy_gradient(two_state(), THETA), GRADIENT, rtol=0, atol=1e-10)


def test_two_states_natural_gradient():
    """Up to a constant a state, which the figures fix as ours: mean 0 under the policy."""
    x = natural_policy_gradient(two_state(), THETA)
    np.testing.assert_allclose(x, NATURAL, rtol=0, atol=1e-10)


def test_two_states_by_the_share_of_time():
    """A known slip: states weighed by the share of time spent in them point elsewhere, 0.3 and 0.4 percent off."""
    mdp, pi = two_state(), softmax(THETA)
    share = stationary(np.einsum("sa,san->sn", pi, mdp.P))
    slip = share[:, None] * pi * advantage(mdp, pi) / (1 - mdp.gamma)
    np.testing.assert_allclose(slip, BY_TIME_SHARE, rtol=0, atol=1e-10)
    assert np.abs(slip - policy_gradient(mdp, THETA)).min() > 3e-3


# ---------------------------------------------------------------- the short corridor

BEST = 2 - np.sqrt(2)  # the best probability of going right


@pytest.fixture(scope="module")
def corridor():
    return Blindfold(short_corridor())


def value(corridor, p):
    """What the start is worth to a walker that goes right with probability p, whatever the state."""
    return performance(corridor.mdp, corridor.everywhere([1 - p, p]))


def slope(corridor, p):
    """dV/dp, by the chain rule: dJ/dtheta(right) = dV/dp * p (1 - p)."""
    theta = corridor.everywhere(np.log([1 - p, p]))
    return policy_gradient(corridor.mdp, theta).sum(axis=0)[1] / (p * (1 - p))


@pytest.mark.parametrize(
    ("p", "V"),
    [
        (0.95, -44.210526315789345),
        (0.05, -82.10526315789444),
        (0.5, -12.0),
        (0.5857864376269049, -11.65685424949238),
    ],
)
def test_short_corridor_values(corridor, p, V):
    assert value(corridor, p) == pytest.approx(V, abs=1e-9)
    assert value(corridor, p) == pytest.approx((2 * p - 4) / (p * (1 - p)), abs=1e-9)


def test_short_corridor_best_mixture(corridor):
    """p = 2 - sqrt(2), V = -(6 + 4 sqrt(2)); beside it V is less, and there the gradient vanishes."""
    best = value(corridor, BEST)
    assert best == pytest.approx(-(6 + 4 * np.sqrt(2)), abs=1e-10)
    assert slope(corridor, BEST) == pytest.approx(0.0, abs=1e-10)
    for p in (BEST - 1e-3, BEST + 1e-3):
        assert value(corridor, p) < best - 1e-5
    assert slope(corridor, BEST - 1e-3) > 0.05 > -0.05 > slope(corridor, BEST + 1e-3)


@pytest.mark.parametrize(("p", "slope_V"), [(0.5, 8.0), (0.05, 1597.7839335180056)])
def test_short_corridor_slopes(corridor, p, slope_V):
    assert slope(corridor, p) == pytest.approx(slope_V, rel=1e-9)


def test_short_corridor_epsilon_greedy(corridor):
    """An epsilon-greedy learner of action values, epsilon = 0.1, can only be at p = 0.95 or 0.05: -44 or -82."""
    assert value(corridor, 0.95) < -44 < -12 < value(corridor, BEST)


def test_short_corridor_with_open_eyes(corridor):
    """Who sees the state needs three steps."""
    assert optimal_value(corridor.mdp).tolist() == [-3.0, -2.0, -1.0, 0.0]


def test_short_corridor_pays_for_the_last_step_too(corridor):
    """In programs where the last step is free every return is one higher: -11 is no better than our -12."""
    mdp = corridor.mdp
    free = np.where(mdp.terminal, 0.0, mdp.R)
    pi = corridor.everywhere([0.5, 0.5])
    r = np.einsum("sa,san,san->s", pi, mdp.P, free)
    assert occupancy(mdp, pi) @ r == pytest.approx(value(corridor, 0.5) + 1, abs=1e-10)


# ---------------------------------------------------------------- REINFORCE in the corridor

LATE = {-13: (-12.46, 0.07), -14: (-15.00, 0.10)}  # log2 alpha -> mean return of episodes 901 to 1000, its se


def z_of(late, published):
    """Standard errors between our runs (n,) and a published mean."""
    se = np.hypot(late.std(ddof=1) / np.sqrt(len(late)), published[1])
    return (late.mean() - published[0]) / se


@pytest.mark.parametrize("power", LATE)
def test_reinforce_in_the_figure(power):
    """Sutton & Barto, Figure 13.1, from p = 0.05: the 100 runs behind Figure 9.1. They are fixed: no chance here."""
    with np.load(Path(__file__).parents[1] / "figures" / "fig_09_1_corridor.npz") as data:
        late = data["returns"][[-12, -13, -14].index(power), :, 90:].mean(axis=1)
    assert abs(z_of(late, LATE[power])) <= 4
    assert abs(z_of(late, LATE[-27 - power])) > 8  # the other row is far away


def test_the_box_with_a_baseline_in_the_figure():
    """Sutton & Barto, Figure 13.2: with alpha = 2^-9 and alpha_w = 2^-6 near the best after 100 episodes of 1000.

    Without the baseline that step size loses most runs to an episode that does not end.
    """
    with np.load(Path(__file__).parents[1] / "figures" / "fig_09_1_corridor.npz") as data:
        box, slow, lost = data["box"], data["returns"][1], data["lost"]
    late = box[:, 10:].mean(axis=1)
    assert abs(late.mean() + 6 + 4 * np.sqrt(2)) < 0.4
    assert late.std() < 0.5
    assert box[:, 5:10].mean() > -14 > -30 > slow[:, 5:10].mean()
    assert lost[0] == 0
    assert lost[1] > 80


@pytest.mark.slow
def test_a_constant_after_the_episode_changes_little(corridor):
    """Mean returns of episodes 21 to 60, with it and without: within 4 standard errors, which are below 1.5.

    False failures: 6.3e-5. The box of Figure 9.1 is ten away.
    """
    alpha_w = np.repeat([0.0, 0.5], 200)
    start = {"theta": np.log([[0.95, 0.05]]), "rng": np.random.default_rng(5), "runs": 400}
    out = linear_reinforce(corridor, episodes=60, alpha=2.0**-12, alpha_w=alpha_w, gamma=1.0, **start)
    late = out.returns[:, 20:].mean(axis=1)
    bare, constant = late[:200], late[200:]
    se = np.hypot(bare.std(ddof=1), constant.std(ddof=1)) / np.sqrt(200)
    print(f"without {bare.mean():.2f}, with a constant {constant.mean():.2f}, se {se:.2f}")
    assert out.w[200:].mean() < -10 < 0 == np.abs(out.w[:200]).max()
    assert se < 1.5
    assert abs(bare.mean() - constant.mean()) <= 4 * se


@pytest.mark.slow
@pytest.mark.parametrize("power", LATE)
def test_reinforce_from_fresh_runs(power, corridor):
    """The same from 200 runs of another seed. False failures: 6.3e-5 each."""
    out = linear_reinforce(
        corridor,
        episodes=1000,
        alpha=2.0**power,
        gamma=1.0,
        theta=np.log([[0.95, 0.05]]),
        rng=np.random.default_rng(11),
        runs=200,
    )
    late = out.returns[:, 900:].mean(axis=1)
    z = z_of(late, LATE[power])
    print(f"alpha = 2^{power}: {late.mean():.3f} +- {late.std(ddof=1) / 200**0.5:.3f}, z = {z:.2f}")
    assert abs(z) <= 4
