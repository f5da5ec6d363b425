"""Solutions of chapter 8, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative


def value_error(X, w, V, visits):
    """Exercise 8.1."""
    mu = visits / visits.sum()
    return float(mu @ (V - X @ w) ** 2)


def td_weights(X, reward, X_next, terminated, w, alpha, gamma):
    """Exercise 8.2."""
    for x, r, x_next, end in zip(X, reward, X_next, terminated):
        target = r + gamma * (1 - end) * (w @ x_next)
        w = w + alpha * (target - w @ x) * x
    return w


def ring_add(memory, added, steps):
    """Exercise 8.3."""
    memory = memory.copy()
    for step in steps:
        memory[added % len(memory)] = step
        added += 1
    return [memory, added]


def tile_indices(s, low, high, tiles, tilings, displacement):
    """Exercise 8.4."""
    t = np.arange(tilings)
    shift = (t[:, None] * displacement) % tilings / tilings  # (tilings, 2)
    row, column = np.floor(tiles * (s - low) / (high - low) + shift).astype(int).T
    return (t * (tiles + 1) + row) * (tiles + 1) + column


def fourier_step(w, s, target, c, alpha):
    """Exercise 8.5."""
    x = np.cos(np.pi * (c @ s))
    length = np.linalg.norm(c, axis=1)
    return w + alpha / np.where(length > 0, length, 1.0) * (target - w @ x) * x


def lstd_weights(X, reward, X_next, terminated, gamma, ridge):
    """Exercise 8.6."""
    after = gamma * ~terminated[:, None] * X_next
    A = ridge * np.eye(X.shape[1]) + X.T @ (X - after)
    return np.linalg.solve(A, X.T @ reward)


def differential_td(X, reward, w, rate, alpha, beta):
    """Exercise 8.7."""
    for x, x_next, r in zip(X, X[1:], reward):
        delta = r - rate + w @ x_next - w @ x
        rate = rate + beta * delta
        w = w + alpha * delta * x
    return [w, rate]


def dqn_targets(reward, terminated, truncated, q_shown, q_final, gamma):
    """Exercise 8.8."""
    q_next = np.where(truncated[:, None], q_final, q_shown)
    return reward + gamma * np.where(terminated, 0.0, q_next.max(axis=1))


def double_dqn_targets(reward, terminated, q_next, q_frozen, gamma):
    """Exercise 8.9."""
    judged = q_frozen[np.arange(len(reward)), q_next.argmax(axis=1)]
    return reward + gamma * ~terminated * judged


def growth(X, P, mu, gamma, alpha):
    """Exercise 8.10."""
    M = np.eye(X.shape[1]) + alpha * X.T @ (mu[:, None] * (gamma * P @ X - X))
    return float(np.abs(np.linalg.eigvals(M)).max())


def fitted_q(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    """Exercise 8.11."""
    W = np.zeros((n_actions, X.shape[1]))
    for _ in range(sweeps):
        target = reward + gamma * ~terminated * (X_next @ W.T).max(axis=1)
        W = np.stack([_fit(X[action == a], target[action == a]) for a in range(n_actions)])
    return W


def _fit(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def network_gradient(W1, b1, W2, b2, x, action, target):
    """Exercise 8.12."""
    z = x @ W1 + b1  # (B, H)
    h = np.maximum(z, 0)
    Q = h @ W2 + b2  # (B, A)
    rows = np.arange(len(x))
    error = Q[rows, action] - target
    dQ = np.zeros_like(Q)
    dQ[rows, action] = error / len(x)
    dz = dQ @ W2.T * (z > 0)
    return [float(error @ error) / 2 / len(x), x.T @ dz, dz.sum(axis=0), h.T @ dQ, dQ.sum(axis=0)]


# ---------------------------------------------------------------- other right answers


@alternative("value_error")
def as_a_weighted_mean(X, w, V, visits):
    return np.average((X @ w - V) ** 2, weights=visits)


@alternative("td_weights")
def as_one_product(X, reward, X_next, terminated, w, alpha, gamma):
    after = gamma * np.where(terminated[:, None], 0.0, X_next)
    for t in range(len(X)):
        w = w - alpha * np.outer(X[t], X[t] - after[t]) @ w + alpha * reward[t] * X[t]
    return list(w)


@alternative("ring_add")
def by_the_numbers_of_the_steps(memory, added, steps):
    n, kept = len(steps), steps[max(0, len(steps) - len(memory)) :]
    memory = np.array(memory)
    memory[np.arange(added + n - len(kept), added + n) % len(memory)] = kept
    return memory, np.int64(added + n)


@alternative("tile_indices")
def tile_by_tile(s, low, high, tiles, tilings, displacement):
    found = []
    for t in range(tilings):
        cell = [
            int(tiles * (s[j] - low[j]) / (high[j] - low[j]) + (t * displacement[j]) % tilings / tilings)
            for j in range(2)
        ]
        found.append(t * (tiles + 1) ** 2 + cell[0] * (tiles + 1) + cell[1])
    return found


@alternative("fourier_step")
def wave_by_wave(w, s, target, c, alpha):
    x = [np.cos(np.pi * sum(c_j * s_j for c_j, s_j in zip(row, s))) for row in c]
    error = target - sum(w_d * x_d for w_d, x_d in zip(w, x))
    steps = [alpha / (sum(row**2) ** 0.5 or 1.0) for row in c]
    return [w_d + step * error * x_d for w_d, step, x_d in zip(w, steps, x)]


@alternative("lstd_weights")
def with_outer_products(X, reward, X_next, terminated, gamma, ridge):
    A, b = ridge * np.eye(X.shape[1]), np.zeros(X.shape[1])
    for x, r, x_next, end in zip(X, reward, X_next, terminated):
        A += np.outer(x, x if end else x - gamma * x_next)
        b += r * x
    return (np.linalg.inv(A) @ b)[:, None]


@alternative("differential_td")
def with_the_values_kept_apart(X, reward, w, rate, alpha, beta):
    w = np.array(w, float)
    for t in range(len(reward)):
        v, v_next = X[t] @ w, X[t + 1] @ w
        delta = (reward[t] + v_next) - (rate + v)
        w += alpha * delta * X[t]
        rate += beta * delta
    return w, np.float64(rate)


@alternative("dqn_targets")
def walker_by_walker(reward, terminated, truncated, q_shown, q_final, gamma):
    target = []
    for b in range(len(reward)):
        if terminated[b]:
            target.append(reward[b])
        elif truncated[b]:
            target.append(reward[b] + gamma * max(q_final[b]))
        else:
            target.append(reward[b] + gamma * max(q_shown[b]))
    return target


@alternative("dqn_targets")
def the_last_state_at_every_end(reward, terminated, truncated, q_shown, q_final, gamma):
    best = q_shown.max(axis=1)
    ended = terminated | truncated
    best[ended] = q_final[ended].max(axis=1)
    return (reward + gamma * (1 - terminated) * best)[:, None]


@alternative("double_dqn_targets")
def with_one_hot_choices(reward, terminated, q_next, q_frozen, gamma):
    chosen = np.eye(q_next.shape[1])[q_next.argmax(axis=1)]
    return reward + gamma * np.where(terminated, 0.0, (chosen * q_frozen).sum(axis=1))


@alternative("growth")
def column_by_column(X, P, mu, gamma, alpha):
    step = []
    for w in np.eye(X.shape[1]):
        v = X @ w
        step.append(w + alpha * ((mu * (gamma * P @ v - v))[:, None] * X).sum(axis=0))
    return max(abs(np.linalg.eigvals(np.array(step))))  # M and its transpose have the same eigenvalues


@alternative("fitted_q")
def by_the_normal_equations(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    W = np.zeros((n_actions, X.shape[1]))
    for _ in range(sweeps):
        old, W = W, W.copy()
        for a in range(n_actions):
            t = np.flatnonzero(action == a)
            best = np.where(terminated[t], 0.0, np.max(X_next[t] @ old.T, axis=1))
            W[a] = np.linalg.solve(X[t].T @ X[t], X[t].T @ (reward[t] + gamma * best))
    return W


@alternative("network_gradient")
def step_by_step_of_the_batch(W1, b1, W2, b2, x, action, target):
    loss, grads = 0.0, [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for x_b, a, y in zip(x, action, target):
        h = np.maximum(W1.T @ x_b + b1, 0)
        error = (h @ W2[:, a] + b2[a] - y) / len(x)
        dh = error * W2[:, a] * (h > 0)
        loss += error**2 * len(x) / 2
        grads[0] += np.outer(x_b, dh)
        grads[1] += dh
        grads[2][:, a] += error * h
        grads[3][a] += error
    return (loss, *grads)
