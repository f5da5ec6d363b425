"""Figure 8.2: tiles in the plane; what each basis can do on the 1000-state walk, and what it learns there."""

import numpy as np

from rlcore.algorithms.linear import gradient_mc
from rlcore.exact.linear import best_fit, on_policy_distribution, value_error
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.features import Fourier, Polynomial, Tiles, equal_groups, feature_matrix
from rlcore.problems.chains import big_random_walk

RUNS, EPISODES = 20, 80
PLANE = Tiles((0, 0), (1, 1), 4, 8)
POINT = (0.515, 0.485)
GRID = np.linspace(0, 1, 161)
SIZES = {  # name: (number of weights, features)
    "groups of states": [(k, equal_groups(1002, k)) for k in (2, 3, 5, 8, 12, 20)],
    "polynomial": [(k + 1, Polynomial(1, 1000, k)) for k in (1, 2, 4, 7, 11, 19)],
    "Fourier": [(k + 1, Fourier(1, 1000, k)) for k in (1, 2, 4, 7, 11, 19)],
}
LEARNED = {  # name: (features, alpha), each the best of a coarse sweep
    "polynomial, 6 weights": (Polynomial(1, 1000, 5), 0.0002),
    "groups, 20 weights": (equal_groups(1002, 20), 0.004),
    "Fourier, 6 weights": (Fourier(1, 1000, 5), 0.0005),
    "10 tilings of 5 tiles": (Tiles(1, 1000, 5, 10), 0.0002),
}


def compute(seeds=(0,)):
    """Tiles shared with a point, on a grid; error of the best fit by size; learning curves (runs, episodes)."""
    plane = np.stack(np.meshgrid(GRID, GRID), axis=-1)
    data = {"shared": (PLANE(plane) == PLANE(np.array(POINT))).sum(axis=-1)}
    walk, stay, inner = big_random_walk(), np.zeros(1002, int), slice(1, -1)
    V, mu = policy_value(walk, stay)[inner], on_policy_distribution(walk, stay)[inner]
    states = np.arange(1002)
    for i, family in enumerate(SIZES.values()):
        X = [feature_matrix(features, states)[inner] for _, features in family]
        data[f"best_{i}"] = np.sqrt([value_error(x @ best_fit(x, V, mu), V, mu) for x in X])
    for i, (features, alpha) in enumerate(LEARNED.values()):
        rng = np.random.default_rng([*seeds, 82])
        run = gradient_mc(walk, stay, features, episodes=EPISODES, alpha=alpha, gamma=1.0, rng=rng, runs=RUNS)
        v = run.trace @ feature_matrix(features, states)[inner].T
        data[f"error_{i}"] = np.sqrt(value_error(v, V, mu).T)
    return data


@plots.house_style()
def draw(data):
    figure, (tiles, best, learn) = plots.canvas(14, 4.6, columns=3)
    shown = tiles.imshow(data["shared"], origin="lower", extent=(0, 1, 0, 1), cmap="viridis", aspect="auto")
    figure.colorbar(shown, ax=tiles, label="tiles shared with the point", ticks=range(0, 9, 2))
    tiles.plot(*POINT, "o", markerfacecolor="white", markeredgecolor="black", markersize=8)
    tiles.set(xlabel="first number of the state", ylabel="second number", title="8 tilings of 4 x 4 tiles")
    tiles.set_xticks(np.linspace(0, 1, 5))
    tiles.set_yticks(np.linspace(0, 1, 5))
    lines = {
        name: (np.array([n for n, _ in family], float), data[f"best_{i}"])
        for i, (name, family) in enumerate(SIZES.items())
    }
    plots.plot_curves(
        lines, xlabel="weights", ylabel="root of the value error", log=True, legend="upper right", ax=best
    )
    best.set(title="the best fit to the walk's values", xticks=range(0, 21, 5), xlim=(0, 21), ylim=(1e-4, 1))
    curves = {name: Curve(np.arange(1, EPISODES + 1), data[f"error_{i}"]) for i, name in enumerate(LEARNED)}
    plots.plot_curves(
        curves,
        xlabel="episodes",
        ylabel="root of the error, mean of 20 runs",
        legend="lower left",
        ax=learn,
    )
    learn.set(ylim=(0, 0.5), title="gradient Monte Carlo", xticks=range(0, EPISODES + 1, 20))
    return figure
