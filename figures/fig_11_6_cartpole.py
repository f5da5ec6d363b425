"""Figure 11.6: CartPole: three ways to keep a step short, and what happens without; then one part at a time replaced.

Evaluation scores of ten seeds: the mean of 20 episodes with actions drawn from the policy, about every 3,000 steps.
Means with intervals of level 0.95. About a minute. What a network learns follows the last bits of the matrix
products: `check` says what must agree elsewhere.
"""

from dataclasses import replace

import numpy as np

from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.algorithms.trpo import TRPOConfig, trpo
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.losses import PPOPenalty
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params, orthogonal, scaled
from rlcore.problems.cartpole import CartPole

SCALE = (1.2, 1.0, 0.1, 1.0)  # m, m/s, rad, rad/s: for linear functions, features in comparable units
WIDE, NONE = (64, 64), ()  # hidden units
CLIP = PPOConfig(steps=30_720, eval_every=6, eval_episodes=20)
FIXED = replace(CLIP, surrogate=PPOPenalty(3.0))
ADAPTIVE = replace(CLIP, surrogate=PPOPenalty(1.0, target=0.005))
FREE = replace(CLIP, surrogate=PPOPenalty(0.0))
ALONE = replace(CLIP, walkers=4, eval_every=3)  # value=None: one whole episode of each walker
LINEAR = replace(CLIP, lr=0.01)
TRUST = TRPOConfig(steps=CLIP.steps, eval_every=3, eval_episodes=20)
METHODS = {  # learner, settings, hidden units of policy and of critic (None: no critic)
    "clip 0.2": (ppo, CLIP, WIDE, WIDE),
    "price 3": (ppo, FIXED, WIDE, WIDE),
    "adaptive price": (ppo, ADAPTIVE, WIDE, WIDE),
    "neither": (ppo, FREE, WIDE, WIDE),
    "TRPO": (trpo, TRUST, WIDE, WIDE),
    "linear policy": (ppo, LINEAR, NONE, WIDE),
    "linear policy and critic": (ppo, LINEAR, NONE, NONE),
    "no critic": (ppo, ALONE, WIDE, None),
}
PANELS = (
    ("How far a step may go", list(METHODS)[:4]),
    ("One part replaced", ["clip 0.2", *list(METHODS)[4:]]),
)
SEEDS = range(10)
STEP = np.arange(0, CLIP.steps + 1, 3_072)


def networks(hidden, hidden_critic, rng):
    """Policy and critic; without hidden units they are linear in scaled features."""
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    forward, forward_critic = (mlp if h else scaled(mlp, SCALE) for h in (hidden, hidden_critic))
    policy = Policy(mlp_params([4, *hidden, 2], rng, last_gain=0.01, **init), forward, Categorical())
    if hidden_critic is None:
        return policy, None
    return policy, Value(mlp_params([4, *hidden_critic, 1], rng, **init), forward_critic)


def train(method, seed, steps=None):
    """The rows of a history that have a score."""
    learn, cfg, *hidden = METHODS[method]
    rng = np.random.default_rng(seed)
    cfg = cfg if steps is None else replace(cfg, steps=steps)
    history = learn(CartPole(), *networks(*hidden, rng), cfg, rng)
    return [row for row in history if np.isfinite(row["score"])]


def compute(seeds=SEEDS):
    """score (methods, seeds, K), straight lines between evaluations;  step (K,)"""
    score = np.full(
        (len(METHODS), len(seeds), len(STEP)), 22.0
    )  # of random pushes, before the first evaluation
    for i, method in enumerate(METHODS):
        for k, seed in enumerate(seeds):
            rows = train(method, seed)
            x, y = ([row[name] for row in rows] for name in ("step", "score"))
            score[i, k] = np.interp(STEP, [0, *x], [22.0, *y])
    return {"step": STEP, "score": score}


def check(data):
    """What no processor should change: what keeps steps short learns, and a linear critic does not; a run, here.

    These ten seeds ended at means of 474 to 500 with short steps, at 418 without a critic, at 255 without a limit and
    at 85 with a linear critic.
    """
    last = dict(zip(METHODS, data["score"][:, :, -1].mean(axis=1)))
    assert (
        min(last[name] for name in ("clip 0.2", "price 3", "adaptive price", "TRPO", "linear policy")) > 400
    )
    assert last["no critic"] > 350
    assert last["neither"] < last["clip 0.2"] - 20
    assert last["linear policy and critic"] < 150
    assert train("clip 0.2", SEEDS[0], 8_192)[-1]["score"] > 150


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(15, 6, columns=2)
    for ax, (title, names) in zip(axes, PANELS):
        curves = {
            name: Curve(data["step"] / 1000, data["score"][list(METHODS).index(name)]) for name in names
        }
        for name, curve in curves.items():
            k = 0 if name == names[0] else names.index(name)
            low, high = np.clip(curve.interval, 0, 500)
            colour = plots.OKABE_ITO[k]
            ax.plot(curve.x, curve.mean, color=colour, linestyle=plots.DASHES[k], label=name, linewidth=2.6)
            ax.fill_between(curve.x, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.set(ylim=(0, 515), xlabel="environment steps (thousands)", title=title)
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
        ax.legend(loc="lower right" if ax is axes[0] else (0.5, 0.22))
    axes[0].set_ylabel("mean score")
    return figure
