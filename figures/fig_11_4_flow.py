"""Figure 11.4: PPO as a diagram, each box a call in the loop of `ppo`, in the order in which the code makes them."""

import inspect

import numpy as np

from rlcore.algorithms.ppo import ppo
from rlcore.lab import flow, plots

CALLS = {  # what the loop calls: what that does, and where the box stands
    "walk": ("the policy walks:\nstates, actions, rewards, log π(old)", 0.0, 3),
    "judged": ("the critic judges:\nadvantages, and targets A + V", 0.0, 2),
    "minibatches": ("shuffle the steps,\nhand them out in parts", 1.0, 3),
    "policy_gradient": ("clip or penalty, less entropy:\ngradient of the policy's loss", 1.0, 2),
    "adam.step": ("shorten it if it is too long,\nstep: the policy becomes new", 1.0, 1),
    "value_gradient": ("squared distance to the targets:\ngradient of the critic's loss", 2.0, 2),
    "adam_critic.step": ("shorten it if it is too long,\nstep: the critic", 2.0, 1),
    "report": ("KL(old || new), clip fraction,\nzero gradients, entropy", 0.0, 1),
    "surrogate.adapted": ("the price of divergence,\nif it has a target", 0.0, 0),
    "mean_score": ("now and then: play 100 episodes,\nand stop if it is good enough", 1.0, 0),
}
DOWN = [  # the arrows that go straight down
    ("walk", "judged"),
    ("minibatches", "policy_gradient"),
    ("policy_gradient", "adam.step"),
    ("value_gradient", "adam_critic.step"),
    ("report", "surrogate.adapted"),
]
W, H = flow.WIDTH, flow.HEIGHT


def compute(seeds=()):
    """Where each call stands among the calls of the loop, from the source of `ppo`.   -> (10,)"""
    loop = inspect.getsource(ppo).split("while ", 1)[1]
    return {"order": flow.order(loop, CALLS)}


def check(data):
    """The boxes are those of the code, in its order."""
    np.testing.assert_array_equal(compute()["order"], np.arange(len(CALLS)))
    np.testing.assert_array_equal(data["order"], np.arange(len(CALLS)))


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(14.5, 8)
    flow.frame(ax, 0.52, 0.55, 1.96, 2.92)
    ax.text(
        1.98, 3.1, "several epochs\non the same steps", ha="center", va="center", fontsize=13, style="italic"
    )
    flow.boxes(ax, CALLS)
    at = {name: (x, y) for name, (_, x, y) in CALLS.items()}
    for a, b in DOWN:
        flow.upright(ax, at[a], at[b])
    flow.arrow(ax, [(W / 2, 2.0), (0.47, 2.0), (0.47, 3.0), (1 - W / 2, 3.0)])
    flow.arrow(ax, [(1 + W / 2, 3.0), (1.5, 3.0), (1.5, 2.0), (2 - W / 2, 2.0)])
    flow.arrow(ax, [(1 - W / 2, 1.0), (W / 2, 1.0)])
    flow.arrow(ax, [(W / 2, 0.0), (1 - W / 2, 0.0)])
    flow.arrow(ax, [(1 + W / 2, 0.0), (2.56, 0.0), (2.56, 3.72), (0.0, 3.72), (0.0, 3 + H / 2)])
    ax.text(
        1.28, 3.78, "again, until the steps are spent", ha="center", va="bottom", fontsize=13, style="italic"
    )
    ax.set(xlim=(-0.47, 2.6), ylim=(-0.4, 3.95), xlabel="from the walk to the update", ylabel="step by step")
    ax.set_axis_off()
    return figure
