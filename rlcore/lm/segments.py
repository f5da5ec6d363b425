"""Reinforcement learning from human preferences, on an environment: which of two short films is better?

    P(first is chosen) = sigmoid(sum_k r(s_k, a_k) of the first - that of the second)

The rewards of the environment are hidden from the learner. Raters see two segments of K steps and choose; a
network r(s, a) is fitted to their choices, as `lm.reward_model` is; `ppo` climbs its sum; then the new policy's
segments are shown, and so on. What was learned is reported beside the true return.

Comparisons tell differences of sums of K steps, so r is known up to a constant a step; hence `Endless` episodes,
where such a constant changes nothing. A fall is no end there but a state, and raters see it.

    learned = step_reward(4, 2, rng, scale=[2.4, 2.0, 0.2, 2.0])        what CartPole's numbers are about
    history = ppo_from_preferences(CartPole(), policy, value, learned, SegmentConfig(), rng)

Letters: T steps, N walkers, B segments or pairs of them, K steps of a segment, D features, A actions.
Left out: ensembles that say what to ask about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.learning.on_policy import actor, check_fit
from rlcore.learning.policies import Policy, Value
from rlcore.learning.preferences import bradley_terry
from rlcore.learning.rollout import Act, Rollout, Runner
from rlcore.lm.population import hits
from rlcore.lm.raters import preference
from rlcore.nn.layers import Forward, Params, mlp, mlp_params, scaled
from rlcore.nn.optim import Adam
from rlcore.numerics import Array, pick
from rlcore.problems.doors import check_count, check_env, check_kind, check_rng, is_number
from rlcore.problems.endless import Endless, Paid, Pay
from rlcore.problems.env import Discrete

# ---------------------------------------------------------------- segments, and who chooses


@dataclass(frozen=True, eq=False)
class Segments:
    """B segments of K steps; segments[index] are some of them."""

    x: Array  # (B, K, D) float  what was seen
    action: Array  # (B, K) int
    true: Array  # (B,)  sum of the true rewards: the raters know it, the learner does not

    def __len__(self) -> int:
        return len(self.action)

    def __getitem__(self, index: Any) -> Segments:
        return Segments(self.x[index], self.action[index], self.true[index])


@dataclass(frozen=True, eq=False)
class Choices:
    """B comparisons of segments."""

    chosen: Segments
    rejected: Segments

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: Any) -> Choices:
        return Choices(self.chosen[index], self.rejected[index])


def cut(rollout: Rollout, observe: Callable[[Any], Array], n: int, K: int, rng: Generator) -> Segments:
    """n segments of K steps, from anywhere in any column.   (T, N) -> (n, K)

    Raises ValueError where K is more than T, or an episode ends before T: a segment would go on in the next one.
    """
    T, N = rollout.reward.shape
    check_count("K", K, 1, T)
    for t, i in np.argwhere(rollout.done[:-1])[:1]:
        raise ValueError(f"rollout.done[{t}, {i}] is True; walks must be `Endless` and of one episode each")
    column = rng.integers(N, size=n)[:, None]
    t = rng.integers(T - K + 1, size=n)[:, None] + np.arange(K)  # (n, K)
    return Segments(
        observe(rollout.state[t, column]), rollout.action[t, column], rollout.reward[t, column].sum(axis=1)
    )


def choose(
    segments: Segments, rng: Generator, *, tau: float = 1.0, noise: float = 0.0, draw: float = 0.0
) -> Choices:
    """Show raters the first half beside the second.   2 B segments -> B comparisons, and one more for each draw

    Sums of rewards that differ by no more than `draw` look alike: such a pair is entered both ways round, which
    asks for equal sums. To toss a coin for it would teach the network the coin. So it counts as two comparisons,
    twice what one comparison with the label 1/2 would.
    """
    B = len(segments) // 2
    margin = segments.true[:B] - segments.true[B : 2 * B]
    likes = rng.random(B) < preference(margin, tau=tau, noise=noise)
    chosen = np.where(likes, np.arange(B), np.arange(B, 2 * B))
    rejected = (chosen + B) % (2 * B)
    alike = np.abs(margin) <= draw
    both = [np.concatenate([one, other[alike]]) for one, other in ((chosen, rejected), (rejected, chosen))]
    return Choices(*(segments[index] for index in both))


def together(first: Choices | None, second: Choices) -> Choices:
    """The comparisons of both."""
    if first is None:
        return second

    def join(a: Segments, b: Segments) -> Segments:
        return Segments(*(np.concatenate(pair) for pair in zip(vars(a).values(), vars(b).values())))

    return Choices(join(first.chosen, second.chosen), join(first.rejected, second.rejected))


# ---------------------------------------------------------------- the reward model


@dataclass(frozen=True, eq=False)
class StepReward:
    """Parameters of an `mlp` with an output an action: r(x, a).   Learners change `params` in place."""

    params: Params
    forward: Forward = mlp

    def __call__(self, x: Array, action: Array) -> tuple[Array, Callable[[Array], Params]]:
        """(..., D), (...) int -> (...);   back: (...) -> grads"""
        y, back = self.forward(self.params, x)  # (..., A)
        one_hot = np.asarray(action)[..., None] == np.arange(y.shape[-1])
        return pick(y, action), lambda d: back(one_hot * d[..., None])[1]


def step_reward(
    n_features: int, n_actions: int, rng: Generator, *, hidden: int = 32, scale: Any = 1.0
) -> StepReward:
    """A hidden layer of tanh between what is seen, divided by scale (D,), and the reward of each action.

    Raises ValueError unless sizes are whole numbers >= 1 and scale is one finite number > 0, or one a feature.
    """
    check_rng(rng)
    for name, n in (("n_features", n_features), ("n_actions", n_actions), ("hidden", hidden)):
        check_count(name, n, 1)
    scale = np.asarray(scale, float)
    if scale.shape not in ((), (n_features,)):
        raise ValueError(f"scale has shape {scale.shape}; it must be one number, or {(n_features,)}")
    for i in np.flatnonzero(~((scale > 0) & (scale < inf)))[:1]:
        raise ValueError(f"scale[{i}] is {scale.ravel()[i]:g}; it must be a finite number > 0")
    return StepReward(mlp_params([n_features, hidden, n_actions], rng), scaled(mlp, scale))


def choice_gradient(learned: StepReward, choices: Choices) -> tuple[float, float, Params]:
    """`bradley_terry` of the sums over steps.   -> loss, how often the chosen has the larger sum, grads

    [eq:segment-loss]
    """
    r, back = learned(choices.chosen.x, choices.chosen.action)  # (B, K)
    r_other, back_other = learned(choices.rejected.x, choices.rejected.action)
    chosen, rejected = r.sum(axis=1), r_other.sum(axis=1)
    loss, (d, d_other) = bradley_terry(chosen, rejected)
    up = back(np.broadcast_to(d[:, None], r.shape))
    down = back_other(np.broadcast_to(d_other[:, None], r.shape))
    return loss, float(hits(chosen - rejected).mean()), {name: up[name] + down[name] for name in up}


def standard_pay(learned: StepReward, choices: Choices) -> Pay:
    """The learned reward with mean 0 and standard deviation 1 over the steps that were shown.

    Neither changes which policy is best in an endless environment; a critic and its step size care for both.
    """
    sides = (choices.chosen, choices.rejected)
    shown = np.concatenate([learned(side.x, side.action)[0].ravel() for side in sides])
    mean, std = shown.mean(), max(float(shown.std()), 1e-8)
    return lambda x, action: np.asarray((learned(x, action)[0] - mean) / std)


# ---------------------------------------------------------------- the rounds


@dataclass(frozen=True)
class SegmentConfig:
    """What a run of `ppo_from_preferences` needs to know; the numbers suit CartPole. ValueError out of range."""

    rounds: int = 5  # of comparisons, reward model, PPO
    pairs: int = 300  # comparisons in each
    K: int = 25  # steps of a segment
    horizon: int = 100  # steps of an episode that nothing ends
    walkers: int = 50  # whose walks are cut, and judged
    tau: float = 1.0  # how unsure raters are
    noise: float = 0.0  # how often they err
    draw: float = 0.0  # sums that differ by no more look alike to them
    steps: int = 300  # gradients of the reward model in a round, on all comparisons so far
    batch: int = 64  # comparisons in each
    lr: float = 1e-2  # of its Adam
    ppo: PPOConfig = field(
        default_factory=lambda: PPOConfig(20_000, entropy=0.1, eval_every=10**6, eval_episodes=1)
    )

    def __post_init__(self) -> None:
        check_count("rounds", self.rounds, 0)
        for name in ("pairs", "walkers", "steps", "batch", "horizon"):
            check_count(name, getattr(self, name), 1)
        check_count("K", self.K, 1, self.horizon)
        preference(np.zeros(1), tau=self.tau, noise=self.noise)  # refuses what is no rater
        if not is_number(self.lr) or not 0 < self.lr < inf:
            raise ValueError(f"lr is {self.lr!r}; it must be a finite number > 0")
        if not is_number(self.draw) or not 0 <= self.draw < inf:
            raise ValueError(f"draw is {self.draw!r}; it must be a finite number >= 0")
        if not isinstance(self.ppo, PPOConfig):
            raise ValueError(f"ppo is {self.ppo!r}; it must be PPOConfig(...)")


def ppo_from_preferences(
    env: Any, policy: Policy, value: Value, learned: StepReward, cfg: SegmentConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train policy, value and learned in place; raters go by env's rewards.   -> history, a row a round

        round, comparisons     so far
        agreement              how often the reward model of the round before prefers what was chosen now
        learned, true          mean returns of the new policy's walks, `horizon` steps each
        correlation            of learned and true sums of the new policy's segments (nan: all of one kind)

    Christiano et al. (2017).   Raises ValueError for actions that are not numbered, and as `ppo`.
    """
    check_kind(SegmentConfig, cfg=cfg)
    check_kind(StepReward, learned=learned)
    check_env(env)
    if not isinstance(env.actions, Discrete):
        raise ValueError(f"env.actions is {env.actions!r}; segments need numbered actions, Discrete(n)")
    runner = Runner(Endless(env, cfg.horizon), cfg.walkers, rng)
    check_fit(env, policy, env.observe(runner.state), value=value)
    act, adam = actor(policy, env.observe), Adam(cfg.lr)
    choices, walks = None, walk(runner, act)
    history: list[dict[str, float]] = []
    for number in range(1, cfg.rounds + 1):
        segments = cut(walks, env.observe, 2 * cfg.pairs, cfg.K, rng)
        new = choose(segments, rng, tau=cfg.tau, noise=cfg.noise, draw=cfg.draw)
        _, agreed, _ = choice_gradient(learned, new)
        choices = together(choices, new)
        for _ in range(cfg.steps):
            batch = choices[rng.integers(len(choices), size=cfg.batch)]
            adam.step(learned.params, choice_gradient(learned, batch)[2])

        pay = standard_pay(learned, choices)
        ppo(Paid(runner.env, pay), policy, value, cfg.ppo, rng)
        walks = walk(runner, act)
        row = {"round": number, "comparisons": len(choices), "agreement": agreed}
        history.append({**row, **audit(walks, env.observe, pay, cfg.K, rng)})
    return history


def walk(runner: Runner, act: Act) -> Rollout:
    """One episode of every walker, from its start to the horizon.   -> (T, N)"""
    runner.restart()
    return runner.collect(act, runner.env.horizon)


def audit(
    walks: Rollout, observe: Callable[[Any], Array], pay: Pay, K: int, rng: Generator
) -> dict[str, float]:
    """What two rewards say of the same walks: mean returns, and the correlation of sums over K steps."""
    learned = pay(observe(walks.state), walks.action)  # (T, N)
    segments = cut(walks, observe, 500, K, rng)
    sums = pay(segments.x, segments.action).sum(axis=1)
    both = min(float(np.std(sums)), float(np.std(segments.true))) > 0
    return {
        "learned": float(learned.sum(axis=0).mean()),
        "true": float(walks.reward.sum(axis=0).mean()),
        "correlation": float(np.corrcoef(sums, segments.true)[0, 1]) if both else np.nan,
    }
