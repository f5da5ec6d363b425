"""Figure 9.1: the short corridor: what a coin is worth, and REINFORCE looking for the best.

Sutton & Barto, Figures 13.1 and 13.2: their step sizes are those of ours, and of their box with a baseline. About
10 seconds. Means of 100 runs; what single runs do is left to chance, so `check` compares means with their
standard errors.
"""

import math

import numpy as np

from rlcore.algorithms.linear_reinforce import linear_reinforce
from rlcore.exact.gradients import performance
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.chains import Blindfold, short_corridor

POWERS = (-12, -13, -14)  # alpha = 2^power
RUNS, EPISODES, BIN = 100, 1000, 10
POOR = np.log([[0.95, 0.05]])  # to begin with: right once in twenty steps
BOX, CAP = (2**-9, 2**-6), 5000  # alpha, alpha_w of the box; steps after which an episode is given up
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


def by_the_box(alpha, alpha_w, runs, episodes, seed):
    """The textbook's box: preferences and baseline move after each step of the episode.   -> (runs, episodes)

    An episode that is given up ends its run: the returns from there on are -CAP.
    """
    rng, succ = np.random.default_rng(seed), short_corridor().P.argmax(axis=2).tolist()
    returns = np.full((runs, episodes), -float(CAP))
    for run in returns:
        log_odds, w = POOR[0, 1] - POOR[0, 0], 0.0
        for k in range(episodes):
            p, s, action = (1 + math.tanh(log_odds / 2)) / 2, 0, []
            while s < 3 and len(action) < CAP:
                action.append(int(rng.random() < p))
                s = succ[s][action[-1]]
            if s < 3:
                break
            run[k] = -len(action)
            for t, a in enumerate(action):
                error = t - len(action) - w
                log_odds += (
                    2 * alpha * error * (a - (1 + math.tanh(log_odds / 2)) / 2)
                )  # both preferences move
                w += alpha_w * error
    return returns


def compute(seeds=(0,)):
    """p, J (K,): the exact curve;  returns (powers, runs, episodes / 10);  of the box, box (runs, episodes / 10)

    lost (2,) int: the runs of the box that are given up, with the baseline and without.
    """
    p, seed = np.linspace(0.02, 0.98, 97), seeds[0]
    returns = learn(POWERS, RUNS, EPISODES, seed)
    box, bare = by_the_box(*BOX, RUNS, EPISODES, seed), by_the_box(BOX[0], 0.0, RUNS, EPISODES, seed)
    return {
        "p": p,
        "J": worth(p),
        "returns": returns.astype(np.float32),
        "box": box.reshape(RUNS, -1, BIN).mean(axis=2).astype(np.float32),
        "lost": np.array([(x[:, -1] == -CAP).sum() for x in (box, bare)]),
    }


def check(data):
    """The exact curve to 1e-9; 40 fresh runs, of 40 episodes and of 100, within 4 standard errors of the committed.

    Two comparisons: a right program fails under a new seed with probability 1.3e-4.
    """
    np.testing.assert_allclose(data["J"], worth(data["p"]), rtol=1e-9)
    assert data["returns"].shape == (len(POWERS), RUNS, EPISODES // BIN)
    assert data["box"].shape == (RUNS, EPISODES // BIN)
    fresh = learn(POWERS[:1], 40, 40, seed=1)[0].mean(axis=1)
    agree(fresh, data["returns"][0, :, :4].mean(axis=1))
    agree(by_the_box(*BOX, 40, 100, seed=1)[:, 50:].mean(axis=1), data["box"][:, 5:10].mean(axis=1))


def agree(fresh, old):
    """Two means within 4 standard errors of each other."""
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
    lines["the box, $2^{-9}$, baseline $2^{-6}$"] = Curve(x, data["box"])
    plots.plot_curves(lines, xlabel="episode", ylabel="return of an episode", legend="lower right", ax=right)
    right.axhline(V_BEST, color="black", linestyle=":", linewidth=1.2)
    right.text(EPISODES, V_BEST + 1, "the best coin", ha="right", va="bottom")
    right.set(ylim=(-90, 0), title="REINFORCE by step size $\\alpha$")
    return figure
