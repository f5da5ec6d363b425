"""Solutions of chapter 11, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative


def taken_ratio(logits, logits_old, action):
    """Exercise 11.1."""
    return np.exp(_log_taken(logits, action) - _log_taken(logits_old, action))


def _log_taken(logits, action):
    """log pi(a_t | s_t), one a step.   (T, A), (T,) int -> (T,)"""
    z = logits - logits.max(axis=1, keepdims=True)
    return z[np.arange(len(action)), action] - np.log(np.exp(z).sum(axis=1))


def objective_slope(ratio, advantage, low, high):
    """Exercise 11.2."""
    gone_far = np.where(advantage > 0, ratio > 1 + high, ratio < 1 - low)
    return np.where(gone_far, 0.0, advantage)


def total_loss(gain, value, target, pi, c_value, c_entropy):
    """Exercise 11.3."""
    error = np.mean((value - target) ** 2) / 2
    H = -np.mean(np.sum(pi * np.log(pi), axis=1))
    return float(-np.mean(gain) + c_value * error - c_entropy * H)


def prices(beta, kl, target, steps, horizon):
    """Exercise 11.4."""
    path = [beta]
    for divergence in kl:
        error = np.clip(divergence / target - 1, -0.2, 0.2)
        path.append(path[-1] * (1 + error * steps / horizon))
    return np.array(path)


def masked_standardised(advantage, counts):
    """Exercise 11.5."""
    A = advantage[counts]
    z = np.zeros(advantage.shape)
    z[counts] = (A - A.mean()) / (A.std(ddof=1) + 1e-8)
    return z


def advantages_and_targets(reward, value, next_value, terminated, truncated, gamma, lam):
    """Exercise 11.6."""
    delta = reward + gamma * np.where(terminated, 0.0, next_value) - value
    done = terminated | truncated
    A, later = np.zeros(len(reward)), 0.0
    for t in reversed(range(len(reward))):
        A[t] = later = delta[t] + gamma * lam * (0.0 if done[t] else later)
    return [A / np.sqrt(np.mean(A**2)), A + value]


def steps_before_stop(logp, logp_old, target):
    """Exercise 11.7."""
    kl = []
    for new in logp:
        log_r = new - logp_old
        kl.append(float(np.mean(np.exp(log_r) - 1 - log_r)))
        if kl[-1] > 1.5 * target:
            return [len(kl) - 1, kl[-1]]
    return [len(kl), kl[-1]]


def dual_clip(logp, logp_old, advantage, clip, c):
    """Exercise 11.8."""
    ratio = np.exp(logp - logp_old)
    gain, clipped = ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage
    objective, slope = np.minimum(gain, clipped), np.where(gain <= clipped, gain, 0.0)
    too_bad = (advantage < 0) & (objective < c * advantage)
    objective, slope = np.where(too_bad, c * advantage, objective), np.where(too_bad, 0.0, slope)
    return [-float(objective.mean()), -slope / len(logp)]


def clipped_huber(value, value_old, target, clip, delta):
    """Exercise 11.9."""
    move = value - value_old
    loss, slope = _huber(value - target, delta)
    loss_clip, slope_clip = _huber(value_old + np.clip(move, -clip, clip) - target, delta)
    slope_clip = np.where(np.abs(move) <= clip, slope_clip, 0.0)
    far = loss >= loss_clip
    return [
        float(np.mean(np.where(far, loss, loss_clip))),
        np.where(far, slope, slope_clip) / len(value),
    ]


def _huber(e, delta):
    """The loss of each error, and its slope.   (B,) -> (B,), (B,)"""
    inner = np.clip(e, -delta, delta)
    return inner * (e - inner / 2), inner


def reverse_penalty(logits, logits_old, action, advantage, beta):
    """Exercise 11.10."""
    B, A = logits.shape
    pi, pi_old = _softmax(logits), _softmax(logits_old)
    log_ratio = np.log(pi) - np.log(pi_old)
    kl = np.sum(pi * log_ratio, axis=1)  # (B,) KL(new || old)
    r = np.exp(log_ratio[np.arange(B), action])
    loss = np.mean(-r * advantage + beta * kl)
    d_gain = -(r * advantage)[:, None] * (np.eye(A)[action] - pi)
    d_kl = pi * (log_ratio - kl[:, None])
    return [float(loss), (d_gain + beta * d_kl) / B]


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def trust_region_step(theta, d, Q, delta, tries):
    """Exercise 11.11."""
    pi = _softmax(theta)
    x = Q - np.sum(pi * Q, axis=1, keepdims=True)  # the natural gradient: the advantages
    x *= np.sqrt(2 * delta / np.sum(d[:, None] * pi * x**2))  # pi x = 0, so x^T F x is this sum
    for k in range(tries):
        new = _softmax(theta + x / 2**k)
        kl = d @ np.sum(pi * (np.log(pi) - np.log(new)), axis=1)
        if kl <= delta:
            return new
    return pi


# ---------------------------------------------------------------- other right answers


@alternative("taken_ratio")
def step_by_step(logits, logits_old, action):
    ratio = []
    for z, z_old, a in zip(logits, logits_old, action):
        p, p_old = np.exp(z) / np.exp(z).sum(), np.exp(z_old) / np.exp(z_old).sum()
        ratio.append(p[a] / p_old[a])
    return ratio


@alternative("objective_slope")
def by_the_smaller_of_both(ratio, advantage, low, high):
    gain, clipped = ratio * advantage, np.clip(ratio, 1 - low, 1 + high) * advantage
    return (advantage * (gain <= clipped))[:, None]


@alternative("total_loss")
def as_an_objective_turned_round(gain, value, target, pi, c_value, c_entropy):
    bonus = c_entropy * (pi * -np.log(pi)).sum(axis=1)
    return -np.mean(gain + bonus - c_value * 0.5 * (target - value) ** 2)


@alternative("prices")
def with_a_running_product(beta, kl, target, steps, horizon):
    factor = 1 + np.minimum(np.maximum(np.asarray(kl) / target - 1, -0.2), 0.2) * steps / horizon
    return list(beta * np.cumprod(np.concatenate([[1.0], factor])))


@alternative("masked_standardised")
def with_sums_of_weights(advantage, counts):
    n, w = np.sum(counts), np.asarray(counts, float)
    centred = w * (advantage - w @ advantage / n)
    return centred / (np.sqrt(centred @ centred / (n - 1)) + 1e-8)


@alternative("advantages_and_targets")
def with_explicit_sums(reward, value, next_value, terminated, truncated, gamma, lam):
    T = len(reward)
    A = np.zeros(T)
    for t in range(T):
        weight = 1.0
        for k in range(t, T):
            after = 0.0 if terminated[k] else gamma * next_value[k]
            A[t] += weight * (reward[k] + after - value[k])
            if terminated[k] or truncated[k]:
                break
            weight *= gamma * lam
    return A * T**0.5 / np.linalg.norm(A), value + A


@alternative("steps_before_stop")
def all_at_once(logp, logp_old, target):
    log_r = logp - logp_old
    kl = (np.expm1(log_r) - log_r).mean(axis=1)
    over = np.flatnonzero(kl > 1.5 * target)
    n = over[0] if len(over) else len(kl)
    return (int(n), kl[min(n, len(kl) - 1)])


@alternative("dual_clip")
def case_by_case(logp, logp_old, advantage, clip, c):
    total, d = 0.0, []
    for new, old, A in zip(logp, logp_old, advantage):
        r = np.exp(new - old)
        low, high = (0.0, 1 + clip) if A > 0 else (1 - clip, c)  # where r may still move the objective
        total += np.clip(r, low, high) * A
        d.append(-r * A / len(logp) if low <= r <= high else 0.0)
    return (-total / len(logp), d)


@alternative("clipped_huber")
def sample_by_sample(value, value_old, target, clip, delta):
    loss, d = 0.0, []
    for v, old, y in zip(value, value_old, target):
        near = min(max(v, old - clip), old + clip)
        (a, da), (b, db) = ((_bowl(u - y, delta)) for u in (v, near))
        loss += max(a, b) / len(value)
        d.append((da if a >= b else db * (near == v)) / len(value))
    return (loss, d)


def _bowl(e, delta):
    """The loss of one error, and its slope."""
    return (e * e / 2, e) if abs(e) <= delta else (delta * (abs(e) - delta / 2), delta * np.sign(e))


@alternative("reverse_penalty")
def action_by_action(logits, logits_old, action, advantage, beta):
    loss, d = 0.0, np.zeros(logits.shape)
    for b in range(len(action)):
        p, q = _softmax(logits[b : b + 1])[0], _softmax(logits_old[b : b + 1])[0]
        r = p[action[b]] / q[action[b]]
        d_p = beta * (np.log(p / q) + 1)  # with respect to the probabilities
        d_p[action[b]] -= advantage[b] / q[action[b]]
        loss += -r * advantage[b] + beta * p @ np.log(p / q)
        d[b] = p * (d_p - p @ d_p)
    return (loss / len(action), d / len(action))


@alternative("trust_region_step")
def with_the_fisher_matrix(theta, d, Q, delta, tries):
    pi = np.exp(theta) / np.exp(theta).sum(axis=1, keepdims=True)
    F = [w * (np.diag(p) - np.outer(p, p)) for w, p in zip(d, pi)]
    g = [block @ q for block, q in zip(F, Q)]
    x = [np.linalg.pinv(block) @ slope for block, slope in zip(F, g)]
    length = np.sqrt(2 * delta / sum(step @ slope for step, slope in zip(x, g)))
    for _ in range(tries):
        new = np.array([_softmax(row[None] + length * step)[0] for row, step in zip(theta, x)])
        kl = sum(w * p @ np.log(p / q) for w, p, q in zip(d, pi, new))
        if kl <= delta:
            return [list(row) for row in new]
        length /= 2
    return pi
