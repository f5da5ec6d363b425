"""Figure 6.3: SARSA in the windy gridworld (Sutton & Barto, Example 6.5)."""

import numpy as np

from rlcore.algorithms.dp import greedy
from rlcore.algorithms.td import sarsa
from rlcore.exact.values import optimal_value, policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.policies import epsilon_greedy_probabilities
from rlcore.problems.gridworlds import windy

RUNS, EPISODES = 100, 400


def compute(seeds=(0,)):
    """Steps of each episode of each run, (runs, episodes), and what exploring costs in the end."""
    world = windy()
    control = sarsa(
        world,
        episodes=EPISODES,
        alpha=0.5,
        epsilon=0.1,
        gamma=1.0,
        rng=np.random.default_rng(seeds[0]),
        runs=RUNS,
    )
    Q = world.lookahead(optimal_value(world)).round(9)
    exploring = policy_value(world, epsilon_greedy_probabilities(Q, 0.1))
    return {"steps": control.lengths.astype(np.int32), "exploring": -exploring[world.start.argmax()]}


def shortest_walk(world):
    """The states of a greedy walk from the start."""
    pi, s, path = greedy(world, optimal_value(world)), int(world.start.argmax()), []
    while not world.terminal[s]:
        path.append(s)
        s = int(world.succ[s, pi[s], 0])
    return np.array([*path, s])


@plots.house_style()
def draw(data):
    world = windy()
    figure, axes = plots.canvas(13, 5, columns=2, width_ratios=(1.15, 1))
    path = shortest_walk(world)
    plots.plot_walk(world, path, ax=axes[0])
    wind = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)
    axes[0].set_xticks(range(10), [f"{column}\n{w}" for column, w in enumerate(wind)])
    axes[0].set_xlabel("column, and its wind in cells upwards")
    axes[0].set_title(f"a shortest way: {len(path) - 1} steps")
    x = np.arange(1, EPISODES + 1)
    plots.plot_curves({"SARSA": Curve(x, data["steps"])}, xlabel="episode", ylabel="steps", ax=axes[1])
    exact = float(data["exploring"])
    for y, style, label in (
        (exact, ":", f"shortest way, $\\epsilon = 0.1$: {exact:.2f} on average"),
        (len(path) - 1, "--", f"shortest way: {len(path) - 1}"),
    ):
        axes[1].axhline(y, color="black", linestyle=style, linewidth=1.2, label=label)
    axes[1].set_ylim(0, 100)
    axes[1].legend(loc="upper right")
    axes[1].set_title("means of 100 runs, band: 95% interval")
    return figure
