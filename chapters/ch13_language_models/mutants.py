"""Wrong answers of chapter 13. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch13_language_models import solutions
from chapters.harness import mutant


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- 13.1 episode


@mutant(
    "episode",
    "the length limit is treated as a cut of something that goes on. The place is part of the state, and behind the last one there is no future: terminated.",
)
def limit_is_a_cut(response, score, K):
    prefix, token, reward, terminated = solutions.episode(response, score, K)
    return [prefix, token, reward, terminated & (token == K)]


@mutant(
    "episode",
    "the score is paid in the last column of the row. In a short response a pad stands there, which is no step: the score is lost. Pay at the last token chosen.",
)
def score_on_the_pad(response, score, K):
    prefix, token, _, terminated = solutions.episode(response, score, K)
    return [prefix, token, np.where(np.arange(len(token)) == len(response) - 1, score, 0.0), terminated]


@mutant("episode", "pads are steps here. Nobody chose them: they are no actions and have no states.")
def pads_are_steps(response, score, K):
    L, prefix = len(response), [0]
    for a in response[:-1]:
        prefix.append(K * prefix[-1] + int(a) + 1)
    last = np.arange(L) == L - 1
    return [np.array(prefix), response, np.where(last, score, 0.0), last]


@mutant("episode", "EOS is missing. To stop is a decision, with a probability: an action like the letters.")
def end_is_no_action(response, score, K):
    prefix, token, _, _ = solutions.episode(response, score, K)
    keep = token < K
    last = np.arange(keep.sum()) == keep.sum() - 1
    return [prefix[keep], token[keep], np.where(last, score, 0.0), last]


@mutant(
    "episode",
    "this is the state of a bigram, the letter before. What can still be paid depends on the whole prefix.",
)
def sees_one_letter(response, score, K):
    _, token, reward, terminated = solutions.episode(response, score, K)
    return [np.concatenate([[0], token[:-1] + 1]), token, reward, terminated]


@mutant("episode", "the token is in its own prefix. A state is what is known before the action.")
def state_after_the_action(response, score, K):
    prefix, token, reward, terminated = solutions.episode(response, score, K)
    return [K * prefix + token + 1, token, reward, terminated]


@mutant("episode", "every token is paid the whole score. It is paid once, at the end.")
def pays_every_token(response, score, K):
    prefix, token, _, terminated = solutions.episode(response, score, K)
    return [prefix, token, np.full(len(token), score), terminated]


@mutant(
    "episode",
    "the end is read off the reward. A score may be 0: the episode ends all the same, by EOS or because the row is full.",
)
def reads_the_end_off_the_reward(response, score, K):
    prefix, token, reward, _ = solutions.episode(response, score, K)
    return [prefix, token, reward, reward != 0]


# ---------------------------------------------------------------- 13.2 response_logp


@mutant(
    "response_logp",
    "this is the mean over tokens. The probability of a response is a product, so its logarithm is a sum; the mean is no log-probability, and ranks long and short responses differently.",
)
def mean_of_tokens(logits, response, K):
    return solutions.response_logp(logits, response, K) / (response <= K).sum(axis=1)


@mutant(
    "response_logp",
    "pads are counted as if EOS had been said again and again. They were not chosen: they add 0.",
)
def counts_pads(logits, response, K):
    return solutions.response_logp(logits, np.minimum(response, K), K)


@mutant("response_logp", "EOS is left out. To stop there was chosen too, and has a probability.")
def leaves_out_the_end(logits, response, K):
    return solutions.response_logp(logits, np.where(response == K, K + 2, response), K)


@mutant(
    "response_logp", "logits are not log-probabilities: subtract the log of their sum of exponentials first."
)
def forgets_the_softmax(logits, response, K):
    chosen = response <= K
    z = np.take_along_axis(logits, np.where(chosen, response, 0)[..., None], axis=2)[..., 0]
    return np.where(chosen, z, 0.0).sum(axis=1)


@mutant(
    "response_logp",
    "shifted by one: here logits[t] judge token t + 1. In this exercise they are lined up already; shift once, not twice.",
)
def shifted_by_one(logits, response, K):
    return solutions.response_logp(logits[:, :-1], response[:, 1:], K)


# ---------------------------------------------------------------- 13.3 two_losses


@mutant(
    "two_losses",
    "the loss of a token is a mean of means: a token of a short response counts more. Divide the sum over all tokens by their number.",
)
def mean_of_means(logp, counts):
    of_a_token = -float(np.mean(np.where(counts, logp, 0.0).sum(axis=1) / counts.sum(axis=1)))
    return [solutions.two_losses(logp, counts)[0], of_a_token, float(np.exp(of_a_token))]


@mutant("two_losses", "the mean runs over pads as well: divide by the tokens that count, not by B times L.")
def divides_by_pads_too(logp, counts):
    of_a_response = solutions.two_losses(logp, counts)[0]
    of_a_token = of_a_response / logp.shape[1]
    return [of_a_response, of_a_token, float(np.exp(of_a_token))]


@mutant("two_losses", "what stands on the pads is summed up as well. It is garbage: mask it first.")
def sums_the_garbage(logp, counts):
    return [
        -float(logp.sum() / len(logp)),
        -float(logp.sum() / counts.sum()),
        float(np.exp(-logp.sum() / counts.sum())),
    ]


@mutant(
    "two_losses",
    "this is the exponential of the loss of a response. Perplexity is per token: as many equally likely choices at each place.",
)
def perplexity_of_a_response(logp, counts):
    of_a_response, of_a_token, _ = solutions.two_losses(logp, counts)
    return [of_a_response, of_a_token, float(np.exp(of_a_response))]


@mutant(
    "two_losses",
    "this is the mean of 1 / probability. Perplexity is the exponential of the mean, not the mean of exponentials.",
)
def mean_of_exponentials(logp, counts):
    of_a_response, of_a_token, _ = solutions.two_losses(logp, counts)
    return [of_a_response, of_a_token, float(np.exp(-logp[counts]).mean())]


@mutant(
    "two_losses", "the sign: a loss is *minus* the mean log-probability, and perplexity is never below 1."
)
def forgets_the_minus(logp, counts):
    return solutions.two_losses(-logp, counts)


# ---------------------------------------------------------------- 13.4 speak


@mutant(
    "speak", "the logits are multiplied by the temperature: hot would be sharp and cold dull. Divide by it."
)
def upside_down_temperature(theta, u, temperature):
    return solutions.speak(theta, u, 1 / temperature)


@mutant(
    "speak",
    "logp is that of the model at temperature 1. The tokens were drawn from another policy; a ratio that starts from this logp is not 1.",
)
def logp_of_another_policy(theta, u, temperature):
    response, _ = solutions.speak(theta, u, temperature)
    logp, before, K = np.zeros(len(u)), len(theta) - 1, len(theta) - 1
    for t in np.flatnonzero(response <= K):
        logp[t] = np.log(_softmax(theta[before]))[response[t]]
        before = response[t]
    return [response, logp]


@mutant("speak", "it goes on talking behind EOS. After the end there are only pads, with logp 0.")
def goes_on_after_the_end(theta, u, temperature):
    p = _softmax(theta / temperature)
    K, response, logp, before = len(theta) - 1, [], [], len(theta) - 1
    for x in u:
        token = int(np.argmax(p[before].cumsum() > x))
        response.append(token)
        logp.append(np.log(p[before, token]))
        before = min(token, K)
    return [np.array(response), np.array(logp)]


@mutant(
    "speak",
    "every token is drawn as if it were the first one. What was said is the state: feed it back, row `token`.",
)
def forgets_what_it_said(theta, u, temperature):
    return solutions.speak(np.tile(theta[-1], (len(theta), 1)), u, temperature)


@mutant(
    "speak",
    "EOS is written into the last place. At the limit nobody chose to stop: the response has no EOS there.",
)
def forces_an_end(theta, u, temperature):
    response, logp = solutions.speak(theta, u, temperature)
    K = len(theta) - 1
    if K not in response:
        response, logp = response.copy(), logp.copy()
        response[-1] = K
        logp[-1] = np.log(_softmax(theta[response[-2]] / temperature))[K]
    return [response, logp]


@mutant("speak", "the likeliest token is taken each time; u is not looked at. That is greedy, not a sample.")
def takes_the_likeliest(theta, u, temperature):
    K = len(theta) - 1
    p, before = _softmax(theta / temperature), K
    response, logp = np.full(len(u), K + 2), np.zeros(len(u))
    for t in range(len(u)):
        token = int(p[before].argmax())
        response[t], logp[t] = token, np.log(p[before, token])
        if token == K:
            break
        before = token
    return [response, logp]


# ---------------------------------------------------------------- 13.5 fit_bigram


def _shares(count):
    total = count.sum(axis=1, keepdims=True)
    return np.where(total > 0, count / np.where(total > 0, total, 1.0), 1 / count.shape[1])


@mutant("fit_bigram", "the weights are ignored: each demonstration counts as much as the others.")
def ignores_the_weights(response, weight, K):
    return solutions.fit_bigram(response, np.ones(len(response)), K)


@mutant(
    "fit_bigram",
    "the share of each response is taken first, then the mean. Add the counts up first: a row is seen more often by some than by others.",
)
def mean_of_shares(response, weight, K):
    total, seen = np.zeros((K + 1, K + 1)), np.zeros((K + 1, 1))
    for row, w in zip(response, weight):
        count = solutions._counts(row[None], np.ones(1), K)
        total += w * np.where(count.sum(axis=1, keepdims=True) > 0, _shares(count), 0.0)
        seen += w * (count.sum(axis=1, keepdims=True) > 0)
    return _shares(np.where(seen > 0, total, 0.0))


@mutant(
    "fit_bigram",
    "pads are counted as ends behind ends. They fill the row of first tokens with EOS; leave them out.",
)
def counts_pads_as_ends(response, weight, K):
    count = np.zeros((K + 1, K + 1))
    for row, w in zip(np.minimum(response, K), weight):
        before = K
        for token in row:
            count[before, token] += w
            before = token
    return _shares(count)


@mutant("fit_bigram", "the first token is left out. It has a row too, row K: no letter stands before it.")
def forgets_the_beginning(response, weight, K):
    count = solutions._counts(response, weight, K)
    count[K] = 0
    return _shares(count)


@mutant(
    "fit_bigram",
    "this divides by the sum of the whole table. Each row is a distribution of its own: divide by its sum.",
)
def one_distribution(response, weight, K):
    count = solutions._counts(response, weight, K)
    return count / count.sum()


@mutant(
    "fit_bigram",
    "each token got one extra count. That is a prior; it may be wise, but it is not the largest likelihood.",
)
def adds_one(response, weight, K):
    return _shares(solutions._counts(response, weight, K) + 1)


@mutant(
    "fit_bigram", "EOS was not counted. A model that never saw an end never stops: count it like a letter."
)
def never_learns_to_stop(response, weight, K):
    count = solutions._counts(response, weight, K)
    count[:, K] = 0
    return _shares(count)


# ---------------------------------------------------------------- 13.6 sft_gradient


@mutant(
    "sft_gradient",
    "this is the gradient of the loss of a token. The loss of a response divides by B, not by tokens.",
)
def of_a_token(theta, response, K):
    return solutions.sft_gradient(theta, response, K) * len(response) / (response <= K).sum()


@mutant(
    "sft_gradient",
    "this points uphill in the likelihood. The loss is minus that: pi - onehot, not onehot - pi.",
)
def uphill(theta, response, K):
    return -solutions.sft_gradient(theta, response, K)


@mutant(
    "sft_gradient",
    "softmax(row) is subtracted once a row. It belongs to every reading of the row: as often as the row was read.",
)
def one_softmax_a_row(theta, response, K):
    B = len(response)
    return _softmax(theta) - solutions._counts(response, np.full(B, 1 / B), K)


@mutant(
    "sft_gradient", "this raises what was said and lowers nothing: the softmax's own derivative is missing."
)
def counts_alone(theta, response, K):
    B = len(response)
    return -solutions._counts(response, np.full(B, 1 / B), K)


@mutant(
    "sft_gradient", "this is the derivative by the probabilities, -count / pi. It is asked for by the logits."
)
def by_probabilities(theta, response, K):
    B = len(response)
    return -solutions._counts(response, np.full(B, 1 / B), K) / _softmax(theta)


@mutant("sft_gradient", "pads push as well, as ends behind ends. Nobody said them: their gradient is 0.")
def pads_push(theta, response, K):
    gradient = solutions.sft_gradient(theta, response, K)
    pads = (response > K).sum() / len(response)
    gradient[K] += pads * (_softmax(theta[K]) - np.eye(K + 1)[K])
    return gradient


# ---------------------------------------------------------------- 13.7 kl_estimates


@mutant(
    "kl_estimates",
    "k1 has the wrong sign: log ref - log pi has the mean -KL. A divergence that is negative on average is none.",
)
def sign_of_k1(logp, logp_ref):
    one, two, three = solutions.kl_estimates(logp, logp_ref)
    return [-one, two, three]


@mutant(
    "kl_estimates",
    "k3 has pi / ref where ref / pi belongs. Under pi's actions only ref / pi has the mean 1: r = ref / pi.",
)
def direction_of_k3(logp, logp_ref):
    one, two, _ = solutions.kl_estimates(logp, logp_ref)
    return [one, two, float(np.mean(np.expm1(logp - logp_ref) - (logp - logp_ref)))]


@mutant("kl_estimates", "the half of k2 is missing. Near ref the divergence is *half* the squared log-ratio.")
def k2_without_its_half(logp, logp_ref):
    one, two, three = solutions.kl_estimates(logp, logp_ref)
    return [one, 2 * two, three]


@mutant(
    "kl_estimates",
    "k1 is made positive sample by sample. Then it is biased: the negative samples are what brings its mean down to KL.",
)
def absolute_k1(logp, logp_ref):
    _, two, three = solutions.kl_estimates(logp, logp_ref)
    return [float(np.mean(np.abs(logp - logp_ref))), two, three]


@mutant(
    "kl_estimates",
    "the mean of k1 was not let below 0. Then it is biased: near ref many a batch is below, and those bring the mean down to KL.",
)
def never_below_zero(logp, logp_ref):
    one, two, three = solutions.kl_estimates(logp, logp_ref)
    return [max(one, 0.0), two, three]


@mutant(
    "kl_estimates",
    "k3 lost its -log r: what is left, r - 1, has the mean 0 under pi. It only calms k1; it is r - 1 - log r.",
)
def k3_without_its_logarithm(logp, logp_ref):
    one, two, _ = solutions.kl_estimates(logp, logp_ref)
    return [one, two, float(np.mean(np.expm1(logp_ref - logp)))]


@mutant(
    "kl_estimates",
    "the samples are weighted by pi. They were drawn from pi: the likely ones are there more often already. Take the plain mean.",
)
def weighs_by_pi(logp, logp_ref):
    p = np.exp(logp) / np.exp(logp).sum()
    return [float(p @ k) for k in solutions._estimators(logp - logp_ref)]


@mutant(
    "kl_estimates",
    "k2 and k3 are taken of the mean log-ratio. Take them of each sample, then the mean: the curve bends.",
)
def of_the_mean(logp, logp_ref):
    return [float(k) for k in solutions._estimators(np.mean(logp - logp_ref))]


# ---------------------------------------------------------------- 13.8 estimator_moments


@mutant("estimator_moments", "the mean is taken under ref. The actions are pi's: weigh by pi.")
def drawn_by_ref(pi, ref):
    k = np.array(solutions._estimators(np.log(pi) - np.log(ref)))
    mean = k @ ref
    return np.stack([mean, (k - mean[:, None]) ** 2 @ ref], axis=1)


@mutant(
    "estimator_moments", "all actions count alike. An action that pi seldom takes is seldom in the sample."
)
def all_alike(pi, ref):
    k = np.array(solutions._estimators(np.log(pi) - np.log(ref)))
    return np.stack([k.mean(axis=1), k.var(axis=1)], axis=1)


@mutant("estimator_moments", "this is the mean of the square. The variance is measured from the mean.")
def second_moment(pi, ref):
    k = np.array(solutions._estimators(np.log(pi) - np.log(ref)))
    return np.stack([k @ pi, k**2 @ pi], axis=1)


@mutant("estimator_moments", "this is the standard deviation; the variance is its square.")
def standard_deviation(pi, ref):
    mean, variance = solutions.estimator_moments(pi, ref).T
    return np.stack([mean, np.sqrt(variance)], axis=1)


@mutant(
    "estimator_moments",
    "k3 is given a variance of at most k1's. Far from ref its ratio has a heavy tail, and k1 varies less: compute it.",
)
def believes_that_k3_is_calmer(pi, ref):
    table = solutions.estimator_moments(pi, ref)
    table[2, 1] = min(table[2, 1], table[0, 1])
    return table


@mutant(
    "estimator_moments",
    "k2 is given the mean KL. It is biased: half a squared logarithm is the divergence only to second order.",
)
def believes_that_k2_is_unbiased(pi, ref):
    table = solutions.estimator_moments(pi, ref)
    table[1, 0] = table[0, 0]
    return table


@mutant(
    "estimator_moments",
    "this is the mean squared error, measured from KL itself. A variance is measured from the estimator's own mean, which for k2 is another.",
)
def mean_squared_error(pi, ref):
    table = solutions.estimator_moments(pi, ref)
    table[:, 1] += (table[:, 0] - table[0, 0]) ** 2
    return table


# ---------------------------------------------------------------- 13.9 gradients_in_the_loss


def _push(logits, d):
    pi = _softmax(logits)
    return pi * (d - pi @ d)


@mutant(
    "gradients_in_the_loss",
    "k1 is said to push along the gradient of KL(pi || ref), because its mean is that. Its derivative is 1 for every action, and the score has the mean 0: nothing.",
)
def k1_regularises(logits, logits_ref):
    table = solutions.gradients_in_the_loss(logits, logits_ref)
    return np.stack([table[1], table[1], table[2]])


@mutant(
    "gradients_in_the_loss",
    "k3 is said to push along the gradient of KL(pi || ref), because its mean is that. Its derivative is 1 - ref / pi, and the mean of that is pi - ref: the gradient of KL(ref || pi).",
)
def k3_regularises_kl_to_ref(logits, logits_ref):
    table = solutions.gradients_in_the_loss(logits, logits_ref)
    return np.stack([table[0], table[1], table[1]])


@mutant("gradients_in_the_loss", "k3 has pi / ref where ref / pi belongs: its derivative is 1 - ref / pi.")
def k3_upside_down(logits, logits_ref):
    table = solutions.gradients_in_the_loss(logits, logits_ref)
    ratio = _softmax(logits) / _softmax(logits_ref)
    return np.stack([table[0], table[1], _push(logits, ratio - 1)])


@mutant(
    "gradients_in_the_loss",
    "this is the gradient of the mean. It differentiates the probability of the draw as well, which a loss on given actions does not.",
)
def gradient_of_the_mean(logits, logits_ref):
    log_ratio = np.log(_softmax(logits)) - np.log(_softmax(logits_ref))
    k = np.array(solutions._estimators(log_ratio))
    return solutions.gradients_in_the_loss(logits, logits_ref) + [_push(logits, row) for row in k]


@mutant(
    "gradients_in_the_loss",
    "the logarithm's own softmax is missing: d log pi(a) / d logits = onehot(a) - pi.",
)
def onehot_alone(logits, logits_ref):
    pi = _softmax(logits)
    log_ratio = np.log(pi) - np.log(_softmax(logits_ref))
    return pi * np.array([np.ones(len(pi)), log_ratio, 1 - np.exp(-log_ratio)])


@mutant(
    "gradients_in_the_loss",
    "the sign: these rows lead away from a smaller k. The gradient points where k grows.",
)
def downhill(logits, logits_ref):
    return -solutions.gradients_in_the_loss(logits, logits_ref)


@mutant(
    "gradients_in_the_loss",
    "here k itself multiplies the score: that is k in the reward. In the loss it is differentiated, so dk / dlog pi multiplies the score.",
)
def as_a_reward(logits, logits_ref):
    log_ratio = np.log(_softmax(logits)) - np.log(_softmax(logits_ref))
    return np.array([_push(logits, k) for k in solutions._estimators(log_ratio)])


# ---------------------------------------------------------------- 13.10 response_kl


def _walk(theta, theta_ref, L, driver, gone=True):
    K = len(theta) - 1
    pi, ref = _softmax(theta), _softmax(theta_ref)
    step = (pi * np.log(pi / ref)).sum(axis=1)
    here, total, length = np.eye(K + 1)[K], 0.0, 0.0
    for _ in range(L):
        total, length = total + here @ step, length + here.sum()
        here = here @ driver
        if gone:
            here[K] = 0.0
    return float(total), float(length)


@mutant(
    "response_kl",
    "who said EOS goes on here, as if a new response began. What has ended adds nothing: take it out.",
)
def never_ends(theta, theta_ref, L):
    return _walk(theta, theta_ref, L, _softmax(theta), gone=False)[0]


@mutant(
    "response_kl", "the prefixes are those that ref reaches. KL(pi || ref) is a mean over what *pi* says."
)
def ref_walks(theta, theta_ref, L):
    return _walk(theta, theta_ref, L, _softmax(theta_ref))[0]


@mutant(
    "response_kl",
    "this is the mean over tokens. The divergence of responses is the sum along them, not a mean.",
)
def per_token(theta, theta_ref, L):
    total, length = _walk(theta, theta_ref, L, _softmax(theta))
    return total / length


@mutant("response_kl", "this is the divergence of the first token alone. Those behind it differ as well.")
def first_token_alone(theta, theta_ref, L):
    return _walk(theta, theta_ref, 1, _softmax(theta))[0]


@mutant("response_kl", "this is KL(ref || pi). The first argument is the one that speaks, and that is pi.")
def the_other_divergence(theta, theta_ref, L):
    return solutions.response_kl(theta_ref, theta, L)


@mutant("response_kl", "all rows are added up alike. A row counts as often as pi comes to it.")
def all_rows_alike(theta, theta_ref, L):
    pi, ref = _softmax(theta), _softmax(theta_ref)
    return float((pi * np.log(pi / ref)).sum())


@mutant(
    "response_kl",
    "the last place adds nothing here, as if EOS were forced there. It is chosen like the others; then the row is full.",
)
def forces_the_end(theta, theta_ref, L):
    return _walk(theta, theta_ref, L - 1, _softmax(theta))[0]
