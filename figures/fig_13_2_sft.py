"""Figure 13.2: supervised fine-tuning on the preference task. Left, exact: the loss along gradient steps. Right: how
far the counted models are from the demonstrator, against the number of demonstrations, over ten seeds."""

import numpy as np

from rlcore.exact.regularised import divergence, kl_optimal_policy
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.evaluate import entropy, responses
from rlcore.lm.models import bigram, token_logp, trie
from rlcore.lm.sft import fit_by_counting, sequence_nll
from rlcore.lm.tasks import preference_task
from rlcore.lm.tree import Tree
from rlcore.nn.optim import Adam

STEPS = 300
SIZES = np.array([10, 30, 100, 300, 1000, 3000, 10_000])
KINDS = {"bigram": bigram, "trie": trie}


def compute(seeds=range(10)):
    """nll (kinds, STEPS + 1);  entropy, counted (kinds,): what no model and what no table of that kind is below;
    distance (kinds, seeds, sizes): KL(demonstrator || model), counted with 1/2 added to each count"""
    task = preference_task()
    tree = Tree(task.language)
    demo, _ = kl_optimal_policy(responses(trie(task.language), tree), task.table(tree), 0.5)
    prompt, response = tree.everything()
    share, counts = np.exp(demo).ravel() / 3, task.language.counts(response)
    nll, counted = np.empty((2, STEPS + 1)), np.empty(2)
    for k, kind in enumerate(KINDS.values()):
        model, adam = kind(task.language), Adam(5e-2)
        for step in range(STEPS + 1):
            logp, back = token_logp(model, prompt, response)
            nll[k, step], d = sequence_nll(logp, counts, share)
            adam.step(model.params, back(d))
        fit_by_counting(model, prompt, response, share)
        counted[k] = sequence_nll(token_logp(model, prompt, response)[0], counts, share)[0]
    distance = np.array([[_distances(kind, tree, demo, seed) for seed in seeds] for kind in KINDS.values()])
    return {"nll": nll, "entropy": entropy(demo).mean(), "counted": counted, "distance": distance}


def _distances(kind, tree, demo, seed):
    """Demonstrations are drawn with replacement, SIZES of them for each prompt.   -> (sizes,)"""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.choice(tree.n_responses, SIZES[-1], p=np.exp(row)) for row in demo])  # (3, n)
    found = []
    for n in SIZES:
        model = kind(tree.language)
        fit_by_counting(model, np.repeat(np.arange(3), n), tree.response[drawn[:, :n].ravel()], add=0.5)
        found.append(divergence(demo, responses(model, tree)).mean())
    return found


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    lines = {name: data["nll"][k] for k, name in enumerate(KINDS)}
    plots.plot_curves(
        lines, xlabel="gradient steps", ylabel="loss of a response (nats)", legend="upper right", ax=left
    )
    for k in range(len(KINDS)):
        left.axhline(
            data["counted"][k], color=plots.OKABE_ITO[k], linestyle=":", linewidth=1.5, label="_counted"
        )
    left.annotate(
        "dotted: by counting", (STEPS, data["counted"][0]), xytext=(-150, 14), textcoords="offset points"
    )
    left.set(title="The same minimum, by counts and by gradient", ylim=(2.9, 3.8))
    for k, name in enumerate(KINDS):
        line, colour = Curve(SIZES, np.log10(data["distance"][k])), plots.OKABE_ITO[k]
        right.plot(line.x, 10**line.mean, color=colour, linestyle=plots.DASHES[k], label=name)
        right.fill_between(line.x, *10**line.interval, color=colour, alpha=0.2, linewidth=0)
    floor = data["counted"][0] - data["entropy"]
    right.axhline(floor, color=plots.OKABE_ITO[0], linestyle=":", linewidth=1.5, label="_floor")
    right.annotate("no bigram is nearer", (SIZES[0], floor), xytext=(0, -16), textcoords="offset points")
    right.set(xscale="log", yscale="log", xlabel="demonstrations for each prompt")
    right.set(ylabel="KL(demonstrator || model), nats", title="Few rows are learned early")
    right.grid(True, color="#DDDDDD", linewidth=0.8)
    right.legend(loc="upper right", framealpha=0.9)
    return figure
