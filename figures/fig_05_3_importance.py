"""Figure 5.3: ordinary and weighted importance sampling of one hand of blackjack (Sutton & Barto, Figure 5.3)."""

import numpy as np

from rlcore.algorithms.monte_carlo import weighed_returns
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.returns import ordinary_average, weighted_average
from rlcore.problems.blackjack import Blackjack, blackjack_mdp, state_of, stick_from

RUNS, GAMES = 1000, 1000
HAND = state_of(13, True, 2)


def second_moment(mdp, pi, b):
    """E[(W G)^2] of each hand: M(s) = sum_a pi^2 / b sum_s' P (R^2 + M(s')), as only the last step pays.   (203,)"""
    weight = pi**2 / b
    P, paid = (np.einsum("sa,san->sn", weight, mdp.P * table) for table in (1.0, mdp.R**2))
    live = ~mdp.terminal
    return np.linalg.solve(np.eye(live.sum()) - P[np.ix_(live, live)], paid.sum(axis=1)[live])


def compute(seeds=(0,)):
    """Squared errors of both averages after 1, 2, ..., 1,000 games, at 40 places; and what to expect of one."""
    mdp, pi, coin = blackjack_mdp(), np.eye(2)[stick_from(20)], np.full((203, 2), 0.5)
    V = policy_value(mdp, pi)[HAND]
    W, G = weighed_returns(
        Blackjack(start=HAND),
        pi,
        coin,
        episodes=GAMES,
        gamma=1.0,
        rng=np.random.default_rng(seeds[0]),
        runs=RUNS,
    )
    n = np.unique(np.geomspace(1, GAMES, 40).round().astype(int))
    averages = {"ordinary": ordinary_average(W, G), "weighted": weighted_average(W, G)}
    errors = {name: (x[:, n - 1] - V) ** 2 for name, x in averages.items()}  # (RUNS, K) each
    return {"n": n, **errors, "exact": (second_moment(mdp, pi, coin)[HAND] - V**2) / n}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.6)
    lines = {f"{name} average": Curve(data["n"], data[name]) for name in ("ordinary", "weighted")}
    lines["ordinary average, exactly: variance / games"] = (data["n"], data["exact"])
    plots.plot_curves(
        lines,
        xlabel="games of the coin that were seen",
        ylabel="mean squared error",
        log=True,
        legend="upper right",
        ax=ax,
    )
    ax.set(xscale="log", xlim=(1, GAMES), ylim=(5e-3, 5e1))
    ax.set_title(f"13 with a usable ace against a 2, {RUNS:,} runs; bands: 95% intervals of the mean")
    return figure
