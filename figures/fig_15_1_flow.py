"""Figure 15.1: DPO as a diagram, each box a call, in the order in which the code makes them."""

import inspect
import re

import numpy as np
from matplotlib.patches import FancyBboxPatch

from rlcore.lab import plots
from rlcore.lm.dpo import pair_gradient, train_dpo
from rlcore.lm.raters import compare

CALLS = {  # what is called: what that does, and where the box stands
    "sample": ("the reference says two\nresponses to a prompt", 0.0, 2),
    "preference": ("a rater chooses one:\nprompt, chosen, rejected", 0.0, 1),
    "reference_logp": ("log ref of both, once\nand for all", 0.0, 0),
    "rng.integers": ("some of the pairs", 1.0, 2),
    "sequence_logp": ("log π of both: the sum\nover their tokens", 1.0, 1),
    "cfg.loss": ("−log sigmoid(βh), and its\nslope for both", 1.0, 0),
    "back": ("from two log-probabilities\nto all parameters", 2.0, 0),
    "adam.step": ("the policy becomes new", 2.0, 1),
    "judge": ("for the reader only:\nwhat the policy is worth", 2.0, 2),
}
W, H = 0.84, 0.66  # of a box


def compute(seeds=()):
    """Where each call stands in the source, `pair_gradient` put where it is called.   -> (9,)"""
    before, rest = inspect.getsource(train_dpo).split('"""', 2)[2].split("pair_gradient(", 1)
    parts = [inspect.getsource(f).split('"""', 2)[2] for f in (compare, pair_gradient)]
    text = parts[0] + before + parts[1] + rest
    place = [re.search(rf"(?<![\w.]){re.escape(name)}\(", text).start() for name in CALLS]
    return {"order": np.argsort(np.argsort(place))}


def check(data):
    """The boxes are those of the code, in its order."""
    np.testing.assert_array_equal(compute()["order"], np.arange(len(CALLS)))
    np.testing.assert_array_equal(data["order"], np.arange(len(CALLS)))


def box(ax, x, y, name, said):
    shape = FancyBboxPatch((x - W / 2, y - H / 2), W, H, boxstyle="round,pad=0,rounding_size=0.06")
    shape.set(facecolor="white", edgecolor=plots.OKABE_ITO[0], linewidth=1.8, zorder=2)
    ax.add_patch(shape)
    ax.text(
        x, y + 0.17, name, family="DejaVu Sans Mono", fontweight="bold", ha="center", va="center", zorder=3
    )
    ax.text(x, y - 0.11, said, fontsize=11.5, ha="center", va="center", zorder=3)


def arrow(ax, points):
    """A line through the points, with a head at its end."""
    ax.plot(*zip(*points[:-1]), color="black", linewidth=1.8, zorder=1, label="_arrow")
    style = {"arrowstyle": "-|>", "linewidth": 1.8, "color": "black", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", points[-1], points[-2], arrowprops=style)


def frame(ax, x, width, title, colour):
    shape = FancyBboxPatch((x, -0.5), width, 3.0, boxstyle="round,pad=0,rounding_size=0.08")
    shape.set(facecolor=colour, edgecolor="#8899AA", linewidth=1.4, zorder=0)
    ax.add_patch(shape)
    ax.text(x + width / 2, 2.66, title, ha="center", va="center", fontsize=13, style="italic")


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(13.5, 6.4)
    frame(ax, -0.48, 0.95, "once, before", "#FFF8EC")
    frame(ax, 0.53, 1.95, "again and again, on the same pairs", "#F1F5F9")
    for name, (said, x, y) in CALLS.items():
        box(ax, x, y, name, said)
    for x, y, down in (
        (0.0, 2, True),
        (0.0, 1, True),
        (1.0, 2, True),
        (1.0, 1, True),
        (2.0, 0, False),
        (2.0, 1, False),
    ):
        turn = -1 if down else 1
        arrow(ax, [(x, y + turn * H / 2), (x, y + turn * (1 - H / 2))])
    arrow(ax, [(W / 2, 0.0), (0.5, 0.0), (0.5, 2.0), (1 - W / 2, 2.0)])
    arrow(ax, [(1 + W / 2, 0.0), (2 - W / 2, 0.0)])
    arrow(ax, [(2 - W / 2, 2.0), (1 + W / 2, 2.0)])
    missing = "Not among them: a reward model, a response drawn on the way, an older policy, a clip."
    ax.text(1.0, -0.72, missing, ha="center", va="center", fontsize=13)
    ax.set(xlim=(-0.52, 2.52), ylim=(-0.85, 2.82), xlabel="from pairs to the policy", ylabel="call by call")
    ax.set_axis_off()
    return figure
