"""Figure 8.6: Baird's star (Sutton & Barto, Figures 11.2 and 11.5): the semi-gradient runs away, TDC does not."""

from itertools import islice

import numpy as np

from rlcore.algorithms.gradient_td import expected_td, off_policy_td, tdc
from rlcore.exact.linear import projected_bellman_error, value_error
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.features import Rows
from rlcore.problems.counterexamples import baird

RUNS, STEPS, EVERY = 30, 1000, 10
ALL = np.full(7, 1 / 7)


def compute(seeds=(0,)):
    """Roots of value error and projected error, (runs, 101) each; the weights of dynamic programming (1001, 8)."""
    star = baird()
    sweeps = expected_td(star.mdp, star.target, star.features, star.w0, alpha=0.01, d=ALL)
    data = {"w": np.stack(list(islice(sweeps, STEPS + 1)))}
    args = {"steps": STEPS, "gamma": 0.99, "runs": RUNS, "w0": star.w0, "every": EVERY}
    learners = {"semi": (off_policy_td, {"alpha": 0.01}), "tdc": (tdc, {"alpha": 0.005, "beta": 0.05})}
    for name, (learner, rates) in learners.items():
        rng = np.random.default_rng([*seeds, 86])
        run = learner(star.mdp, star.target, star.behaviour, Rows(star.features), rng=rng, **args, **rates)
        w = np.concatenate([np.tile(star.w0, (1, RUNS, 1)), run.trace])  # (101, runs, 8)
        data[f"{name}_ve"] = np.sqrt(value_error(w @ star.features.T, np.zeros(7), ALL).T)
        error = projected_bellman_error(star.mdp, star.target, star.features, w, ALL)
        data[f"{name}_pbe"] = np.sqrt(error.T)
    return data


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(14, 5.2, columns=2)
    names = {"weights 1 to 6": 0, "weight 7, the lower state's": 6, "weight 8, shared": 7}
    lines = {name: data["w"][:, d] for name, d in names.items()}
    plots.plot_curves(lines, xlabel="sweeps", ylabel="weight", legend="upper left", ax=left)
    left.set(title="dynamic programming, no samples: $\\alpha$ = 0.01")
    x = np.arange(0, STEPS + 1, EVERY)
    curves = {
        "semi-gradient TD, value error": Curve(x, data["semi_ve"]),
        "semi-gradient TD, projected error": Curve(x, data["semi_pbe"]),
        "TDC, value error": Curve(x, data["tdc_ve"]),
        "TDC, projected error": Curve(x, data["tdc_pbe"]),
    }
    plots.plot_curves(
        curves,
        xlabel="steps",
        ylabel="root of the error, mean of 30 runs",
        log=True,
        legend="lower left",
        ax=right,
    )
    right.set(ylim=(0.01, 2000), title="learning from samples")
    return figure
