"""Figure 10.3: actor-critic balances a pole: what the estimate of each of the two is worth, eight seeds each.

Means with intervals of level 0.95. Half a minute. What a network learns follows the last bits of the matrix
products, which differ from one processor to another: so `check` says what must agree elsewhere.
"""

from functools import partial

import numpy as np

from rlcore.algorithms.actor_critic import ActorCriticConfig, actor_critic
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import monte_carlo, td
from rlcore.learning.policies import Policy, Value
from rlcore.learning.returns import gae
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import CartPole

ESTIMATES = {"td": td, "gae": partial(gae, lam=0.95), "monte carlo": monte_carlo}
SLOW = {"lr": 3e-4, "value_lr": 1e-2}  # of actor and critic; the default is 3e-3 for both
LEARNERS = {  # name: estimate of the actor, of the critic, settings
    "td": ("td", "td", {}),
    "gae": ("gae", "gae", {}),
    "monte carlo": ("monte carlo", "monte carlo", {}),
    "actor: td, critic: gae": ("td", "gae", {}),
    "actor: gae, critic: td": ("gae", "td", {}),
    "td, slow actor, fast critic": ("td", "td", SLOW),
}
SEEDS = range(8)
STEPS, EVERY = 61_440, 6_144
INIT = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}


def train(name, seed, steps=STEPS):
    """The columns step, score and value_loss of the evaluations.   -> (3, K)"""
    rng, (advantage, target, settings) = np.random.default_rng(seed), LEARNERS[name]
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **INIT), mlp, Categorical())
    value = Value(mlp_params([4, 64, 64, 1], rng, **INIT), mlp)
    chosen = {"advantage": ESTIMATES[advantage], "target": ESTIMATES[target], **settings}
    cfg = ActorCriticConfig(steps=steps, eval_every=EVERY // 128, eval_episodes=50, **chosen)
    rows = [row for row in actor_critic(CartPole(), policy, value, cfg, rng) if np.isfinite(row["score"])]
    return np.array([[row[name] for row in rows] for name in ("step", "score", "value_loss")])


def compute(seeds=SEEDS):
    """step (K,);  score, loss: (learners, seeds, K)"""
    runs = np.array([[train(name, seed) for seed in seeds] for name in LEARNERS])
    return {"step": runs[0, 0, 0], "score": runs[:, :, 1], "loss": runs[:, :, 2]}


def check(data):
    """Train the first seed of GAE again, a tenth as long: the critic's loss is the committed one to 10 %.

    And what must hold anywhere: an episode has at least 8 steps and at most 500.
    """
    step, score, loss = train("gae", SEEDS[0], EVERY)
    np.testing.assert_array_equal(data["step"], np.arange(EVERY, STEPS + 1, EVERY))
    np.testing.assert_array_equal(step, data["step"][:1])
    np.testing.assert_allclose(loss, data["loss"][1, 0, :1], rtol=0.1)
    for scores in (score, data["score"]):
        assert ((scores >= 8) & (scores <= 500)).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 4.8, columns=2)
    x, names = data["step"] / 1000, list(LEARNERS)
    for ax, rows in ((left, (0, 1, 2)), (right, (3, 4, 5))):
        for i, row in enumerate(rows):
            curve, colour = Curve(x, data["score"][row]), plots.OKABE_ITO[i]
            ax.plot(x, curve.mean, color=colour, linestyle=plots.DASHES[i], label=names[row])
            ax.fill_between(x, *np.clip(curve.interval, 0, 500), color=colour, alpha=0.15, linewidth=0)
        ax.set(xlabel="environment steps (thousands)", ylabel="steps before the pole falls", ylim=(0, 515))
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
        ax.legend(loc="upper left", framealpha=0.9)
    left.set_title("The same estimate for actor and critic")
    right.set_title("What is wrong with TD?")
    return figure
