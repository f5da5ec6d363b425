"""n-step methods: look n steps ahead, then trust the table.

    target = r_1 + gamma r_2 + ... + gamma^(n-1) r_n + gamma^n V(s_n)

n = 1 is temporal-difference learning, n = infinity Monte Carlo. The learners of action values below are the
same lines; a diff shows what stands in the place of the future after n steps:

    n-step SARSA             gamma^n Q(s_n, a_n)
    n-step expected SARSA    gamma^n sum_a pi(a | s_n) Q(s_n, a)
    off-policy n-step SARSA  the same as SARSA, the step weighted by prod pi(a_k | s_k) / b(a_k | s_k), k = 1 .. n
    tree backup              at every step on the way, the mean over all actions not taken

Prediction learns from a tape: with a fixed policy one may walk first and learn later (`learning.tapes`).
Control looks back over a window of n steps (`learning.window`). `rlcore.plain.n_step` has the textbook boxes,
which wait n steps; on the same random stream the tables are the same.

Letters: T steps, N lanes (runs), J lanes whose window is full, S states, A actions, M settings of a sweep.
Left out: Q(sigma), control variates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import (
    Control,
    Lanes,
    Prediction,
    check_control,
    check_gamma,
    first_Q,
    table_policy,
    tabular,
)
from rlcore.learning.policies import epsilon_greedy, epsilon_greedy_probabilities, mean_value
from rlcore.learning.returns import (
    discounted_return,
    n_step_return,
    tree_backup_return,
    window_end,
    window_ratio,
)
from rlcore.learning.tapes import Tables, Tape, check_sweep, record
from rlcore.learning.window import Window
from rlcore.numerics import Array, pick
from rlcore.problems.doors import check_count, check_probability

# ---------------------------------------------------------------- prediction


def n_step_td(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    n: int,
) -> Prediction:
    """Learn the value of a policy: V(s_t) <- V(s_t) + alpha (G_{t:t+n} - V(s_t)).   pi (S,) int or (S, A)

    [eq:n-step-td]  Sutton & Barto, equation (7.2).   alpha: a number, or one a run (runs,), or (M, 1): every
    run learns with each of M step sizes from the same walk, and V is (M, runs, S), trace (episodes, M, runs, S).
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    check_count("n", n, 1)
    check_sweep(runs, gamma, alpha=alpha)
    tape = record(env, pi, episodes=episodes, runs=runs, rng=rng)
    return n_step_td_from(tape, alpha=alpha, gamma=gamma, V0=V0, n=n)


def n_step_td_from(
    tape: Tape, *, alpha: Any, gamma: float, V0: Any = None, n: int, rho: Array | None = None
) -> Prediction:
    """`n_step_td` on a walk that is already there.   rho (T, N): ratios pi / b of the actions, if they differ

    V(s_t) is renewed for t = 0, 1, ...; by then s_{t+n} has the value that the textbook box sees after its wait.
    """
    check_count("n", n, 1)
    check_gamma(gamma)
    tables = Tables(tape, V0, alpha=alpha)
    end = window_end(tape.done, n)  # (T, N)
    zero, one = np.zeros(end.shape), np.ones(end.shape)
    paid = n_step_return(tape.reward, zero, tape.terminated, tape.done, gamma=gamma, n=n)
    discount = n_step_return(
        zero, one, tape.terminated, tape.done, gamma=gamma, n=n
    )  # of V(s_n); 0 at an end
    weight = one if rho is None else window_ratio(rho, tape.done, n=n)
    s = tables.rows(tape, tape.state)
    s_n = tables.rows(tape, np.take_along_axis(tape.next_state, end, axis=0))
    (rate,), V = tables.rates, tables.V  # (N, M), (N S + 1, M)
    for t, (i, k) in enumerate(tape.endings()):
        target = paid[t, :, None] + discount[t, :, None] * V[s_n[t]]
        V[s[t]] += weight[t, :, None] * rate * (target - V[s[t]])
        if len(i):
            tables.record(k, i)
    return tables.prediction()


def off_policy_n_step_td(
    env: Any,
    pi: Any,
    b: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    n: int,
) -> Prediction:
    """Learn the value of pi while b acts: each step is weighted by the ratio of its window.   pi, b (S,) int or (S, A)

        V(s_t) <- V(s_t) + alpha rho_{t:t+n-1} (G_{t:t+n} - V(s_t))

    Sutton & Barto, section 7.3. Raises ValueError also where pi takes an action that b never takes.
    """
    env = tabular(env)
    target, behaviour = table_policy(env, pi), table_policy(env, b, "b")
    never = (target > 0) & (behaviour == 0)
    never[getattr(env, "terminal", np.zeros(len(never), bool))] = False
    for s, a in np.argwhere(never)[:1]:
        raise ValueError(
            f"b[{s}, {a}] is 0 and pi[{s}, {a}] is {target[s, a]:.12g}; b must take what pi takes"
        )
    check_count("n", n, 1)
    check_sweep(runs, gamma, alpha=alpha)
    tape = record(env, behaviour, episodes=episodes, runs=runs, rng=rng)
    taken = tape.state, tape.action
    rho = np.divide(
        target[taken], behaviour[taken], out=np.ones(tape.state.shape), where=behaviour[taken] > 0
    )
    return n_step_td_from(tape, alpha=alpha, gamma=gamma, V0=V0, n=n, rho=rho)


# ---------------------------------------------------------------- control


def n_step_sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    n: int,
) -> Control:
    """On-policy control: n rewards, then the value of the action that was taken after them.

    [eq:n-step-sarsa]  Sutton & Barto, section 7.2.   n = 1: SARSA.
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, window = first_Q(env, runs, Q0), Window(n, runs)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        window.push(i, s, a, reward)
        for j, m in window.due(lanes):
            k, after = i[j], ~terminated[j] * Q[i[j], s_next[j], a_next[j]]
            state, action, paid = window.last(k, m)  # each (m, J)
            G = _n_rewards(paid, after, gamma)
            Q[k, state[0], action[0]] += alpha[k] * (G - Q[k, state[0], action[0]])
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def n_step_expected_sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    n: int,
) -> Control:
    """On-policy control: n rewards, then the mean of the policy over the actions.

    Sutton & Barto, section 7.2.   n = 1: expected SARSA.
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, window = first_Q(env, runs, Q0), Window(n, runs)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        window.push(i, s, a, reward)
        for j, m in window.due(lanes):
            k, pi = i[j], epsilon_greedy_probabilities(Q[i[j], s_next[j]], epsilon)
            after = ~terminated[j] * mean_value(pi, Q[k, s_next[j]])
            state, action, paid = window.last(k, m)  # each (m, J)
            G = _n_rewards(paid, after, gamma)
            Q[k, state[0], action[0]] += alpha[k] * (G - Q[k, state[0], action[0]])
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def off_policy_n_step_sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    n: int,
    target_epsilon: float = 0.0,
) -> Control:
    """Off-policy control by importance sampling: b is epsilon-greedy, pi explores with target_epsilon only.

        Q(s_0, a_0) <- Q(s_0, a_0) + alpha rho (G - Q(s_0, a_0)),
        rho = product over k = 1 .. n of pi(a_k | s_k) / b(a_k | s_k)

    The first action needs no ratio: Q(s, a) asks what follows once a *is* taken. The last one does, because G
    ends with Q(s_n, a_n).   Sutton & Barto, section 7.3.
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    check_probability("target_epsilon", target_epsilon)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, window = first_Q(env, runs, Q0), Window(n, runs)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        b = pick(
            epsilon_greedy_probabilities(Q[i, s_next], epsilon), a_next
        )  # as it was when a_next was drawn
        window.push(i, s, a, reward, s_next, a_next, b)
        for j, m in window.due(lanes):
            k, after = i[j], ~terminated[j] * Q[i[j], s_next[j], a_next[j]]
            state, action, paid, later, then, b = window.last(k, m)  # each (m, J)
            rho = pick(epsilon_greedy_probabilities(Q[k, later], target_epsilon), then) / b
            rho[-1, terminated[j]] = 1.0  # behind an end there is no action
            G = _n_rewards(paid, after, gamma)
            Q[k, state[0], action[0]] += alpha[k] * rho.prod(axis=0) * (G - Q[k, state[0], action[0]])
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def tree_backup(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    n: int,
    target_epsilon: float = 0.0,
) -> Control:
    """Off-policy control without ratios: on the way, every action not taken counts with its present value.

    The walker is epsilon-greedy; the policy learned explores with target_epsilon only.
    Precup, Sutton & Singh (2000); Sutton & Barto, section 7.5.   n = 1: Q-learning, with target_epsilon
    = epsilon expected SARSA.
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    check_probability("target_epsilon", target_epsilon)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q, window = first_Q(env, runs, Q0), Window(n, runs)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        window.push(i, s, a, reward, s_next, a_next, terminated)
        for j, m in window.due(lanes):
            k = i[j]
            state, action, paid, later, then, ended = window.last(k, m)  # each (m, J)
            pi = epsilon_greedy_probabilities(Q[k, later], target_epsilon)  # (m, J, A)
            mean, q = mean_value(pi, Q[k, later]), Q[k, later, then]
            G = tree_backup_return(paid, mean, pick(pi, then), q, ended, gamma=gamma)
            Q[k, state[0], action[0]] += alpha[k] * (G[0] - Q[k, state[0], action[0]])
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def _n_rewards(reward: Array, after: Array, gamma: float) -> Array:
    """r_1 + gamma r_2 + ... + gamma^m after.   (m, J), (J,) -> (J,)"""
    bootstrap = np.broadcast_to(after, reward.shape)
    return np.asarray(
        discounted_return(reward, np.zeros(reward.shape, bool), gamma=gamma, bootstrap=bootstrap)[0]
    )
