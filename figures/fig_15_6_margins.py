"""Figure 15.6: three losses over the margin h, averaged over raters who are certain, and over raters who disagree."""

import numpy as np

from rlcore.lab import plots
from rlcore.learning.preferences import dpo, ipo

BETA, SMOOTHING = 0.2, 0.1
LOSSES = {
    "DPO": lambda c, r, weight: dpo(c, r, 0 * c, 0 * r, BETA, weight=weight),
    "conservative DPO": lambda c, r, weight: dpo(c, r, 0 * c, 0 * r, BETA, SMOOTHING, weight=weight),
    "IPO, divided by 10": lambda c, r, weight: ipo(c, r, 0 * c, 0 * r, BETA, weight=weight / 10),
}
RATERS = (1.0, 0.8)  # how often y is preferred


def compute(seeds=()):
    """The mean loss (raters, losses, K) at margins h (K,)."""
    h = np.linspace(-6, 20, 261)
    table = np.empty((len(RATERS), len(LOSSES), len(h)))
    for i, p in enumerate(RATERS):
        for j, loss in enumerate(LOSSES.values()):
            for k, x in enumerate(h):
                both = np.array([x, 0.0])  # y chosen, y' rejected; and the reverse
                table[i, j, k] = loss(both, both[::-1].copy(), np.array([p, 1 - p]))[0]
    return {"h": h, "loss": table}


@plots.house_style()
def draw(data):
    figure, panels = plots.canvas(13, 4.8, columns=2, sharey=True)
    for ax, p, table in zip(panels, RATERS, data["loss"]):
        for k, (name, y) in enumerate(zip(LOSSES, table)):
            ax.plot(data["h"], y, plots.DASHES[k], color=plots.OKABE_ITO[k], linewidth=2.4, label=name)
            lowest = int(np.argmin(y))
            if lowest < len(y) - 1:
                ax.plot(
                    data["h"][lowest], y[lowest], "o", color=plots.OKABE_ITO[k], markersize=9, label="_least"
                )
        ax.set(xlabel="margin h between y and y', nats", ylim=(0, 2.2))
        ax.set_title("All raters prefer y" if p == 1 else f"{p:.0%} of the raters prefer y")
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    panels[0].set_ylabel("mean loss")
    panels[1].legend(loc="upper right", frameon=False)
    return figure
