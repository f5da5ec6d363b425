"""Figure 11.1: a surrogate promises more than can be kept, exactly, on the short corridor (gamma = 0.9)."""

import numpy as np

from rlcore.exact.gradients import improvement_bound, performance, surrogate
from rlcore.lab import plots
from rlcore.learning.kl import kl
from rlcore.problems.chains import short_corridor

OLD = 0.2  # how likely the policy that walked goes right
STEPS = np.geomspace(1e-4, 0.6, 40)


def pi(p):
    """Right with probability p, in every state.   -> (S, A)"""
    return np.tile([1 - p, p], (4, 1))


def compute(seeds=()):
    """Along p: J, L and the floor under J (K,).   Along steps from OLD: KL, L - J, what the bound allows (40,)."""
    corridor = short_corridor(gamma=0.9)
    p = np.linspace(0.05, 0.95, 91)

    def along(x):
        """J, L and the floor at each of the policies.   (K,) -> (3, K)"""
        old = pi(OLD)
        three = [
            (performance(corridor, new), surrogate(corridor, new, old), improvement_bound(corridor, new, old))
            for new in map(pi, x)
        ]
        return np.array(three).T

    J, L, floor = along(p)
    J_far, L_far, floor_far = along(OLD + STEPS)
    divergence = [kl(np.log(pi(OLD)[0]), np.log(pi(x)[0])) for x in OLD + STEPS]
    line = {"p": p, "J": J, "L": L, "floor": floor}
    return line | {"kl": np.array(divergence), "error": L_far - J_far, "allowed": L_far - floor_far}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(14, 5.2, columns=2)
    p = data["p"]
    near = data["floor"] > -14
    lines = {
        "what it promises, $L$": (p, data["L"]),
        "what it brings, $J$": (p, data["J"]),
        "floor under $J$": (p[near], data["floor"][near]),
    }
    plots.plot_curves(
        lines, xlabel="probability of going right", ylabel="discounted return", legend="upper left", ax=left
    )
    old = np.interp(OLD, p, data["J"])
    left.plot([OLD], [old], "o", color="black", markersize=9, zorder=5, label="_old")
    left.annotate("old policy", (OLD, old), xytext=(-40, 14), textcoords="offset points")
    left.set(ylim=(-14, 1), title="the surrogate is a straight line")
    lines = {
        "allowed by the bound": (data["kl"], data["allowed"]),
        "true error, $L - J$": (data["kl"], data["error"]),
    }
    plots.plot_curves(
        lines,
        xlabel="KL(old || new), nats",
        ylabel="error of the surrogate",
        log=True,
        legend="upper left",
        ax=right,
    )
    right.set(xscale="log", title="its error grows with the divergence")
    return figure
