"""Figure 7.7: UCT: the error of the root against simulations, and what it earns in play."""

from itertools import islice

import numpy as np

from rlcore.algorithms import dp
from rlcore.algorithms.tree_search import play, uct
from rlcore.exact.values import optimal_value, policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import walk

CHANCY = garnet(5, 3, 2, rng=np.random.default_rng(4)).dense()
GRID = walk()
DEPTH, ROOT = 3, 0
SIMULATIONS = (10, 30, 100, 300, 1000)
SEARCH = {"random play from the root": None, "UCT, c = 0.5": 0.5, "UCT, c = 2": 2.0}
BUDGET, GAMES = (8, 16, 32, 64), 8


def compute(seeds=range(6)):
    """Error of the root's best value (seeds, 5) a search; discounted return of a game (games, 4)."""
    exact = CHANCY.lookahead(next(islice(dp.value_iteration(CHANCY), DEPTH - 1, None)))[ROOT].max()
    data = {}
    for k, c in enumerate(SEARCH.values()):
        found = [[root_value(n, c, np.random.default_rng(seed)) for n in SIMULATIONS] for seed in seeds]
        data[f"error_{k}"] = np.abs(np.array(found) - exact)
    rng = np.random.default_rng(0)
    data["earned"] = np.array([[game(n, rng) for n in BUDGET] for _ in range(GAMES)])
    return data


def root_value(simulations, c, rng):
    """The best mean return at the root; without c, of simulations that all play at random after the first move."""
    if c is not None:
        return np.nanmax(
            uct(CHANCY, ROOT, simulations=simulations, depth=DEPTH, c=c, gamma=CHANCY.gamma, rng=rng).Q
        )
    return max(np.mean([one_walk(a, rng) for _ in range(simulations // 3)]) for a in range(3))


def one_walk(a, rng):
    """The return of action a and random play after it."""
    s, reward, _ = CHANCY.step(ROOT, a, rng)
    return reward + CHANCY.gamma * play(CHANCY, s, DEPTH - 1, CHANCY.gamma, rng)


def game(simulations, rng):
    """The discounted return of a walk of at most 40 moves, each chosen by a search of its own."""
    kw = {"simulations": simulations, "depth": 25, "c": 5.0, "gamma": 0.9}
    return play(GRID, 0, 40, 0.9, rng, lambda s, rng: int(uct(GRID, s, **kw, rng=rng).visits.argmax()))


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 5, columns=2)
    lines = {name: Curve(np.log10(SIMULATIONS), data[f"error_{k}"]) for k, name in enumerate(SEARCH)}
    plots.plot_curves(
        lines, xlabel="simulations", ylabel="error of the best value", legend="upper right", ax=left
    )
    left.set(title="Five states of chance, three steps deep", ylim=(0, None))
    left.set(xticks=np.log10(SIMULATIONS), xticklabels=SIMULATIONS)
    plots.plot_curves(
        {"UCT": Curve(np.log2(BUDGET), data["earned"])},
        xlabel="simulations a move",
        ylabel="discounted return of a game",
        ax=right,
    )
    worst = policy_value(GRID, np.full((GRID.n_states, 4), 0.25))[0]
    for level, name, above in ((optimal_value(GRID)[0], "best play", 5), (worst, "random play", -16)):
        right.axhline(level, color="black", linewidth=1, linestyle=":")
        at = {"xytext": (0, above), "textcoords": "offset points", "ha": "right"}
        right.annotate(name, (np.log2(BUDGET[-1]), level), **at)
    right.set(
        title="The walk of chapter 1, 8 games each",
        ylim=(-10.8, -1.5),
        xticks=np.log2(BUDGET),
        xticklabels=BUDGET,
    )
    return figure
