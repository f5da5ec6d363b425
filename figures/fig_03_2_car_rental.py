"""Figure 3.2: policy iteration on Jack's car rental (Sutton & Barto, Example 4.2)."""

import numpy as np

from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.problems.car_rental import CARS, MOVES, car_rental, cars_moved


def compute(seeds=()):
    """Cars moved by pi_0 .. pi_4, from the policy that moves none, and the value of the last."""
    mdp, moved = car_rental(), cars_moved()
    pi = np.full(mdp.n_states, MOVES)  # action MOVES moves no car
    policies = [pi]
    while True:
        V = policy_value(mdp, pi)
        pi = mdp.lookahead(V).argmax(axis=1)
        if (mdp.lookahead(V).max(axis=1) - V).max() < 1e-9:
            break
        policies.append(pi)
    side = CARS + 1
    return {
        "policies": np.stack([moved[np.arange(len(moved)), p].reshape(side, side) for p in policies]),
        "V": V.reshape(side, side),
    }


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(13.3, 9, rows=2, columns=3)
    for k, (ax, policy) in enumerate(zip(axes.flat, data["policies"])):
        plots.plot_table(policy, xlabel="cars at location 2", ylabel="cars at location 1", ax=ax)
        ax.set_title(f"$\\pi_{k}$: cars moved from 1 to 2")
        for text in ax.texts:
            if text.get_position()[0] == CARS:  # a region of one cell at the edge: keep off the edge
                text.set(x=CARS + 0.4, ha="right")
    row, column = np.nonzero(data["policies"][-1] != data["policies"][-2])
    ax.plot(column, row, "o", color=plots.OKABE_ITO[1], markersize=5)
    ax.set_title(f"$\\pi_{k}$; dots: what differs from $\\pi_{k - 1}$")
    last = axes.flat[-1]
    plots.plot_table(
        data["V"], xlabel="cars at location 2", ylabel="cars at location 1", label="value (credit)", ax=last
    )
    last.set_title("$V$ of $\\pi_4$")
    return figure
