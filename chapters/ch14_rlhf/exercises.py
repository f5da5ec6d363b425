"""Exercises of chapter 14. Replace each `raise`, then run:  make grade CH=ch14

Every array is a NumPy array. Letters: B pairs, rankings or responses, L tokens of a response, F features,
G responses of a ranking, X prompts, N responses that can be said, U updates, K betas or steps.

    pi, ref     the policy, and the policy before it that it should stay near
    beta        the price of a nat from the reference

A loss is minimised. Leave the arguments as you found them: work on a copy where you must write.
"""


def prefers(first, second, nu):
    """Exercise 14.1.  Bradley and Terry, with raters who may also say that they cannot tell.

    The chances of "the first", "the second" and "cannot tell" are as

        exp(r1)  to  exp(r2)  to  nu exp((r1 + r2) / 2)

    With nu = 0 everybody chooses, as in (14.1, eq:bradley-terry). Rewards may be as large as 1000.

    first (B,) and second (B,) rewards, of any sign, nu float >= 0
      -> (B, 3): P(the first), P(the second), P(cannot tell)

    Hint: does anything change if 7 is added to both rewards?
    """
    raise NotImplementedError("Exercise 14.1")


def token_rewards(logp, logp_ref, score, word_score, weight, counts, beta):
    """Exercise 14.2.  What PPO is paid for each token.

    A token costs beta (log pi - log ref), and the score of the whole response comes with the last token that was
    chosen (14.9, eq:token-price). Readers marked single words too: a token earns weight times its word_score as
    well. Pads, where counts is False, are paid nothing; what logp, logp_ref and word_score hold there is garbage.

    logp (B, L), logp_ref (B, L), score (B,), word_score (B, L), weight float, counts (B, L) bool, beta float
      -> (B, L)
    """
    raise NotImplementedError("Exercise 14.2")


def next_beta(beta, kl, n, target, horizon):
    """Exercise 14.3.  A price that follows the divergence (14.10, eq:following-price).

    After update u, on n[u] responses of mean divergence kl[u],

        beta <- beta (1 + e n[u] / horizon),      e = kl[u] / target - 1, but between -0.2 and 0.2

    beta float, before the first update, kl (U,), some of it negative, n (U,) int, target float > 0, horizon float
      -> (U,): beta after each update
    """
    raise NotImplementedError("Exercise 14.3")


def reward_gradient(w, chosen, rejected, noise):
    """Exercise 14.4.  The gradient of the loss of a linear reward, where raters err, each as often as is known.

    The label of pair b is wrong with probability noise[b], so by (14.4, eq:noisy-raters) the loss is

        -mean over b of log((1 - noise) sigmoid(h) + noise sigmoid(-h)),      h = (chosen - rejected) @ w

    w (F,), chosen (B, F) and rejected (B, F) features, noise (B,) in [0, 1/2) -> (F,)

    Hint: the slope of sigmoid(h) is sigmoid(h) sigmoid(-h).
    """
    raise NotImplementedError("Exercise 14.4")


def ranking_loss(reward, placed):
    """Exercise 14.5.  Plackett and Luce (14.5, eq:plackett-luce), where a rater named the first few and no more.

    The best one is chosen among all, with probabilities softmax(r); the next one among those that are left; and
    so on, placed[b] times. In which order the others stand says nothing: they were only not chosen.

        loss = -mean over rankings of the log-probability of all that was said

    reward (B, G), of responses in the rater's order, the best one first, placed (B,) int, from 1 to G - 1
      -> [loss float, its gradient with respect to reward (B, G)]

    Hint: the slope of log sum exp is softmax.
    """
    raise NotImplementedError("Exercise 14.5")


def click_preferences(top, bottom, clicked, look):
    """Exercise 14.6.  Implicit feedback: nobody was asked, but somebody clicked.

    Two responses are shown, one above the other. With probability look a user reads both and clicks the one that
    they prefer, as Bradley and Terry say; else they click the top one unread. Who clicks nothing tells nothing.

        loss = -mean over those who clicked of log P(what they clicked)

    top (B,) and bottom (B,) rewards, clicked (B,) int: 0 top, 1 bottom, -1 nothing, look float in (0, 1]
      -> [loss float, its gradient with respect to top (B,), with respect to bottom (B,)]
    """
    raise NotImplementedError("Exercise 14.6")


def price_gradient(logits, log_ref, beta, B):
    """Exercise 14.7.  Four prices of leaving the reference. Where does each of them push, on average?

    pi = softmax(logits) draws B responses to one prompt, each on its own; k = log pi - log ref of a response.

        own       each response is paid -beta k, its own k
        shared    all B are paid -beta times the mean of their k
        known     all B are paid -beta KL(pi || ref), the exact number
        in_loss   nobody is paid; the mean of beta k is added to the loss, which is differentiated

    What is paid is a number: nothing flows through it, and logits move along the mean of reward times
    dlog pi(y) / dlogits. In the last case they move down the loss.

    logits (N,), log_ref (N,), beta float, B int
      -> (4, N): the expected direction in which logits move, a row a price, exactly

    Hint: dlog pi(y) / dlogits is the one-hot vector of y minus pi. What is its mean?
    """
    raise NotImplementedError("Exercise 14.7")


def shifted_optimum(log_ref, reward, length, beta, c, d):
    """Exercise 14.8.  Somebody changed the rewards before the policy was trained. What did that cost?

        0   c[x] was added to the reward of every response to prompt x
        1   d was added to the pay of every token
        2   rewards were whitened: less their mean, divided by their standard deviation, over all prompts
        3   rewards were whitened prompt by prompt

    Mean and standard deviation are those of what ref says, where all prompts are equally likely. The policy becomes,
    for each prompt, the best one for the changed reward (14.7, eq:kl-optimum). How much J = E r - beta KL(pi || ref)
    with the rewards as they were does it lose, compared with the best policy?

    log_ref (X, N), reward (X, N), length (N,) int, tokens of each response, beta float, c (X,), d float
      -> (4, X), numbers >= 0

    Hint: (14.8, eq:what-is-lost).
    """
    raise NotImplementedError("Exercise 14.8")


def win_rate(pi, ref, reward, draw):
    """Exercise 14.9.  How often a rater likes the policy's response better than the reference's.

    Each draws one response, and a rater compares the two. Rewards that differ by draw or less look alike: the
    rater calls a draw, which is half a win. Otherwise they choose as in (14.13, eq:win-rate).

    pi (N,) and ref (N,) probabilities of the responses to one prompt, reward (N,), draw float >= 0
      -> [win rate float, how often a draw is called float]
    """
    raise NotImplementedError("Exercise 14.9")


def best_of(ref, score, n, k):
    """Exercise 14.10.  Keep the best k of n draws, take one of those at random: its distribution, exactly.

    Equals are told apart by a fair coin, so they keep the proportions of ref. k = 1 is (14.11, eq:best-of-n).

    ref (N,) probabilities > 0, score (N,), with ties, n int, k int from 1 to n -> [pi (N,), KL(pi || ref)]

    Hint: the j-th best of n is worth s or less where fewer than j draws are worth more than s. And k = n?
    """
    raise NotImplementedError("Exercise 14.10")


def overoptimised(ref, proxy, gold, betas):
    """Exercise 14.11.  What the best policy for a learned reward earns, by that reward and by the true one.

    For each beta, pi is the best policy for proxy (14.7, eq:kl-optimum). Lower beta a little: pi goes further from
    ref. The last column is what it gains in gold for a nat, d E gold / d KL, along the way that pi takes.

    ref (N,) probabilities > 0, proxy (N,), gold (N,), betas (K,) > 0
      -> (K, 4): E proxy, E gold, KL(pi || ref), d E gold / d KL

    Hint: with u = 1 / beta, d pi(y) / du = pi(y) (proxy(y) - E proxy). The same formula gives d KL / du.
    """
    raise NotImplementedError("Exercise 14.11")


def segment_loss(w, first, second, steps, mu):
    """Exercise 14.12.  A reward for steps, learned from choices between short films.

    The reward of a step is features @ w. A rater prefers the first film with probability sigmoid(h), h the sum
    of the rewards of its steps less that of the second film's. Of film b of the first kind steps[b, 0] steps
    count, of the second kind steps[b, 1]; behind them stands garbage.

        loss = -mean over b of (mu log sigmoid(h) + (1 - mu) log sigmoid(-h)),     as (14.14, eq:segment-loss)

    mu is 1 where the first was chosen, 0 where the second was, 1/2 where they looked alike.

    w (F,), first (B, K, F), second (B, K, F), steps (B, 2) int, mu (B,)
      -> [loss float, its gradient with respect to w (F,)]
    """
    raise NotImplementedError("Exercise 14.12")
