"""Figure 7.1: n-step TD on the walk of 19 states: the error over the first ten episodes, for each n and step size.

One walk a run serves all n and all step sizes, so the curves differ by what they make of it, not by luck.
"""

import numpy as np

from rlcore.algorithms.n_step import n_step_td_from
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.tapes import record
from rlcore.problems.chains import random_walk

WALK, ALWAYS = random_walk(19, left=-1.0), np.zeros(21, int)
STEPS = 2 ** np.arange(10)
ALPHAS = np.concatenate([np.linspace(0, 0.08, 5), np.linspace(0.1, 1, 19)])
EPISODES, RUNS = 10, 100
SHADES = (
    "#440154",
    "#46327E",
    "#365C8D",
    "#277F8E",
    "#1FA187",
    "#4AC16D",
    "#A0A032",
    "#C8851E",
    "#C2521B",
    "#8C1A1A",
)
TOP = 0.56


def compute(seeds=(7,)):
    """Root mean square error, averaged over states and episodes.   -> (n, runs, alphas)"""
    truth = policy_value(WALK, ALWAYS)[1:-1]
    rng = np.random.default_rng(seeds[0])
    tape = record(WALK, ALWAYS, episodes=EPISODES, runs=RUNS, rng=rng)
    error = np.empty((len(STEPS), RUNS, len(ALPHAS)))
    for i, n in enumerate(STEPS):
        trace = n_step_td_from(tape, alpha=ALPHAS[:, None], gamma=1.0, n=int(n)).trace
        error[i] = np.sqrt(((trace[..., 1:-1] - truth) ** 2).mean(axis=-1)).mean(axis=0).T
    return {"error": error}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(11, 6.5)
    for n, y, colour in zip(STEPS, data["error"], SHADES):
        name = f"n = {n}" if n < 64 else str(n)  # the last ones stand close together
        u_curve(
            ax, Curve(ALPHAS, y), name, colour, side={128: "left", 256: "left", 512: "right"}.get(n, "center")
        )
    ax.set(xlim=(0, 1.08), ylim=(0.22, TOP), xlabel="step size $\\alpha$")
    ax.set_ylabel("RMS error, mean of 19 states and 10 episodes")
    ax.set_title(f"n-step TD on the random walk: mean of {RUNS} runs and its 95% interval", pad=26)
    ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure


def u_curve(ax, curve, name, colour, side):
    """A line with its interval, named where it leaves the picture."""
    ax.plot(curve.x, curve.mean, color=colour, label=name)
    ax.fill_between(curve.x, *curve.interval, color=colour, alpha=0.2, linewidth=0)
    last = np.flatnonzero(curve.mean < TOP)[-1]
    at_top = last < len(curve.x) - 1
    place = {"ha": "left", "va": "center", "xytext": (6, 0)}
    x, y = curve.x[last], curve.mean[last]
    if at_top:
        share = (TOP - y) / (curve.mean[last + 1] - y)
        x, y = x + share * (curve.x[last + 1] - x), TOP
        place = {"ha": side, "va": "bottom", "xytext": (0, 4)}
    ax.annotate(
        name, (x, y), textcoords="offset points", color=colour, fontsize=12, annotation_clip=False, **place
    )
