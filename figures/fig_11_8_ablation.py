"""Figure 11.8: what each detail of PPO buys on CartPole: one at a time taken away or put in, ten seeds each.

A run ends with the first evaluation of 475 or more: the mean of 50 episodes with actions drawn from the policy, every
2,048 steps. Means with intervals of level 0.95; a run that never gets there counts as 40,000 steps, so such a mean is
too low. About a minute. What a network learns follows the last bits of the matrix products: `check` says what must
agree elsewhere.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from rlcore.algorithms.ppo import PPOConfig, as_they_are, constant, ppo
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.losses import clipped_squared_error
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import fan_in_uniform, mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole

DEFAULT = PPOConfig(eval_every=4, eval_episodes=50, stop_at=475)
CAREFUL = {"init": orthogonal, "gain": 2**0.5, "last_gain": 0.01}
SETTINGS = {
    "the default": {},
    "1 epoch": {"epochs": 1},
    "10 epochs": {"epochs": 10},
    "minibatch 512: all steps": {"minibatch": 512},
    "minibatch 16": {"minibatch": 16},
    "$\\lambda$ = 0": {"lam": 0.0},
    "$\\lambda$ = 1": {"lam": 1.0},
    "advantages as they are": {"normalise": as_they_are},
    "value clipped at 0.2": {"value_loss": partial(clipped_squared_error, clip=0.2)},
    "gradients of any length": {"max_norm": np.inf},
    "constant learning rate": {"lr_schedule": constant},
    "constant clip": {"clip_schedule": constant},
    "entropy bonus 0.01": {"entropy": 0.01},
}
FIRST = {  # how parameters begin
    "last layer not small": {"last_gain": 1.0},
    "uniform weights, not orthogonal": {"init": fan_in_uniform, "gain": 1.0, "last_gain": 1.0},
}
NAMES = (*SETTINGS, *FIRST)
SEEDS = range(10)


def train(name, seed):
    """Steps to the first evaluation of 475 or more; inf: none."""
    rng = np.random.default_rng(seed)
    init = {**CAREFUL, **FIRST.get(name, {})}
    last_gain = init.pop("last_gain")
    params = partial(mlp_params, rng=rng, dtype=np.float32, **init)
    policy = Policy(params([4, 64, 64, 2], last_gain=last_gain), mlp, Categorical())
    value = Value(params([4, 64, 64, 1]), mlp)
    cfg = replace(DEFAULT, **SETTINGS.get(name, {}))
    row = ppo(CartPole(), policy, value, cfg, rng)[-1]
    return row["step"] if row["score"] >= cfg.stop_at else np.inf


def compute(seeds=SEEDS):
    """step (names, seeds): to the first evaluation of 475 or more; inf: none"""
    return {"step": np.array([[train(name, seed) for seed in seeds] for name in NAMES])}


def check(data):
    """What no processor should change: what matters matters, by means far apart; and one run of the default, here.

    With 4 epochs and rates of 3e-3 (four seeds) and 5e-3 (ten) it was the same five, above 1.7 times the default.
    """
    solved = dict(zip(NAMES, np.isfinite(data["step"]).sum(axis=1)))
    mean = dict(zip(NAMES, np.minimum(data["step"], DEFAULT.steps).mean(axis=1)))
    assert solved["the default"] == len(SEEDS)
    assert solved["minibatch 512: all steps"] <= 5
    for name in (
        "1 epoch",
        "minibatch 512: all steps",
        "$\\lambda$ = 0",
        "advantages as they are",
        "value clipped at 0.2",
    ):
        assert mean[name] > 1.5 * mean["the default"], name
    assert np.isfinite(train("the default", SEEDS[0]))


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(12, 8)
    step = np.minimum(data["step"], DEFAULT.steps) / 1000
    curve, place = Curve(np.arange(len(NAMES)), step.T), -np.arange(len(NAMES))
    low, high = np.clip(curve.interval, 0, DEFAULT.steps / 1000)
    ax.axvspan(low[0], high[0], color=plots.OKABE_ITO[0], alpha=0.15, linewidth=0)
    for i, y in enumerate(place):
        # its interval ends before the default's begins, or begins after it ends: a difference that is seen
        colour = plots.OKABE_ITO[0 if i == 0 else 1 if low[i] > high[0] or high[i] < low[0] else 4]
        ax.plot(step[i], np.full(len(step[i]), y + 0.25), "|", color=colour, markersize=7, alpha=0.7)
        ax.plot([low[i], high[i]], [y, y], color=colour, linewidth=2.5)
        ax.plot(curve.mean[i], y, "o", color=colour, markersize=8)
        ax.text(41.5, y, f"{np.isfinite(data['step'][i]).sum()}", va="center", ha="center")
    ax.text(41.5, 1.0, f"solved\nof {len(SEEDS)}", ha="center", va="bottom")
    ax.set_yticks(place, NAMES)
    ax.set(xlim=(0, 40.5), ylim=(place[-1] - 0.7, 0.8))
    ax.set(xlabel="environment steps until a mean score of 475 (thousands)", ylabel="one detail changed")
    ax.set_title("Orange: the intervals of changed and default do not overlap", pad=40)
    ax.grid(True, axis="x", color="#DDDDDD", linewidth=0.8)
    return figure
