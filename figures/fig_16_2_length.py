"""Figure 16.2: the mean length of right and wrong answers where length is worth nothing, under three losses.

Exact: expected gradients over every response, advantages as in an infinite group, 400 steps."""

import numpy as np

from rlcore.lab import plots
from rlcore.lm.grpo import mean_of_means, over_longest, token_mean
from rlcore.lm.models import sequence_logp, token_logp
from rlcore.lm.rambling import everything, rambler, rambling
from rlcore.nn.optim import SGD

STEPS = 400
LOSSES = {"1 / length": mean_of_means, "1 / all tokens": token_mean, "1 / longest": over_longest}


def compute(seeds=()):
    """length (losses, 2, STEPS + 1): mean length of the wrong and of the right answers;  right (losses, STEPS + 1)"""
    task = rambling()
    prompt, response = everything(task.language)
    counts, r = task.language.counts(response), task.reward(prompt, response)
    n = counts.sum(axis=1)
    length, right = np.empty((3, 2, STEPS + 1)), np.empty((3, STEPS + 1))
    for i, weight in enumerate(LOSSES.values()):
        model, optimiser = rambler(task.language), SGD(1.0)
        for step in range(STEPS + 1):
            pi = np.exp(sequence_logp(model, prompt, response)[0])
            p = pi @ r
            length[i, :, step] = [pi[r == k] @ n[r == k] / pi[r == k].sum() for k in (0, 1)]
            right[i, step] = p
            A = (r - p) / np.sqrt(p * (1 - p))
            share = _share(weight, counts, pi, task.language.length)
            optimiser.step(model.params, token_logp(model, prompt, response)[1](-share * A[:, None]))
    return {"length": length, "right": right}


def _share(weight, counts, pi, longest):
    """What a token weighs on average, if batches are infinite: pi(y) times its weight.   -> (N, L)"""
    if weight is token_mean:
        return counts * pi[:, None] / (pi @ counts.sum(axis=1))
    return weight(counts, longest) * len(counts) * pi[:, None]


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    x = np.arange(STEPS + 1)
    lines = {name: (x, y) for name, y in zip(LOSSES, data["length"][:, 0])}
    plots.plot_curves(
        lines, xlabel="gradient steps", ylabel="mean length (tokens)", legend="lower left", ax=left
    )
    left.set(title="Wrong answers", ylim=(2, 7))
    lines = {name: (x, y) for name, y in zip(LOSSES, data["length"][:, 1])}
    plots.plot_curves(
        lines, xlabel="gradient steps", ylabel="mean length (tokens)", legend="upper right", ax=right
    )
    right.set(title="Right answers", ylim=(2, 7))
    return figure
