"""Figure 10.2: what a critic believes in the end that mistakes the time limit: exact limits of TD(0) on a corridor.

Ten rooms; a step leads on with probability 0.7, back otherwise, and where there is a wall one stays. The last room
pays 1 a step. Nothing ends, but every episode is cut after `horizon` steps; the next one begins in any room.
"""

import numpy as np

from rlcore.lab import plots

ROOMS, GAMMA, HORIZON = 10, 0.9, 10
HORIZONS = np.array([2, 3, 5, 7, 10, 15, 20, 25, 35, 50, 70, 100, 140, 200, 280, 400, 560, 800])
NAMES = (
    "goes on from where it was",
    "goes on from the reset",
    "takes the cut for an end",
    "mean of cut returns",
)


def corridor():
    """P (S, S), r (S,), start (S,)"""
    room = np.arange(ROOMS)
    P = 0.7 * np.eye(ROOMS)[np.minimum(room + 1, ROOMS - 1)] + 0.3 * np.eye(ROOMS)[np.maximum(room - 1, 0)]
    return P, 1.0 * (room == ROOMS - 1), np.full(ROOMS, 1 / ROOMS)


def limits(horizon):
    """What each of the four critics ends at.   -> (4, S)"""
    P, r, start = corridor()
    at = np.array([start @ np.linalg.matrix_power(P, t) for t in range(horizon)])  # (T, S)
    go_on = at[:-1].sum(axis=0) / at.sum(axis=0)  # (S,) the share of visits that the clock leaves alone
    reset = go_on[:, None] * P + (1 - go_on)[:, None] * start
    tables = [np.linalg.solve(np.eye(ROOMS) - GAMMA * chain, r) for chain in (P, reset, go_on[:, None] * P)]
    return np.array([*tables, cut_returns(P, r, at)])


def cut_returns(P, r, at):
    """The mean over all visits of the return up to the cut: what Monte Carlo finds that bootstraps 0."""
    V, total = np.zeros(ROOMS), np.zeros(ROOMS)
    for visits in at[::-1]:
        V = r + GAMMA * P @ V
        total += visits * V
    return total / at.sum(axis=0)


def compute(seeds=()):
    """V: (4, rooms) for a limit of ten steps;  last: (4, K), of the last room, for other limits"""
    return {"V": limits(HORIZON), "last": np.array([limits(T)[:, -1] for T in HORIZONS]).T}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 4.8, columns=2)
    for i, name in enumerate(NAMES):
        style = {
            "color": plots.OKABE_ITO[i],
            "linestyle": plots.DASHES[i],
            "marker": "osD^"[i],
            "label": name,
        }
        left.plot(np.arange(1, ROOMS + 1), data["V"][i], **style)
        right.plot(HORIZONS, data["last"][i], **style)
    left.set(
        xlabel="room",
        ylabel="value",
        title=f"What each room is believed to be worth, cut after {HORIZON} steps",
    )
    left.legend(loc="upper left", framealpha=0.9)
    right.set(
        xscale="log", xlabel="time limit (steps)", ylabel="value of the last room", title="Longer episodes"
    )
    right.set_xticks([3, 10, 30, 100, 300, 800], labels=["3", "10", "30", "100", "300", "800"])
    right.minorticks_off()
    for ax in (left, right):
        ax.set_ylim(0, 8)
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
