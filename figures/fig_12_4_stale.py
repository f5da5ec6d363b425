"""Figure 12.4: gradient descent with old gradients: how fast an error shrinks or grows, exactly, and four walks."""

import numpy as np

from rlcore.exact.descent import best_rate, delayed_growth, largest_rate
from rlcore.lab import plots

DELAYS = (0, 1, 2, 4, 8)
RATES = np.linspace(0.0, 2.2, 221)
RATE, STEPS = 0.3, 45


def descent(rate, delay, steps):
    """w_{t+1} = w_t - rate w_{t-delay}, from 1.   -> (steps + 1,)"""
    w = np.ones(delay + steps + 1)
    for t in range(delay, delay + steps):
        w[t + 1] = w[t] - rate * w[t - delay]
    return w[delay:]


def compute(seeds=()):
    """growth (delays, rates), limit (delays,), best (delays, 2), walks (delays, steps + 1)"""
    return {
        "growth": np.array([[delayed_growth(rate, d) for rate in RATES] for d in DELAYS]),
        "limit": np.array([largest_rate(d) for d in DELAYS]),
        "best": np.array([best_rate(d) for d in DELAYS]),
        "walks": np.array([descent(RATE, d, STEPS) for d in DELAYS]),
    }


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 4.8, columns=2)
    for i, d in enumerate(DELAYS):
        look = {"color": plots.OKABE_ITO[i], "linestyle": plots.DASHES[i]}
        left.plot(RATES, data["growth"][i], label=f"delay {d}", **look)
        left.plot(data["limit"][i], 1.0, "o", color=plots.OKABE_ITO[i], markersize=8, zorder=5)
        right.plot(data["walks"][i], label=f"delay {d}", **look)
    left.axhline(1.0, color="black", linewidth=1)
    left.text(1.3, 1.01, "runs away", ha="left", va="bottom")
    left.text(1.3, 0.985, "converges", ha="left", va="top")
    left.set(
        ylim=(0, 1.5),
        xlim=(0, 2.2),
        xlabel="learning rate times curvature",
        ylabel="factor of the error, an update",
    )
    left.set_title("Dots: the largest rate")
    right.set(ylim=(-3, 3), xlabel="update", ylabel="error $w$")
    right.set_title(f"The same rate, {RATE}, for all")
    right.axhline(0.0, color="black", linewidth=1)
    right.legend(loc="upper left", frameon=False)
    for ax in (left, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
