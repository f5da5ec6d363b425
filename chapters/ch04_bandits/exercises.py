"""Exercises of chapter 4. Replace each `raise`, then run:  make grade CH=ch04

Every array is a NumPy array. Letters: k arms, T pulls.

    Q (k,)      estimates of the arms         N (k,)     how often each was pulled
    mean (k,)   what the arms pay on average  H (k,)     preferences

Leave the arguments as you found them: work on a copy where you must write.
"""


def incremental_mean(Q, n, reward):
    """Exercise 4.1.  One more reward, equation (4.1, eq:incremental).

    Q is the mean of n rewards. Give the mean of these and one more, without the old rewards. (The n of the
    equation counts the new one too.)

    Q float, n int >= 0, reward float -> float.   With n = 0 there was no reward, and Q is a mere guess.

    Hint: multiply the old mean by n, add, divide; then make it an old value plus a step.
    """
    raise NotImplementedError("Exercise 4.1")


def recency_weights(alpha, n):
    """Exercise 4.2.  What an estimate with a constant step size is made of, equation (4.2, eq:constant-step).

    After n rewards  Q = w[0] Q1 + w[1] reward_1 + ... + w[n] reward_n.  Give the weights.

    alpha float in (0, 1), n int >= 0 -> w (n + 1,)

    Hint: write Q <- Q + alpha (reward - Q) as (1 - alpha) Q + alpha reward, twice.
    """
    raise NotImplementedError("Exercise 4.2")


def expected_reward(Q, mean, epsilon):
    """Exercise 4.3.  What the next pull of an epsilon-greedy player pays, equation (4.3, eq:epsilon-greedy).

    It believes Q; the arms pay `mean`. Arms of equal largest estimate share the greedy part equally.

    Q (k,), mean (k,), epsilon float in [0, 1] -> float

    Hint: first the probability of each arm. They sum to one.
    """
    raise NotImplementedError("Exercise 4.3")


def regret_so_far(mean, arm):
    """Exercise 4.4.  The regret after each pull, equation (4.12, eq:regret).

    mean (k,), arm (T,) int, which arm was pulled -> (T,); entry t counts the pulls 0, ..., t

    Hint: no rewards are needed.
    """
    raise NotImplementedError("Exercise 4.4")


def ucb_bounds(Q, N, t, c):
    """Exercise 4.5.  The upper confidence bounds at step t, equation (4.5, eq:ucb).

        Q(a) + c sqrt(ln t / N(a)),   and infinity for an arm that was never pulled

    Q (k,), N (k,) int, t int >= 1, c float > 0 -> (k,)

    Hint: `np.inf` where N is 0; mind the division there.
    """
    raise NotImplementedError("Exercise 4.5")


def unbiased_estimates(Q1, reward, alpha):
    """Exercise 4.6.  A constant step size without the memory of the first guess, equation (4.6, eq:unbiased-step).

        o_n = o_{n-1} + alpha (1 - o_{n-1}),  o_0 = 0,     Q <- Q + (alpha / o_n) (reward - Q)

    Q1 float, reward (T,), alpha float in (0, 1) -> the estimate after each reward (T,)

    Hint: the first step size is 1. What is left of Q1 then?
    """
    raise NotImplementedError("Exercise 4.6")


def gradient_step(H, arm, reward, baseline, alpha):
    """Exercise 4.7.  One step of the gradient bandit, equation (4.8, eq:gradient-bandit).

    With pi the softmax of H, every preference moves, that of the pulled arm and those of the others.

    H (k,), arm int, reward float, baseline float, alpha float -> new H (k,)

    Hint: the moves sum to zero.
    """
    raise NotImplementedError("Exercise 4.7")


def normal_posterior(reward, sd, prior_mean, prior_sd):
    """Exercise 4.8.  What is known of an arm's mean after some rewards, equation (4.11, eq:normal-posterior).

    A reward is the mean plus normal noise of standard deviation sd. Before the first, the mean is
    N(prior_mean, prior_sd^2). After them it is normal again.

    reward (T,), T >= 0, sd float > 0, prior_mean float, prior_sd float > 0
      -> [mean, standard deviation], as a list, a tuple or an array

    Hint: precisions, one over variance, add up; the means are averaged with the precisions as weights.
    """
    raise NotImplementedError("Exercise 4.8")


def best_baseline(H, mean):
    """Exercise 4.9.  The baseline of least variance, equation (4.9, eq:best-baseline).

    Draw an arm a from pi, the softmax of H, and take  g = (mean[a] - b) (1[a] - pi).  The mean of g is the
    gradient, whatever b is. Its variance, summed over the entries of g, is a parabola in b. Give the b where
    it is lowest.

    H (k,), mean (k,) -> float

    Hint: the variance is E|g|^2 - |E g|^2, and only the first part depends on b. Differentiate.
    """
    raise NotImplementedError("Exercise 4.9")


def thompson_chances(ones, zeros):
    """Exercise 4.10.  How likely Thompson sampling is to pull each arm, equation (4.10, eq:thompson).

    Arm a has paid ones[a] times 1 and zeros[a] times 0, its prior is uniform, so its mean has the posterior
    Beta(1 + ones[a], 1 + zeros[a]). The chance of arm a is the probability that its draw is the largest:

        integral over x of  density_a(x)  prod over the others of  P(draw of b < x)

    ones (k,) int, zeros (k,) int -> (k,), right to 1e-4; drawing at random is not good enough

    Hint: `scipy.special.betainc(p, q, x)` is P(Beta(p, q) < x). A fine grid on [0, 1] will do.
    """
    raise NotImplementedError("Exercise 4.10")


def play_tape(reward, epsilon, alpha, explore, which):
    """Exercise 4.11.  An epsilon-greedy player on a tape, so that every pull can be checked.

    reward[t, a] is what arm a would pay at step t; the player sees only that of the arm it pulls. Q starts
    at 0. At step t the candidates are all arms if explore[t] < epsilon, else the arms whose estimate is
    within 1e-9 of the largest, in the order of their numbers. Pull number int(which[t] * count) of the
    candidates, counted from 0, and move its estimate by alpha (reward - Q).

    reward (T, k), epsilon float, alpha float, explore (T,) and which (T,) in [0, 1)
      -> [the arms pulled (T,) int, the estimates at the end (k,)], as a list or a tuple

    Hint: `np.flatnonzero` lists the candidates.
    """
    raise NotImplementedError("Exercise 4.11")
