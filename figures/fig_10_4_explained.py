"""Figure 10.4: explained variance of a critic by its own targets, exactly, as it learns from nothing to too much.

The robot of Figure 10.1. The critic is c times the true value. Each estimate makes other targets of the same
episodes, so each says something else of the same critic; the dotted line asks for the true values.
"""

from functools import partial

import numpy as np

from rlcore.exact.moments import trajectories
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.learning.on_policy import monte_carlo, td
from rlcore.learning.returns import gae
from rlcore.problems.chains import recycling_robot
from rlcore.problems.clock import at_any_time, with_clock

STEPS = 6
SCALE = np.linspace(0, 2, 41)
TARGETS = {
    "targets by TD": td,
    "by GAE, $\\lambda = 0.8$": partial(gae, lam=0.8),
    "by Monte Carlo": monte_carlo,
}


def compute(seeds=()):
    """explained: (targets, K), the last row against the true values"""
    day = with_clock(recycling_robot(alpha=0.7, beta=0.4), STEPS)
    pi = at_any_time(np.full((2, 3), 1 / 3), STEPS)
    walks, V = trajectories(day, pi, STEPS), policy_value(day, pi)
    weight = np.broadcast_to(walks.probability, walks.state.shape)[walks.live]

    def explained(value, target):
        """`explained_variance`, where steps are not equally likely."""
        return 1 - np.cov(target - value, aweights=weight) / np.cov(target, aweights=weight)

    def of_critic(critic):
        v, true = critic[walks.state], V[walks.state]
        story = walks.reward, v, critic[walks.next_state], walks.terminated, walks.done
        targets = [estimate(*story, gamma=day.gamma) + v for estimate in TARGETS.values()]
        return [explained(v[walks.live], target[walks.live]) for target in (*targets, true)]

    return {"explained": np.array([of_critic(c * V) for c in SCALE]).T}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(8.5, 4.8)
    names = *TARGETS, "by the true values"
    lines = {name: (SCALE, y) for name, y in zip(names, data["explained"])}
    plots.plot_curves(
        lines, xlabel="critic / true value", ylabel="explained variance", legend="lower center", ax=ax
    )
    ax.axhline(0, color="black", linewidth=1, label="_zero")
    ax.axvline(1, color="black", linewidth=1, label="_right")
    ax.set_ylim(-0.05, 1.05)
    return figure
