"""Figure 14.5: too good a score: the learned reward and the true one, the further a policy goes from the reference.

Lines are exact: pi* of each price beta, and the best of n; points are runs of PPO, five seeds each, judged exactly.
The reward model sees two features of four (m, others) and has seen every pair there is: more data would not help.
"""

import numpy as np

from rlcore.exact.regularised import best_of_n, divergence, kl_optimal_policy
from rlcore.lab import plots
from rlcore.lm.evaluate import as_trie, expectation, responses
from rlcore.lm.models import trie
from rlcore.lm.population import pair_weights
from rlcore.lm.priced import KLPrice
from rlcore.lm.reward_model import linear_reward, maximum_likelihood
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.tasks import coarse_features, preference_task, reference
from rlcore.lm.tree import Tree

BETAS = np.geomspace(4, 0.05, 45)  # of the exact line
PRICES = (1.0, 0.5, 0.3, 0.2)  # of the runs of PPO
N = np.unique(np.geomspace(1, 4096, 40).round().astype(int))


def world():
    """The task of four tokens: task, tree, reference, its log-probabilities, the rewards, the reward model."""
    task = preference_task(4)
    tree, ref = Tree(task.language), reference(task.language)
    log_ref, gold = responses(ref, tree), task.table(tree)
    phi = coarse_features(*tree.everything()).reshape(*gold.shape, 2)
    d = (phi[:, :, None] - phi[:, None, :]).reshape(-1, 2)
    different = d.any(axis=1)  # pairs that look alike to the model say nothing about w
    w = maximum_likelihood(d[different], pair_weights(log_ref, gold).ravel()[different])
    learned = linear_reward(coarse_features, 2)
    learned.params["W0"][:, 0] = w
    return task, tree, ref, log_ref, gold, learned


def measure(log_pi, log_ref, learned, gold):
    """KL(pi || ref), learned and true reward: means over prompts.   -> (3,)"""
    rows = divergence(log_pi, log_ref), expectation(log_pi, learned), expectation(log_pi, gold)
    return np.mean(rows, axis=1)


def lines():
    """w (2,);  rl (rewards, betas, 3), best (rewards, n, 3): the learned reward is optimised first, then the true"""
    _, tree, _, log_ref, gold, model = world()
    learned = model.reward(*tree.everything()).reshape(gold.shape)
    rl = [
        [measure(kl_optimal_policy(log_ref, r, beta)[0], log_ref, learned, gold) for beta in BETAS]
        for r in (learned, gold)
    ]
    best = [
        [measure(best_of_n(log_ref, r, int(n)), log_ref, learned, gold) for n in N] for r in (learned, gold)
    ]
    return {"w": model.params["W0"][:, 0], "rl": np.array(rl), "best": np.array(best)}


def compute(seeds=range(5)):
    """`lines`, and ppo (prices, seeds, 3)"""
    task, tree, ref, log_ref, gold, model = world()
    learned = model.reward(*tree.everything()).reshape(gold.shape)
    ppo = np.empty((len(PRICES), len(seeds), 3))
    for i, beta in enumerate(PRICES):
        cfg = RLHFConfig(updates=200, every=200, price=KLPrice(beta))
        for j, seed in enumerate(seeds):
            policy = as_trie(ref, tree)
            rlhf(policy, trie(task.language), ref, model.reward, cfg, np.random.default_rng(seed))
            ppo[i, j] = measure(responses(policy, tree), log_ref, learned, gold)
    return lines() | {"ppo": ppo}


def check(data):
    """The lines again; gold turns below the reference where the learned reward never falls; PPO is on its line."""
    for name, array in lines().items():
        np.testing.assert_allclose(data[name], array, rtol=0, atol=1e-7 * max(1, np.abs(array).max()))
    start = data["best"][0, 0, 2]
    for line in (data["rl"], data["best"]):
        assert (np.diff(line[..., 0]) > -1e-11).all()
        assert (np.diff(line[0, :, 1]) > 0).all()
        assert (np.diff(line[1, :, 2]) > -1e-11).all()
        assert line[0, :, 2].max() > start + 0.3
        assert line[0, -1, 2] < start - 0.3
    mean = data["ppo"].mean(axis=1)
    assert (np.diff(mean[:, 1]) > 0).all()
    assert mean[:, 2].argmax() in (0, 1)
    assert mean[-1, 2] < start


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5.4, columns=2, sharey=True)
    start = data["best"][0, 0]  # of the reference: a learned reward is known up to a constant
    for k, (name, line) in enumerate(
        {"reinforcement learning": data["rl"], "best of n": data["best"]}.items()
    ):
        look = {"color": plots.OKABE_ITO[k], "linestyle": plots.DASHES[k], "linewidth": 3}
        left.plot(line[0, :, 0], line[0, :, 2] - start[2], label=f"{name}: true", **look)
        left.plot(
            line[0, :, 0], line[0, :, 1] - start[1], label=f"{name}: learned", **look | {"linewidth": 1.3}
        )
        right.plot(line[1, :, 0], line[1, :, 2] - start[2], label=f"{name}: true", **look)
    for m, fill in ((1, "white"), (2, plots.OKABE_ITO[2])):
        label = "runs of PPO: true" if m == 2 else "runs of PPO: learned"
        x, y = data["ppo"][..., 0].ravel(), data["ppo"][..., m].ravel() - start[m]
        left.scatter(x, y, 42, edgecolor=plots.OKABE_ITO[2], facecolor=fill, zorder=3, label=label)
    for ax, title in ((left, "The learned reward is optimised"), (right, "The true reward is optimised")):
        ax.axhline(0, color="black", linewidth=1.2, label="_start")
        ax.set(xlabel="KL(π || ref), nats", title=title, xlim=(-0.1, 6.7), ylim=(-0.55, 2.55))
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    left.set_ylabel("reward above the reference's")
    left.text(6.6, 0.04, "the reference", ha="right", fontsize=12)
    handles, labels = left.get_legend_handles_labels()  # for both panels; here is room
    right.legend(handles, labels, loc="lower right", framealpha=1)
    return figure
