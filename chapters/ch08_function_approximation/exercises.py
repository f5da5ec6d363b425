"""Exercises of chapter 8. Replace each `raise`, then run:  make grade CH=ch08

Every array is a NumPy array. Letters: S states, A actions, D features, T steps, B steps of a batch.

    X (S, D) or (T, D)   features, a row a state or a step        w (D,)   weights: v = X @ w
    reward (T,)          terminated (T,) bool                     gamma    discount factor

Leave the arguments as you found them: work on a copy where you must write.
"""


def value_error(X, w, V, visits):
    """Exercise 8.1.  How wrong a function is, where it matters, equation (8.2, eq:value-error).

        VE(w) = sum_s mu(s) (V(s) - x(s) . w)^2,        mu(s) = share of the steps spent in s

    X (S, D), w (D,), V (S,) true values, visits (S,) how often each state was visited -> float

    Hint: the visits are counts. Make shares of them first.
    """
    raise NotImplementedError("Exercise 8.1")


def td_weights(X, reward, X_next, terminated, w, alpha, gamma):
    """Exercise 8.2.  Semi-gradient TD along a tape of T steps, equation (8.5, eq:semi-gradient-td).

        w <- w + alpha (r + gamma v(s') - v(s)) x(s),        v(s') = 0 where the step terminated

    X (T, D) features of s, reward (T,), X_next (T, D) features of s', terminated (T,) bool,
    w (D,) the weights to start from, alpha float, gamma float -> w (D,) after the T steps

    Hint: the target contains w too. It is not differentiated: hence the name.
    """
    raise NotImplementedError("Exercise 8.2")


def ring_add(memory, added, steps):
    """Exercise 8.3.  Add steps to a replay memory of fixed size.

    The memory is a ring: step number k, counted from 0 since the beginning, stands in place
    k mod capacity. So a new step takes the place of the oldest one, and nothing is ever moved.

    memory (capacity,) one number for each step, added int how many steps were ever added,
    steps (n,) the new ones in their order, n >= 0 -> [memory (capacity,), added]

    Hint: n may be larger than the capacity.
    """
    raise NotImplementedError("Exercise 8.3")


def tile_indices(s, low, high, tiles, tilings, displacement):
    """Exercise 8.4.  The active tiles of a point, one a tiling, equation (8.10, eq:tile-coding).

    Each tiling is a grid of (tiles + 1) x (tiles + 1) cells. A tile has 1 / tiles of the width of the
    box. In direction j, tiling t is displaced by (t * displacement[j] mod tilings) / tilings of a tile:

        cell_j = floor(tiles (s_j - low_j) / (high_j - low_j) + (t displacement_j mod tilings) / tilings)

    The tiles of all tilings are numbered one tiling after the other, each row by row: direction 0 says
    the row, direction 1 the column.

    s (2,) in the box, low (2,), high (2,), tiles int, tilings int, displacement (2,) int
      -> (tilings,) int

    Hint: why tiles + 1? Ask where a point near `high` lands.
    """
    raise NotImplementedError("Exercise 8.4")


def fourier_step(w, s, target, c, alpha):
    """Exercise 8.5.  A gradient step with Fourier features, equation (8.9, eq:fourier).

        x_d(s) = cos(pi c_d . s),        w_d <- w_d + alpha_d (target - w . x(s)) x_d(s)

    A short wave has a steep slope and needs small steps: alpha_d = alpha / |c_d|, where |c_d| is the
    Euclidean length of row d, and alpha_d = alpha for the constant feature, c_d = 0.

    w (D,), s (k,) each from 0 to 1, target float, c (D, k) int, alpha float -> w (D,)
    """
    raise NotImplementedError("Exercise 8.5")


def lstd_weights(X, reward, X_next, terminated, gamma, ridge):
    """Exercise 8.6.  Least-squares TD from a tape, equation (8.8, eq:lstd).

    The weights at which the TD updates of the whole tape sum to zero: A w = b with

        A = ridge I + sum_t x_t (x_t - gamma x'_t)^T,      b = sum_t r_t x_t,      x'_t = 0 where terminated

    X (T, D), reward (T,), X_next (T, D), terminated (T,) bool, gamma float, ridge float > 0 -> w (D,)

    Hint: A is not symmetric.
    """
    raise NotImplementedError("Exercise 8.6")


def differential_td(X, reward, w, rate, alpha, beta):
    """Exercise 8.7.  TD where no episode ends, as in equation (8.12, eq:differential-sarsa).

        delta = r - rate + v(s') - v(s)
        rate <- rate + beta delta
        w    <- w + alpha delta x(s)

    X (T + 1, D) features of s_0, ..., s_T, reward (T,), w (D,) and rate float to start from,
    alpha float, beta float -> [w (D,), rate] after the T steps

    Hint: compute delta once, and use it twice.
    """
    raise NotImplementedError("Exercise 8.7")


def dqn_targets(reward, terminated, truncated, q_shown, q_final, gamma):
    """Exercise 8.8.  The targets of DQN, walkers starting again by themselves, equation (8.18, eq:dqn-next).

        target = r + gamma max_a Q(s', a),        and r alone where the step terminated

    Each walker takes one step. Where its episode ends, terminated or truncated by the time limit, the
    environment shows the first state of the *next* episode and hands the last state of this one over
    separately. Elsewhere nothing is handed over, and q_final holds garbage.

    reward (B,), terminated (B,) bool, truncated (B,) bool, q_shown (B, A) Q of the state shown after the
    step, q_final (B, A) Q of the last state of an episode that ended in this step, gamma float -> (B,)

    Hint: a step can be terminated and truncated at once.
    """
    raise NotImplementedError("Exercise 8.8")


def double_dqn_targets(reward, terminated, q_next, q_frozen, gamma):
    """Exercise 8.9.  Double DQN: who chooses, who judges?  Equation (8.19, eq:double-dqn-next).

        target = r + gamma Q_frozen(s', argmax_a Q(s', a)),        and r alone where the step terminated

    reward (B,), terminated (B,) bool, q_next (B, A) values of s' by the network that learns,
    q_frozen (B, A) values of s' by its frozen copy, gamma float -> (B,)
    """
    raise NotImplementedError("Exercise 8.9")


def growth(X, P, mu, gamma, alpha):
    """Exercise 8.10.  Does linear TD run away, equation (8.6, eq:expected-td)?

    Update every state at once, state s with the weight mu(s), where all rewards are 0:

        w <- w + alpha sum_s mu(s) (gamma sum_s' P(s, s') v(s') - v(s)) x(s)

    That is w <- M w. In the long run each update multiplies the length of w by the spectral radius of M,
    the largest |eigenvalue|: above 1 the weights grow without bound, though w = 0 is right.

    X (S, D), P (S, S) the chain of the target policy, mu (S,) shares of the updates, gamma float,
    alpha float -> float, the spectral radius of M

    Hint: find M first. np.linalg.eigvals may give complex numbers.
    """
    raise NotImplementedError("Exercise 8.10")


def fitted_q(X, action, reward, X_next, terminated, n_actions, gamma, sweeps):
    """Exercise 8.11.  Fitted Q-iteration: Q-learning on a fixed memory, one regression after the other.

    Start with W = 0. In each sweep, compute the targets of all steps with the weights of the sweep before,

        target_t = r_t + gamma max_a W[a] . x'_t,        and r_t alone where the step terminated

    then fit W[a] anew by least squares to the steps in which a was taken.

    X (T, D), action (T,) int, reward (T,), X_next (T, D), terminated (T,) bool, n_actions int, gamma
    float, sweeps int >= 0 -> W (n_actions, D).   Every action was taken often enough to fit its weights.

    Hint: np.linalg.lstsq. The frozen copy of DQN is this idea: the target holds still while one fits.
    """
    raise NotImplementedError("Exercise 8.11")


def network_gradient(W1, b1, W2, b2, x, action, target):
    """Exercise 8.12.  A Q-network and its gradient, by hand, equation (8.17, eq:dqn-loss).

        h = max(x W1 + b1, 0),      Q = h W2 + b2,      loss = mean over the batch of (Q[action] - target)^2 / 2

    Only the Q of the action that was taken enters the loss. The target is a constant.

    W1 (D, H), b1 (H,), W2 (H, A), b2 (A,), x (B, D), action (B,) int, target (B,)
      -> [loss, dW1 (D, H), db1 (H,), dW2 (H, A), db2 (A,)]

    Hint: dQ (B, A) first; it has one entry a row that is not 0. Then backwards, layer by layer.
    """
    raise NotImplementedError("Exercise 8.12")
