"""Figure 9.2: the total variance of five estimators of one gradient: exact bars, sampled dots beside them."""

import numpy as np

from rlcore.exact.gradients import advantage
from rlcore.exact.moments import moments, trajectories
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.estimators import (
    exact_advantage,
    full_return,
    gradient_estimate,
    reward_to_go,
    with_baseline,
)
from rlcore.numerics import softmax
from rlcore.problems.chains import two_state
from rlcore.problems.clock import at_any_time, with_clock

HORIZON, GAMMA = 6, 0.9
PROBLEM = with_clock(two_state(), HORIZON)
THETA = at_any_time(np.array([[0.2, -0.1], [0.0, 0.5]]), HORIZON)
NAMES = ("full return", "reward-to-go", "less a constant", "less V(s)", "exact advantage")
BATCHES, BATCH = 20, 500


def weights():
    """name -> walks -> (T, N)"""
    pi = softmax(THETA)
    V, A = policy_value(PROBLEM, pi), advantage(PROBLEM, pi)
    constant = np.full(len(V), PROBLEM.start @ V)
    functions = (
        lambda w: full_return(w, gamma=GAMMA),
        lambda w: reward_to_go(w, gamma=GAMMA),
        lambda w: with_baseline(w, constant, gamma=GAMMA),
        lambda w: with_baseline(w, V, gamma=GAMMA),
        lambda w: exact_advantage(w, A),
    )
    return dict(zip(NAMES, functions))


def compute(seeds=(0,)):
    """exact (2, 5): with gamma^t, without;  sampled (2, 5, batches): the variance in batches of 500 episodes"""
    rng = np.random.default_rng(seeds[0])
    pi = softmax(THETA)
    walks = trajectories(PROBLEM, pi, HORIZON)
    drawn = rng.choice(len(walks.probability), (BATCHES, BATCH), p=walks.probability)
    exact, sampled = np.zeros((2, 5)), np.zeros((2, 5, BATCHES))
    for i, base in enumerate((GAMMA, 1.0)):
        for j, (name, weight) in enumerate(weights().items()):
            factor = 1.0 if name == "full return" else base

            def estimator(w, weight=weight, factor=factor):
                g = gradient_estimate(w, pi, weight(w), factor)
                return g.reshape(len(g), -1, 2, 2).sum(axis=1)  # a preference for all times

            exact[i, j] = np.trace(moments(PROBLEM, pi, estimator, HORIZON)[1])
            sampled[i, j] = estimator(walks)[drawn].var(axis=1, ddof=1).sum(axis=(1, 2))
    return {"exact": exact, "sampled": sampled}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10.5, 5.4)
    x = np.arange(5)
    for i, (name, colour, hatch) in enumerate(
        (
            ("with $\\gamma^t$: the gradient of J", plots.OKABE_ITO[0], ""),
            ("without: another vector", "#BBBBBB", "//"),
        )
    ):
        first = i  # without gamma^t there is no full return of its own
        at = x[first:] + (0.4 * i - 0.2) * (x[first:] > 0)
        ax.bar(at, data["exact"][i, first:], 0.38, color=colour, hatch=hatch, edgecolor="white", label=name)
        low, high = Curve(x, data["sampled"][i].T).interval[:, first:]
        middle = data["sampled"][i, first:].mean(axis=1)
        ax.errorbar(
            at,
            middle,
            (middle - low, high - middle),
            fmt="o",
            color="black",
            capsize=4,
            markersize=5,
            linewidth=1.5,
        )
        for a, height, top in zip(at, data["exact"][i, first:], high):
            ax.text(a, max(height, top) + 0.5, f"{height:.2f}", ha="center")
    ax.set_xticks(x, NAMES)
    ax.legend(loc="upper right")
    ax.set(xlabel="weight of a step's score", ylabel="total variance of one episode's estimate", ylim=(0, 43))
    ax.set_title("bars: exact; dots: 20 batches of 500 episodes, with 95% intervals")
    return figure
