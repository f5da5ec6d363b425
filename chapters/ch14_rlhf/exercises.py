"""Exercises of chapter 14. Replace each `raise`, then run:  make grade CH=ch14

Letters: B batch, L tokens of a response, F features, G responses of a ranking, Y responses, K betas.

Leave the arguments as you found them: work on a copy where you must write.
"""


def prefers(first, second):
    """Exercise 14.1.  The probability that a rater of Bradley and Terry chooses the first response.

    first (B,) and second (B,) rewards, of any sign -> (B,)
    """
    raise NotImplementedError("Exercise 14.1")


def token_rewards(logp, logp_ref, score, counts, beta):
    """Exercise 14.2.  What PPO is paid: the score at the last token chosen, and a price on every token.

    A token costs beta (log pi - log ref). Pads, where counts is False, are paid nothing.

    logp (B, L) and logp_ref (B, L), garbage on pads, score (B,), counts (B, L) bool, beta float -> (B, L)
    """
    raise NotImplementedError("Exercise 14.2")


def ranking_loss(reward):
    """Exercise 14.3.  The loss of Plackett and Luce: the first wins against all, the next against the rest.

    reward (B, G), of responses in the order of a rater, the best one first -> float, a mean over rankings
    """
    raise NotImplementedError("Exercise 14.3")


def reward_gradient(w, chosen, rejected, noise):
    """Exercise 14.4.  The gradient of the loss of a linear reward, where raters err with a known probability.

    The loss is -mean log((1 - noise) sigmoid(h) + noise sigmoid(-h)), h = (chosen - rejected) @ w.

    w (F,), chosen (B, F) and rejected (B, F) features, noise float in [0, 1/2) -> (F,)
    """
    raise NotImplementedError("Exercise 14.4")


def best_of(ref, score, n):
    """Exercise 14.5.  The distribution of the best of n draws, exactly, and its divergence from the reference.

    Equals are told apart by a fair coin, so they keep the proportions of ref.

    ref (Y,) probabilities > 0, score (Y,), with ties, n int -> [pi (Y,), KL(pi || ref)]
    """
    raise NotImplementedError("Exercise 14.5")


def overoptimised(ref, proxy, gold, betas):
    """Exercise 14.6.  What the best policy for a learned reward earns, by that reward and by the true one.

    For each beta, pi is the policy of largest E proxy - beta KL(pi || ref).

    ref (Y,) probabilities > 0, proxy (Y,), gold (Y,), betas (K,) > 0
      -> (K, 3): E proxy, E gold, KL(pi || ref) of that policy
    """
    raise NotImplementedError("Exercise 14.6")
