"""Exercises of chapter 9. Replace each `raise`, then run:  make grade CH=ch09

Every array is a NumPy array. Letters: S states, A actions, D features, T steps, B steps of a batch, N episodes.

    theta (S, A) or (D, A)   preferences: the policy is their softmax over the actions, row by row
    state, action (T,) int   what an episode went through; reward[t] is what action[t] brought
    gamma                    discount factor

Leave the arguments as you found them: work on a copy where you must write.
"""


def step_weights(reward, gamma):
    """Exercise 9.1.  What each step's score is multiplied by, equation (9.6, eq:reward-to-go).

        w_t = gamma^t G_t,        G_t = r_t + gamma r_{t+1} + gamma^2 r_{t+2} + ...

    reward (T,), gamma float -> (T,)

    Hint: go backwards.
    """
    raise NotImplementedError("Exercise 9.1")


def linear_score(theta, x, action):
    """Exercise 9.2.  The gradient of log pi(action | x), for pi = softmax(x @ theta).

        d log pi(a | x) / d theta[d, b] = x_d (1[a = b] - pi(b | x))

    theta (D, A), x (D,), action int -> (D, A)

    Hint: an outer product.
    """
    raise NotImplementedError("Exercise 9.2")


def batch_loss(logits, action, advantage):
    """Exercise 9.3.  A loss to be minimised, whose gradient is that of the performance with a minus sign.

        loss = -mean over the batch of  advantage_i log pi(action_i),        pi = softmax(logits), row by row

    logits (B, A), action (B,) int, advantage (B,) -> [loss, d loss / d logits (B, A)]

    Hint: the advantages are constants.
    """
    raise NotImplementedError("Exercise 9.3")


def reinforce_updates(theta, episodes, alpha, gamma):
    """Exercise 9.4.  REINFORCE, equation (9.9, eq:reinforce): one step of theta after each episode.

        theta <- theta + alpha sum_t gamma^t G_t d log pi(a_t | s_t) / d theta

    Within an episode all scores are those of the policy that walked it.

    theta (S, A), episodes a list of [state (T,), action (T,), reward (T,)], alpha float, gamma float
      -> theta (S, A) after all episodes
    """
    raise NotImplementedError("Exercise 9.4")


def reinforce_with_baseline(theta, V, episodes, alpha, alpha_V, gamma):
    """Exercise 9.5.  REINFORCE with a baseline that is learned beside it, equation (9.7, eq:with-baseline).

        theta <- theta + alpha sum_t gamma^t (G_t - V(s_t)) d log pi(a_t | s_t) / d theta
        V(s)  <- V(s) + alpha_V (G_t - V(s)),   s = s_t: one step after the other, for t = 0, 1, ..., T - 1

    V is used before it learns from the same episode.

    theta (S, A), V (S,), episodes a list of [state (T,), action (T,), reward (T,)], alpha float, alpha_V float,
    gamma float -> [theta (S, A), V (S,)] after all episodes
    """
    raise NotImplementedError("Exercise 9.5")


def baseline_bias(theta, b):
    """Exercise 9.6.  How wrong a gradient is on average if the baseline looks at the action.

    One state. The estimate is (r - b(a)) d log pi(a) / d theta. Its expectation less the gradient of E[r] is

        bias = -sum_a pi(a) b(a) d log pi(a) / d theta

    theta (A,), b (A,) a baseline an action -> (A,)

    Hint: what must come out if all entries of b are equal?
    """
    raise NotImplementedError("Exercise 9.6")


def exact_gradient(P, R, gamma, start, theta):
    """Exercise 9.7.  The policy gradient theorem, equation (9.5, eq:policy-gradient), by linear algebra.

        dJ / d theta[s, a] = d(s) pi(a|s) (Q(s, a) - V(s)),        d(s) = sum_t gamma^t P(s_t = s)

    P (S, A, S), R (S, A), gamma float < 1, start (S,), theta (S, A) -> (S, A)

    Hint: V = r_pi + gamma P_pi V and d = start + gamma P_pi^T d.
    """
    raise NotImplementedError("Exercise 9.7")


def leave_one_out(score, G):
    """Exercise 9.8.  A baseline for nothing: the mean return of the other episodes of the batch.

        g = mean over n of (G_n - b_n) score_n,        b_n = mean of G_m over m != n

    score (N, D) the sum of d log pi over the steps of each episode, G (N,) their returns, N >= 2 -> (D,)

    Hint: b_n may depend on anything but episode n itself.
    """
    raise NotImplementedError("Exercise 9.8")


def natural_direction(X, theta, visits, advantage):
    """Exercise 9.9.  The natural gradient, equation (9.10, eq:natural-gradient), of a policy with features.

        pi(.|s) = softmax(x(s) @ theta),        g(s, a) = d log pi(a | s) / d theta, as one vector of D A numbers

        grad = sum_s visits(s) sum_a pi(a|s) advantage(s, a) g(s, a)
        F    = sum_s share(s) sum_a pi(a|s) g(s, a) g(s, a)^T,        share = visits / sum of visits

    Return the shortest solution of F x = grad: F is singular, so use its pseudo-inverse.

    X (S, D), theta (D, A), visits (S,) discounted, advantage (S, A) -> (D, A)

    Hint: np.linalg.pinv(F, rcond=1e-10, hermitian=True).
    """
    raise NotImplementedError("Exercise 9.9")


def estimate_moments(P, R, gamma, start, theta, horizon):
    """Exercise 9.10.  Mean and total variance of an estimator, over all that can happen.

    An episode has `horizon` steps. It gives the estimate

        x = sum_t gamma^t G_t d log pi(a_t | s_t) / d theta,        G_t = sum over k >= t of gamma^(k - t) r_k

    Total variance is the sum of the variances of the S A entries of x.

    P (S, A, S), R (S, A), gamma float, start (S,), theta (S, A), horizon int -> [mean (S, A), total variance]

    Hint: a recursion that carries state, probability, the scores so far and the estimate so far. A reward at
    time k multiplies gamma^k and all scores up to k.
    """
    raise NotImplementedError("Exercise 9.10")
