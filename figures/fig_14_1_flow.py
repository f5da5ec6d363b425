"""Figure 14.1: RLHF as a diagram: three stages, each box a call, in the order in which the code makes them."""

import inspect
from itertools import pairwise

import numpy as np

from rlcore.lab import flow, plots
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import comparison_gradient
from rlcore.lm.rlhf import rlhf
from rlcore.lm.sft import sft

STAGES = (sft, compare, comparison_gradient, rlhf)
CALLS = {  # what is called: what that does, and where the box stands
    "token_logp": ("how likely the model finds\nan answer that was shown", 0.0, 2),
    "sequence_nll": ("the loss: how surprised\nit is, in nats", 0.0, 1),
    "adam.step": ("the model imitates:\nit is the reference now", 0.0, 0),
    "sample": ("the reference answers\na prompt twice", 1.04, 2),
    "preference": ("a rater chooses: prompt,\nchosen, rejected", 1.04, 1),
    "bradley_terry": ("the reward model learns\nto agree with the rater", 1.04, 0),
    "speak": ("the policy answers, the\nreward model scores", 2.08, 2),
    "state_value": ("what the critic expected,\ntoken by token", 2.08, 1),
    "token_advantage": ("score and prices: which token\ndid better than expected?", 2.08, 0),
    "policy_gradient": ("what did better becomes\nlikelier; ratios are clipped", 3.08, 0),
    "value_gradient": ("the critic learns\nwhat came", 3.08, 1),
    "price.adapted": ("the price of leaving,\nif it has a target", 3.08, 2),
}
W, H = flow.WIDTH, flow.HEIGHT
FRAMES = (
    (-0.48, 0.96, "1. show: supervised fine-tuning", "#FFF8EC"),
    (0.56, 0.96, "2. ask: preferences, reward model", "#EFF7F1"),
    (1.6, 1.96, "3. raise the learned reward, and stay near: PPO", "#F1F5F9"),
)


def compute(seeds=()):
    """Where each call stands in the source of the stages, one behind the other.   -> (12,)"""
    text = "".join(inspect.getsource(stage).split('"""', 2)[2] for stage in STAGES)
    return {"order": flow.order(text, CALLS)}


def check(data):
    """The boxes are those of the code, in its order."""
    np.testing.assert_array_equal(compute()["order"], np.arange(len(CALLS)))
    np.testing.assert_array_equal(data["order"], np.arange(len(CALLS)))


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(15.5, 6.4)
    middle = {"ha": "center", "va": "center", "fontsize": 13, "style": "italic"}
    for left, width, title, colour in FRAMES:
        flow.frame(ax, left, -0.48, width, 3.06, colour)
        ax.text(left + width / 2, 2.74, title, **middle)
    flow.boxes(ax, CALLS)
    for x, rows in ((0.0, (2, 1, 0)), (1.04, (2, 1, 0)), (2.08, (2, 1, 0)), (3.08, (0, 1, 2))):
        for a, b in pairwise(rows):
            flow.upright(ax, (x, a), (x, b))
    for x in (0.0, 1.04):  # from the end of a stage to the beginning of the next
        flow.arrow(ax, [(x + W / 2, 0.0), (x + 0.52, 0.0), (x + 0.52, 2.0), (x + 1.04 - W / 2, 2.0)])
    flow.arrow(ax, [(2.08 + W / 2, 0.0), (3.08 - W / 2, 0.0)])
    flow.arrow(ax, [(3.08 - W / 2, 2.0), (2.08 + W / 2, 2.0)])
    said = "Only in stage 2 is anybody asked. The policy never sees what raters want, only what was learned of it."
    ax.text(1.54, -0.68, said, **middle | {"style": "normal"})
    ax.set(
        xlim=(-0.52, 3.6),
        ylim=(-0.82, 2.9),
        xlabel="from answers that were shown to the policy",
        ylabel="call by call",
    )
    ax.set_axis_off()
    return figure
