"""Exercises of chapter 15. Replace each `raise`, then run:  make grade CH=ch15

Every array is a NumPy array. Letters: B pairs, L tokens, N responses to one prompt, X prompts, D features,
K responses of a group.

    logp, ref   log-probability of a response under the policy and under the reference
    beta        the price of a nat from the reference

A loss is minimised. Leave the arguments as you found them: work on a copy where you must write.
"""


def implicit_rewards(token_logp, token_ref, counts, beta):
    """Exercise 15.1.  The reward that a policy implies, from its tokens (15.1, eq:implicit-reward).

        beta (log pi(y | x) - log ref(y | x)),      y being the whole response

    What stands on pads is garbage.

    token_logp (B, L), token_ref (B, L), counts (B, L) bool, false on pads, beta float -> (B,)

    Hint: the probability of a response is the product of the probabilities of its tokens.
    """
    raise NotImplementedError("Exercise 15.1")


def win_probability(logp, ref, beta):
    """Exercise 15.2.  What raters will answer if the policy is optimal (15.2, eq:dpo-raters).

    logp (N,) of the responses to one prompt, ref (N,), beta float
      -> (N, N), entry [i, j]: the probability that i is preferred to j

    Hint: Bradley and Terry, with the implicit reward. The diagonal is a coin.
    """
    raise NotImplementedError("Exercise 15.2")


def offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    """Exercise 15.3.  Direct preference optimisation where a rater also said *how much* better.

        loss = -mean(log sigmoid(beta h - offset)),     h as in (15.3, eq:dpo)

    With offset 0 it is the loss of this chapter.

    logp_chosen (B,), logp_rejected (B,), ref_chosen (B,), ref_rejected (B,), offset (B,) >= 0, beta float
      -> [loss float, its gradient with respect to logp_chosen (B,), with respect to logp_rejected (B,)]

    Hint: the slope of -log sigmoid(z) is -sigmoid(-z).
    """
    raise NotImplementedError("Exercise 15.3")


def reward_from_policy(log_pi, log_ref, beta, known, paid):
    """Exercise 15.4.  Read the reward off an optimal policy.

    log_pi is the policy of the largest E r - beta KL(pi || ref). It tells r but for a constant in each prompt, and
    the constant follows from one reward that you are told: response known[x] to prompt x is worth paid[x].

    log_pi (X, N), log_ref (X, N), beta float, known (X,) int, paid (X,) -> r (X, N)
    """
    raise NotImplementedError("Exercise 15.4")


def best_margins(p, beta, smoothing):
    """Exercise 15.5.  The margin at which each of three losses comes to rest.

    Raters prefer y to y' with probability p, else y' to y. The policy may choose h freely, the h of
    equation (15.3, eq:dpo) with y as the chosen one; with y' as the chosen one it is -h. Which h minimises the mean of

        dpo            -log sigmoid(beta h)
        conservative   -(1 - smoothing) log sigmoid(beta h) - smoothing log sigmoid(-beta h)
        ipo            (h - 1 / (2 beta))^2

    over the raters' answers?   p float, 0 < p < 1, beta float, smoothing float < 1/2 -> (3,)

    Hint: write the mean with p and 1 - p, set its slope to 0.
    """
    raise NotImplementedError("Exercise 15.5")


def one_step(phi, w, chosen, rejected, beta, lr):
    """Exercise 15.6.  One gradient step on one pair, and what becomes of both responses.

    The policy is pi = softmax(phi @ w) over N responses, and it is its own reference: the first step of all.
    Go downhill on -log sigmoid(beta h): w <- w - lr gradient.

    phi (N, D), w (D,), chosen int, rejected int, beta float, lr float
      -> [new w (D,), the change of log pi(chosen) float, the change of log pi(rejected) float]

    Hint: h = 0 at the start. The gradient of log pi(i) is phi_i - sum_j pi_j phi_j; what is left in a difference?
    """
    raise NotImplementedError("Exercise 15.6")


def loss_and_floor(log_pi, log_ref, reward, beta):
    """Exercise 15.7.  The loss of a policy among all raters, and the least that any policy can have.

    Both responses of a pair are drawn from ref, and may be the same one; a rater prefers i to j with probability
    sigmoid(r_i - r_j). The loss is that of equation (15.3, eq:dpo), averaged over all pairs and answers. The floor
    is the loss of who knows r: the rater's own entropy, averaged over pairs.

    log_pi (N,), log_ref (N,), reward (N,), beta float -> [loss float, floor float], in nats
    """
    raise NotImplementedError("Exercise 15.7")


def rank_and_imitate(logp, length, reward, margin):
    """Exercise 15.8.  Ranking with a margin, and the likelihood of the best one.

        p = logp / length
        loss = sum over i, j with r_i < r_j of max(0, p_i - p_j + margin)  -  logp of the best one

    Equation (15.9, eq:rrhf) has margin 0. The best one has the largest reward; no two rewards are equal here.

    logp (K,) of whole responses, length (K,), reward (K,), margin float >= 0
      -> [loss float, its gradient with respect to logp (K,)]
    """
    raise NotImplementedError("Exercise 15.8")


def two_uphill_directions(phi, w, log_ref, reward, beta):
    """Exercise 15.9.  Where reinforcement learning wants to go, and where direct preference optimisation does.

    The policy is pi = softmax(phi @ w) over N responses. Compute, exactly, the gradients with respect to w of

        J = sum_i pi_i r_i - beta KL(pi || ref)
        minus the loss of equation (15.3, eq:dpo), over all pairs of ref's responses and all answers of raters,
            who prefer i to j with probability sigmoid(r_i - r_j)

    If phi lets pi be any distribution, both are 0 at the same policy. If not, they need not be.

    phi (N, D), w (D,), log_ref (N,), reward (N,), beta float -> [gradient of J (D,), gradient of -loss (D,)]
    """
    raise NotImplementedError("Exercise 15.9")
