"""Exercises of chapter 12. Replace each `raise`, then run:  make grade CH=ch12

Every array is a NumPy array. Letters: K shards, n numbers of parameters, D numbers in an action, B steps in a
batch, T updates.

Leave the arguments as you found them: work on a copy where you must write.
"""


def joined_gradient(gradients, counts, max_norm):
    """Exercise 12.1.  One gradient from those of K shards, equation (12.4, eq:joined-gradient).

    gradients[k] is the mean gradient over the counts[k] steps of shard k. Give the mean gradient over all
    steps of all shards, and shorten it to length max_norm if it is longer.

    gradients (K, n), counts (K,) int, max_norm float -> (n,)
    """
    raise NotImplementedError("Exercise 12.1")


def speed_up(shards, compute, serial, latency, size, bandwidth):
    """Exercise 12.2.  How many times faster K shards are, equation (12.5, eq:speed-up).

    An update takes `compute` seconds of work that can be shared, and `serial` seconds that cannot. With
    K = shards > 1, the centre then sends one message to each shard and gets one back. Messages wait for each
    other: each takes `latency` seconds plus `size` bytes at `bandwidth` bytes a second. One shard alone
    sends nothing.

    all float, shards int >= 1 -> float
    """
    raise NotImplementedError("Exercise 12.2")


def act_in_a_box(mean, log_std, noise, low, high):
    """Exercise 12.3.  One action of a Gaussian policy, in an environment whose actions lie in a box.

    The policy draws a = mean + std * noise. The environment gets the nearest action inside the box. The
    learner gets log pi(a) of what was drawn, equation (12.10, eq:gaussian-log-prob), and the policy's entropy,
    equation (12.11, eq:gaussian-entropy), both summed over the D coordinates.

    mean, log_std, noise, low, high (D,) -> [executed (D,), logp float, entropy float]
    """
    raise NotImplementedError("Exercise 12.3")


def slow_copies(slow, weights, part):
    """Exercise 12.4.  What a slow copy holds while its network learns, equation (12.18, eq:slow-copy).

    weights[t] is what the network holds after its update t. After each update the copy moves the fraction
    `part` of the way towards it. `slow` is what the copy holds before the first update.

    slow (n,), weights (T, n), part float -> (T, n) the copy after each update
    """
    raise NotImplementedError("Exercise 12.4")


def variance_of_the_average(variance, seeds):
    """Exercise 12.5.  How much the mean of K shards' gradients scatters, equation (12.1, eq:shard-variance).

    Each shard's gradient has this variance. Shards with different seeds are independent. Shards with the same
    seed walk the same walk and send the same gradient.

    variance float, seeds (K,) int -> float
    """
    raise NotImplementedError("Exercise 12.5")


def squashed_log_prob(mean, log_std, u, low, high):
    """Exercise 12.6.  The log density of a squashed action, equation (12.13, eq:squashed-log-prob).

    The policy draws u from a Gaussian, and acts with a = centre + reach * tanh(u), where centre is the middle
    of the box and reach half its width. Give log pi(a), summed over the D coordinates.

    mean, log_std, u, low, high (D,) -> float

    Hint: log pi(a) = log pi(u) - log(da/du). Where the slope is small, many u share few a, and a is dense.
    """
    raise NotImplementedError("Exercise 12.6")


def ddpg_targets(reward, action, x_next, terminated, truncated, W, w, gamma):
    """Exercise 12.7.  What DDPG's critic should have said, equation (12.17, eq:ddpg-critic).

    The slow actor is mu'(x) = tanh(x @ W), one number; the slow critic is Q'(x, a) = w[0] + w[1] a + w[2] a^2.
    action[i] was taken before x_next[i] was seen. terminated says that the episode ended there, truncated that
    a time limit cut it.

    reward, action (B,), x_next (B, n), terminated, truncated (B,) bool, W (n,), w (3,), gamma float -> (B,)
    """
    raise NotImplementedError("Exercise 12.7")


def actor_gradient(x, action, W, c, goal, reach):
    """Exercise 12.8.  The deterministic policy gradient by hand, equation (12.16, eq:deterministic-gradient).

    The actor is mu(x) = reach tanh(x @ W), one number; the critic is Q(x, a) = -c (a - x @ goal)^2 / 2.
    `action` is what was taken when these steps were stored; think about whether it matters. Give the gradient
    of the mean of Q(x, mu(x)) over the batch with respect to W: the direction in which it grows.

    x (B, n), action (B,), W (n,), c float, goal (n,), reach float -> (n,)
    """
    raise NotImplementedError("Exercise 12.8")


def averaged_rounds(w, A, b, lr, momentum, local, rounds):
    """Exercise 12.9.  Parameter averaging with a heavy ball.

    Shard k has the loss w A[k] w / 2 - b[k] w, with the gradient A[k] w - b[k]. In every round each shard
    starts from the common w and the common velocity u, and makes `local` steps on its own loss:

        u <- momentum u + gradient,    w <- w - lr u

    Then the common w becomes the mean of the shards' w, and the common u the mean of their u. The first u is 0.

    w (n,), A (K, n, n), b (K, n), lr and momentum float, local and rounds int -> w (n,) after all rounds
    """
    raise NotImplementedError("Exercise 12.9")


def largest_stale_rate(A, delay):
    """Exercise 12.10.  The learning rate beyond which old gradients run away, equation (12.8, eq:stale-limit).

    The loss is w A w / 2, A symmetric with positive eigenvalues, and every gradient is `delay` updates old:
    w[t + 1] = w[t] - lr A w[t - delay]. Every lr below the answer converges, every one above it does not.

    A (n, n), delay int >= 0 -> float

    Hint: one coordinate for each eigenvector; the steepest runs away first.
    """
    raise NotImplementedError("Exercise 12.10")


def where_averages_end(X, y, lr, local):
    """Exercise 12.11.  Where parameter averaging ends on linear regression, equation (12.6, eq:averaging-limit).

    Shard k holds the inputs X[k] and targets y[k], and minimises mean over its B rows of (x w - y)^2 / 2. In
    every round each shard makes `local` steps of gradient descent with learning rate lr from the common w; then
    all take the mean. Give the w at which the rounds end. lr is small enough for every shard.

    X (K, B, n), y (K, B), lr float, local int >= 1 -> (n,)

    Hint: what is left of w - w_k after `local` steps on shard k? Or make many rounds.
    """
    raise NotImplementedError("Exercise 12.11")


def two_gradients(q, m, s):
    """Exercise 12.12.  Two estimates of the same gradient, equations (12.14, eq:likelihood-ratio-variance) and
    (12.15, eq:pathwise-variance), for any polynomial.

    An action a = m + s z, z standard normal, is worth Q(a) = q[0] + q[1] a + q[2] a^2 + ... Both of

        (Q(a) - E Q) (a - m) / s^2      and      Q'(a)

    have the mean d E Q / dm. Give that mean, the variance of the first and the variance of the second, exactly.

    q (up to 6 numbers), m and s float -> [mean, variance, variance]

    Hint: E z^2k = 1, 1, 3, 15, 105, ...; or numpy.polynomial.hermite_e.hermegauss, which is exact here.
    """
    raise NotImplementedError("Exercise 12.12")
