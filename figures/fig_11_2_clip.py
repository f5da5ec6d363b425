"""Figure 11.2: the clipped objective for a good and for a bad action, its slope, and the same with `max` for `min`."""

import numpy as np

from rlcore.lab import plots
from rlcore.learning.losses import clipped_surrogate

CLIP = 0.2
SIGNS = {"A = 1: a good action": 1.0, "A = -1: a bad action": -1.0}


def compute(seeds=()):
    """Objective and slope over the ratio (K,) for A = 1 and A = -1, by min and by max.   -> (2, K) each"""
    r = np.linspace(0.005, 1.995, 200)  # no edge among them
    data = {"r": r}
    for name, turn in (("min", 1.0), ("max", -1.0)):  # max(x, y) = -min(-x, -y)
        values, slopes = [], []
        for A in SIGNS.values():
            steps = [
                clipped_surrogate(x, np.zeros(1), np.array([turn * A]), CLIP) for x in np.log(r)[:, None]
            ]
            values.append([-turn * value for value, _ in steps])
            slopes.append([-turn * d_logp[0] for _, d_logp in steps] / r)  # dr / dlogp = r
        data[name], data[f"{name}_slope"] = np.array(values), np.array(slopes) + 0.0
    return data


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(13, 7.4, rows=2, columns=2, height_ratios=(1.5, 1), sharex=True)
    r = data["r"]
    for k, (title, A) in enumerate(SIGNS.items()):
        top, bottom = axes[:, k]
        for ax, kind, ylabel in ((top, "", "objective of one step"), (bottom, "_slope", "its slope")):
            for name, label, style in (("max", "with max: wrong", "--"), ("min", "with min: PPO", "-")):
                colour, width = plots.OKABE_ITO[style == "--"], 2.0 + (style == "-")
                ax.plot(r, data[name + kind][k], style, color=colour, linewidth=width, label=label)
            ax.axvspan(1 - CLIP, 1 + CLIP, color="#EEEEEE", zorder=0)
            ax.set(ylabel=ylabel if k == 0 else None)
        top.plot([1], [A], "o", color="black", markersize=8, label="_start")
        arrow = {"arrowstyle": "-|>", "linewidth": 2, "color": "black"}
        low = min(A, 0) * 2 + 0.12
        top.annotate("", (1 + 0.6 * A, low), (1, low), arrowprops=arrow)
        top.text(1 + 0.3 * A, low + 0.06, "uphill", ha="center", va="bottom")
        top.set_title(title.replace("-1", "\u22121"))
        bottom.set(
            xlabel="ratio  r = new / old", ylim=(min(A, 0) - 0.25, max(A, 0) + 0.25), yticks=sorted((0, A))
        )
    axes[0, 0].legend(loc="upper left", frameon=False)
    return figure
