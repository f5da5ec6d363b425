"""Figure 11.5: one `ppo` on the walk, the cliff and the slippery lake, as far as the exact optimum.

Above the policy before and after, a table on the first seed; below by how much its policy, doubts and all, falls
short, by linear algebra. A bonus on entropy keeps it looking for 300,000 steps; without one it settles in 100,000 more.
About 40 seconds. What is learned follows the last bits of the products: `check` says what must agree elsewhere.
"""

from dataclasses import replace
from itertools import count

import numpy as np

from rlcore.algorithms.ppo import PPOConfig, as_they_are, constant, linear, ppo
from rlcore.exact.gradients import performance
from rlcore.exact.values import optimal_value, policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params
from rlcore.numerics import softmax
from rlcore.problems.gridworlds import cliff, frozen_lake, walk

GRID = PPOConfig(
    steps=300_000,
    walkers=128,
    T=8,
    epochs=4,
    minibatch=1024,  # all steps at once
    lam=0.8,
    normalise=as_they_are,  # so that advantages and the bonus keep their units
    lr_schedule=constant,
    clip_schedule=constant,
    eval_every=10_000,
    eval_episodes=1,
)
WALK = replace(GRID, gamma=0.9, entropy=0.1)
CLIFF = replace(GRID, gamma=0.99, entropy=2.0)
LAKE = replace(GRID, gamma=0.99, entropy=0.01)
SETTLE = {"steps": 100_000, "entropy": 0.0, "lr_schedule": linear}
NETWORKS = {"table": ((), 0.05), "network": ((32,), 0.01)}  # hidden units, learning rate
SEEDS = range(5)
EVERY = 8  # updates between two looks at the policy: 8,192 steps


def problems():
    """name -> (what is drawn and solved exactly, what is walked, settings)"""
    lake = frozen_lake(gamma=0.99)
    limited = replace(lake.dense(), horizon=100)  # as Gymnasium has it: cut, and that is no end
    return {
        "walk": (walk(), walk(), WALK),
        "cliff": (cliff(0.99), cliff(0.99), CLIFF),
        "lake": (lake, limited, LAKE),
    }


def train(env, cfg, network, seed):
    """-> J of the policy now and then (K,), its probabilities (S, A), J of its likeliest actions

    A schedule is called before every update, so it may as well look at the policy.
    """
    hidden, lr = NETWORKS[network]
    S, A, rng, J = env.n_states, env.n_actions, np.random.default_rng(seed), []
    params = {"last_gain": 0.01, "dtype": np.float32}
    policy = Policy(mlp_params([S, *hidden, A], rng, **params), mlp, Categorical())
    value = Value(mlp_params([S, *hidden, 1], rng, **params), mlp)

    def probabilities():
        return softmax(policy(np.eye(S))[0].astype(float))

    def looking(schedule):
        update = count()

        def at(left):
            if next(update) % EVERY == 0:
                J.append(performance(env, probabilities()))
            return schedule(left)

        return at

    for stage in (cfg, replace(cfg, **SETTLE)):
        watched = replace(stage, lr=lr, lr_schedule=looking(stage.lr_schedule))
        ppo(env, policy, value, watched, rng)
    pi = probabilities()
    return [*J, performance(env, pi)], pi, performance(env, pi.argmax(axis=1))


def compute(seeds=SEEDS):
    """J (problems, networks, seeds, K) of the policies, best: of their likeliest actions;  pi_name (S, A)"""
    J, best, data = [], [], {}
    for name, (_, env, cfg) in problems().items():
        runs = [[train(env, cfg, network, seed) for seed in seeds] for network in NETWORKS]
        J.append([[run[0] for run in row] for row in runs])
        best.append([[run[2] for run in row] for row in runs])
        data[f"pi_{name}"] = runs[0][0][1]
    steps = EVERY * GRID.walkers * GRID.T
    first = np.arange(0, GRID.steps, steps)
    second = GRID.steps + np.arange(0, SETTLE["steps"], steps)
    step = np.concatenate([first, second, [GRID.steps + SETTLE["steps"]]])
    return {"step": step, "J": np.array(J), "best": np.array(best), **data}


def check(data):
    """In every run the likeliest actions are as good as can be; and the walk's first one comes out so again, here.

    Of 20 other seeds each, one table missed the best actions, on the lake: so one miss in five is let pass. With all
    its doubts the policy lacks no more than 3 % of the way there; those seeds lacked 1.98 % at most.
    """
    for i, (_, env, _) in enumerate(problems().values()):
        worth, uniform = env.start @ optimal_value(env), performance(env, np.full((env.n_states, 4), 0.25))
        reached = data["best"][i] >= worth - 1e-9
        assert (reached.sum(axis=1) >= len(SEEDS) - 1).all()
        assert (data["J"][i, ..., -1][reached] > worth - 0.03 * (worth - uniform)).all()
        np.testing.assert_allclose(data["J"][i, ..., 0], uniform, rtol=0.05)
    _, env, cfg = problems()["walk"]
    J, _, best = train(env, replace(cfg, steps=40_000), "table", SEEDS[0])
    assert abs(best - env.start @ optimal_value(env)) < 1e-12
    assert J[-1] > best - 0.02


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(
        15, 11, rows=3, columns=3, width_ratios=(1, 1.75, 1), height_ratios=(1, 1, 1.3)
    )
    x = data["step"] / 1000
    for i, (name, (grid, env, _)) in enumerate(problems().items()):
        before, after = np.full((grid.n_states, 4), 0.25), data[f"pi_{name}"]
        for ax, pi, when in ((axes[0, i], before, "before"), (axes[1, i], after, "after")):
            V = policy_value(grid, pi)
            if name == "cliff":  # nobody stands on it; its colour would darken all others
                V[37:47] = V[36]
            plots.plot_values(grid, V, policy=pi, decimals=None, label=None, ax=ax)
            ax.set_title(f"{name}, {when}: $J$ = {performance(env, pi):.5g}".replace("-", "\u2212"))
            if name == "cliff":
                ax.fill_between([0.5, 10.5], 2.5, 3.5, facecolor=plots.WALL, zorder=5)
                ax.text(5.5, 3, "the cliff", color="white", ha="center", va="center", zorder=6)
        best, J = env.start @ optimal_value(env), performance(env, before)
        ax = axes[2, i]
        for k, network in enumerate(NETWORKS):
            short = (best - data["J"][i, k]) / (best - J)
            colour, dash = plots.OKABE_ITO[k], plots.DASHES[k]
            ax.plot(x, short.T, color=colour, linewidth=0.6, alpha=0.5)
            ax.plot(x, Curve(x, short).mean, color=colour, linestyle=dash, linewidth=2.8, label=network)
        ax.axvline(GRID.steps / 1000, color="black", linewidth=1, linestyle=":")
        ax.set(yscale="log", ylim=(4e-6, 1.5), xlabel="environment steps (thousands)")
        ax.set_title(f"optimum: $J^*$ = {best:.5g}".replace("-", "\u2212"))
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
        hits = (data["best"][i] >= best - 1e-9).sum(axis=1)
        found = ", ".join(f"{network} {n}/{len(SEEDS)}" for network, n in zip(NETWORKS, hits))
        ax.text(0.03, 0.03, f"likeliest actions optimal:\n{found}", transform=ax.transAxes, fontsize=12)
    axes[2, 0].set_ylabel("part of the way still to go,\n$(J^* - J)\\,/\\,(J^* - J_{\\mathrm{before}})$")
    axes[2, 0].legend(loc="upper right")
    axes[2, 1].text(GRID.steps / 1000 - 4, 0.5, "bonus on entropy ", ha="right", fontsize=12)
    axes[2, 1].text(GRID.steps / 1000 + 4, 0.5, " none", fontsize=12)
    return figure
