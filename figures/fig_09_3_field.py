"""Figure 9.3: the gradient field of a policy with two parameters, and what single episodes say of it."""

import numpy as np
from matplotlib.patches import Ellipse

from rlcore.exact.gradients import fisher, performance, policy_gradient
from rlcore.exact.moments import moments, trajectories
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.learning.estimators import gradient_estimate, reward_to_go, with_baseline
from rlcore.numerics import softmax
from rlcore.problems.chains import two_state
from rlcore.problems.clock import at_any_time, with_clock

HORIZON, GAMMA, SAMPLES = 6, 0.9, 300
HERE = np.array([-0.3, 0.5])  # log-odds of action 1 in both states, where episodes are drawn
SPOTS = np.array([[-2.0, -1.1], [-0.9, 1.3], [1.9, 0.9]])  # and a few of them here
PROBLEM = with_clock(two_state(), HORIZON)
STEPS, RATE = 400, 0.05
LENGTH = 0.35  # of an arrow for a gradient of length 1


def theta_of(u):
    """theta[s] = (0, u[s]), whatever the clock says.   (2,) -> (S, A)"""
    return at_any_time(np.stack([np.zeros(2), u], axis=1), HORIZON)


def by_u(x):
    """Entries of theta to entries of u: those of action 1, added over the clock.   (..., S, A) -> (..., 2)"""
    return x[..., 1].reshape(*x.shape[:-2], HORIZON + 1, 2).sum(axis=-2)


def slope(u):
    return by_u(policy_gradient(PROBLEM, theta_of(u)))


def natural(u):
    return slope(u) / by_u(fisher(PROBLEM, theta_of(u))[..., 1])


def path(direction, rate):
    """Ascent from the lower left corner.   -> (STEPS + 1, 2)"""
    u = [np.array([2.0, -2.2])]
    for _ in range(STEPS):
        u.append(u[-1] + rate * direction(u[-1]))
    return np.array(u)


def estimators(u):
    pi = softmax(theta_of(u))
    V = policy_value(PROBLEM, pi)
    return {
        "reward": lambda w: by_u(gradient_estimate(w, pi, reward_to_go(w, gamma=GAMMA), GAMMA)),
        "baseline": lambda w: by_u(gradient_estimate(w, pi, with_baseline(w, V, gamma=GAMMA), GAMMA)),
    }


def sample(u, name, n, rng):
    """Estimates of n episodes.   -> (n, 2)"""
    walks = trajectories(PROBLEM, softmax(theta_of(u)), HORIZON)
    return estimators(u)[name](walks)[rng.choice(len(walks.probability), n, p=walks.probability)]


def compute(seeds=(0,)):
    rng = np.random.default_rng(seeds[0])
    axis, few = np.linspace(-3, 3, 31), np.linspace(-2.7, 2.7, 10)
    grid = [np.array([x, y]) for y in axis for x in axis]
    data = {
        "axis": axis,
        "few": few,
        "J": np.array([performance(PROBLEM, softmax(theta_of(u))) for u in grid]).reshape(31, 31),
        "field": np.array([[slope(np.array([x, y])) for x in few] for y in few]),  # (y, x, 2)
        "plain": path(slope, RATE),
        "natural": path(natural, RATE / 10),
        "spots": np.array([sample(u, "baseline", 12, rng) for u in SPOTS]),
    }
    for name, estimator in estimators(HERE).items():
        data[name] = sample(HERE, name, SAMPLES, rng)
        _, data[f"{name}_covariance"] = moments(PROBLEM, softmax(theta_of(HERE)), estimator, HORIZON)
    return data


def cloud(ax, points, covariance, mean, title):
    """Estimates, the true gradient, and the ellipse of two standard deviations."""
    ax.plot(*points.T, "o", color=plots.OKABE_ITO[5], markersize=4, alpha=0.45)
    size, axes = np.linalg.eigh(covariance)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    width, height = 4 * np.sqrt(size[::-1])
    ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, edgecolor="black", linewidth=1.5))
    arrow = {"arrowstyle": "-|>", "color": plots.OKABE_ITO[0], "linewidth": 3, "mutation_scale": 22}
    ax.annotate("", mean, (0, 0), arrowprops=arrow)
    ax.plot(0, 0, "+", color="black", markersize=10)
    ax.set(
        xlim=(-9, 9),
        ylim=(-9, 9),
        aspect="equal",
        xlabel="slope in $u_0$",
        ylabel="slope in $u_1$",
        title=title,
    )
    ax.grid(True, color="#DDDDDD", linewidth=0.8)


@plots.house_style()
def draw(data):
    figure, (field, left, right) = plots.canvas(16, 5.4, columns=3)
    levels = field.contour(data["axis"], data["axis"], data["J"], 10, colors="#999999", linewidths=1)
    field.clabel(levels, fontsize=11, fmt="%.1f")
    g = data["field"]
    field.quiver(
        data["few"], data["few"], g[..., 0], g[..., 1], color=plots.OKABE_ITO[0], width=0.005,
        angles="xy", scale_units="xy", scale=1 / LENGTH,
    )  # fmt: skip
    for u, drawn in zip(SPOTS, data["spots"]):
        for x in drawn:
            field.annotate(
                "", u + LENGTH * x, u,
                arrowprops={"arrowstyle": "->", "color": plots.OKABE_ITO[5], "linewidth": 1, "shrinkA": 0},
            )  # fmt: skip
    for name, colour, style in (("plain", "black", "-"), ("natural", plots.OKABE_ITO[1], "--")):
        field.plot(*data[name].T, color=colour, linestyle=style, label=f"{name} ascent")
    field.legend(loc="lower left", framealpha=0.9)
    field.set(
        xlim=(-3, 3), ylim=(-3, 3), xlabel="$u_0$: log-odds in state 0", ylabel="$u_1$: log-odds in state 1"
    )
    field.set_title("J, its gradient, and samples of it")
    mean = slope(HERE)
    cloud(left, data["reward"], data["reward_covariance"], mean, "reward-to-go, 300 episodes")
    cloud(right, data["baseline"], data["baseline_covariance"], mean, "less the value of the state")
    return figure
