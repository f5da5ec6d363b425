"""Figure 9.1: the short corridor: what a coin is worth, and REINFORCE looking for the best (S&B, Figure 13.1).

About 30 seconds. Means of 100 runs; what single runs do is left to chance, so `check` compares means with their
standard errors.
"""

import numpy as np

from rlcore.algorithms.linear_reinforce import linear_reinforce
from rlcore.exact.gradients import performance
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.chains import Blindfold, short_corridor

POWERS = (-12, -13, -14)  # alpha = 2^power
RUNS, EPISODES, BIN = 100, 1000, 10
POOR = np.log([[0.95, 0.05]])  # to begin with: right once in twenty steps
BEST, V_BEST = 2 - 2**0.5, -(6 + 4 * 2**0.5)


def worth(p):
    """J of going right with probability p."""
    corridor = Blindfold(short_corridor())
    return np.array([performance(corridor.mdp, corridor.everywhere([1 - q, q])) for q in p])


def learn(powers, runs, episodes, seed):
    """Mean return of ten episodes each.   -> (powers, runs, episodes / 10)"""
    alpha = np.repeat(2.0 ** np.array(powers), runs)
    returns = linear_reinforce(
        Blindfold(short_corridor()), episodes=episodes, alpha=alpha, gamma=1.0, theta=POOR,
        rng=np.random.default_rng(seed), runs=len(alpha),
    ).returns  # fmt: skip
    return returns.reshape(len(powers), runs, -1, BIN).mean(axis=3)


def compute(seeds=(0,)):
    """p, J (K,): the exact curve;  returns (powers, runs, episodes / 10)"""
    p = np.linspace(0.02, 0.98, 97)
    return {"p": p, "J": worth(p), "returns": learn(POWERS, RUNS, EPISODES, seeds[0]).astype(np.float32)}


def check(data):
    """The exact curve to 1e-9; 40 fresh runs of 40 episodes within 4 standard errors of the committed ones.

    One comparison: a right program fails it under a new seed with probability 6.3e-5.
    """
    np.testing.assert_allclose(data["J"], worth(data["p"]), rtol=1e-9)
    assert data["returns"].shape == (len(POWERS), RUNS, EPISODES // BIN)
    fresh = learn(POWERS[:1], 40, 40, seed=1)[0].mean(axis=1)
    old = data["returns"][0, :, :4].mean(axis=1)
    se = np.hypot(fresh.std(ddof=1) / np.sqrt(len(fresh)), old.std(ddof=1) / np.sqrt(len(old)))
    assert abs(fresh.mean() - old.mean()) < 4 * se


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5.2, columns=2, width_ratios=(1, 1.25))
    left.plot(data["p"], data["J"], color=plots.OKABE_ITO[0])
    left.plot([BEST], [V_BEST], "o", color="black", markersize=9)
    left.annotate(
        f"$p = 2 - \\sqrt{{2}}$:\n{V_BEST:.2f}",
        (BEST, V_BEST),
        (0, -58),
        textcoords="offset points",
        ha="center",
    )
    for p, place in ((0.05, "left"), (0.95, "right")):
        left.plot([p], [worth([p])[0]], "s", color=plots.OKABE_ITO[1], markersize=9)
        left.annotate(
            f"{worth([p])[0]:.1f}", (p, worth([p])[0]), (14 if place == "left" else -14, -4),
            textcoords="offset points", ha=place, color=plots.OKABE_ITO[1], fontweight="bold",
        )  # fmt: skip
    left.text(
        0.5,
        -88,
        "squares: $\\varepsilon$-greedy, $\\varepsilon = 0.1$",
        color=plots.OKABE_ITO[1],
        ha="center",
    )
    left.set(xlabel="probability of going right", ylabel="value of the start", ylim=(-100, 0))
    left.set_title("What a coin is worth")
    left.grid(True, color="#DDDDDD", linewidth=0.8)
    x = np.arange(BIN / 2, EPISODES, BIN)
    lines = {f"$\\alpha = 2^{{{k}}}$": Curve(x, y) for k, y in zip(POWERS, data["returns"])}
    plots.plot_curves(lines, xlabel="episode", ylabel="return of an episode", legend="lower right", ax=right)
    right.axhline(V_BEST, color="black", linestyle=":", linewidth=1.2)
    right.text(EPISODES, V_BEST + 1, "the best coin", ha="right", va="bottom")
    right.set(ylim=(-90, 0), title="REINFORCE, three step sizes $\\alpha$")
    return figure
