"""Figure 14.8: CartPole from preferences: what raters' choices of films taught, and what it was worth.

Thirty seeds, thin, and their mean with its interval of level 0.95. CartPole's own reward never reaches the learner:
raters see two films of 25 steps, 300 times a round. Learned rewards have mean 0 and standard deviation 1 over the
steps shown so far. About two minutes.
What a network learns follows the last bits of the matrix products, which differ from one processor to another:
so `check` says what must agree elsewhere, and how closely.
"""

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import actor
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import Runner
from rlcore.lm.segments import SegmentConfig, ppo_from_preferences, step_reward, walk
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole
from rlcore.problems.endless import Endless

SEEDS = range(30)
CFG = SegmentConfig()
SCALE = [2.4, 2.0, 0.2, 2.0]  # what CartPole's numbers are about
COLUMNS = ("true", "learned")


def networks(seed):
    """policy, value, reward model, and the generator that made them."""
    rng = np.random.default_rng(seed)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 32, 32, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    value = Value(mlp_params([4, 32, 32, 1], rng, **init), mlp)
    return policy, value, step_reward(4, 2, rng, scale=SCALE), rng


def before(seed):
    """The true return of the policy that has learned nothing, a walk of each of 50 walkers.   -> number"""
    policy, *_, rng = networks(seed)
    runner = Runner(Endless(CartPole(), CFG.horizon), CFG.walkers, rng)
    return walk(runner, actor(policy, CartPole().observe)).reward.sum(axis=0).mean()


def train(seed, cfg=CFG):
    """The columns of a history.   -> (2, rounds)"""
    policy, value, learned, rng = networks(seed)
    history = ppo_from_preferences(CartPole(), policy, value, learned, cfg, rng)
    return np.array([[row[name] for row in history] for name in COLUMNS])


def compute(seeds=SEEDS):
    """true (seeds, 1 + rounds), learned (seeds, rounds)"""
    runs = np.array([train(seed) for seed in seeds])
    start = np.array([[before(seed)] for seed in seeds])
    return {"true": np.hstack([start, runs[:, 0]]), "learned": runs[:, 1]}


def check(data):
    """Untrained, the first policy is the same on every processor; after five rounds most poles stand.

    On the processor that made the figure 29 of 30 stand for 97 steps or more; elsewhere it is three in four at least.
    After one round every reward model is pleased with what it made, though many of those policies are worse than
    untrained ones.
    """
    np.testing.assert_allclose(
        data["true"][0, 0], before(SEEDS[0]), rtol=0, atol=2
    )  # a push may go the other way
    true, learned = data["true"], data["learned"]
    assert (true <= CFG.horizon).all()
    assert true[:, 0].mean() < 30
    assert true[:, 1].mean() < 65
    assert (true[:, -1] > 90).mean() >= 0.75
    assert (learned[:, 0] > 0).all()
    assert (true[:, 1] < true[:, 0]).mean() > 0.1


def runs(ax, x, y, worse, most=np.inf):
    """A thin line a run, dashed for those that were worse after the first round; the mean and its interval."""
    for one, bad in zip(y, worse):
        ax.plot(x, one, plots.DASHES[bad], color=plots.OKABE_ITO[bad], linewidth=0.9, alpha=0.7, label="_run")
    line = Curve(x, y)
    low, high = line.interval
    ax.plot(x, line.mean, color="black", linewidth=3, label="mean of all")
    ax.fill_between(x, low, np.minimum(high, most), color="black", alpha=0.15, linewidth=0)
    ax.set(xlabel="round")
    ax.set_xticks(x)
    ax.grid(True, color="#DDDDDD", linewidth=0.8)


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 5, columns=2)
    worse = (data["true"][:, 1] < data["true"][:, 0]).astype(int)
    runs(left, np.arange(6), data["true"], worse, most=CFG.horizon)
    runs(right, np.arange(1, 6), data["learned"] / CFG.horizon, worse)
    for bad, name in enumerate(("better after round 1", "worse after round 1")):  # names for the thin lines
        right.plot([], [], plots.DASHES[bad], color=plots.OKABE_ITO[bad], linewidth=1.4, label=name)
    left.set(ylabel="true return (steps)", title="How long the pole stands, of 100 steps", ylim=(0, 104))
    right.axhline(0, color="black", linewidth=1.2, label="_shown")
    right.text(5, -0.3, "0: the mean of all films shown so far", ha="right", fontsize=12)
    right.set(ylabel="learned reward of a step", title="What the reward model says of it", ylim=(-0.42, 6.4))
    right.legend(loc="upper right", framealpha=0.9)
    return figure
