"""Figure 11.3: a hundred gradient steps on the same sixteen pulls of four arms, with five losses."""

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.kl import d_kl_ref, kl
from rlcore.learning.losses import PPOPenalty, policy_gradient_loss, ppo_clip, standardised
from rlcore.numerics import categorical, softmax

MEAN = np.array([0.2, 0.4, 0.6, 0.8])  # what the arms pay on average; a pull pays 0 or 1
RUNS, PULLS, STEPS, ROUNDS, LR = 50, 16, 100, 30, 0.5
LOSSES = {  # name: clip (None: no ratio at all), price of the divergence, its target
    "no ratio": (None, 0.0, None),
    "ratio": (np.inf, 0.0, None),
    "ratio, clip 0.2": (0.2, 0.0, None),
    "ratio, penalty 4": (np.inf, 4.0, None),
    "ratio, adaptive penalty": (np.inf, 4.0, 0.03),
}


def pull(theta, rng):
    """Pulls of every run, and how much better than the run's others each was.   -> (runs, B) twice"""
    runs, k = theta.shape
    arm = categorical(np.broadcast_to(softmax(theta)[:, None], (runs, PULLS, k)), rng)
    reward = (rng.random(arm.shape) < MEAN[arm]).astype(float)
    return arm, np.stack([standardised(r) for r in reward])


def improve(theta, arm, A, clip, beta):
    """Theta after each of the gradient steps on the same pulls.   (runs, k) -> yields (runs, k)"""
    runs, k = theta.shape
    old, rows = theta.copy(), np.repeat(np.arange(runs), PULLS)
    logp_old = np.log(softmax(old))[rows, arm.ravel()]
    for _ in range(STEPS):
        args = theta[rows], arm.ravel()
        _, d = (
            policy_gradient_loss(*args, A.ravel())
            if clip is None
            else ppo_clip(*args, logp_old, A.ravel(), clip)
        )
        d = runs * d.reshape(runs, PULLS, k).sum(axis=1)  # each run has a mean of its own
        theta = theta - LR * (d + beta[:, None] * d_kl_ref(old, theta))
        yield theta


def compute(seeds=(0,)):
    """name -> kl and reward along the first 100 steps (runs, 101), reward after each round (runs, rounds + 1)."""
    data = {}
    for name, (clip, price, target) in LOSSES.items():
        rng = np.random.default_rng([*seeds, 113])  # the same first pulls for all
        theta, surrogate = np.zeros((RUNS, len(MEAN))), [PPOPenalty(price, target)] * RUNS
        rounds = [softmax(theta) @ MEAN]
        for k in range(ROUNDS):
            beta = np.array([s.beta for s in surrogate])
            path = [theta, *improve(theta, *pull(theta, rng), clip, beta)]
            if k == 0:
                data[f"{name}, kl"] = np.stack([kl(theta, x) for x in path], axis=1)
                data[f"{name}, steps"] = np.stack([softmax(x) @ MEAN for x in path], axis=1)
            surrogate = [s.adapted(x) for s, x in zip(surrogate, kl(theta, path[-1]))]
            theta = path[-1]
            rounds.append(softmax(theta) @ MEAN)
        data[f"{name}, rounds"] = np.stack(rounds, axis=1)
    return {name: x.astype(np.float32) for name, x in data.items()}


def check(data):
    """The first pulls again, and who ends above whom.

    The clip pulls a ratio to and fro over its edge, which makes last bits visible after a thousand steps; so of
    the long run only what every processor must find is asked. Over 100 other streams it held each time.
    """
    fresh = compute()
    assert set(fresh) == set(data)
    for name in ("no ratio", "ratio", "ratio, penalty 4"):
        for part in ("kl", "steps"):
            np.testing.assert_allclose(
                fresh[f"{name}, {part}"], data[f"{name}, {part}"], rtol=1e-4, atol=1e-6
            )
    for result in (fresh, data):
        end = {name: result[f"{name}, rounds"][:, -1].mean() for name in LOSSES}
        assert end["ratio, clip 0.2"] > 0.76
        assert end["ratio"] < end["ratio, clip 0.2"] - 0.03


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(16, 5.4, columns=3)
    first = list(LOSSES)[:4]
    x = np.arange(STEPS + 1)
    lines = {name: Curve(x[1:], data[f"{name}, kl"][:, 1:]) for name in first}
    steps = "gradient steps on the same 16 pulls"
    plots.plot_curves(
        lines, xlabel=steps, ylabel="KL(old || new), nats", log=True, legend="center right", ax=axes[0]
    )
    axes[0].set_title("how far the policy goes")
    lines = {name: Curve(x, data[f"{name}, steps"]) for name in first}
    plots.plot_curves(
        lines, xlabel=steps, ylabel="expected reward of a pull", legend="upper left", ax=axes[1]
    )
    axes[1].set_title("what that is worth, exactly")
    x = np.arange(ROUNDS + 1)
    lines = {name: Curve(x, data[f"{name}, rounds"]) for name in LOSSES}
    plots.plot_curves(
        lines,
        xlabel="rounds of 16 pulls, 100 steps each",
        ylabel="expected reward of a pull",
        legend="lower right",
        ax=axes[2],
    )
    axes[2].set_title("and in the long run")
    for ax in axes[1:]:
        ax.set_ylim(0.45, 0.82)
        ax.axhline(0.8, color="black", linestyle=":", linewidth=1.2, label="_best")
    return figure
