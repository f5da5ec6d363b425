"""Monte-Carlo methods: learn from returns of whole episodes, without a model and without bootstrapping.

    V(s) <- V(s) + step * (G - V(s)),        step = 1 / visits so far: sample averages, or a constant alpha

    mc_prediction            the value of the policy that walks
    off_policy_prediction    the value of another one, by importance sampling
    mc_exploring_starts      control where every episode begins with a state and action drawn at random
    mc_control               control by a policy that keeps exploring
    off_policy_control       control from the walks of a fixed policy

These walk `runs` independent runs in lock-step. `rlcore.plain.monte_carlo` has the same loops for one run;
on the same random stream both give the same tables.

Under a fixed policy episodes are independent, and an average does not ask in which order they came. So
`mc_average` and `weighed_returns` walk thousands at once: the same estimates, another order of the stream.

An episode that the time limit cuts is used as it is: its return lacks what would have come. With
`bootstrap` the value of the state reached, as far as it is known, takes the place of that.

Letters: N episodes that end together, T their steps, S states, A actions.
Left out: discounting-aware and per-decision importance sampling.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.episodes import (
    AnyState,
    Episode,
    Recorder,
    Step,
    check_coverage,
    check_every_policy_ends,
    walk_at_once,
    watched,
)
from rlcore.learning.lanes import (
    Control,
    Lanes,
    Prediction,
    check_epsilon,
    check_gamma,
    first_Q,
    first_V,
    follow,
    table_policy,
    tabular,
)
from rlcore.learning.policies import epsilon_greedy, greedy, greedy_probabilities
from rlcore.learning.returns import discounted_return, importance_ratio
from rlcore.numerics import Array
from rlcore.problems.doors import check_count


def mc_prediction(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    first_visit: bool = True,
    alpha: Any = None,
    V0: Any = None,
    bootstrap: bool = False,
    watch: Any = None,
) -> Prediction:
    """Learn the value of a policy from its returns: V(s) <- V(s) + step (G - V(s)).   pi (S,) int or (S, A)

    [eq:mc-prediction]  Sutton & Barto, section 5.1.   step: alpha, or 1 / visits where alpha is None.
    watch: the states whose values the trace keeps, (K,) int; all of them if None.
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    check_gamma(gamma)
    lanes, recorder = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=pi), Recorder(runs)
    V, step = first_V(env, runs, V0), Step(alpha, (runs, env.n_states))
    watch = watched(watch, env.n_states)
    trace = np.zeros((episodes, *V[:, watch].shape))
    act = follow(pi, rng)
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        if episode := recorder.ended(lanes):
            after = V[i, s_next] * lanes.truncated if bootstrap else np.zeros(len(i))
            G = discounted_return(
                episode.reward, episode.done, gamma=gamma, bootstrap=episode.done * after[lanes.done]
            )
            for t, n in episode.backwards(episode.visits(episode.state, first_visit)):
                at = episode.lane[n], episode.state[t, n]
                V[at] += step(at) * (G[t, n] - V[at])
            lanes.record(trace, V[:, watch])
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Prediction(V, trace)


def off_policy_prediction(
    env: Any,
    pi: Any,
    b: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    first_visit: bool = True,
    weighted: bool = True,
    watch: Any = None,
) -> Prediction:
    """Learn the value of pi from the walks of b: each return G weighs W = pi / b, multiplied over its steps.

        weighted    C(s) <- C(s) + W,  V(s) <- V(s) + W / C(s) (G - V(s))        [eq:incremental-weighted]
        ordinary    n(s) <- n(s) + 1,  V(s) <- V(s) + 1 / n(s) (W G - V(s))

    Sutton & Barto, sections 5.5 and 5.6.   pi, b: (S,) int or (S, A); watch as in `mc_prediction`.
    Raises ValueError where pi may take an action that b never takes.
    """
    env = tabular(env)
    pi, b = table_policy(env, pi), table_policy(env, b, "b")
    check_coverage(pi, b, getattr(env, "terminal", None))
    check_gamma(gamma)
    lanes, recorder = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=b), Recorder(runs)
    V, C = first_V(env, runs), np.zeros((runs, env.n_states))
    watch = watched(watch, env.n_states)
    trace = np.zeros((episodes, *V[:, watch].shape))
    act = follow(b, rng)
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        if episode := recorder.ended(lanes):
            G = discounted_return(episode.reward, episode.done, gamma=gamma)
            W = importance_ratio(pi, b, episode.state, episode.action, episode.inside)
            for t, n in episode.backwards(episode.visits(episode.state, first_visit)):
                at, w = (episode.lane[n], episode.state[t, n]), W[t, n]
                if weighted:
                    C[at] += w
                    V[at] += np.divide(w, C[at], out=np.zeros(len(n)), where=w > 0) * (G[t, n] - V[at])
                else:
                    C[at] += 1
                    V[at] += (w * G[t, n] - V[at]) / C[at]
            lanes.record(trace, V[:, watch])
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Prediction(V, trace)


def mc_exploring_starts(
    env: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    first_visit: bool = True,
    Q0: Any = None,
) -> Control:
    """Control where each episode begins in any state with any action, and goes on greedily.

    [eq:mc-control]  Sutton & Barto, section 5.3.   Q(s, a) is the mean of the returns of its visits.
    Raises ValueError for a live environment, which begins where it likes, and where a greedy walk need not end.
    """
    env = tabular(env)
    if getattr(env, "live", False):
        raise ValueError("env is a live Gymnasium environment; it cannot begin in a state of our choice")
    check_gamma(gamma)
    check_every_policy_ends(env)
    lanes = Lanes(AnyState(env), episodes=episodes, runs=runs, rng=rng)
    Q, recorder = first_Q(env, runs, Q0), Recorder(runs)
    step = Step(None, Q.shape)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(greedy(Q[i, s], rng))

    def any_action(i: Array, s: Array) -> Array:
        return np.asarray(greedy(np.where(Q[i, s] > -np.inf, 0.0, -np.inf), rng))

    i, s, a = lanes.begin(any_action)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        if episode := recorder.ended(lanes):
            _learn(Q, step, episode, gamma, first_visit)
        i, s, a = lanes.go_on(s_next, act(i, s_next), any_action)
    return Control(Q, lanes.returns, lanes.lengths)


def mc_control(
    env: Any,
    *,
    episodes: int,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    first_visit: bool = True,
    alpha: Any = None,
    Q0: Any = None,
) -> Control:
    """On-policy control: walk epsilon-greedily, and learn what that is worth.

    Sutton & Barto, section 5.4.   step: alpha, or 1 / visits where alpha is None.
    """
    env = tabular(env)
    check_epsilon(epsilon)
    check_gamma(gamma)
    if epsilon == 0:
        check_every_policy_ends(env)
    lanes, recorder = Lanes(env, episodes=episodes, runs=runs, rng=rng), Recorder(runs)
    Q = first_Q(env, runs, Q0)
    step = Step(alpha, Q.shape)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        if episode := recorder.ended(lanes):
            _learn(Q, step, episode, gamma, first_visit)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Control(Q, lanes.returns, lanes.lengths)


def off_policy_control(
    env: Any,
    b: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Control:
    """Control from the walks of b by weighted importance sampling; what is learned about is the greedy policy.

        C(s, a) <- C(s, a) + W,   Q(s, a) <- Q(s, a) + W / C(s, a) (G - Q(s, a)),   W <- W pi(a | s) / b(a | s)

    Sutton & Barto, section 5.7. Backwards from the end, pi greedy for the Q just renewed; once the greedy policy would
    not have taken a, W is 0 and nothing earlier in the episode is learned from. Among equally good actions
    pi chooses evenly, so W is then their share.   b: (S,) int or (S, A)
    Raises ValueError where b never takes an action that exists.
    """
    env = tabular(env)
    b = table_policy(env, b, "b")
    Q = first_Q(env, runs, Q0)
    check_coverage((Q[0] > -np.inf).astype(float), b, getattr(env, "terminal", None))
    check_gamma(gamma)
    lanes, recorder, C = (
        Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=b),
        Recorder(runs),
        np.zeros(Q.shape),
    )
    act = follow(b, rng)
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        if episode := recorder.ended(lanes):
            G = discounted_return(episode.reward, episode.done, gamma=gamma)
            W = np.ones(len(episode.lane))
            for t, n in episode.backwards(episode.inside):
                n = n[W[n] > 0]
                j, at, chosen = episode.lane[n], episode.state[t, n], episode.action[t, n]
                C[j, at, chosen] += W[n]
                Q[j, at, chosen] += W[n] / C[j, at, chosen] * (G[t, n] - Q[j, at, chosen])
                pi = greedy_probabilities(Q[j, at])  # (n, A)
                W[n] *= pi[np.arange(len(n)), chosen] / b[at, chosen]
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Control(Q, lanes.returns, lanes.lengths)


# ---------------------------------------------------------------- a fixed policy: thousands of episodes at once


def mc_average(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    first_visit: bool = True,
    width: int = 10_000,
) -> tuple[Array, Array]:
    """What one run of `mc_prediction` ends with, by sample averages, walked `width` episodes at once.

    -> V (S,), 0 where never visited, and the number of returns behind each entry (S,) int
    The sums are the same as in sequence; the random stream, and so the episodes, are others.
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    check_gamma(gamma)
    check_count("episodes", episodes, 1)
    check_count("width", width, 1)
    S = env.n_states
    total, count = np.zeros(S), np.zeros(S, int)
    for episode in walk_at_once(env, pi, episodes=episodes, rng=rng, width=width):
        G = discounted_return(episode.reward, episode.done, gamma=gamma)
        visit = episode.visits(episode.state, first_visit)
        total += np.bincount(episode.state[visit], G[visit], S)
        count += np.bincount(episode.state[visit], minlength=S)
    return total / np.maximum(count, 1), count


def weighed_returns(
    env: Any,
    pi: Any,
    b: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    width: int = 10_000,
) -> tuple[Array, Array]:
    """The ratio W and the return G of each episode of b from its first step on.   -> (runs, episodes) each

    `ordinary_average` and `weighted_average` in `learning.returns` make estimates of the first state of them.
    Raises ValueError where pi may take an action that b never takes.
    """
    env = tabular(env)
    pi, b = table_policy(env, pi), table_policy(env, b, "b")
    check_coverage(pi, b, getattr(env, "terminal", None))
    check_gamma(gamma)
    for name, n in (("episodes", episodes), ("runs", runs), ("width", width)):
        check_count(name, n, 1)
    W, G = [], []
    for episode in walk_at_once(env, b, episodes=runs * episodes, rng=rng, width=width):
        W.append(importance_ratio(pi, b, episode.state, episode.action, episode.inside)[0])
        G.append(discounted_return(episode.reward, episode.done, gamma=gamma)[0])
    return np.concatenate(W).reshape(runs, episodes), np.concatenate(G).reshape(runs, episodes)


# ---------------------------------------------------------------- what the learners of action values share


def _learn(Q: Array, step: Step, episode: Episode, gamma: float, first_visit: bool) -> None:
    """Q(s, a) <- Q(s, a) + step (G - Q(s, a)), for every visit of the episodes that have ended."""
    G = discounted_return(episode.reward, episode.done, gamma=gamma)
    pair = episode.state * Q.shape[-1] + episode.action
    for t, n in episode.backwards(episode.visits(pair, first_visit)):
        at = episode.lane[n], episode.state[t, n], episode.action[t, n]
        Q[at] += step(at) * (G[t, n] - Q[at])
