"""Figure 11.9: CartPole before and after: a policy that has learnt nothing, and the one that PPO made of it.

The still picture shows five moments of both, and angle and place over time, grey where an episode is over; the film
plays them side by side for five seconds. About 2 seconds. Paths of a trained network differ from one processor to
another: `check` says what must agree elsewhere.
"""

import numpy as np

from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.lab import plots
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import actor
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.problems.cartpole import LENGTH, TAU, X_LIMIT, CartPole

SEED, STEPS = 1, 500
NAMES = ("before", "after")


def episode(policy, seed):
    """States of one episode, the last one standing still to the end.   -> (STEPS + 1, 4), steps it took"""
    env = CartPole()
    runner = make_runner(env, 1, np.random.default_rng(seed))
    walk = runner.collect(actor(policy, env.observe), STEPS)
    length = int(np.flatnonzero(walk.done[:, 0])[0]) + 1
    states = np.concatenate([walk.state[:length, 0], walk.next_state[length - 1]])
    return np.concatenate([states, np.repeat(states[-1:], STEPS - length, axis=0)]), length


def compute(seeds=(SEED,)):
    """state (2, STEPS + 1, 4), length (2,): before and after training"""
    rng = np.random.default_rng(seeds[0])
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    value = Value(mlp_params([4, 64, 64, 1], rng, **init), mlp)
    episodes = [episode(policy, seeds[0])]
    history = ppo(CartPole(), policy, value, PPOConfig(stop_at=495), rng)
    episodes.append(episode(policy, seeds[0]))
    state, length = zip(*episodes)
    return {"state": np.array(state), "length": np.array(length), "step": np.array(history[-1]["step"])}


def check(data):
    """Before, the policy is a coin, and the path the same everywhere; after, the pole stands for 400 steps or more."""
    fresh = compute()
    for one in (data, fresh):
        assert one["length"][0] < 100
        assert one["length"][1] >= 400
    short = data["length"][0]
    assert fresh["length"][0] == short
    np.testing.assert_allclose(fresh["state"][0, : short + 1], data["state"][0, : short + 1], atol=1e-6)


def stage(ax, title):
    ax.plot([-X_LIMIT, X_LIMIT], [0, 0], color="black", linewidth=1.5)
    ax.set(xlim=(-X_LIMIT - 0.3, X_LIMIT + 0.3), ylim=(-0.35, 1.35), aspect="equal", title=title)
    ax.set(xlabel="place of the cart (m)", yticks=[])
    ax.spines["left"].set_visible(False)


def pole(ax, state, alpha=1.0):
    """A cart and its pole, two half lengths long."""
    x, _, theta, _ = state
    tip = x + 2 * LENGTH * np.sin(theta), 2 * LENGTH * np.cos(theta)
    ax.fill_between([x - 0.2, x + 0.2], -0.12, 0.06, color=plots.OKABE_ITO[0], alpha=alpha, linewidth=0)
    ax.plot(
        [x, tip[0]], [0, tip[1]], color=plots.OKABE_ITO[1], linewidth=5, alpha=alpha, solid_capstyle="round"
    )


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 7.5, rows=2, columns=2, height_ratios=(1, 1.1))
    for ax, name, states, length in zip(axes[0], NAMES, data["state"], data["length"]):
        stage(ax, f"{name}: {length} steps, {TAU * length:.1f} seconds")
        shown = np.unique(np.linspace(0, length, 5).astype(int))
        for k, t in enumerate(shown):
            pole(ax, states[t], 0.2 + 0.8 * (k + 1) / len(shown))
    axes[0, 0].set_ylabel("the later, the darker")
    angle, place = axes[1]
    for k, (name, states, length) in enumerate(zip(NAMES, data["state"], data["length"])):
        style = {"color": plots.OKABE_ITO[1 - k], "linestyle": plots.DASHES[1 - k], "label": name}
        time = TAU * np.arange(length + 1)
        angle.plot(time, np.degrees(states[: length + 1, 2]), **style)
        place.plot(time, states[: length + 1, 0], **style)
    for ax, limit, what in (
        (angle, 12, "angle of the pole (degrees)"),
        (place, X_LIMIT, "place of the cart (m)"),
    ):
        ax.axhspan(limit, 1.3 * limit, color=plots.WALL, alpha=0.25, linewidth=0)
        ax.axhspan(-1.3 * limit, -limit, color=plots.WALL, alpha=0.25, linewidth=0)
        ax.set(xlabel="time (s)", ylabel=what, ylim=(-1.3 * limit, 1.3 * limit))
        ax.legend(loc=(0.75, 0.68))
    return figure


def animate(data, path):
    """Every fourth step of the first five seconds."""
    figures = []
    for t in range(0, 251, 4):
        figure, axes = plots.canvas(9, 3.4, columns=2)
        for ax, name, states, length in zip(axes, NAMES, data["state"], data["length"]):
            stage(
                ax,
                f"{name}: {TAU * min(t, length):.1f} s"
                + (", down" if name == "before" and t >= length else ""),
            )
            pole(ax, states[t])
        figures.append(figure)
    plots.film(figures, seconds=4 * TAU, title="CartPole").save_gif(path)
