"""Figure 12.4: old gradients: how fast an error shrinks or grows, exactly; five descents; A2C on CartPole.

On the right a dot is a seed, and the bars are intervals of level 0.95 of the mean of twelve. About half a minute.
What a network learns follows the last bits of the matrix products, which differ from one processor to another: so
`check` says what must agree elsewhere.
"""

import numpy as np

from rlcore.algorithms.asynchronous import asynchronous_a2c, delayed_descent
from rlcore.algorithms.distributed import SynchronousConfig
from rlcore.exact.descent import delayed_growth, largest_rate
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params
from rlcore.problems.cartpole import CartPole

DELAYS = (0, 1, 2, 4, 8)
RATES = np.linspace(0.0, 2.2, 221)
RATE, STEPS = 0.3, 45
LEARNING = (0, 4, 16, 64)  # delays of A2C
SEEDS = range(12)


def exact():
    """growth (delays, rates), limit (delays,), walks (delays, STEPS + 1)"""
    return {
        "growth": np.array([[delayed_growth(rate, d) for rate in RATES] for d in DELAYS]),
        "limit": np.array([largest_rate(d) for d in DELAYS]),
        "walks": np.array(
            [delayed_descent(lambda w: w, np.ones(1), lr=RATE, delay=d, steps=STEPS)[:, 0] for d in DELAYS]
        ),
    }


def train(delay, seed):
    """The mean of all scores on the way through 50,048 steps."""
    rng = np.random.default_rng(seed)
    policy = Policy(mlp_params([4, 64, 2], rng, last_gain=0.01), mlp, Categorical())
    value = Value(mlp_params([4, 64, 1], rng), mlp)
    cfg = SynchronousConfig(shards=1, steps=50_048, lr=0.01, value_lr=0.01, eval_every=34, eval_episodes=30)
    history = asynchronous_a2c(CartPole(), policy, value, cfg, rng, delay=delay)
    return np.nanmean([row["score"] for row in history])


def compute(seeds=SEEDS):
    """What `exact` gives, and the scores of A2C (seeds, delays)"""
    return {**exact(), "score": np.array([[train(delay, seed) for delay in LEARNING] for seed in seeds])}


def check(data):
    """The exact parts to 1e-7. Gradients 64 updates late cost at least a third of the score.

    On the processor that made the figure they cost more than half of it.
    """
    for name, array in exact().items():
        np.testing.assert_allclose(data[name], array, rtol=0, atol=1e-7 * max(1, np.abs(array).max()))
    mean = data["score"].mean(axis=0)
    assert mean[-1] < mean[0] * 2 / 3
    assert ((data["score"] > 8) & (data["score"] <= 500)).all()


@plots.house_style()
def draw(data):
    figure, (left, middle, right) = plots.canvas(15, 4.8, columns=3)
    for i, d in enumerate(DELAYS):
        look = {"color": plots.OKABE_ITO[i], "linestyle": plots.DASHES[i]}
        left.plot(RATES, data["growth"][i], label=f"delay {d}", **look)
        left.plot(data["limit"][i], 1.0, "o", color=plots.OKABE_ITO[i], markersize=8, zorder=5)
        middle.plot(data["walks"][i], label=f"delay {d}", **look)
    left.axhline(1.0, color="black", linewidth=1)
    left.text(1.15, 1.01, "runs away", ha="left", va="bottom")
    left.text(1.15, 0.985, "converges", ha="left", va="top")
    left.set(ylim=(0, 1.5), xlim=(0, 2.2), xlabel="learning rate times curvature")
    left.set(ylabel="factor of the error, an update", title="Dots: the largest rate")
    middle.set(ylim=(-3, 3), xlabel="update", ylabel="error $w$", title=f"The same rate, {RATE}, for all")
    middle.axhline(0.0, color="black", linewidth=1)
    middle.legend(loc="upper left", frameon=False)
    line = Curve(np.arange(len(LEARNING)), data["score"])
    for score in data["score"]:
        right.plot(line.x, score, "o", color=plots.OKABE_ITO[0], markersize=4, alpha=0.4)
    low, high = line.interval
    error = [line.mean - low, high - line.mean]
    right.errorbar(
        line.x + 0.15, line.mean, error, fmt="s", color=plots.OKABE_ITO[1], markersize=8, capsize=6
    )
    right.set_xticks(line.x, [str(d) for d in LEARNING])
    right.set(ylim=(0, 400), xlim=(-0.5, 3.5), xlabel="delay", ylabel="mean return on the way")
    right.set_title("A2C on CartPole, 50,000 steps")
    for ax in (left, middle, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
