"""Figure 15.1: DPO as a diagram, each box a call, in the order in which the code makes them."""

import inspect
from itertools import pairwise

import numpy as np

from rlcore.lab import flow, plots
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
W, H = flow.WIDTH, flow.HEIGHT


def compute(seeds=()):
    """Where each call stands in the source, `pair_gradient` put where it is called.   -> (9,)"""
    before, rest = inspect.getsource(train_dpo).split('"""', 2)[2].split("pair_gradient(", 1)
    parts = [inspect.getsource(f).split('"""', 2)[2] for f in (compare, pair_gradient)]
    text = parts[0] + before + parts[1] + rest
    return {"order": flow.order(text, CALLS)}


def check(data):
    """The boxes are those of the code, in its order."""
    np.testing.assert_array_equal(compute()["order"], np.arange(len(CALLS)))
    np.testing.assert_array_equal(data["order"], np.arange(len(CALLS)))


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(13.5, 6.4)
    for left, width, title, colour in (
        (-0.48, 0.96, "once, before", "#FFF8EC"),
        (0.52, 1.96, "again and again, on the same pairs", "#F1F5F9"),
    ):
        flow.frame(ax, left, -0.5, width, 3.0, colour)
        ax.text(left + width / 2, 2.66, title, ha="center", va="center", fontsize=13, style="italic")
    flow.boxes(ax, CALLS)
    for x, rows in ((0.0, (2, 1, 0)), (1.0, (2, 1, 0)), (2.0, (0, 1, 2))):
        for a, b in pairwise(rows):
            flow.upright(ax, (x, a), (x, b))
    flow.arrow(ax, [(W / 2, 0.0), (0.5, 0.0), (0.5, 2.0), (1 - W / 2, 2.0)])
    flow.arrow(ax, [(1 + W / 2, 0.0), (2 - W / 2, 0.0)])
    flow.arrow(ax, [(2 - W / 2, 2.0), (1 + W / 2, 2.0)])
    missing = "Not among them: a reward model, a response drawn on the way, an older policy, a clip."
    ax.text(1.0, -0.72, missing, ha="center", va="center", fontsize=13)
    ax.set(xlim=(-0.52, 2.52), ylim=(-0.85, 2.82), xlabel="from pairs to the policy", ylabel="call by call")
    ax.set_axis_off()
    return figure
