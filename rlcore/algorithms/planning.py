"""Planning with a learned model: remember what the world did, and learn from memory between two steps.

    Dyna-Q                 Q-learning, and after each step `planning` more updates, of remembered pairs at random
    Dyna-Q+                the same, and what was not tried for long is promised to pay more
    prioritized sweeping   updates the pair whose value is most wrong, then those that lead to it

All three make the update of Q-learning; they differ in what they make it with. Every learner walks `runs`
independent runs in lock-step. `rlcore.plain.planning` has the same loops for one run; on the same random
stream both give the same tables. What they remember is `rlcore.learning.model`.

Letters: N lanes that are left, S states, A actions, M updates.
Left out: models of chance, trajectory sampling, real-time dynamic programming.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.journey import Journey
from rlcore.learning.lanes import Control, Lanes, check_control, first_Q
from rlcore.learning.model import CuriousModel, Model
from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, is_number


@dataclass(frozen=True, eq=False)
class Planned(Control):
    """What a learner leaves behind that remembers."""

    model: Model


# ---------------------------------------------------------------- Dyna


def dyna_q(
    env: Any,
    *,
    episodes: int,
    planning: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Planned:
    """Q-learning, and after each step `planning` updates from memory.   planning = 0: Q-learning

    Sutton (1990); Sutton & Barto, section 8.2.   alpha: a number, or one a run (runs,).
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    env, alpha = _doors(env, planning, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, model = first_Q(env, runs, Q0), Model(runs, env.n_states, env.actions.n)
    dyna(lanes, Q, model, planning=planning, alpha=alpha, epsilon=epsilon, gamma=gamma, rng=rng)
    return Planned(Q, lanes.returns, lanes.lengths, model)


def dyna_q_plus(
    env: Any,
    *,
    episodes: int,
    planning: int,
    kappa: float,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Planned:
    """Dyna-Q with a memory that promises kappa sqrt(tau) more for what was last tried tau steps ago.

    Sutton (1990); Sutton & Barto, section 8.3, with its footnote on actions never tried.
    """
    env, alpha = _doors(env, planning, alpha, epsilon, gamma, runs)
    _not_negative("kappa", kappa)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)
    model = CuriousModel(runs, Q[0] > -np.inf, kappa)
    dyna(lanes, Q, model, planning=planning, alpha=alpha, epsilon=epsilon, gamma=gamma, rng=rng)
    return Planned(Q, lanes.returns, lanes.lengths, model)


def changing_world(
    worlds: Mapping[int, Any],
    *,
    steps: int,
    planning: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    kappa: float | None = None,
) -> Array:
    """Rewards of Dyna-Q, or with a kappa of Dyna-Q+, in a world that changes.   -> (runs, steps)

    worlds   {0: before, 1000: after}: which world there is from which step on
    Sutton & Barto, Examples 8.2 and 8.3.
    """
    lanes = Journey(worlds, steps=steps, runs=runs, rng=rng)
    env, alpha = _doors(lanes.env, planning, alpha, epsilon, gamma, runs)
    Q = first_Q(env, runs)
    model = Model(runs, env.n_states, env.actions.n)
    if kappa is not None:
        _not_negative("kappa", kappa)
        model = CuriousModel(runs, Q[0] > -np.inf, kappa)
    dyna(lanes, Q, model, planning=planning, alpha=alpha, epsilon=epsilon, gamma=gamma, rng=rng)
    return lanes.reward


def dyna(
    lanes: Lanes | Journey,
    Q: Array,
    model: Model,
    *,
    planning: int,
    alpha: Array,
    epsilon: float,
    gamma: float,
    rng: Generator,
) -> None:
    """Act, learn, remember, plan, until no lane is left.   Q (runs, S, A) and the model change in place."""

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        back_up(Q, alpha, gamma, i, s[None], a[None], reward[None], s_next[None], terminated[None])
        model.observe(i, s, a, reward, s_next, terminated)
        s_old, a_old = model.draw(i, planning, rng)  # (planning, N)
        back_up(Q, alpha, gamma, i, s_old, a_old, *model.recall(i, s_old, a_old))
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)


def back_up(
    Q: Array,
    alpha: Array,
    gamma: float,
    i: Array,
    s: Array,
    a: Array,
    reward: Array,
    s_next: Array,
    terminated: Array,
) -> None:
    """M updates of Q-learning in every lane, one after the other, in place.   i (N,), the last five (M, N)

    Q(s, a) <- Q(s, a) + alpha (r + gamma max_b Q(s', b) - Q(s, a)),   without a future where it terminated.
    """
    _, S, A = Q.shape
    values, rows = Q.reshape(-1), Q.reshape(-1, A)  # the same numbers: flat, and a row a state
    pair, row = (i * S + s) * A + a, i * S + s_next  # (M, N)
    rate, discount = alpha[i], gamma * ~terminated
    for m in range(len(pair)):
        old = values[pair[m]]
        target = reward[m] + discount[m] * rows[row[m]].max(axis=-1)
        values[pair[m]] = old + rate * (target - old)


# ---------------------------------------------------------------- prioritized sweeping


def prioritized_sweeping(
    env: Any,
    *,
    episodes: int,
    planning: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    theta: float = 1e-4,
    Q0: Any = None,
) -> Planned:
    """Remember each step, then make up to `planning` updates where memory says that Q is most wrong.

    theta   a pair whose surprise is not above it does not wait for an update
    Moore & Atkeson (1993), Peng & Williams (1993); Sutton & Barto, section 8.4.
    """
    env, alpha = _doors(env, planning, alpha, epsilon, gamma, runs)
    _not_negative("theta", theta)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, model = first_Q(env, runs, Q0), Model(runs, env.n_states, env.actions.n)
    waiting = np.zeros(Q.shape)  # the surprise of each pair that waits, 0 of the others

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        model.observe(i, s, a, reward, s_next, terminated)
        wait(waiting, Q, model, i, s, a, gamma=gamma, theta=theta)
        sweep(waiting, Q, model, i, planning=planning, alpha=alpha, gamma=gamma, theta=theta)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Planned(Q, lanes.returns, lanes.lengths, model)


def sweep(
    waiting: Array,
    Q: Array,
    model: Model,
    i: Array,
    *,
    planning: int,
    alpha: Array,
    gamma: float,
    theta: float,
) -> Array:
    """Up to `planning` updates in each of the lanes i, the largest surprise first, of equals the first pair.

    After each of them the pairs that lead to its state are judged anew, and the pair itself, which a step
    alpha < 1 leaves wrong; the textbook's box forgets the latter.
    waiting, Q (runs, S, A) change in place;  i (N,) -> how many updates each run made (runs,) int
    """
    made = np.zeros(len(Q), int)
    for _ in range(planning):
        queue = waiting[i].reshape(len(i), Q[0].size)  # (N, S * A)
        first = queue.argmax(axis=1)
        busy = queue[np.arange(len(i)), first] > 0
        i, first = i[busy], first[busy]
        if not len(i):
            break
        s, a = np.divmod(first, Q.shape[2])
        waiting[i, s, a] = 0.0
        back_up(Q, alpha, gamma, i, s[None], a[None], *(x[None] for x in model.recall(i, s, a)))
        made[i] += 1
        wait(waiting, Q, model, i, s, a, gamma=gamma, theta=theta)
        k, s_before, a_before = np.nonzero(model.seen[i] & (model.s_next[i] == s[:, None, None]))
        wait(waiting, Q, model, i[k], s_before, a_before, gamma=gamma, theta=theta)
    return made


def wait(
    waiting: Array, Q: Array, model: Model, i: Array, s: Array, a: Array, *, gamma: float, theta: float
) -> None:
    """Let those of the pairs wait whose surprise is above theta.   i, s, a (K,)"""
    reward, s_next, terminated = model.recall(i, s, a)
    wrong = surprise(reward, Q[i, s_next].max(axis=-1), terminated, Q[i, s, a], gamma=gamma)
    late = wrong > theta
    waiting[i[late], s[late], a[late]] = wrong[late]


def surprise(reward: Array, V_next: Array, terminated: Array, q: Array, *, gamma: float) -> Array:
    """|r + gamma V(s') - Q(s, a)|: by how much a pair is wrong, judged by what follows it.   [eq:surprise]

    Sutton & Barto, section 8.4.
    """
    return np.asarray(np.abs(reward + gamma * ~terminated * V_next - q))


def _doors(env: Any, planning: int, alpha: Any, epsilon: float, gamma: float, runs: int) -> tuple[Any, Array]:
    """What the learners ask of their arguments."""
    check_count("planning", planning, 0)
    return check_control(env, alpha, epsilon, gamma, runs)


def _not_negative(name: str, x: Any) -> None:
    if not is_number(x) or not 0 <= x < np.inf:
        raise ValueError(f"{name} is {x!r}; it must be a number >= 0")
