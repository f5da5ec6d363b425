"""Wrong answers of chapter 8. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch08_function_approximation import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 8.1 value_error


@mutant(
    "value_error",
    "every state counts alike. A function that cannot be right everywhere should be right where the walker is: weight by mu.",
)
def forgets_the_weights(X, w, V, visits):
    return float(np.mean((V - X @ w) ** 2))


@mutant("value_error", "the weights are counts, not shares: divide them by their sum.")
def weights_by_counts(X, w, V, visits):
    return float(visits @ (V - X @ w) ** 2)


@mutant("value_error", "errors of both signs cancel: square first, then take the weighted mean.")
def squares_the_mean(X, w, V, visits):
    return float(np.average(V - X @ w, weights=visits) ** 2)


@mutant("value_error", "this is the root of the value error. VE is a mean of squares.")
def takes_the_root(X, w, V, visits):
    return solutions.value_error(X, w, V, visits) ** 0.5


@mutant("value_error", "these are absolute errors; VE squares them.")
def takes_absolute_errors(X, w, V, visits):
    return float(np.average(np.abs(V - X @ w), weights=visits))


# ---------------------------------------------------------------- 8.2 td_weights


def _walk(X, reward, X_next, terminated, w, step):
    """w after step(w, x, r, x', end) of every row."""
    for row in zip(X, reward, X_next, terminated):
        w = step(w, *row)
    return w


@mutant(
    "td_weights",
    "this differentiates the target too: a residual gradient. TD moves v(s) towards the target and leaves v(s') alone.",
)
def residual_gradient(X, reward, X_next, terminated, w, alpha, gamma):
    def step(w, x, r, x_next, end):
        after = gamma * (1 - end) * x_next
        return w + alpha * (r + w @ after - w @ x) * (x - after)

    return _walk(X, reward, X_next, terminated, w, step)


@mutant("td_weights", "nothing comes after a terminated step: there v(s') is 0, whatever the features say.")
def bootstraps_at_the_end(X, reward, X_next, terminated, w, alpha, gamma):
    return solutions.td_weights(X, reward, X_next, np.zeros_like(terminated), w, alpha, gamma)


@mutant(
    "td_weights",
    "every weight moves by the same amount. A weight moves in proportion to its feature: times x(s).",
)
def forgets_the_features(X, reward, X_next, terminated, w, alpha, gamma):
    def step(w, x, r, x_next, end):
        return w + alpha * (r + gamma * (1 - end) * (w @ x_next) - w @ x)

    return _walk(X, reward, X_next, terminated, w, step)


@mutant("td_weights", "the step goes along x(s'). It is v(s) that is corrected, so it goes along x(s).")
def corrects_the_successor(X, reward, X_next, terminated, w, alpha, gamma):
    def step(w, x, r, x_next, end):
        return w + alpha * (r + gamma * (1 - end) * (w @ x_next) - w @ x) * x_next

    return _walk(X, reward, X_next, terminated, w, step)


@mutant("td_weights", "the sign is wrong: this moves v(s) away from its target.")
def away_from_the_target(X, reward, X_next, terminated, w, alpha, gamma):
    return solutions.td_weights(X, reward, X_next, terminated, w, -alpha, gamma)


@mutant(
    "td_weights",
    "all errors are computed with the first w. Each step uses the weights that the step before has left.",
)
def with_the_first_weights(X, reward, X_next, terminated, w, alpha, gamma):
    delta = reward + gamma * ~terminated * (X_next @ w) - X @ w
    return w + alpha * delta @ X


@mutant("td_weights", "a terminated step teaches nothing here. Its reward is a target too: r - v(s).")
def skips_the_last_step(X, reward, X_next, terminated, w, alpha, gamma):
    go_on = ~terminated
    return solutions.td_weights(X[go_on], reward[go_on], X_next[go_on], terminated[go_on], w, alpha, gamma)


# ---------------------------------------------------------------- 8.3 ring_add


@mutant(
    "ring_add",
    "the whole memory is moved so that the oldest step stands first. In a ring nothing moves: step k stands in place k mod capacity.",
)
def moves_everything(memory, added, steps):
    n = min(added, len(memory))
    age = memory[np.arange(added - n, added) % len(memory)]
    kept = np.concatenate([age, steps])[-len(memory) :]
    return [np.append(kept, np.zeros(len(memory) - len(kept))), added + len(steps)]


@mutant(
    "ring_add", "steps that do not fit before the last place are lost. After the last place comes the first."
)
def stops_at_the_last_place(memory, added, steps):
    memory, place = memory.copy(), added % len(memory)
    fits = steps[: len(memory) - place]
    memory[place : place + len(fits)] = fits
    return [memory, added + len(steps)]


@mutant(
    "ring_add",
    "steps that do not fit before the last place are all put at the front. The first of them still fit behind.",
)
def begins_at_the_front(memory, added, steps):
    memory, place = memory.copy(), added % len(memory)
    place = place if place + len(steps) <= len(memory) else 0
    kept = steps[: len(memory)]
    memory[place : place + len(kept)] = kept
    return [memory, added + len(steps)]


@mutant(
    "ring_add",
    "of more steps than fit, the first ones are kept. A new step takes the place of the oldest: keep the last.",
)
def keeps_the_first(memory, added, steps):
    ring, _ = solutions.ring_add(memory, added, steps[: len(memory)])
    return [ring, added + len(steps)]


@mutant(
    "ring_add",
    "`added` stops at the capacity. It counts every step ever added; without it the next place is not known.",
)
def counts_what_is_there(memory, added, steps):
    ring, added = solutions.ring_add(memory, added, steps)
    return [ring, min(added, len(memory))]


@mutant("ring_add", "one place too far: steps are counted from 0, so step k stands in place k mod capacity.")
def counts_from_one(memory, added, steps):
    ring, _ = solutions.ring_add(memory, added + 1, steps)
    return [ring, added + len(steps)]


# ---------------------------------------------------------------- 8.4 tile_indices


def _index(cell, tilings, rows, first=None):
    t = np.arange(tilings) if first is None else first
    return (t * rows + cell[:, 0]) * rows + cell[:, 1]


def _place(s, low, high, tiles, tilings, displacement):
    """Where the point is, in tiles of each tiling.   -> (tilings, 2) float"""
    shift = (np.arange(tilings)[:, None] * displacement) % tilings / tilings
    return tiles * (s - low) / (high - low) + shift


@mutant(
    "tile_indices",
    "all tilings are the same grid. Displaced, they cut the space at different places: that is the point.",
)
def displaces_nothing(s, low, high, tiles, tilings, displacement):
    return solutions.tile_indices(s, low, high, tiles, tilings, np.zeros(2, int))


@mutant(
    "tile_indices",
    "the tilings share their weights: the same numbers come again in each. A tiling has tiles of its own, counted on.",
)
def shares_the_weights(s, low, high, tiles, tilings, displacement):
    cell = np.floor(_place(s, low, high, tiles, tilings, displacement)).astype(int)
    return _index(cell, tilings, tiles + 1, first=0)


@mutant(
    "tile_indices",
    "a row has `tiles` cells here. A displaced grid needs one more, or the last cell of a row is the first of the next.",
)
def has_too_few_cells(s, low, high, tiles, tilings, displacement):
    return _index(np.floor(_place(s, low, high, tiles, tilings, displacement)).astype(int), tilings, tiles)


@mutant("tile_indices", "row and column are swapped: direction 0 says the row.")
def swaps_the_directions(s, low, high, tiles, tilings, displacement):
    cell = np.floor(_place(s, low, high, tiles, tilings, displacement)).astype(int)
    return _index(cell[:, ::-1], tilings, tiles + 1)


@mutant("tile_indices", "the coordinate is rounded to the nearest line. A cell begins at a line: round down.")
def rounds(s, low, high, tiles, tilings, displacement):
    return _index(np.rint(_place(s, low, high, tiles, tilings, displacement)).astype(int), tilings, tiles + 1)


@mutant(
    "tile_indices",
    "the tilings are displaced by whole tiles, which changes no border. Divide by the number of tilings.",
)
def displaces_by_whole_tiles(s, low, high, tiles, tilings, displacement):
    t = np.arange(tilings)[:, None]
    u = tiles * (s - low) / (high - low) + (t * displacement) % tilings
    return _index(np.floor(u).astype(int), tilings, tiles + 1)


@mutant(
    "tile_indices",
    "without the remainder the grid is displaced by more than a tile, and the point leaves it.",
)
def forgets_the_remainder(s, low, high, tiles, tilings, displacement):
    t = np.arange(tilings)[:, None]
    u = tiles * (s - low) / (high - low) + t * displacement / tilings
    return _index(np.floor(u).astype(int), tilings, tiles + 1)


@mutant(
    "tile_indices",
    "both directions are displaced alike, by the first number. Each direction has a number of its own.",
)
def displaces_along_the_diagonal(s, low, high, tiles, tilings, displacement):
    return solutions.tile_indices(s, low, high, tiles, tilings, displacement[[0, 0]])


# ---------------------------------------------------------------- 8.5 fourier_step


def _gradient_step(w, x, target, alpha):
    return w + alpha * (target - w @ x) * x


def _steps(c, alpha):
    length = np.linalg.norm(c, axis=1)
    return alpha / np.where(length > 0, length, 1.0)


@mutant(
    "fourier_step", "pi is missing: a wave with c = 1 makes half a turn from one end of the box to the other."
)
def forgets_pi(w, s, target, c, alpha):
    return _gradient_step(w, np.cos(c @ s), target, _steps(c, alpha))


@mutant("fourier_step", "all waves take the same step. A wave of length |c| takes alpha / |c|.")
def one_step_size(w, s, target, c, alpha):
    return _gradient_step(w, np.cos(np.pi * (c @ s)), target, alpha)


@mutant("fourier_step", "the steps are divided by |c|^2. Take the root: |c| is a length.")
def divides_by_the_square(w, s, target, c, alpha):
    square = (c**2).sum(axis=1)
    return _gradient_step(w, np.cos(np.pi * (c @ s)), target, alpha / np.where(square > 0, square, 1.0))


@mutant(
    "fourier_step",
    "the steps are divided by the sum of c. The Euclidean length is the root of the sum of squares.",
)
def divides_by_the_sum(w, s, target, c, alpha):
    return _gradient_step(w, np.cos(np.pi * (c @ s)), target, alpha / np.maximum(c.sum(axis=1), 1.0))


@mutant(
    "fourier_step",
    "this multiplies a cosine for each direction. A feature is one wave: the cosine of the sum c . s.",
)
def multiplies_cosines(w, s, target, c, alpha):
    return _gradient_step(w, np.cos(np.pi * c * s).prod(axis=1), target, _steps(c, alpha))


@mutant("fourier_step", "the constant feature is not learned: where c = 0 the step is alpha.")
def leaves_the_constant(w, s, target, c, alpha):
    moved = solutions.fourier_step(w, s, target, c, alpha)
    return np.where(c.any(axis=1), moved, w)


@mutant(
    "fourier_step",
    "the error is computed anew after each weight. All weights move with the one error of the old w.",
)
def weight_after_weight(w, s, target, c, alpha):
    w, x, step = w.copy(), np.cos(np.pi * (c @ s)), _steps(c, alpha)
    for d in range(len(w)):
        w[d] += step[d] * (target - w @ x) * x[d]
    return w


# ---------------------------------------------------------------- 8.6 lstd_weights


def _after(X_next, terminated, gamma):
    return gamma * ~terminated[:, None] * X_next


@mutant(
    "lstd_weights",
    "A is transposed: x_t stands on the left of the outer product, x_t - gamma x'_t on the right.",
)
def transposes(X, reward, X_next, terminated, gamma, ridge):
    A = ridge * np.eye(X.shape[1]) + X.T @ (X - _after(X_next, terminated, gamma))
    return np.linalg.solve(A.T, X.T @ reward)


@mutant(
    "lstd_weights",
    "this makes the squares of the TD errors small, which is another goal: noise of s' enters it twice. Multiply by x_t, not by x_t - gamma x'_t.",
)
def least_squares_of_td_errors(X, reward, X_next, terminated, gamma, ridge):
    d = X - _after(X_next, terminated, gamma)
    return np.linalg.solve(ridge * np.eye(X.shape[1]) + d.T @ d, d.T @ reward)


@mutant("lstd_weights", "after a terminated step nothing follows: there x' is 0.")
def goes_on_after_the_end(X, reward, X_next, terminated, gamma, ridge):
    return solutions.lstd_weights(X, reward, X_next, np.zeros_like(terminated), gamma, ridge)


@mutant("lstd_weights", "this fits the reward of one step. What follows is missing from A: - gamma x'_t.")
def fits_the_reward(X, reward, X_next, terminated, gamma, ridge):
    return solutions.lstd_weights(X, reward, X_next, terminated, 0.0, ridge)


@mutant("lstd_weights", "the ridge is missing: A begins with ridge I.")
def without_the_ridge(X, reward, X_next, terminated, gamma, ridge):
    return solutions.lstd_weights(X, reward, X_next, terminated, gamma, 0.0)


@mutant(
    "lstd_weights",
    "A and b are means here, so the ridge weighs T times as much. They are sums over the tape.",
)
def takes_means(X, reward, X_next, terminated, gamma, ridge):
    return solutions.lstd_weights(X, reward, X_next, terminated, gamma, ridge * len(X))


# ---------------------------------------------------------------- 8.7 differential_td


def _continue(X, reward, w, rate, step):
    """w and rate after step(w, rate, x, r, x') of every row."""
    for x, x_next, r in zip(X, X[1:], reward):
        w, rate = step(w, rate, x, r, x_next)
    return [w, rate]


@mutant(
    "differential_td",
    "the rate is not subtracted: without a discount the values grow for ever. delta = r - rate + ...",
)
def forgets_the_rate(X, reward, w, rate, alpha, beta):
    def step(w, rate, x, r, x_next):
        return w + alpha * (r + w @ x_next - w @ x) * x, rate + beta * (r - rate + w @ x_next - w @ x)

    return _continue(X, reward, w, rate, step)


@mutant(
    "differential_td",
    "the rate follows r - rate alone. Moved by delta it is less noisy, and right off-policy too: the value differences explain part of r.",
)
def averages_the_rewards(X, reward, w, rate, alpha, beta):
    def step(w, rate, x, r, x_next):
        return w + alpha * (r - rate + w @ x_next - w @ x) * x, rate + beta * (r - rate)

    return _continue(X, reward, w, rate, step)


@mutant(
    "differential_td",
    "delta is computed a second time, after the rate has changed. Compute it once, use it twice.",
)
def uses_the_new_rate(X, reward, w, rate, alpha, beta):
    def step(w, rate, x, r, x_next):
        rate = rate + beta * (r - rate + w @ x_next - w @ x)
        return w + alpha * (r - rate + w @ x_next - w @ x) * x, rate

    return _continue(X, reward, w, rate, step)


@mutant("differential_td", "alpha and beta are swapped: alpha belongs to the weights, beta to the rate.")
def swaps_the_step_sizes(X, reward, w, rate, alpha, beta):
    return solutions.differential_td(X, reward, w, rate, beta, alpha)


@mutant(
    "differential_td", "the rate moves the wrong way: when rewards are better than expected, it must rise."
)
def lowers_the_rate(X, reward, w, rate, alpha, beta):
    return solutions.differential_td(X, reward, w, rate, alpha, -beta)


@mutant(
    "differential_td",
    "the target is differentiated as well. As in TD, only v(s) is corrected: the step goes along x(s).",
)
def differentiates_the_target(X, reward, w, rate, alpha, beta):
    def step(w, rate, x, r, x_next):
        delta = r - rate + w @ x_next - w @ x
        return w + alpha * delta * (x - x_next), rate + beta * delta

    return _continue(X, reward, w, rate, step)


# ---------------------------------------------------------------- 8.8 dqn_targets


@mutant(
    "dqn_targets",
    "at a time limit this bootstraps from the first state of the next episode. The state that was reached is in q_final.",
)
def bootstraps_from_the_reset(reward, terminated, truncated, q_shown, q_final, gamma):
    return reward + gamma * ~terminated * q_shown.max(axis=1)


@mutant(
    "dqn_targets",
    "a time limit is taken for the end of the world. A truncated step has a future like any other: bootstrap from q_final.",
)
def takes_truncation_for_termination(reward, terminated, truncated, q_shown, q_final, gamma):
    return reward + gamma * ~(terminated | truncated) * q_shown.max(axis=1)


@mutant("dqn_targets", "nothing comes after a terminated step: its target is r alone.")
def bootstraps_after_the_end(reward, terminated, truncated, q_shown, q_final, gamma):
    ended = (terminated | truncated)[:, None]
    return reward + gamma * np.where(ended, q_final, q_shown).max(axis=1)


@mutant(
    "dqn_targets",
    "q_final is read for every walker. Where no episode ended it holds garbage: there take q_shown.",
)
def reads_garbage(reward, terminated, truncated, q_shown, q_final, gamma):
    return reward + gamma * ~terminated * q_final.max(axis=1)


@mutant(
    "dqn_targets", "a step that is terminated and truncated at once gets a future. Terminated is terminated."
)
def asks_for_truncation_first(reward, terminated, truncated, q_shown, q_final, gamma):
    best = np.where(truncated, q_final.max(axis=1), ~terminated * q_shown.max(axis=1))
    return reward + gamma * best


@mutant(
    "dqn_targets", "this averages over the actions. The target of Q-learning is the best one: max over a."
)
def averages_over_actions(reward, terminated, truncated, q_shown, q_final, gamma):
    q_next = np.where(truncated[:, None], q_final, q_shown)
    return reward + gamma * ~terminated * q_next.mean(axis=1)


@mutant(
    "dqn_targets", "one maximum of the whole batch. Each step has its own successor: max over the last axis."
)
def one_maximum_for_all(reward, terminated, truncated, q_shown, q_final, gamma):
    return reward + gamma * ~terminated * np.where(truncated[:, None], q_final, q_shown).max()


# ---------------------------------------------------------------- 8.9 double_dqn_targets


def _pick(q, action):
    return q[np.arange(len(q)), action]


@mutant(
    "double_dqn_targets",
    "the frozen copy chooses and judges: this is plain DQN. The learning network chooses the action.",
)
def plain_dqn(reward, terminated, q_next, q_frozen, gamma):
    return reward + gamma * ~terminated * q_frozen.max(axis=1)


@mutant(
    "double_dqn_targets", "the roles are swapped: the network that learns chooses, its frozen copy judges."
)
def swaps_the_roles(reward, terminated, q_next, q_frozen, gamma):
    return reward + gamma * ~terminated * _pick(q_next, q_frozen.argmax(axis=1))


@mutant(
    "double_dqn_targets",
    "the learning network chooses and judges, so the target moves with every update and favours its own mistakes.",
)
def asks_the_learner_twice(reward, terminated, q_next, q_frozen, gamma):
    return reward + gamma * ~terminated * q_next.max(axis=1)


@mutant(
    "double_dqn_targets",
    "the smaller of the two maxima is another idea (clipped double Q). Here one network chooses, the other one judges.",
)
def the_smaller_maximum(reward, terminated, q_next, q_frozen, gamma):
    return reward + gamma * ~terminated * np.minimum(q_next.max(axis=1), q_frozen.max(axis=1))


@mutant("double_dqn_targets", "nothing comes after a terminated step: its target is r alone.")
def doubles_after_the_end(reward, terminated, q_next, q_frozen, gamma):
    return solutions.double_dqn_targets(reward, np.zeros_like(terminated), q_next, q_frozen, gamma)


@mutant(
    "double_dqn_targets",
    "argmax runs over the batch. The best action of each step: argmax over the last axis.",
)
def argmax_over_the_batch(reward, terminated, q_next, q_frozen, gamma):
    best = q_next.argmax(axis=0)[np.arange(len(reward)) % q_next.shape[1]] % q_next.shape[1]
    return reward + gamma * ~terminated * _pick(q_frozen, best)


# ---------------------------------------------------------------- 8.10 growth


def _update(X, P, mu, gamma, alpha):
    return np.eye(X.shape[1]) + alpha * X.T @ (mu[:, None] * (gamma * P @ X - X))


@mutant(
    "growth",
    "this is the largest singular value: how much one update can stretch w. In the long run the eigenvalues decide.",
)
def largest_stretch(X, P, mu, gamma, alpha):
    return float(np.linalg.norm(_update(X, P, mu, gamma, alpha), 2))


@mutant(
    "growth", "the largest real part. An eigenvalue of -2 doubles the length as well: take absolute values."
)
def largest_real_part(X, P, mu, gamma, alpha):
    return float(np.linalg.eigvals(_update(X, P, mu, gamma, alpha)).real.max())


@mutant("growth", "this is the change that is added to w. The update is w + change: add the identity.")
def forgets_the_identity(X, P, mu, gamma, alpha):
    M = _update(X, P, mu, gamma, alpha) - np.eye(X.shape[1])
    return float(np.abs(np.linalg.eigvals(M)).max())


@mutant(
    "growth", "every state is updated with weight 1. How often each one is updated decides: weight by mu(s)."
)
def updates_all_alike(X, P, mu, gamma, alpha):
    return solutions.growth(X, P, np.ones(len(mu)), gamma, alpha)


@mutant(
    "growth",
    "this is the residual gradient, which with small steps never runs away. TD multiplies the error by x(s) alone.",
)
def descends_on_the_residual(X, P, mu, gamma, alpha):
    d = gamma * P @ X - X
    M = np.eye(X.shape[1]) - alpha * d.T @ (mu[:, None] * d)
    return float(np.abs(np.linalg.eigvals(M)).max())


@mutant("growth", "the discount is missing: gamma weighs what comes after.")
def forgets_the_discount(X, P, mu, gamma, alpha):
    return solutions.growth(X, P, mu, 1.0, alpha)


# ---------------------------------------------------------------- 8.11 fitted_q


def _sweeps(X, action, n_actions, sweeps, targets):
    """Fit `sweeps` times to targets(W)."""
    W = np.zeros((n_actions, X.shape[1]))
    for _ in range(sweeps):
        y = targets(W)
        W = np.stack([solutions._fit(X[action == a], y[action == a]) for a in range(n_actions)])
    return W


@mutant("fitted_q", "nothing comes after a terminated step: its target is r alone.")
def fits_beyond_the_end(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    return solutions.fitted_q(X, action, reward, X_next, np.zeros_like(terminated), n_actions, gamma, sweeps)


@mutant(
    "fitted_q",
    "the targets of later actions already use the new weights of earlier ones. In a sweep the targets hold still.",
)
def renews_within_the_sweep(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    W = np.zeros((n_actions, X.shape[1]))
    for _ in range(sweeps):
        for a in range(n_actions):
            y = reward + gamma * ~terminated * (X_next @ W.T).max(axis=1)
            W[a] = solutions._fit(X[action == a], y[action == a])
    return W


@mutant("fitted_q", "every action is fitted to all steps. W[a] learns from the steps in which a was taken.")
def fits_all_steps(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    W = np.zeros((n_actions, X.shape[1]))
    for _ in range(sweeps):
        y = reward + gamma * ~terminated * (X_next @ W.T).max(axis=1)
        W = np.tile(solutions._fit(X, y), (n_actions, 1))
    return W


@mutant(
    "fitted_q",
    "the target repeats the action that was taken. Q-learning takes the best next action: max over a.",
)
def repeats_the_action(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    def targets(W):
        return reward + gamma * ~terminated * (X_next * W[action]).sum(axis=1)

    return _sweeps(X, action, n_actions, sweeps, targets)


@mutant("fitted_q", "the target is the best value of s, the state that was left. What follows is s': X_next.")
def value_of_the_state_left(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    return solutions.fitted_q(X, action, reward, X, terminated, n_actions, gamma, sweeps)


@mutant("fitted_q", "one sweep too many: the first one, from W = 0, fits the rewards and counts.")
def one_sweep_more(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    return solutions.fitted_q(X, action, reward, X_next, terminated, n_actions, gamma, sweeps + 1)


# ---------------------------------------------------------------- 8.12 network_gradient


def _backward(W1, b1, W2, b2, x, action, target, scale=1.0, active=None, dQ=None):
    """The gradients with a factor, another derivative of the hidden units, or another dQ."""
    z = x @ W1 + b1
    h = np.maximum(z, 0)
    Q = h @ W2 + b2
    error = Q[np.arange(len(x)), action] - target
    if dQ is None:
        dQ = np.eye(Q.shape[1])[action] * error[:, None] / len(x)
    else:
        dQ = dQ(Q)
    dQ = scale * dQ
    dz = dQ @ W2.T * (z > 0 if active is None else active(z))
    return [float(error @ error) / 2 / len(x), x.T @ dz, dz.sum(axis=0), h.T @ dQ, dQ.sum(axis=0)]


@mutant(
    "network_gradient",
    "the gradient goes through silent units as well. Where x W1 + b1 <= 0 nothing passes: multiply by (z > 0).",
)
def passes_silent_units(W1, b1, W2, b2, x, action, target):
    return _backward(W1, b1, W2, b2, x, action, target, active=np.ones_like)


@mutant(
    "network_gradient",
    "every action is pulled to the target. Nothing is known of the actions not taken: their dQ is 0.",
)
def pulls_every_action(W1, b1, W2, b2, x, action, target):
    return _backward(W1, b1, W2, b2, x, action, target, dQ=lambda Q: (Q - target[:, None]) / len(x))


@mutant("network_gradient", "the gradients are sums over the batch. The loss is a mean: divide by B.")
def sums_over_the_batch(W1, b1, W2, b2, x, action, target):
    return _backward(W1, b1, W2, b2, x, action, target, scale=len(x))


@mutant(
    "network_gradient",
    "the sign of every gradient is wrong: the derivative of (Q - y)^2 / 2 is Q - y, not y - Q.",
)
def points_downhill(W1, b1, W2, b2, x, action, target):
    return _backward(W1, b1, W2, b2, x, action, target, scale=-1.0)


@mutant(
    "network_gradient", "the gradient is twice as large: the 2 of the square cancels the 1/2 of the loss."
)
def forgets_the_half(W1, b1, W2, b2, x, action, target):
    return _backward(W1, b1, W2, b2, x, action, target, scale=2.0)


@mutant(
    "network_gradient",
    "the mean is taken over B times A numbers. Only B of them are in the loss: divide by B.",
)
def divides_by_all_entries(W1, b1, W2, b2, x, action, target):
    loss, *grads = _backward(W1, b1, W2, b2, x, action, target, scale=1 / len(b2))
    return [loss / len(b2), *grads]


@mutant(
    "network_gradient",
    "the target is used for the best action. The Q in the loss is that of the action taken.",
)
def corrects_the_best_action(W1, b1, W2, b2, x, action, target):
    best = (np.maximum(x @ W1 + b1, 0) @ W2 + b2).argmax(axis=1)
    return _backward(W1, b1, W2, b2, x, best, target)
