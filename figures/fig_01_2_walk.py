"""Figure 1.2: one walk of a policy that prefers right and down, on the values of the best policy."""

import numpy as np

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.numerics import categorical, softmax
from rlcore.problems.gridworlds import DOWN, RIGHT, walk


def compute(seeds=(3,)):
    """The walk of chapter 1: preference 2 for right and down, 0 for the others."""
    grid, (seed,) = walk(), seeds
    preference = np.zeros((grid.n_states, grid.n_actions))
    preference[:, [RIGHT, DOWN]] = 2.0
    pi = softmax(preference)
    rng = np.random.default_rng(seed)
    state, rewards = grid.reset(rng), []
    states = [state]
    while not grid.terminal[state]:
        state, reward, _ = grid.step(state, categorical(pi[state], rng), rng)
        states.append(state)
        rewards.append(reward)
    return {"states": np.array(states), "rewards": np.array(rewards), "V": optimal_value(grid)}


@plots.house_style()
def draw(data):
    grid, rewards = walk(), data["rewards"]
    G = rewards @ grid.gamma ** np.arange(len(rewards))
    figure = plots.plot_walk(grid, data["states"], V=data["V"], label="optimal value $V^*$")
    said = f"{G:.2f}".replace("-", "\u2212")
    figure.axes[0].set_title(f"One walk: {len(rewards)} steps, return {said} at $\\gamma$ = {grid.gamma}")
    return figure
