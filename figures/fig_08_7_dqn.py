"""Figure 8.7: CartPole by DQN and by double DQN: what the greedy policy scores, and what the network promises.

Each thin line is one seed, the thick one the mean of five with its interval of level 0.95. About 50 seconds.
What a network learns follows the last bits of the matrix products, which differ from one processor to another:
so `check` says what must agree elsewhere, and how closely.
"""

from functools import partial

import numpy as np

from rlcore.algorithms.dqn import DQNConfig, double_value, dqn, max_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.policies import Value
from rlcore.nn.layers import mlp, mlp_params, relu, scaled
from rlcore.problems.cartpole import CartPole

SCALE = (1.2, 1.0, 0.1, 1.0)  # m, m/s, rad, rad/s: features in comparable units
METHODS = {"DQN": max_value, "double DQN": double_value}
SEEDS = range(5)
STEPS, EVERY = 81_920, 4_096
NEVER_FALLING = 100.0  # 1 / (1 - gamma)


def train(method, seed, steps=STEPS):
    """The columns step, score, value and q of a history.   -> (4, K)"""
    rng = np.random.default_rng(seed)
    params = mlp_params([4, 64, 64, 2], rng, dtype=np.float32)
    q = Value(params, scaled(partial(mlp, activation=relu), SCALE))
    cfg = DQNConfig(steps=steps, next_value=METHODS[method], eval_every=EVERY, eval_episodes=50)
    history = dqn(CartPole(), q, cfg, rng)
    return np.array([[row[name] for row in history] for name in ("step", "score", "value", "q")])


def compute(seeds=SEEDS):
    """score, value, q: (methods, seeds, K);  step: (K,)"""
    runs = np.array([[train(method, seed) for seed in seeds] for method in METHODS])
    return {"step": runs[0, 0, 0], "score": runs[:, :, 1], "value": runs[:, :, 2], "q": runs[:, :, 3]}


def check(data):
    """Train the first seed again, a tenth as long: its promises must be the committed ones to 5 %.

    With four kernels of the matrix product, from SSE2 to AVX-512, they differed by 1 % at most by then, and the
    scores of the policies by a factor of two. And no mean score L is worth more than (1 - gamma^L) / (1 - gamma).
    """
    step, *fresh, q = train("double DQN", SEEDS[0], 2 * EVERY)
    np.testing.assert_array_equal(data["step"], np.arange(0, STEPS + 1, EVERY))
    np.testing.assert_array_equal(step, data["step"][:3])
    np.testing.assert_allclose(q, data["q"][1, 0, :3], rtol=0.05, atol=1e-4)
    for score, value in (fresh, (data["score"], data["value"])):
        assert (value <= (1 - 0.99**score) * NEVER_FALLING + 1e-9).all()
        assert (score <= 500).all()


@plots.house_style()
def draw(data):
    figure, panels = plots.canvas(15, 4.8, columns=3)
    x = data["step"] / 1000
    steps, promise = "environment steps (thousands)", {}
    for i, (method, ax) in enumerate(zip(METHODS, panels)):
        colour = plots.OKABE_ITO[i]
        for score in data["score"][i]:
            ax.plot(x, score, color=colour, linewidth=0.8, alpha=0.6)
        mean = Curve(x, data["score"][i])
        ax.plot(x, mean.mean, color=colour, linewidth=3)
        ax.fill_between(x, *np.clip(mean.interval, 0, 500), color=colour, alpha=0.15, linewidth=0)
        ax.set(ylim=(0, 515), xlabel=steps, ylabel="steps before the pole falls", title=f"Score of {method}")
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
        promise[method] = Curve(x, data["q"][i])
    ax = panels[-1]
    plots.plot_curves(promise, xlabel=steps, ylabel="$\\max_a Q(s_0, a)$", legend="lower right", ax=ax)
    ax.axhline(NEVER_FALLING, color="black", linewidth=1)
    ax.text(x[0], NEVER_FALLING + 3, "no policy is worth more", fontsize=12)
    ax.set(ylim=(0, 145), title="What the network promises")
    return figure
