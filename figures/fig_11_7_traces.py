"""Figure 11.7: what an update does to the policy, on CartPole: divergence, price, clip; and too many epochs.

Five seeds at a constant learning rate and a constant clip; medians of five updates each, their means with intervals
of level 0.95. On the right below, the same for other numbers of epochs. About 40 seconds. What a network learns
follows the last bits of the matrix products: `check` says what must agree elsewhere.
"""

from dataclasses import replace

import numpy as np

from rlcore.algorithms.ppo import PPOConfig, constant, ppo
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.losses import PPOPenalty
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole

STEADY = PPOConfig(
    steps=30_720,
    lr_schedule=constant,
    clip_schedule=constant,
    eval_every=10,
    eval_episodes=50,
)
TARGET = 0.005
METHODS = {
    "clip 0.2": STEADY,
    "price 1": replace(STEADY, surrogate=PPOPenalty(1.0)),
    "adaptive price": replace(STEADY, surrogate=PPOPenalty(1.0, target=TARGET)),
}
EPOCHS = (1, 3, 12, 48)
MANY = replace(STEADY, steps=16_384, eval_every=8)
TRACES = ("kl", "clip_fraction", "zero_gradient", "entropy", "explained_variance", "beta", "score")
SEEDS = range(5)


def train(cfg, seed):
    """-> (traces, updates)"""
    rng = np.random.default_rng(seed)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    value = Value(mlp_params([4, 64, 64, 1], rng, **init), mlp)
    history = ppo(CartPole(), policy, value, cfg, rng)
    return [[row[name] for row in history] for name in TRACES]


def compute(seeds=SEEDS):
    """trace (methods, seeds, traces, updates);  epochs (numbers of epochs, seeds, traces, updates)"""
    trace = [[train(cfg, seed) for seed in seeds] for cfg in METHODS.values()]
    epochs = [[train(replace(MANY, epochs=n), seed) for seed in seeds] for n in EPOCHS]
    return {"trace": np.array(trace), "epochs": np.array(epochs)}


def check(data):
    """What no processor should change: the price's rule, its band in the median, and what too many epochs do.

    Of 30 updates in a row, or 60, single ones jump out of the band; the median over an adaptive run's updates was
    0.8 to 1.2 of the target for ten seeds.
    """
    trace, epochs = (dict(zip(TRACES, np.moveaxis(data[name], 2, 0))) for name in ("trace", "epochs"))
    kl, beta = trace["kl"][2], trace["beta"][2]
    factor = np.where(kl > 1.5 * TARGET, 2.0, np.where(kl < TARGET / 1.5, 0.5, 1.0))
    np.testing.assert_allclose(beta[:, 1:], (factor * beta)[:, :-1], rtol=1e-12)
    assert (np.abs(np.log(np.median(kl, axis=1) / TARGET)) < np.log(1.5)).all()
    assert (trace["zero_gradient"] <= trace["clip_fraction"] + 1e-12)[0].all()
    few, many = (np.median(epochs["kl"][EPOCHS.index(n)]) for n in (3, 48))
    assert many > 3 * few
    fresh = np.array(train(replace(METHODS["adaptive price"], steps=2_048), SEEDS[0]))
    assert fresh.shape == (len(TRACES), 4)
    np.testing.assert_allclose(fresh[0, 0], data["trace"][2, 0, 0, 0], rtol=0.05)


def medians(y):
    """Of five updates in a row each: single ones jump.   (seeds, updates) -> (seeds, updates / 5)"""
    return np.median(y.reshape(len(y), -1, 5), axis=2)


def panel(ax, curves, title, ylabel, legend="upper right"):
    """Means with intervals; what is drawn is at the middle of its five updates."""
    for k, (name, curve) in enumerate(curves.items()):
        colour = plots.OKABE_ITO[k]
        ax.plot(curve.x, curve.mean, color=colour, linestyle=plots.DASHES[k], label=name)
        ax.fill_between(curve.x, *curve.interval, color=colour, alpha=0.15, linewidth=0)
    ax.set(title=title, xlabel="update", ylabel=ylabel)
    ax.legend(loc=legend)


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(16, 9.5, rows=2, columns=3)
    (top, price, clip), (doubt, critic, many) = axes
    trace = {name: data["trace"][:, :, i] for i, name in enumerate(TRACES)}
    x = np.arange(3, data["trace"].shape[-1] + 1, 5)

    def curves(name):
        return {method: Curve(x, medians(y)) for method, y in zip(METHODS, trace[name])}

    top.axhspan(
        TARGET / 1.5, 1.5 * TARGET, color="black", alpha=0.12, linewidth=0, label="adaptive: the band"
    )
    panel(top, curves("kl"), "How far an update goes", "mean KL(old || new), nats")
    beta = np.log2(trace["beta"][2])
    panel(
        price,
        {"mean of five runs": Curve(x, medians(beta))},
        "The adaptive price",
        "$\\log_2$ of the price $\\beta$",
    )
    price.step(1 + np.arange(beta.shape[1]), beta[0], "k", linewidth=0.8, alpha=0.7, label="one of them")
    price.legend(loc="upper right")
    parts = {"ratio outside the clip": "clip_fraction", "no gradient": "zero_gradient"}
    pair = {label: Curve(x, medians(trace[name][0])) for label, name in parts.items()}
    panel(clip, pair, "What clip 0.2 does", "part of the steps")
    panel(doubt, curves("entropy"), "How undecided the policy is", "entropy, nats", legend="lower left")
    doubt.axhline(np.log(2), color="black", linewidth=1)
    doubt.text(60, np.log(2) + 0.005, "a coin's", ha="right", va="bottom")
    panel(critic, curves("explained_variance"), "What the critic knew before", "explained variance")
    critic.set(ylim=(-0.5, 1.25))
    for ax in (top, clip):
        ax.set_ylim(0, None)
    doubt.set_ylim(0.25, 0.74)

    place = np.arange(len(EPOCHS))
    kl = np.log10(np.median(data["epochs"][:, :, 0], axis=2))  # (epochs, seeds)
    middle = Curve(place, kl.T)
    many.plot(place, 10**middle.mean, "o-", color=plots.OKABE_ITO[0])
    many.fill_between(place, *10**middle.interval, color=plots.OKABE_ITO[0], alpha=0.2, linewidth=0)
    many.text(-0.5, 0.34, "outside the clip\nscore at the end", ha="right", va="center")
    for i, run in enumerate(data["epochs"]):
        words = f"{np.median(run[:, 1]):.0%}\n{run[:, -1, -1].mean():.0f}"
        many.text(i, 0.34, words, ha="center", va="center")
    many.set(yscale="log", xlim=(-2.9, 3.5), ylim=(0.004, 0.6), title="Clip 0.2 and more epochs")
    many.set(xlabel="epochs of an update", ylabel="median KL(old || new), nats")
    many.set_xticks(place, EPOCHS)
    for ax in axes.ravel():
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
