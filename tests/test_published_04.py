"""Published numbers of chapter 4: the ten-armed testbed of Sutton & Barto, chapter 2.

The exact ones are quadrature. The simulated ones come from a program that shares no code with this one:
20,000 runs of 1,000 steps, each mean with its standard error. A comparison passes where

    |z| <= 4,   z = (ours - theirs) / sqrt(se_ours^2 + se_theirs^2),

so a right program fails one comparison with probability 6.3e-5, and one of the 18 below with probability
1.1e-3 at most, under a seed drawn anew; the seeds here are fixed.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from rlcore.algorithms.bandits import epsilon_greedy_bandit, ucb_bandit
from rlcore.problems.bandits import GaussianBandit, expected_best, gaussian_testbed

STEPS = 1000

# player: (mean, standard error) of the reward over steps 901-1000, of the runs that take the best arm at
# step 1000, and of the reward over all steps
SIMULATED = {
    "greedy": ((1.033422, 0.004359), (0.35910, 0.003392), (1.024870, 0.004281)),
    "epsilon 0.01": ((1.313301, 0.004488), (0.61095, 0.003447), (1.196668, 0.004136)),
    "epsilon 0.1": ((1.366886, 0.003993), (0.79910, 0.002833), (1.304048, 0.003828)),
    "optimistic, Q1 = 5, alpha = 0.1": ((1.497891, 0.004350), (0.86075, 0.002448), (1.293377, 0.004180)),
    "epsilon 0.1, alpha = 0.1": ((1.347997, 0.003960), (0.76030, 0.003019), (1.249194, 0.003555)),
    "ucb, c = 2": ((1.490745, 0.004350), (0.85555, 0.002486), (1.393131, 0.004286)),
}
PLAYERS = {
    "greedy": lambda b, rng: epsilon_greedy_bandit(b, steps=STEPS, epsilon=0.0, rng=rng),
    "epsilon 0.01": lambda b, rng: epsilon_greedy_bandit(b, steps=STEPS, epsilon=0.01, rng=rng),
    "epsilon 0.1": lambda b, rng: epsilon_greedy_bandit(b, steps=STEPS, epsilon=0.1, rng=rng),
    "optimistic, Q1 = 5, alpha = 0.1": lambda b, rng: epsilon_greedy_bandit(
        b, steps=STEPS, epsilon=0.0, alpha=0.1, Q1=5.0, rng=rng
    ),
    "epsilon 0.1, alpha = 0.1": lambda b, rng: epsilon_greedy_bandit(
        b, steps=STEPS, epsilon=0.1, alpha=0.1, rng=rng
    ),
    "ucb, c = 2": lambda b, rng: ucb_bandit(b, steps=STEPS, c=2.0, rng=rng),
}


def measured(player, runs, seed):
    """The three quantities of a run, for every run.   -> (3, runs)"""
    rng = np.random.default_rng([seed, list(PLAYERS).index(player)])  # each player has bandits of its own
    pulls = PLAYERS[player](gaussian_testbed(runs, rng=rng), rng)
    reward = pulls.reward.astype(float)
    return np.stack([reward[-100:].mean(axis=0), pulls.optimal[-1], reward.mean(axis=0)])


def z_scores(player, runs, seed):
    """z of each quantity.   -> (3,)"""
    published, se = np.array(SIMULATED[player]).T
    ours = measured(player, runs, seed)
    own = ours.std(axis=1, ddof=1) / math.sqrt(runs)
    return (ours.mean(axis=1) - published) / np.hypot(own, se)


@pytest.mark.parametrize("player", PLAYERS)
def test_testbed_of_2000_runs(player):
    """As many runs as the book's figures. False failure: 6.3e-5 a comparison, 18 comparisons."""
    z = z_scores(player, 2000, 4)
    assert np.abs(z).max() <= 4, z


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
def test_testbed_of_20000_runs(player):
    """As many runs as the program compared with. False failure: 6.3e-5 a comparison, 18 comparisons."""
    z = z_scores(player, 20_000, 5)
    assert np.abs(z).max() <= 4, z


def test_the_figures_can_tell_the_players_apart():
    """Ours of one player against the published ones of its neighbour: the comparison has the power to fail."""
    published = np.array(SIMULATED["epsilon 0.1"])[:, 0]
    for other in ("greedy", "epsilon 0.01", "epsilon 0.1, alpha = 0.1", "ucb, c = 2"):
        ours = measured(other, 2000, 4)
        z = (ours.mean(axis=1) - published) / (ours.std(axis=1, ddof=1) / math.sqrt(2000))
        assert np.abs(z).max() > 4, other


def test_the_figures_show_the_published_numbers():
    """Figures 4.2 and 4.3 as committed, 20 groups of 100 runs: 10 comparisons, false failure 6.3e-5 each."""
    figures = Path(__file__).parents[1] / "figures"
    rows = []
    with np.load(figures / "fig_04_2_epsilon_greedy.npz") as data:
        for i, player in enumerate(("greedy", "epsilon 0.01", "epsilon 0.1")):
            rows.append((data["reward"][i][:, -100:].mean(axis=1), SIMULATED[player][0]))
            rows.append((data["optimal"][i][:, -1], SIMULATED[player][1]))
    with np.load(figures / "fig_04_3_optimism.npz") as data:
        for i, player in enumerate(("optimistic, Q1 = 5, alpha = 0.1", "epsilon 0.1, alpha = 0.1")):
            rows.append((data["optimal"][i][:, -1], SIMULATED[player][1]))
        for i, player in enumerate(("ucb, c = 2", "epsilon 0.1")):
            rows.append((data["reward"][i][:, -100:].mean(axis=1), SIMULATED[player][0]))
    for ours, (mean, se) in rows:
        z = (ours.mean(dtype=float) - mean) / math.hypot(ours.std(ddof=1) / math.sqrt(20), se)
        assert abs(z) <= 4


def test_the_best_of_ten_arms_pays_1_538753():
    assert expected_best(10) == pytest.approx(1.538753, abs=5e-7)


@pytest.mark.parametrize(("epsilon", "reward", "optimal"), [(0.1, 1.384877, 0.91), (0.01, 1.523365, 0.991)])
def test_ceilings_of_epsilon_greedy(epsilon, reward, optimal):
    """Whoever knows the means and still explores: the explored arm pays 0 on average, and is the best one in ten."""
    assert (1 - epsilon) * expected_best(10) == pytest.approx(reward, abs=1e-6)
    assert 1 - epsilon + epsilon / 10 == pytest.approx(optimal, abs=1e-12)


@pytest.mark.parametrize(("epsilon", "ceiling"), [(0.1, 1.384877), (0.01, 1.523365)])
def test_a_player_who_knows_the_means_reaches_the_ceiling(epsilon, ceiling):
    """Without noise one look at each arm tells all. 4,000 runs; 4 standard errors: false failure 6.3e-5 each."""
    rng = np.random.default_rng(6)
    bandit = GaussianBandit(rng.standard_normal((4000, 10)), sd=0.0)
    pulls = epsilon_greedy_bandit(bandit, steps=60, epsilon=epsilon, Q1=10.0, rng=rng)
    late = pulls.reward[30:].astype(float).mean(axis=0)
    assert abs(late.mean() - ceiling) <= 4 * late.std(ddof=1) / math.sqrt(4000)
    best = pulls.optimal[30:].mean(axis=0)
    wanted = 1 - 0.9 * epsilon
    assert abs(best.mean() - wanted) <= 4 * best.std(ddof=1) / math.sqrt(4000)
