"""Exercises of chapter 11. Replace each `raise`, then run:  make grade CH=ch11

Every array is a NumPy array. Letters: S states, A actions, T steps in their order, B steps in no order.

    logp, logp_old (B,)   log-probability of the action taken: under the policy that learns, under the one
                          that walked                       advantage (B,)   how good the action was

A loss is minimised. Leave the arguments as you found them: work on a copy where you must write.
"""


def taken_ratio(logits, logits_old, action):
    """Exercise 11.1.  The importance ratio of each step, equation (11.1, eq:ratio).

        r_t = pi_new(a_t | s_t) / pi_old(a_t | s_t)

    logits (T, A) of the new policy in the states s_0, ..., s_{T-1}, logits_old (T, A) of the old one in the
    same states, action (T,) int the actions that were taken -> (T,)

    Hint: logits are no probabilities. And a difference of logarithms is safer than a quotient.
    """
    raise NotImplementedError("Exercise 11.1")


def objective_slope(ratio, advantage, low, high):
    """Exercise 11.2.  The slope of the clipped objective, with an edge of its own on each side.

        objective(r) = min(r A, clip(r, 1 - low, 1 + high) A),        slope = d objective / d r

    This is the objective of equation (11.8, eq:clip); its edges need not be equally far from 1.

    ratio (B,), advantage (B,), no ratio on an edge, low float, high float -> (B,)

    Hint: draw both lines for A = 1, then for A = -1. Where is which of them the lower one?
    """
    raise NotImplementedError("Exercise 11.2")


def total_loss(gain, value, target, pi, c_value, c_entropy):
    """Exercise 11.3.  What PPO minimises, equation (11.11, eq:total-loss).

    Policies should gain, critics should be right, and the policy should stay undecided a little:

        gain     to be large    its mean
        value    to be right    half the mean of (value - target)^2,     times c_value
        entropy  to be large    the mean of H(pi(. | s)), in nats,       times c_entropy

    gain (B,) the smaller one of r A and clip(r) A, value (B,), target (B,), pi (B, A) probabilities, all > 0,
    c_value float, c_entropy float -> float, the loss that a gradient step *downhill* should reduce

    Hint: ask of each term whether you want more of it or less.
    """
    raise NotImplementedError("Exercise 11.3")


def prices(beta, kl, target, steps, horizon):
    """Exercise 11.4.  The price of divergence, by a controller that turns slowly.

    PPO doubles or halves its price. This controller moves it in proportion to the error, and never by much:

        beta <- beta (1 + e steps / horizon),        e = clip(kl / target - 1, -0.2, 0.2)

    beta float, kl (K,) the mean divergence of each update, target float, steps int in an update,
    horizon int -> (K + 1,) the prices before the first update, between two, and after the last one
    """
    raise NotImplementedError("Exercise 11.4")


def masked_standardised(advantage, counts):
    """Exercise 11.5.  Standardise the advantages of the steps that count.

        z = (A - mean) / (std + 1e-8),        std divides by n - 1

    Padding fills the places where an episode was shorter than others. What stands there is garbage: it enters
    neither mean nor std, and its z is 0.

    advantage (B,), counts (B,) bool, at least two of them true -> (B,)

    Hint: np.std divides by n unless you say ddof=1.
    """
    raise NotImplementedError("Exercise 11.5")


def advantages_and_targets(reward, value, next_value, terminated, truncated, gamma, lam):
    """Exercise 11.6.  What the policy is told, and what the critic is told.

        delta_t = reward_t + gamma V(s_{t+1}) - V(s_t),      without V(s_{t+1}) where terminated
        A_t     = delta_t + gamma lam A_{t+1},          without A_{t+1} where an episode ends, and at T - 1

    The policy gets advantages scaled to a root mean square of 1, which leaves every sign as it is:
    A / sqrt(mean(A^2)). The critic's target is A + V with A as it was: equation (11.13, eq:value-target).

    reward (T,), value (T,) V(s_t), next_value (T,) V of the true successor, also where the time limit cut,
    terminated (T,) bool, truncated (T,) bool, gamma float, lam float -> [advantage (T,), target (T,)]

    Hint: two kinds of end; both stop the sum, one of them has a future.
    """
    raise NotImplementedError("Exercise 11.6")


def steps_before_stop(logp, logp_old, target):
    """Exercise 11.7.  Stop when the policy has gone too far.

    Before each gradient step, estimate KL(old || new) from the actions that the *old* policy took,
    equation (11.15, eq:approximate-kl),

        mean of  r - 1 - log r,        r = pi_new / pi_old

    and if it exceeds 1.5 target, take neither this step nor any other.

    logp (K, B) of the new policy before each of K steps, logp_old (B,), target float
      -> [steps int that were taken, kl float the last estimate that was made]
    """
    raise NotImplementedError("Exercise 11.7")


def dual_clip(logp, logp_old, advantage, clip, c):
    """Exercise 11.8.  A floor under the objective: dual clip.

    For A < 0 the objective of equation (11.8, eq:clip) falls without end as r grows, and one step with a huge
    ratio can drown all others. Dual clip puts a floor there, and only there:

        A >= 0:   min(r A, clip(r, 1 - eps, 1 + eps) A)
        A <  0:   max(min(r A, clip(r, 1 - eps, 1 + eps) A), c A),        c > 1 + eps

    The loss is minus the mean of it.   Ye et al. (2020).

    logp (B,), logp_old (B,), advantage (B,), no ratio on an edge, clip float (the eps), c float
      -> [loss float, its gradient with respect to logp (B,)]

    Hint: dr / dlogp = r. Where a constant was chosen the gradient is 0.
    """
    raise NotImplementedError("Exercise 11.8")


def clipped_huber(value, value_old, target, clip, delta):
    """Exercise 11.9.  The critic's clip, with a loss that forgives outliers.

        near = value_old + clip(value - value_old, -clip, clip)
        loss = mean of max(h(value - target), h(near - target))
        h(e) = e^2 / 2  where |e| <= delta,  else  delta (|e| - delta / 2)

    value (B,), value_old (B,), target (B,), clip float, delta float, no case of two equal candidates that have
    different slopes -> [loss float, its gradient with respect to value (B,)]

    Hint: `near` moves with the value while it is within the clip, and not beyond.
    """
    raise NotImplementedError("Exercise 11.9")


def reverse_penalty(logits, logits_old, action, advantage, beta):
    """Exercise 11.10.  PPO with a penalty on the divergence in the other direction.

        loss = mean of  -r A + beta KL(new || old),        KL(new || old) = sum_a new(a) log(new(a) / old(a))

    The divergence is exact, over all actions. Equation (11.9, eq:penalty) has the other one.

    logits (B, A) of the new policy, logits_old (B, A), action (B,) int taken by the old one, advantage (B,),
    beta float -> [loss float, its gradient with respect to logits (B, A)]

    Hint: d log new(a) / d logits = onehot(a) - new. In the divergence the probabilities move as well as their
    logarithms.
    """
    raise NotImplementedError("Exercise 11.10")


def trust_region_step(theta, d, Q, delta, tries):
    """Exercise 11.11.  A step of trust-region policy optimisation, exactly, equation (11.7, eq:natural-step).

    The policy is the softmax of a table. With A(s, a) = Q(s, a) - sum_b pi(b|s) Q(s, b), go along the natural
    gradient, x = A, as far as its quadratic model allows:

        x <- sqrt(2 delta / x^T F x) x,        x^T F x = sum_s d(s) sum_a pi(a|s) x(s, a)^2

    Then try theta + x, theta + x / 2, theta + x / 4, ..., `tries` of them, and take the first one for which

        sum_s d(s) KL(old || new in s) <= delta

    If there is none, the policy stays. The surrogate need not be looked at here: a table's rises all the way along A.

    theta (S, A), d (S,) shares of the states, sum 1, Q (S, A), delta float, tries int >= 1
      -> the new probabilities (S, A)
    """
    raise NotImplementedError("Exercise 11.11")
