"""Figure 13.1: the reference model of the preference task as a tree, exactly; prompt A, responses of three tokens."""

import numpy as np

from rlcore.lab import plots
from rlcore.lm.evaluate import responses, tokens
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree


def compute(seeds=()):
    """pi (21, 5): of each token after each prefix;  reach (21,): how likely each prefix is;  response (85,)"""
    task = preference_task()
    tree, model = Tree(task.language), reference(task.language)
    pi = np.exp(tokens(model, tree))[0]
    reach = np.ones(tree.n_prefixes)
    for m in range(1, tree.n_prefixes):
        parent, letter = divmod(m - 1, 4)
        reach[m] = reach[parent] * pi[parent, letter]
    return {"pi": pi, "reach": reach, "response": np.exp(responses(model, tree))[0]}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(12, 7.2)
    pi, reach = data["pi"], data["reach"]
    x = np.array([0.0] + [1.0] * 4 + [2.0] * 16)
    y = np.concatenate([[0.0], 7.5 - 5.0 * np.arange(4), 9.4 - 1.25 * np.arange(16) + 0.0])
    names = ["start"] + list("abcd") + [a + b for a in "abcd" for b in "abcd"]
    line = {"solid_capstyle": "round", "zorder": 1, "label": "_branch"}
    for m in range(21):
        for letter in range(5):
            likely = reach[m] * pi[m, letter]
            if letter == 4:  # the end: a short branch downwards, and a square
                end = (x[m] + (0.32 if m else 0.18), y[m] - (4.2 if m == 0 else 0.9 if m < 5 else 0.34))
                look = {"color": plots.OKABE_ITO[1]}
            elif m < 5:
                end = (x[4 * m + letter + 1], y[4 * m + letter + 1])
                look = {"color": plots.OKABE_ITO[0]}
            else:
                end = (x[m] + 0.32, y[m] + 0.36 - 0.16 * letter)
                look = {"color": plots.OKABE_ITO[0]}
            ax.plot([x[m], end[0]], [y[m], end[1]], linewidth=max(0.4, 22 * likely), **look, **line)
            if letter == 4:
                ax.plot(*end, "s", color=plots.OKABE_ITO[1], markersize=6, label="_end")
    for m in range(21):
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "#777777"}
        ax.text(x[m], y[m], names[m], ha="center", va="center", fontsize=12, bbox=box)
    ax.set(xlim=(-0.2, 2.5), ylim=(-10.6, 10.8), ylabel="prefixes, in the order of their letters")
    ax.set_xticks([0, 1, 2], ["nothing", "one letter", "two letters"])
    ax.set_xlabel("said so far")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return figure
