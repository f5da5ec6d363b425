"""What learners from fresh experience share: walks under the present policy, flat batches of them, checks.

    walks = whole_episodes(runner, act)      one episode of every walker, for learners that need returns
          | fixed_steps(runner, act, T)      T steps of every walker, for learners with a critic

    steps = judged(walks, policy, value, observe, estimate, gamma)      flat: a row a step, in no order

An estimate says how much better a step was than the critic thought it would be:

    td              r + gamma V(s') - V(s)            one reward, and the critic for the rest
    monte_carlo     G - V(s)                          all rewards up to the end, or to where the walk was cut
    partial(gae, lam=0.95)                            in between; lam = 0 is the first one, lam = 1 the second

Any of them plus V(s) is an estimate of what the critic should have said: its target.

Letters: T steps, N walkers, B steps in a batch, D features, Y numbers that the head reads.
Left out: old experience; see `replay`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import check_gamma
from rlcore.learning.policies import Policy, Value
from rlcore.learning.returns import discounted_return, td_error
from rlcore.learning.rollout import Act, Rollout, Runner, evaluate
from rlcore.learning.shapes import same_shape
from rlcore.nn.layers import Params, Pullback
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_kind, check_probability, is_number
from rlcore.problems.env import Discrete

Estimate: TypeAlias = Callable[
    ..., Array
]  # (reward, value, next_value, terminated, done, *, gamma) -> (T, N)


# ---------------------------------------------------------------- walking


@dataclass(frozen=True, eq=False)
class Walks(Rollout):
    """A rollout of which not every step counts."""

    live: Array  # (T, N) bool  the step belongs to what was asked for


def fixed_steps(runner: Runner, act: Act, T: int) -> Walks:
    """T steps of every walker, from where it stands; all of them count."""
    return Walks(**vars(runner.collect(act, T)), live=np.ones((T, runner.n), bool))


def whole_episodes(runner: Runner, act: Act, T: int = 0) -> Walks:
    """One episode of every walker from its start, however long it takes; T has no part in it.

    Who finishes early begins another one, which does not count: the first N episodes to finish would be the
    short ones. `runner.scores` gets those that count.
    """
    runner.restart()
    before, steps = len(runner.scores), list[Rollout]()
    live = [np.ones(runner.n, bool)]
    while live[-1].any():
        steps.append(runner.collect(act, 1))
        live.append(live[-1] & ~steps[-1].done[0])
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in steps]) for f in fields(Rollout)}
    walks = Walks(**columns, live=np.array(live[:-1]))
    runner.scores[before:] = np.where(walks.live, walks.reward, 0.0).sum(axis=0).tolist()
    return walks


def actor(policy: Policy, observe: Callable[[Any], Array]) -> Act:
    """The policy as what a runner calls: states in, actions drawn and their log-probabilities out."""
    return lambda state, rng: policy.act(observe(state), rng)


def mean_score(judge: Runner, act: Act) -> float:
    """The mean return of one episode of every walker of the judge."""
    judge.restart()
    return float(evaluate(judge, act)[0].mean())


def recent_return(runner: Runner) -> float:
    """The mean return of the episodes that ended since the last call; nan where none did."""
    ended, runner.scores = runner.scores, []
    return float(np.mean(ended)) if ended else np.nan


# ---------------------------------------------------------------- judging


def td(
    reward: Array, value: Array, next_value: Array, terminated: Array, done: Array, *, gamma: float
) -> Array:
    """The TD error: no more noise than one step makes, and all of the critic's bias.   all (T, N) -> (T, N)"""
    return td_error(reward, value, next_value, terminated, gamma=gamma)


def monte_carlo(
    reward: Array, value: Array, next_value: Array, terminated: Array, done: Array, *, gamma: float
) -> Array:
    """Return minus value; the critic speaks for what the walk did not live to see.   all (T, N) -> (T, N)"""
    bootstrap = np.where(terminated, 0.0, next_value)
    return np.asarray(discounted_return(reward, done, gamma=gamma, bootstrap=bootstrap) - value)


def critic_says(value: Value, x: Array) -> Array:
    """V(s), without the axis of its one output.   (..., D) -> (...)"""
    return value(x)[0][..., 0]


def zero(params: Params, x: Array) -> tuple[Array, Pullback]:
    """The critic that says 0 of every state, and learns nothing.   (..., D) -> (..., 1)"""
    return np.zeros((*np.shape(x)[:-1], 1)), lambda dy: (np.zeros_like(x), {})


NO_CRITIC = Value({}, zero)


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps that need not follow each other, with all that an update wants to know of them."""

    x: Array  # (B, D)  what was seen
    action: Array  # (B,) or (B, D')
    y: Array  # (B, Y)  what the policy's network said, before the update
    logp: Array  # (B,)  log pi(action | state), before the update
    value: Array  # (B,)  V(state), before the update
    advantage: Array  # (B,)
    target: Array  # (B,)  what V(state) should have been

    def __len__(self) -> int:
        return len(self.logp)

    def __getitem__(self, rows: Any) -> Steps:
        return Steps(*(array[rows] for array in vars(self).values()))


def judged(
    walks: Walks,
    policy: Policy,
    value: Value,
    observe: Callable[[Any], Array],
    estimate: Estimate,
    gamma: float,
    target: Estimate | None = None,
) -> Steps:
    """Advantages and targets of the steps that count.   (T, N, ...) -> (B, ...)

        advantage = estimate(...),    target = target(...) + V(s),   with the same estimate unless told otherwise

    [eq:value-target]

    V(s') is that of the true successor, so a walk that the time limit cut goes on in the critic's eyes.
    All numbers but the actions come in the type of the policy's network, float32 or float64.
    """
    x = observe(walks.state)  # (T, N, D)
    v, v_next = critic_says(value, x), critic_says(value, observe(walks.next_state))
    story = walks.reward, v, v_next, walks.terminated, walks.done
    advantage = estimate(*story, gamma=gamma)
    better = advantage if target is None else target(*story, gamma=gamma)
    y, live = policy(x)[0], walks.live
    x, v, advantage, better = (a[live].astype(y.dtype) for a in (x, v, advantage, better + v))
    return Steps(x, walks.action[live], y[live], walks.logp[live], v, advantage, better)


def minibatches(steps: Steps, size: int, rng: Generator) -> Iterator[Steps]:
    """Every step once, in random order, in parts of `size` or a little more."""
    B = len(steps)
    parts = max(1, B // size)
    steps = steps[rng.permutation(B)]
    for k in range(parts):
        yield steps[k * B // parts : (k + 1) * B // parts]


def explained_variance(value: Array, target: Array) -> float:
    """1 - Var(target - value) / Var(target): 1 a perfect critic, 0 no better than a constant.   (B,) twice

    [eq:explained-variance]  Below 0: worse than a constant. nan where all targets are equal: there is nothing to
    explain. Equal is what differs by rounding alone, a few units in the last place of the largest number.
    Raises ValueError where the shapes differ.
    """
    same_shape(value=value, target=target)
    unit = np.finfo(np.result_type(target, np.float32)).eps * max(np.abs(target).max(), np.abs(value).max())
    return float(1 - np.var(target - value) / np.var(target)) if np.std(target) > 8 * unit else np.nan


# ---------------------------------------------------------------- doors


def check_settings(
    cfg: Any, *, positive: tuple[str, ...] = (), least_0: tuple[str, ...] = (), part: tuple[str, ...] = ()
) -> None:
    """Raise ValueError for a number of a configuration that is out of its range, naming the field.

    Whole numbers >= 1 are the fields declared int, functions those whose default is one; lr and least_0 must
    be finite, the other positive ones may be inf, part is from 0 to 1.
    """
    check_gamma(cfg.gamma)
    for f in fields(cfg):
        x = getattr(cfg, f.name)
        if f.type == "int":
            check_count(f.name, x, 1)
        if callable(f.default) and not callable(x):
            raise ValueError(f"{f.name} is {x!r}; it must be a function")
    for name in positive:
        x = getattr(cfg, name)
        if not is_number(x) or not x > 0 or (name.endswith("lr") and x == np.inf):
            raise ValueError(f"{name} is {x!r}; it must be a number > 0")
    for name in least_0:
        x = getattr(cfg, name)
        if not is_number(x) or not 0 <= x < np.inf:
            raise ValueError(f"{name} is {x!r}; it must be a finite number >= 0")
    for name in part:
        check_probability(name, getattr(cfg, name))
    if not is_number(cfg.stop_at) or np.isnan(cfg.stop_at):
        raise ValueError(f"stop_at is {cfg.stop_at!r}; it must be a number")


def check_factor(name: str, factor: Any) -> float:
    """What a schedule gave; ValueError naming it unless that is a finite number >= 0."""
    if not is_number(factor) or not 0 <= factor < np.inf:
        raise ValueError(f"{name} gave {factor!r}; it must give a finite number >= 0")
    return float(factor)


def check_fit(env: Any, policy: Policy, x: Array, **critic: Value | None) -> None:
    """Raise ValueError unless policy and critic take features x (N, D) and answer as env needs it.

    The critic comes by the name that its learner has for it, value=value; None: there is none.
    """
    check_kind(Policy, policy=policy)
    if not np.all(getattr(env, "allowed", True)):
        raise ValueError(
            "env has states in which some actions do not exist; the policy needs them everywhere"
        )
    y, discrete = _answer("policy", policy, x), isinstance(env.actions, Discrete)
    action = policy.head.mode(y)
    if discrete != (np.asarray(action).dtype.kind in "iu"):
        kind = (
            "numbered actions, so it must be Categorical()" if discrete else "real-valued actions: Gaussian()"
        )
        raise ValueError(f"policy.head is {policy.head}; env has {kind}")
    width = env.actions.n if discrete else 2 * len(env.actions.low)
    if y.shape != (len(x), width):
        raise ValueError(f"policy gives shape {y.shape} for {len(x)} states; it must be {(len(x), width)}")
    for name, value in critic.items():
        if value is None:
            continue
        check_kind(Value, **{name: value})
        if (shape := _answer(name, value, x).shape) != (len(x), 1):
            raise ValueError(f"{name} gives shape {shape} for {len(x)} states; it must be {(len(x), 1)}")


def _answer(name: str, network: Policy | Value, x: Array) -> Array:
    try:
        return network(x)[0]
    except ValueError as error:
        raise ValueError(f"{name} does not take features of shape {x.shape}: {error}") from None
