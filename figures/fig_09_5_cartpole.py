"""Figure 9.5: CartPole by REINFORCE without a baseline, with a constant, and with a learned one.

Means of eight seeds with intervals of level 0.95. About 15 seconds. What a network learns follows the last bits of
the matrix products, which differ from one processor to another: so `check` says what must agree elsewhere.
"""

import numpy as np

from rlcore.algorithms.reinforce import ReinforceConfig, constant, reinforce
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole

KINDS = ("no baseline", "a constant", "a learned one")
SEEDS, STEPS = range(8), 60_000
X = np.arange(4_000, STEPS + 1, 4_000)


def train(kind, seed, steps=STEPS):
    """The columns step and return of a history.   -> (2, updates)"""
    rng = np.random.default_rng(seed)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    baselines = {
        "no baseline": None,
        "a constant": Value({"b": np.zeros(1, np.float32)}, constant),
        "a learned one": Value(mlp_params([4, 64, 1], rng, **init), mlp),
    }
    cfg = ReinforceConfig(steps=steps, eval_every=10**6, eval_episodes=1)
    history = reinforce(CartPole(), policy, baselines[kind], cfg, rng)
    return np.array([[row["step"] for row in history], [row["return"] for row in history]])


def compute(seeds=SEEDS):
    """returns (kinds, seeds, K) of the walking policy, at steps X by interpolation; first: two updates' returns"""
    runs = [[train(kind, seed) for seed in seeds] for kind in KINDS]
    returns = [[np.interp(X, *run) for run in kind] for kind in runs]
    return {"returns": np.array(returns, np.float32), "first": runs[2][0][1, :2]}


def check(data):
    """The first two updates again: the mean score of their 16 episodes is the committed one to 10 %."""
    assert data["returns"].shape == (3, len(SEEDS), len(X))
    assert (data["returns"] <= 500).all()
    np.testing.assert_allclose(train("a learned one", SEEDS[0], 500)[1, :2], data["first"], rtol=0.1)


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(9.5, 5.2)
    lines = {name: Curve(X / 1000, y) for name, y in zip(KINDS, data["returns"])}
    plots.plot_curves(
        lines,
        xlabel="environment steps (thousands)",
        ylabel="steps before the pole falls",
        legend="upper left",
        ax=ax,
    )
    ax.set(ylim=(0, 515), title="CartPole: means of 8 seeds, 95% intervals")
    return figure
