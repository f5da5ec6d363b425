"""Exercises of chapter 13. Replace each `raise`, then run:  make grade CH=ch13

Every array is a NumPy array. Tokens 0 ... K - 1 are letters, K is EOS, the end. In a row of tokens K + 2 is a
pad: it fills the row behind the end, and nobody chose it. So V = K + 1 tokens can be chosen.

Letters: B responses, L places in a row, V tokens to choose from, A actions.

Leave the arguments as you found them: work on a copy where you must write.
"""


def episode(response, score, K):
    """Exercise 13.1.  A response as an episode of a decision problem.

    The state of step t is the prefix, what has been said before token t. Strings are numbered: the empty one is
    0, and string s with letter a behind it is K s + a + 1. The action is the token. The score is paid once, at
    the last token that was chosen, and there the episode terminates: by EOS, or because the row is full.

    response (L,) int, padded, score float, K int
      -> [prefix (T,) int, token (T,) int, reward (T,), terminated (T,) bool],  T tokens that were chosen

    Hint: EOS is an action like the others.
    """
    raise NotImplementedError("Exercise 13.1")


def response_logp(logits, response, K):
    """Exercise 13.2.  The log-probability of whole responses, equation (13.1, eq:sequence-logp).

    logits (B, L, V) of the model at each place: logits[b, t] are for token t; response (B, L) int, padded,
    K int -> (B,)

    Hint: what the logits of a pad are does not matter. And K + 2 is no column of the logits.
    """
    raise NotImplementedError("Exercise 13.2")


def two_losses(logp, counts):
    """Exercise 13.3.  Two means that both go by the name of "the loss", and the perplexity.

        of a response   minus the mean over responses of the sum over tokens, (13.4, eq:sft)
        of a token      minus the mean over all tokens that count
        perplexity      (13.6, eq:perplexity)

    logp (B, L) of the tokens, garbage on pads, counts (B, L) bool: False on pads
      -> [loss of a response, loss of a token, perplexity], floats
    """
    raise NotImplementedError("Exercise 13.3")


def speak(theta, u, temperature):
    """Exercise 13.4.  Draw a response from a bigram, with given random numbers.

    Token t has the probabilities softmax(theta[b] / temperature), b the letter before it, or K where there is
    none. Take the first token whose cumulated probability exceeds u[t]. After EOS everything is a pad, K + 2.

    theta (K + 1, V), u (L,) in [0, 1), temperature float > 0
      -> [response (L,) int, logp (L,)],  logp of each token under what it was drawn from, 0 on pads
    """
    raise NotImplementedError("Exercise 13.4")


def fit_bigram(response, weight, K):
    """Exercise 13.5.  The bigram of largest weighted likelihood, by counting: equation (13.5, eq:counting).

    Row b: how often each token stood behind letter b, as a share. Row K is for first tokens. A row that was
    never seen is uniform.

    response (B, L) int, padded, weight (B,) > 0: how much each demonstration counts, K int -> (K + 1, V)
    """
    raise NotImplementedError("Exercise 13.5")


def sft_gradient(theta, response, K):
    """Exercise 13.6.  The gradient of the loss of supervised fine-tuning, (13.4, eq:sft), for a bigram.

    theta (K + 1, V) logits, a row for each letter before and row K where there is none, response (B, L) int,
    padded, K int -> (K + 1, V)

    Hint: each reading of a row adds softmax(row) - onehot(token) to it.
    """
    raise NotImplementedError("Exercise 13.6")


def kl_estimates(logp, logp_ref):
    """Exercise 13.7.  KL(pi || ref) from actions that pi drew: the means of k1, k2 and k3, (13.8, eq:estimators).

    logp (B,) and logp_ref (B,) of the actions drawn -> [k1, k2, k3], floats

    Hint: try it with pi = (0.9, 0.1), ref = (1/2, 1/2) and ten actions, nine of them the first one.
    """
    raise NotImplementedError("Exercise 13.7")


def estimator_moments(pi, ref):
    """Exercise 13.8.  Mean and variance of k1, k2 and k3 of a single action, exactly.

    pi (A,) and ref (A,) probabilities, all > 0; pi draws the action -> (3, 2): a row an estimator
    """
    raise NotImplementedError("Exercise 13.8")


def gradients_in_the_loss(logits, logits_ref):
    """Exercise 13.9.  Where k1, k2 and k3 push on average, if each is put into the loss.

    An action is drawn from pi = softmax(logits) and then held fixed; k is differentiated through log pi(a)
    alone, with respect to the logits. The expectation of that over the action, a row an estimator,
    equation (13.9, eq:expected-push).

    logits (A,), logits_ref (A,) -> (3, A)

    Hint: d log pi(a) / d logits = onehot(a) - pi.
    """
    raise NotImplementedError("Exercise 13.9")


def response_kl(theta, theta_ref, L):
    """Exercise 13.10.  KL(pi || ref) of whole responses, of two bigrams, without writing a response down.

    By the chain rule, equation (13.7, eq:sequence-kl), it is a sum over places t = 0 ... L - 1 and letters
    before: the probability that *pi* gets there and has not ended, times the divergence of the next token.

    theta (K + 1, V), theta_ref (K + 1, V) logits, rows as in Exercise 13.4, L int: the most tokens -> float

    Hint: carry along, from place to place, how probable it is to go on behind each letter.
    """
    raise NotImplementedError("Exercise 13.10")
