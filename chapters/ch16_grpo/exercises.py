"""Exercises of chapter 16. Replace each `raise`, then run:  make grade CH=ch16

Every array is a NumPy array. A group is G responses to one prompt.

Letters: B responses, G of them in a group, L places in a row, K prompts, A arms, J places where a response may end.

Leave the arguments as you found them: work on a copy where you must write.
"""


def advantages(reward, group, ddof, eps):
    """Exercise 16.1.  The advantage in units of the group's spread, (16.1, eq:group-advantage), groups mixed up.

    The groups may differ in size and lie in any order: group[b] is the number of b's prompt. The std of n
    rewards divides by n - ddof. A group whose rewards are all equal gets 0, also with eps = 0, and whatever
    rounding makes of its mean.

    reward (B,), group (B,) int, ddof 0 or 1, eps float >= 0 -> (B,)
    """
    raise NotImplementedError("Exercise 16.1")


def silent(p, G):
    """Exercise 16.2.  How often a group says nothing, and how many groups it takes until one speaks.

    Rewards are 0 or 1, and 1 with probability p[k] for prompt k. A group is silent if its rewards are all equal.

    p (K,) in (0, 1), G int >= 2 -> [probability (K,), mean number of groups drawn until one is not silent (K,)]
    """
    raise NotImplementedError("Exercise 16.2")


def pass_at_k(right, n, k):
    """Exercise 16.3.  The mean over prompts of pass@k, (16.7, eq:pass-at-k), without a bias.

    Each prompt was tried n times, and right[i] of prompt i's tries were right. How often does a choice of k of
    the n tries, none of them twice, hold a right one?

    right (K,) int, n int, k int from 1 to n -> float
    """
    raise NotImplementedError("Exercise 16.3")


def difficulty(p, G):
    """Exercise 16.4.  The factor c(p, G) of (16.4, eq:difficulty), for four advantages.

    Rewards are 0 or 1, and 1 with probability p. The expected gradient is c(p, G) times the gradient of p.

    p float in (0, 1), G int >= 2
      -> (4,): std with ddof 0, std with ddof 1, the group's mean alone, the mean of the others; eps = 0

    Hint: given that it is right, the score of a response has the mean grad p / p; given that it is wrong,
    -grad p / (1 - p). Sum over the number of right ones.
    """
    raise NotImplementedError("Exercise 16.4")


def expected_gradient(logits, reward, G):
    """Exercise 16.5.  What a group's gradient is on average, by going through all groups.

    The estimate is the mean over the group of A_i times the gradient of log pi(arm i) by the logits. Three
    kinds of A: the reward minus the group's mean; minus the mean of the others; and the first one divided by
    the group's std (ddof 0; 0 if that is 0).

    logits (A,), reward (A,) of the arms, G int >= 2 -> (3, A)
    """
    raise NotImplementedError("Exercise 16.5")


def four_means(x, counts, G, longest):
    """Exercise 16.6.  Four ways to make one number of the tokens' losses.

        a mean over responses of means over their tokens;
        a mean over all tokens of the batch;
        a mean over groups of means over all the tokens of the group;
        a mean over responses of sums over tokens, divided by `longest`, a constant.

    x (B, L), garbage on pads, counts (B, L) bool: False on pads, G int: the rows of a group lie side by side,
    longest int -> (4,)
    """
    raise NotImplementedError("Exercise 16.6")


def stop_push(stop, A):
    """Exercise 16.7.  Which way the length goes, by going through all lengths; (16.5, eq:weights).

    An answer was given: one token. Behind it, in place j = 0 ... J - 1, the model ends with probability
    sigmoid(stop[j]), which is a token too, or says one more filler. After J places it is over in any case. All
    such responses have the same advantage A, whatever their length.

    What is the mean of A times weight times the gradient of log pi(y) by stop, if the weight of each token is
        1 / the response's own length in tokens, the answer and the end counted;
        1 / (J + 1), the longest length there is?

    stop (J,), A float -> (2, J), a row a weight
    """
    raise NotImplementedError("Exercise 16.7")


def loss_and_gradient(logp, logp_old, logp_ref, advantage, clip, beta):
    """Exercise 16.8.  The loss of GRPO with one ratio a response, (16.2, eq:grpo), and its gradient by logp.

        mean of  -min(ratio A, clipped ratio A) + beta k3,    ratio = pi / pi_old in [1 - low, 1 + high]

    logp, logp_old, logp_ref (B,) of whole responses, advantage (B,), clip (low, high), beta float
      -> [loss, float, gradient (B,)]
    """
    raise NotImplementedError("Exercise 16.8")


def whole_ratio(logp, logp_old, counts, advantage, clip):
    """Exercise 16.9.  The surrogate of GSPO, and its gradient by the tokens' log-probabilities.

        mean over responses of  -min(s A, clipped s A),    s in [1 - low, 1 + high] when clipped

    s is one ratio for the whole response: the geometric mean of its tokens' ratios pi / pi_old.

    logp, logp_old (B, L), garbage on pads, counts (B, L) bool: False on pads, advantage (B,), clip (low, high)
      -> [loss, float, gradient (B, L): 0 on pads]
    """
    raise NotImplementedError("Exercise 16.9")


def settles(ref, reward, beta, G):
    """Exercise 16.10.  Where GRPO comes to rest, if A is the reward minus the group's mean and k3 is in the loss.

    One choice, on average over all groups of G; the expected gradient is 0 at the answer.
    Look at (16.3, eq:group-bias) and (16.6, eq:k3-optimum): the second one takes the reward's gradient whole.

    ref (A,) > 0, reward (A,), beta float > 0, G int >= 2 -> pi (A,)

    Hint: the sum of the probabilities falls as lam grows; cut an interval in two until it is short enough.
    """
    raise NotImplementedError("Exercise 16.10")
