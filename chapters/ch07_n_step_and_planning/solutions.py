"""Solutions of chapter 7, and other right answers that the graders must let pass."""

import heapq

import numpy as np

from chapters.harness import alternative


def n_step_target(states, rewards, terminated, V, gamma, t, n):
    """Exercise 7.1.  [eq:n-step-return]"""
    T = len(rewards)
    h = min(t + n, T)
    G = 0.0 if h == T and terminated else V[states[h]]
    for k in reversed(range(t, h)):
        G = rewards[k] + gamma * G
    return float(G)


def lambda_weights(lam, left):
    """Exercise 7.2.  [eq:lambda-return]"""
    weights = (1 - lam) * lam ** np.arange(left)
    weights[-1] = lam ** (left - 1)
    return weights


def curious_rewards(reward, last, now, kappa):
    """Exercise 7.3.  [eq:curiosity]"""
    return reward + kappa * np.sqrt(now - last)


def uct_scores(total, visits, c):
    """Exercise 7.4.  [eq:uct]"""
    scores = np.full(len(visits), np.inf)
    tried = visits > 0
    doubt = np.sqrt(np.log(visits.sum()) / visits[tried]) if tried.any() else 0.0
    scores[tried] = total[tried] / visits[tried] + c * doubt
    return scores


def n_step_updates(states, rewards, terminated, V, alpha, gamma, n):
    """Exercise 7.5.  [eq:n-step-td]"""
    V = V.copy()
    for t in range(len(rewards)):
        V[states[t]] += alpha * (n_step_target(states, rewards, terminated, V, gamma, t, n) - V[states[t]])
    return V


def ratio_of_window(pi, b, states, actions, t, n, of_action):
    """Exercise 7.6.  [eq:n-step-ratio]"""
    T = len(actions)
    k = np.arange(t + 1, min(t + n, T - 1) + 1) if of_action else np.arange(t, min(t + n, T))
    s, a = states[k], actions[k]
    return float((pi[s, a] / b[s, a]).prod())


def tree_backup_target(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    """Exercise 7.7.  [eq:tree-backup]"""
    T = len(rewards)
    h = min(t + n, T)
    future = 0.0 if h == T and terminated else pi[states[h]] @ Q[states[h]]
    for k in reversed(range(t, h)):
        G = rewards[k] + gamma * future
        s, a = states[k], actions[k]
        future = pi[s] @ Q[s] + pi[s, a] * (G - Q[s, a])
    return float(G)


def td_lambda_on_tape(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    """Exercise 7.8.  [eq:td-lambda]"""
    V, z = V.copy(), np.zeros(len(V))
    for s, r, s_next, ended, cut in zip(states, rewards, next_states, terminated, truncated):
        delta = r + gamma * (0.0 if ended else V[s_next]) - V[s]
        z *= gamma * lam
        z[s] += 1
        V += alpha * delta * z
        if ended or cut:
            z[:] = 0
    return V


def watkins_on_tape(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    """Exercise 7.9.  [eq:watkins]"""
    Q, z, T = Q.copy(), np.zeros(Q.shape), len(rewards)
    for t in range(T):
        s, a, s_next = states[t], actions[t], states[t + 1]
        best = Q[s_next].max()
        explores = Q[s_next, next_actions[t]] < best
        delta = rewards[t] + gamma * (0.0 if terminated and t == T - 1 else best) - Q[s, a]
        z *= gamma * lam
        z[s, a] += 1
        Q += alpha * delta * z
        if explores:
            z[:] = 0
    return Q


def dyna_q(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    """Exercise 7.10."""
    Q, memory = Q.copy(), {}

    def learn(s, a):
        r, s_next, ended = memory[s, a]
        Q[s, a] += alpha * (r + gamma * (0.0 if ended else Q[s_next].max()) - Q[s, a])

    for s, a, *outcome, chosen in zip(states, actions, rewards, next_states, terminated, picks):
        memory[s, a] = outcome
        learn(s, a)
        for k in chosen:
            learn(*list(memory)[k % len(memory)])
    return Q


def sweep_backwards(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    """Exercise 7.11.  [eq:surprise]"""
    Q, waiting, taken = Q.copy(), np.zeros(Q.shape), []

    def target(s, a):
        return reward[s, a] + gamma * (0.0 if terminated[s, a] else Q[s_next[s, a]].max())

    def judge(s, a):
        surprise = abs(target(s, a) - Q[s, a])
        if surprise > theta:
            waiting[s, a] = surprise

    judge(*pair)
    while len(taken) < updates and waiting.any():
        s, a = np.unravel_index(waiting.argmax(), waiting.shape)
        waiting[s, a] = 0.0
        Q[s, a] = target(s, a)
        taken.append((s, a))
        for before in np.argwhere(known & (s_next == s)):
            judge(*before)
    return [np.array([s for s, _ in taken], int), np.array([a for _, a in taken], int), Q]


def errors_of_step_sizes(runs, truth, alphas, n):
    """Exercise 7.12."""
    return np.array([np.mean([_errors(run, truth, alpha, n) for run in runs]) for alpha in alphas])


def _errors(run, truth, alpha, n):
    """The error after each episode of a run."""
    V, errors = np.zeros(len(truth)), []
    for states, rewards in run:
        V = n_step_updates(states, rewards, True, V, alpha, 1.0, n)
        errors.append(np.sqrt(np.mean((V - truth)[1:-1] ** 2)))
    return errors


# ---------------------------------------------------------------- other right answers


@alternative("n_step_target")
def as_a_sum_in_float32(states, rewards, terminated, V, gamma, t, n):
    window = rewards[t : t + n]
    G = np.sum(gamma ** np.arange(len(window)) * window)
    if t + n < len(rewards) or not terminated:
        G += gamma ** len(window) * V[states[t + len(window)]]
    return np.float32(G)


@alternative("lambda_weights")
def as_a_list(lam, left):
    weights = [(1 - lam) * lam**k for k in range(left - 1)]
    return [*weights, 1 - sum(weights)]


@alternative("curious_rewards")
def one_pair_after_the_other(reward, last, now, kappa):
    return [[r + kappa * (now - k) ** 0.5 for r, k in zip(*row)] for row in zip(reward, last)]


@alternative("uct_scores")
def with_silenced_divisions(total, visits, c):
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = total / visits + c * np.sqrt(np.log(visits.sum()) / visits)
    return np.where(visits == 0, np.inf, scores)[:, None]


@alternative("n_step_updates")
def as_the_box_has_it(states, rewards, terminated, V, alpha, gamma, n):
    V, T = [float(v) for v in V], len(rewards)
    for t in range(T + n - 1):
        tau = t - n + 1
        if tau < 0:
            continue
        h = min(tau + n, T)
        G = sum(gamma ** (k - tau) * rewards[k] for k in range(tau, h))
        if h < T or not terminated:
            G += gamma ** (h - tau) * V[states[h]]
        V[states[tau]] += alpha * (G - V[states[tau]])
    return V


@alternative("ratio_of_window")
def by_logarithms(pi, b, states, actions, t, n, of_action):
    first, stop = (t + 1, t + n + 1) if of_action else (t, t + n)
    visited = list(zip(states, actions))[first:stop]
    return np.exp(sum(np.log(pi[s, a]) - np.log(b[s, a]) for s, a in visited))


@alternative("tree_backup_target")
def by_recursion(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    after = states[t + 1]
    if t + 1 == len(rewards) and terminated:
        return rewards[t]
    branches = Q[after].copy()
    if n > 1 and t + 1 < len(rewards):
        rest = states, actions, rewards, terminated, Q, pi, gamma, t + 1, n - 1
        branches[actions[t + 1]] = by_recursion(*rest)
    return rewards[t] + gamma * (pi[after] * branches).sum()


@alternative("td_lambda_on_tape")
def by_looking_back(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    V, first = V.astype(float), 0
    for t in range(len(rewards)):
        delta = rewards[t] + gamma * (not terminated[t]) * V[next_states[t]] - V[states[t]]
        for k in range(first, t + 1):
            V[states[k]] += alpha * delta * (gamma * lam) ** (t - k)
        if terminated[t] or truncated[t]:
            first = t + 1
    return V[:, None]


@alternative("watkins_on_tape")
def with_a_list_of_pairs(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    Q, trail = Q.astype(float), []
    for t, (s, a, r, a_next) in enumerate(zip(states, actions, rewards, next_actions)):
        future = Q[states[t + 1]]
        end = terminated and t + 1 == len(rewards)
        keep = future[a_next] == future.max()
        delta = r - Q[s, a] if end else r + gamma * future.max() - Q[s, a]
        trail = [(s, a, 1.0)] + [(u, v, gamma * lam * w) for u, v, w in trail]
        for u, v, w in trail:
            Q[u, v] += alpha * delta * w
        trail = trail if keep else []
    return Q


@alternative("dyna_q")
def with_lists(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    Q, pairs, outcomes = Q.astype(float), [], []
    for t in range(len(states)):
        pair = (int(states[t]), int(actions[t]))
        if pair not in pairs:
            pairs.append(pair)
            outcomes.append(None)
        now = pairs.index(pair)
        outcomes[now] = rewards[t], next_states[t], terminated[t]
        for k in [now, *(int(k) % len(pairs) for k in picks[t])]:
            (s, a), (r, s_next, ended) = pairs[k], outcomes[k]
            Q[s, a] = (1 - alpha) * Q[s, a] + alpha * (r + gamma * (1 - ended) * max(Q[s_next]))
    return Q


@alternative("sweep_backwards")
def with_a_heap(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    Q, A = Q.astype(float), Q.shape[1]
    heap, current, states, actions = [], {}, [], []

    def push(s, a):
        wanted = reward[s, a] + gamma * (not terminated[s, a]) * Q[s_next[s, a]].max()
        if abs(wanted - Q[s, a]) > theta:
            current[s * A + a] = abs(wanted - Q[s, a])
            heapq.heappush(heap, (-current[s * A + a], s * A + a))

    push(int(pair[0]), int(pair[1]))
    while heap and len(states) < updates:
        minus, k = heapq.heappop(heap)
        if current.get(k) != -minus:  # an entry that was replaced
            continue
        del current[k]
        s, a = divmod(k, A)
        Q[s, a] = reward[s, a] + gamma * (not terminated[s, a]) * Q[s_next[s, a]].max()
        states.append(s)
        actions.append(a)
        for u, v in zip(*np.nonzero(known & (s_next == s))):
            push(int(u), int(v))
    return states, actions, Q


@alternative("errors_of_step_sizes")
def all_step_sizes_at_once(runs, truth, alphas, n):
    total, count = np.zeros(len(alphas)), 0
    for run in runs:
        V = np.zeros((len(truth), len(alphas)))
        for states, rewards in run:
            T = len(rewards)
            for t in range(T):
                h = min(t + n, T)
                G = sum(rewards[t:h]) + (V[states[h]] if h < T else 0.0)
                V[states[t]] += np.asarray(alphas) * (G - V[states[t]])
            total += np.sqrt(((V - np.asarray(truth)[:, None])[1:-1] ** 2).mean(axis=0))
            count += 1
    return total / count
