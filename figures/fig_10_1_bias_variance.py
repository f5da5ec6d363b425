"""Figure 10.1: bias and variance of GAE's gradient estimate, by enumerating every episode; nothing is sampled.

The robot of chapter 1 works six steps with a policy that tosses a fair three-sided coin. The critic knows the
clock, and is right, half right, or right but for noise of size one in each state.
"""

import numpy as np

from rlcore.exact.gradients import policy_gradient
from rlcore.exact.moments import moments
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.learning.estimators import gae_advantage, gradient_estimate
from rlcore.problems.chains import recycling_robot
from rlcore.problems.clock import at_any_time, with_clock

STEPS = 6
LAM = np.linspace(0, 1, 21)
EPISODES = (1, 10, 100, 1000)
CRITICS = ("exact", "noisy", "half of V", "0 everywhere")


def compute(seeds=()):
    """bias2, variance: (critics, K), of the gradient by the preferences (2, 3), relative to its squared length"""
    day = with_clock(recycling_robot(alpha=0.7, beta=0.4), STEPS)
    pi = at_any_time(np.full((2, 3), 1 / 3), STEPS)
    V = policy_value(day, pi)
    noise = np.random.default_rng(0).standard_normal(len(V)) * ~day.terminal
    truth = _over_time(policy_gradient(day, np.zeros_like(pi)))
    critics = (V, V + noise, V / 2, 0 * V)
    found = np.array([[_errors(day, pi, critic, lam, truth) for lam in LAM] for critic in critics])
    return {"bias2": found[..., 0], "variance": found[..., 1]}


def _errors(day, pi, critic, lam, truth):
    def estimator(walks):
        weight = gae_advantage(walks, critic, gamma=day.gamma, lam=lam)
        return _over_time(gradient_estimate(walks, pi, weight, gamma=day.gamma))

    mean, covariance = moments(day, pi, estimator, STEPS)
    return np.array([((mean - truth) ** 2).sum(), np.trace(covariance)]) / (truth**2).sum()


def _over_time(gradient):
    """The policy does not see the clock: its gradient is the sum over the times.   (..., 14, 3) -> (..., 2, 3)"""
    return gradient.reshape(*gradient.shape[:-2], STEPS + 1, 2, 3).sum(axis=-3)


@plots.house_style()
def draw(data):
    figure, (left, middle, right) = plots.canvas(15, 4.8, columns=3)
    bias2, variance = (dict(zip(CRITICS, data[name])) for name in ("bias2", "variance"))
    for ax, rows, title in ((left, bias2, "Bias squared"), (middle, variance, "Variance of one episode")):
        plots.plot_curves(
            {name: (LAM, y) for name, y in rows.items()},
            xlabel="$\\lambda$",
            ylabel="relative to the squared gradient",
            legend="upper right" if ax is left else "upper left",
            ax=ax,
        )
        ax.set_title(title)
    middle.set(yscale="log", ylim=(1, 900))
    for i, n in enumerate(EPISODES):
        error = bias2["half of V"] + variance["half of V"] / n
        colour = plots.OKABE_ITO[i]
        right.plot(LAM, error, color=colour, linestyle=plots.DASHES[i], label=f"{n} episode{'s' * (n > 1)}")
        best = error.argmin()
        right.plot(LAM[best], error[best], "o", color=colour, markersize=9, label="_best")
    right.set(
        yscale="log", ylim=(0.015, 600), xlabel="$\\lambda$", title="Error of a mean, critic: half of V"
    )
    right.set_ylabel("bias squared + variance / number")
    right.grid(True, color="#DDDDDD", linewidth=0.8)
    right.legend(loc="upper left", ncol=2, framealpha=0.9)
    return figure
