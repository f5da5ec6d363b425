"""Figure 8.1: the 1000-state walk on ten weights (Sutton & Barto, Figures 9.1 and 9.2), exactly and learned."""

import numpy as np

from rlcore.algorithms.linear import gradient_mc, lstd, semi_gradient_td
from rlcore.exact.linear import best_fit, on_policy_distribution, td_fixed_point, value_error
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.features import equal_groups, feature_matrix
from rlcore.problems.chains import big_random_walk

RUNS, EPISODES = 20, 80
LEARNERS = {  # name: learner, alpha
    "gradient MC, $\\alpha$ = 0.002": (gradient_mc, 0.002),
    "TD(0), $\\alpha$ = 0.05": (semi_gradient_td, 0.05),
    "TD(0), $\\alpha$ = 0.2": (semi_gradient_td, 0.2),
    "LSTD": (lstd, None),
}


def compute(seeds=(0,)):
    """Exact values, visits and limits (S,); root of the value error of each learner (runs, episodes)."""
    walk, stay, features = big_random_walk(), np.zeros(1002, int), equal_groups(1002, 10)
    V, mu = policy_value(walk, stay), on_policy_distribution(walk, stay)
    X, inner = feature_matrix(features, np.arange(1002)), slice(1, -1)
    data = {
        "V": V[inner],
        "mu": mu[inner],
        "best": (X @ best_fit(X[inner], V[inner], mu[inner]))[inner],
        "td": (X @ td_fixed_point(walk, stay, X, mu))[inner],
    }
    args = {"episodes": EPISODES, "gamma": 1.0, "runs": RUNS}
    for i, (learner, alpha) in enumerate(LEARNERS.values()):
        more = {"ridge": 1.0} if alpha is None else {"alpha": alpha}
        run = learner(walk, stay, features, rng=np.random.default_rng([*seeds, 81]), **args, **more)
        error = value_error((run.trace @ X.T)[..., inner], V[inner], mu[inner])
        data[f"error_{i}"] = np.sqrt(error.T)
    return data


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5.4, columns=2)
    state = np.arange(1, 1001)
    lines = {
        "true value": (state, data["V"]),
        "best fit: gradient MC's limit": (state, data["best"]),
        "TD's limit": (state, data["td"]),
    }
    plots.plot_curves(lines, xlabel="state", ylabel="value", legend="upper left", ax=left)
    height = np.minimum(200 * data["mu"], 0.5)  # the start, visited by every walk, is cut off
    left.fill_between(state, -1.1, -1.1 + height, color="#CCCCCC", linewidth=0, step="mid")
    left.text(700, -0.98, "share of visits", ha="center", fontsize=plots.SMALL)
    left.set(ylim=(-1.1, 1.1), title="ten weights for 1000 states")
    curves = {name: Curve(np.arange(1, EPISODES + 1), data[f"error_{i}"]) for i, name in enumerate(LEARNERS)}
    plots.plot_curves(
        curves,
        xlabel="episodes",
        ylabel="root of the value error, mean of 20 runs",
        legend="upper right",
        ax=right,
    )
    for key, name, height in (("best", "best fit", -12), ("td", "TD's limit", 6)):
        level = np.sqrt(((data[key] - data["V"]) ** 2) @ data["mu"])
        right.axhline(level, color="#777777", linewidth=1.2, linestyle=":", label="_")
        right.annotate(
            name,
            (EPISODES, level),
            xytext=(-2, height),
            textcoords="offset points",
            ha="right",
            fontsize=plots.SMALL,
        )
    right.set(ylim=(0, 0.6), title="learning them")
    return figure
