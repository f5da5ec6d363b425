"""Figure 12.3: PPO on four shards of walkers, CartPole: averaged gradients beside averaged parameters.

Means of six seeds with intervals of level 0.95. About half a minute.
What a network learns follows the last bits of the matrix products, which differ from one processor to another:
so `check` says what must agree elsewhere, and how closely. What is sent is counted, and the same everywhere.
"""

import numpy as np

from rlcore.algorithms.distributed import DistributedConfig, distributed_ppo, gradients, parameters
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole

METHODS = {"averaged gradients": gradients, "averaged parameters": parameters}
SEEDS = range(6)
STEPS = 30_720
EPOCHS, MINIBATCHES = 3, 8  # of an update: 512 steps


def train(average, seed, steps=STEPS):
    """The columns step, score, messages and bytes of a history, where there is a score.   -> (4, K)"""
    rng = np.random.default_rng(seed)
    policy = Policy(
        mlp_params([4, 64, 64, 2], rng, init=orthogonal, last_gain=0.01, dtype=np.float32), mlp, Categorical()
    )
    value = Value(mlp_params([4, 64, 64, 1], rng, init=orthogonal, dtype=np.float32), mlp)
    cfg = DistributedConfig(
        steps=steps, shards=4, epochs=EPOCHS, lr=7e-3, average=average, eval_every=4, eval_episodes=50
    )
    history = distributed_ppo(CartPole(), policy, value, cfg, rng)
    rows = [row for row in history if np.isfinite(row["score"])]
    return np.array([[row[name] for row in rows] for name in ("step", "score", "messages", "bytes")])


def compute(seeds=SEEDS):
    """step (K,), score (methods, seeds, K), messages and bytes (methods, K)"""
    runs = np.array([[train(average, seed) for seed in seeds] for average in METHODS.values()])
    return {"step": runs[0, 0, 0], "score": runs[:, :, 1], "messages": runs[:, 0, 2], "bytes": runs[:, 0, 3]}


def check(data):
    """What is sent is counted: 2 messages a shard, for each of 24 minibatches or once an update. Both methods learn.

    A run that learned nothing would stay near 22; the means of six seeds come to 300 at least.
    """
    updates, steps = data["step"] / 512, EPOCHS * MINIBATCHES
    np.testing.assert_array_equal(data["messages"], [2 * 4 * steps * updates, 2 * 4 * updates])
    np.testing.assert_array_equal(data["bytes"][0], steps * data["bytes"][1])
    fresh = [train(average, SEEDS[0], 2_048) for average in METHODS.values()]
    np.testing.assert_array_equal([run[2, 0] for run in fresh], data["messages"][:, 0])
    assert (data["score"] <= 500).all()
    assert (data["score"][:, :, -1].mean(axis=1) > 300).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 4.8, columns=2, sharey=True)
    for i, name in enumerate(METHODS):
        look = {"color": plots.OKABE_ITO[i], "linestyle": plots.DASHES[i]}
        for ax, x in ((left, data["step"] / 1000), (right, data["bytes"][i] / 1e6)):
            line = Curve(x, data["score"][i])
            ax.plot(x, line.mean, linewidth=3, label=name, **look)
            ax.fill_between(x, *np.clip(line.interval, 0, 500), color=look["color"], alpha=0.15, linewidth=0)
            ax.grid(True, color="#DDDDDD", linewidth=0.8)
    left.set(xlabel="environment steps (thousands)", ylabel="return of an episode", ylim=(0, 515))
    right.set(xlabel="sent so far (megabytes)", xscale="log")
    left.legend(loc="lower right", frameon=False)
    left.set_title("By experience")
    right.set_title("By what was sent")
    return figure
