"""Figure 12.6: the pendulum by DDPG and by PPO with a Gaussian policy: scores, and what DDPG's critic promises.

Each thin line is one seed, the thick one the mean of six with its interval of level 0.95. About half a minute.
What a network learns follows the last bits of the matrix products, which differ from one processor to another:
so `check` says what must agree elsewhere, and how closely.
"""

from functools import partial

import numpy as np

from rlcore.algorithms.ddpg import Actor, DDPGConfig, ddpg
from rlcore.algorithms.ppo import PPOConfig, constant, ppo
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Gaussian, with_log_std
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params, orthogonal, relu, scaled
from rlcore.problems.pendulum import Pendulum

SEEDS = range(6)
SCALE = (1, 1, 8)  # of cos, sin and the speed: features in comparable units
WALK = DDPGConfig(steps=12_288, eval_every=1_024, eval_episodes=50)
PROXIMAL = PPOConfig(
    steps=71_680, walkers=16, T=128, gamma=0.95, epochs=10, minibatch=128, lr=2e-3, lr_schedule=constant,
    eval_every=5, eval_episodes=50,
)  # fmt: skip


def train_ddpg(seed, cfg=WALK):
    """The columns step, score, value and q of a history.   -> (4, K)"""
    rng = np.random.default_rng(seed)
    network = partial(mlp, activation=relu)
    params = mlp_params([3, 64, 64, 1], rng, last_gain=0.01, dtype=np.float32)
    actor = Actor(params, scaled(network, SCALE), Pendulum.actions)
    critic = Value(mlp_params([4, 64, 64, 1], rng, dtype=np.float32), scaled(network, (*SCALE, 2)))
    history = ddpg(Pendulum(), actor, critic, cfg, rng)
    return np.array([[row[name] for row in history] for name in ("step", "score", "value", "q")])


def train_ppo(seed, cfg=PROXIMAL):
    """The columns step and score of a history, where there is a score.   -> (2, K)"""
    rng = np.random.default_rng(seed)
    params = mlp_params([3, 64, 64, 1], rng, init=orthogonal, last_gain=0.01, dtype=np.float32)
    params["log_std"] = np.zeros(1, np.float32)
    policy = Policy(params, with_log_std(scaled(mlp, SCALE)), Gaussian())
    value = Value(mlp_params([3, 64, 64, 1], rng, init=orthogonal, dtype=np.float32), scaled(mlp, SCALE))
    history = ppo(Pendulum(), policy, value, cfg, rng)
    return np.array([[row["step"], row["score"]] for row in history if np.isfinite(row["score"])]).T


def compute(seeds=SEEDS):
    """ddpg_step, ppo_step (K,);  ddpg_score, ddpg_value, ddpg_q, ppo_score (seeds, K)"""
    walked = np.array([train_ddpg(seed) for seed in seeds])
    trusted = np.array([train_ppo(seed) for seed in seeds])
    columns = {f"ddpg_{name}": walked[:, i] for i, name in enumerate(("step", "score", "value", "q"))}
    columns["ddpg_step"] = columns["ddpg_step"][0]
    return {**columns, "ppo_step": trusted[0, 0], "ppo_score": trusted[:, 1]}


def check(data):
    """Before any learning everything is exact to 1e-4; afterwards both methods swing the pendulum up.

    On the processor that made the figure, all six seeds of either method end above -250; elsewhere the mean of
    six does, which has five standard errors to spare. And no episode is worth more than 0.
    """
    first = train_ddpg(SEEDS[0], DDPGConfig(steps=128, eval_every=128, eval_episodes=50))[:, 0]
    committed = [data[f"ddpg_{name}"].ravel()[0] for name in ("step", "score", "value", "q")]
    np.testing.assert_allclose(first, committed, rtol=1e-4, atol=1e-4)
    for name in ("ddpg", "ppo"):
        score = data[f"{name}_score"]
        assert (score <= 0).all()
        assert score[:, 0].mean() < -900
        assert score[:, -1].mean() > -250
    np.testing.assert_array_equal(data["ddpg_step"][:2], [0, 1024])


def runs(ax, x, scores, colour, dashes, name):
    for score in scores:
        ax.plot(x, score, color=colour, linewidth=0.7, alpha=0.5)
    line = Curve(x, scores)
    ax.plot(x, line.mean, color=colour, linewidth=3, linestyle=dashes, label=name)
    ax.fill_between(x, *line.interval, color=colour, alpha=0.15, linewidth=0)


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 4.8, columns=2)
    runs(left, data["ddpg_step"] / 1000, data["ddpg_score"], plots.OKABE_ITO[0], "-", "DDPG")
    runs(left, data["ppo_step"] / 1000, data["ppo_score"], plots.OKABE_ITO[1], "--", "PPO")
    left.set(xlabel="environment steps (thousands)", ylabel="return of an episode", ylim=(-1600, 0))
    left.set_title("Score")
    left.legend(loc="lower right", frameon=False)
    x = data["ddpg_step"] / 1000
    for i, (name, label) in enumerate(
        (("q", "promised: $Q(s_0, \\mu(s_0))$"), ("value", "came: discounted return"))
    ):
        line = Curve(x, data[f"ddpg_{name}"])
        look = {"color": plots.OKABE_ITO[2 + i], "linestyle": plots.DASHES[i]}
        right.plot(x, line.mean, linewidth=3, label=label, **look)
        right.fill_between(x, *line.interval, color=look["color"], alpha=0.15, linewidth=0)
    right.set(xlabel="environment steps (thousands)", ylabel="discounted return")
    right.set_title("What DDPG's critic promises, and what came")
    right.legend(loc="lower right", frameon=False)
    for ax in (left, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
