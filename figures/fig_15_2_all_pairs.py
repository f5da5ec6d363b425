"""Figure 15.2: every pair there is: log-probabilities of chosen and rejected responses, and how far the optimum is."""

import numpy as np

from rlcore.lab import plots
from rlcore.lm.dpo import DPOConfig, population_gradient, train_dpo_on_all_pairs
from rlcore.lm.evaluate import as_trie, near_reference, responses
from rlcore.lm.population import bayes_loss, pair_weights
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BETA, STEPS = 0.2, 360
COLUMNS = ("step", "logp_chosen", "logp_rejected", "loss", "distance")


def compute(seeds=()):
    """The columns of a run on all pairs, without a sample (19,) each, and the least loss there can be."""
    task = preference_task()
    tree, ref = Tree(task.language), reference(task.language)
    reward, log_ref = task.table(tree), responses(ref, tree)
    weight = pair_weights(log_ref, reward)
    cfg = DPOConfig(steps=STEPS, beta=BETA, lr=0.02, every=20)
    judge = near_reference(tree, log_ref, reward, BETA)
    model = as_trie(ref, tree)
    start = {"step": 0, **population_gradient(model, log_ref, tree, weight, cfg)[0], **judge(model)}
    rows = [start, *train_dpo_on_all_pairs(model, ref, tree, weight, cfg, judge)]
    data = {key: np.array([row[key] for row in rows]) for key in COLUMNS}
    return data | {"floor": np.array(bayes_loss(weight, reward))}


def check(data):
    """The run again, to what a thousand times the rounding of a long run may change."""
    for key, array in compute().items():
        np.testing.assert_allclose(data[key], array, rtol=1e-4, atol=1e-6)


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 4.8, columns=2)
    lines = {"chosen": data["logp_chosen"], "rejected": data["logp_rejected"]}
    plots.plot_curves(
        {name: (data["step"], y) for name, y in lines.items()},
        xlabel="gradient steps",
        ylabel="mean log π(y | x)",
        ax=left,
    )
    left.set_title("Both fall, the rejected one further")
    plots.plot_curves(
        {
            "KL(π || π*)": (data["step"], data["distance"]),
            "loss above\nits floor": (data["step"], data["loss"] - data["floor"]),
        },
        xlabel="gradient steps",
        ylabel="nats",
        log=True,
        ax=right,
    )
    right.set_title("And the policy comes to its optimum")
    return figure
