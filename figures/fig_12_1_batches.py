"""Figure 12.1: what more walkers buy: the variance of an averaged gradient, and the progress of a step along it.

Two states, two actions, episodes of six steps: every trajectory is enumerated, so the lines are exact. A shard
draws eight of them with its own random stream; the dots are 400 averages each. "Early" is a policy that has
learned little, "late" one that takes the better action 98 times of 100.
"""

import numpy as np

from rlcore.exact.descent import noise_scale, progress
from rlcore.exact.moments import moments, trajectories
from rlcore.lab import plots
from rlcore.learning.estimators import gradient_estimate, reward_to_go
from rlcore.numerics import softmax
from rlcore.problems.chains import two_state

HORIZON, WALKS, REPEATS, GAMMA = 6, 8, 400, 0.9
SHARDS = np.array([1, 2, 4, 8, 16, 32])
EPISODES = np.geomspace(1, 10_000, 81)
POLICIES = {"early": [[0.2, -0.1], [0.0, 0.5]], "late": [[2.0, -2.0], [-2.0, 2.0]]}  # logits


def estimator(pi):
    return lambda walks: gradient_estimate(walks, pi, reward_to_go(walks, gamma=GAMMA), gamma=GAMMA)


def variance(samples):
    """Of vectors (n, D), all coordinates together, and its standard error."""
    square = ((samples - samples.mean(axis=0)) ** 2).sum(axis=1)
    return square.sum() / (len(square) - 1), square.std() / np.sqrt(len(square))


def compute(seeds=(0,)):
    """scale (2,): of early and late;  of early also exact, a number, and apart and same (2, len(SHARDS)): sampled
    variances and their standard errors"""
    mdp, scale = two_state(GAMMA), []
    for logits in reversed(POLICIES.values()):
        pi = softmax(np.array(logits))
        mean, covariance = moments(mdp, pi, estimator(pi), HORIZON)
        scale.insert(0, noise_scale(mean, covariance))
    walks = trajectories(mdp, pi, HORIZON)
    estimates = estimator(pi)(walks).reshape(len(walks.probability), -1)
    streams = np.random.default_rng(seeds[0]).spawn(REPEATS * SHARDS[-1])
    u = np.array([rng.random(WALKS) for rng in streams])
    draws = np.searchsorted(walks.probability.cumsum(), u * walks.probability.sum())
    shard = estimates[draws].mean(axis=1).reshape(REPEATS, SHARDS[-1], -1)
    return {
        "exact": np.trace(covariance) / WALKS,
        "scale": np.array(scale),
        "apart": np.transpose([variance(shard[:, :K].mean(axis=1)) for K in SHARDS]),
        "same": np.transpose([variance(np.repeat(shard[:, :1], K, axis=1).mean(axis=1)) for K in SHARDS]),
    }


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 4.8, columns=2)
    for i, (name, exact, seen) in enumerate(
        (
            ("all shards with one seed", np.full(len(SHARDS), data["exact"]), data["same"]),
            ("a seed for each shard", data["exact"] / SHARDS, data["apart"]),
        )
    ):
        colour = plots.OKABE_ITO[1 - i]
        left.plot(SHARDS, exact, color=colour, linestyle="-" if i else "--")
        left.errorbar(SHARDS, seen[0], 1.96 * seen[1], fmt="o", color=colour, markersize=7, capsize=4)
        left.text(6, exact[3] * (0.62 if i else 1.12), name, color=colour, ha="right" if i else "center")
    left.set(
        xscale="log", yscale="log", xlabel="shards of 8 episodes", ylabel="variance of the averaged gradient"
    )
    left.set_xticks(SHARDS, [str(K) for K in SHARDS])
    left.minorticks_off()
    left.set_title("Four hundred averages, and the exact lines")

    for i, (name, scale) in enumerate(zip(POLICIES, data["scale"])):
        look = {"color": plots.OKABE_ITO[2 * i], "linestyle": plots.DASHES[i]}
        right.plot(EPISODES, progress(EPISODES, scale), **look)
        right.plot([scale, scale], [0, 0.5], color=look["color"], linestyle=":", linewidth=1.5)
        right.plot(scale, 0.5, "o", color=look["color"], markersize=8)
        right.text(scale * 1.2, 0.47, f"{name}: {scale:.0f} episodes", color=look["color"], va="top")
    right.set(
        xscale="log", xlabel="episodes in an update", ylabel="gain, as a part of the largest", ylim=(0, 1.05)
    )
    right.set_title("Gain of an update; dots: the noise scale")
    for ax in (left, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
