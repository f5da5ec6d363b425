"""Figure 9.4: REINFORCE on a grid: policies before and after, and what an episode earns with and without a baseline.

About 6 seconds. Means of 50 runs; `check` compares fresh runs by their standard errors.
"""

import numpy as np

from rlcore.algorithms.linear_reinforce import linear_reinforce
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.numerics import softmax
from rlcore.problems.gridworlds import GridWorld

GRID = GridWorld(["S...", "..#.", ".#..", "...G"], gamma=1.0, horizon=100)
PLAYERS = {  # name -> alpha, alpha_w
    "$\\alpha = 0.01$": (0.01, 0.0),
    "$\\alpha = 0.01$, baseline": (0.01, 0.5),
    "$\\alpha = 0.03$": (0.03, 0.0),
    "$\\alpha = 0.03$, baseline": (0.03, 0.5),
}
RUNS, EPISODES = 50, 150


def learn(players, runs, episodes, seed):
    """-> returns (players, runs, episodes), policies of the first run of each (players, S, A)"""
    alpha, alpha_w = np.repeat([PLAYERS[name] for name in players], runs, axis=0).T
    out = linear_reinforce(
        GRID, episodes=episodes, alpha=alpha, alpha_w=alpha_w, gamma=1.0,
        rng=np.random.default_rng(seed), runs=len(alpha),
    )  # fmt: skip
    return out.returns.reshape(len(players), runs, episodes), softmax(out.theta[::runs])


def compute(seeds=(0,)):
    """returns (players, runs, episodes / 5), policy (S, A)"""
    returns, pi = learn(PLAYERS, RUNS, EPISODES, seeds[0])
    return {"returns": returns.reshape(4, RUNS, -1, 5).mean(axis=3).astype(np.float32), "policy": pi[1]}


def check(data):
    """40 fresh runs of 20 episodes within 4 standard errors; a right program fails with probability 6.3e-5."""
    fresh = learn(list(PLAYERS)[1:2], 40, 20, seed=1)[0][0].mean(axis=1)
    old = data["returns"][1, :, :4].mean(axis=1)
    se = np.hypot(fresh.std(ddof=1) / np.sqrt(len(fresh)), old.std(ddof=1) / np.sqrt(len(old)))
    assert abs(fresh.mean() - old.mean()) < 4 * se
    np.testing.assert_allclose(data["policy"].sum(axis=1), 1.0, atol=1e-12)


@plots.house_style()
def draw(data):
    figure, (before, after, curves) = plots.canvas(16, 4.8, columns=3, width_ratios=(1, 1, 1.6))
    plots.plot_policy(GRID, np.full((16, 4), 0.25), ax=before)
    before.set_title("before")
    plots.plot_policy(GRID, data["policy"], ax=after)
    after.set_title("after 150 episodes")
    x = np.arange(2.5, EPISODES, 5)
    lines = {name: Curve(x, y) for name, y in zip(PLAYERS, data["returns"])}
    plots.plot_curves(lines, xlabel="episode", ylabel="return of an episode", ax=curves)
    curves.set(title="means of 50 runs, 95% intervals")
    return figure
