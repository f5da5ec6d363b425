"""Wrong answers of chapter 14. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch14_rlhf import solutions
from chapters.harness import mutant

sigmoid, log_softmax = solutions._sigmoid, solutions._log_softmax

# ---------------------------------------------------------------- 14.1 prefers


def by_odds(first, second, alike):
    total = first + second + alike
    return np.column_stack([first / total, second / total, alike / total])


@mutant(
    "prefers",
    "raw rewards were divided, r1 / (r1 + r2). That changes when a constant is added to both, and with r = (2.1, -1) it is no probability. Exponentials are divided; only the difference counts.",
)
def raw_rewards(first, second, nu):
    return by_odds(first, second, nu * np.sqrt(np.abs(first * second)))


@mutant("prefers", "first and second have changed places: column 0 is the probability of the first.")
def the_other_one(first, second, nu):
    return solutions.prefers(second, first, nu)


@mutant(
    "prefers",
    "the larger reward always wins here. A rater errs, the more often the nearer the rewards are; else comparisons could not say *how much* better.",
)
def never_errs(first, second, nu):
    return np.column_stack([first > second, second > first, first == second]).astype(float)


@mutant(
    "prefers",
    "each reward was squashed on its own before they were compared. The logistic function takes the difference.",
)
def squashed_first(first, second, nu):
    p, q = (1 / (1 + np.exp(-np.clip(r, -500, 500))) for r in (first, second))
    return by_odds(p, q, nu * np.sqrt(p * q))


@mutant(
    "prefers",
    "exp of a reward of 1000 is too large for a number. Take the difference first: it is all that counts.",
)
def overflows(first, second, nu):
    with np.errstate(over="ignore", invalid="ignore"):
        return by_odds(np.exp(first), np.exp(second), nu * np.exp((first + second) / 2))


@mutant(
    "prefers",
    "the same share of all pairs is called alike here. Raters cannot tell when rewards are near; far apart they can.",
)
def alike_everywhere(first, second, nu):
    p = solutions.prefers(first, second, 0.0)[:, :2]
    none = np.full(len(p), nu / (2 + nu))
    return np.column_stack([(1 - none)[:, None] * p, none])


# ---------------------------------------------------------------- 14.2 token_rewards


@mutant(
    "token_rewards",
    "the sign of the price is turned: it pays for leaving the reference. The score rises faster, and only J tells.",
)
def paid_to_leave(logp, logp_ref, score, word_score, weight, counts, beta):
    return solutions.token_rewards(logp, logp_ref, score, word_score, weight, counts, -beta)


@mutant(
    "token_rewards",
    "one constant for all responses is the price here. A constant is a baseline: it has no expected gradient, and nothing holds the policy. Each token pays its own.",
)
def one_constant(logp, logp_ref, score, word_score, weight, counts, beta):
    kl = np.where(counts, logp - logp_ref, 0.0).sum(axis=1).mean()
    return solutions.token_rewards(logp, logp, score - beta * kl, word_score, weight, counts, beta)


@mutant(
    "token_rewards",
    "the score is paid in the last column. In a short response a pad stands there, and the score is lost. It comes with the last token that was chosen.",
)
def score_on_the_pad(logp, logp_ref, score, word_score, weight, counts, beta):
    reward = solutions.token_rewards(logp, logp_ref, 0 * score, word_score, weight, counts, beta)
    reward[:, -1] += score
    return reward


@mutant(
    "token_rewards",
    "pads are paid for. Nobody chose them, and what stands there is garbage: the rewards no longer sum to score - beta log(pi / ref).",
)
def pays_pads(logp, logp_ref, score, word_score, weight, counts, beta):
    reward = weight * word_score - beta * (logp - logp_ref)
    reward[np.arange(len(score)), counts.sum(axis=1) - 1] += score
    return reward


@mutant(
    "token_rewards",
    "every token earns the score of the whole response: a long response would earn it many times. It is paid once.",
)
def score_for_every_token(logp, logp_ref, score, word_score, weight, counts, beta):
    reward = solutions.token_rewards(logp, logp_ref, 0 * score, word_score, weight, counts, beta)
    return reward + np.where(counts, score[:, None], 0.0)


@mutant(
    "token_rewards",
    "all is paid at the last token. The sum is right, so J is, but no token hears any more what it cost or earned itself.",
)
def all_at_the_end(logp, logp_ref, score, word_score, weight, counts, beta):
    reward = solutions.token_rewards(logp, logp_ref, score, word_score, weight, counts, beta)
    last = np.arange(counts.shape[1]) == counts.sum(axis=1)[:, None] - 1
    return np.where(last, reward.sum(axis=1)[:, None], 0.0)


# ---------------------------------------------------------------- 14.3 next_beta


@mutant(
    "next_beta",
    "these are the constants of PPO's penalty: double above 1.5 targets, halve below target / 1.5. That rule is for KL(new || old) of one update; here the price creeps.",
)
def doubles_and_halves(beta, kl, n, target, horizon):
    return beta * np.cumprod(np.where(kl > 1.5 * target, 2.0, np.where(kl < target / 1.5, 0.5, 1.0)))


@mutant(
    "next_beta",
    "the sign: too far from the reference makes leaving *cheaper* here. Then it goes further still.",
)
def cheaper_when_too_far(beta, kl, n, target, horizon):
    return beta * np.cumprod(1 - np.clip(kl / target - 1, -0.2, 0.2) * n / horizon)


@mutant(
    "next_beta",
    "the error is not clipped: one bad batch moves the price as far as it likes. It is held between -0.2 and 0.2.",
)
def no_clip(beta, kl, n, target, horizon):
    return beta * np.cumprod(1 + (kl / target - 1) * n / horizon)


@mutant(
    "next_beta",
    "every update moves the price by the same amount. An update counts by its responses: n / horizon.",
)
def whatever_the_size(beta, kl, n, target, horizon):
    return beta * np.cumprod(1 + np.clip(kl / target - 1, -0.2, 0.2))


@mutant(
    "next_beta",
    "the error is kl - target, in nats. It is relative: kl / target - 1, so that a small target is kept as exactly as a large one.",
)
def error_in_nats(beta, kl, n, target, horizon):
    return beta * np.cumprod(1 + np.clip(kl - target, -0.2, 0.2) * n / horizon)


@mutant(
    "next_beta",
    "every update starts again from the first beta. The price remembers: each update multiplies the one before.",
)
def starts_again(beta, kl, n, target, horizon):
    return beta * (1 + np.clip(kl / target - 1, -0.2, 0.2) * n / horizon)


@mutant(
    "next_beta",
    "an estimate below 0 was made positive. The mean of log pi - log ref may come out negative when pi is near ref: that is too near, not too far.",
)
def below_zero_is_far(beta, kl, n, target, horizon):
    return solutions.next_beta(beta, np.abs(kl), n, target, horizon)


# ---------------------------------------------------------------- 14.4 reward_gradient


@mutant("reward_gradient", "the sign: this leads uphill. A gradient of the loss points where the loss grows.")
def uphill(w, chosen, rejected, noise):
    return -solutions.reward_gradient(w, chosen, rejected, noise)


@mutant(
    "reward_gradient",
    "the noise is left out: every label is believed. Labels that are flipped now and then shrink such a reward towards 0.",
)
def believes_every_label(w, chosen, rejected, noise):
    return solutions.reward_gradient(w, chosen, rejected, 0 * noise)


@mutant(
    "reward_gradient",
    "this smooths labels: (1 - e) log sigmoid(h) + e log sigmoid(-h). There a pair that contradicts all others pulls for ever; with noise *inside* the logarithm it is taken for an error.",
)
def smooths_labels(w, chosen, rejected, noise):
    d = chosen - rejected
    return (sigmoid(d @ w) - (1 - noise)) @ d / len(d)


@mutant(
    "reward_gradient",
    "all raters were given the mean error rate. A label of a careful rater is worth more than one of a careless rater.",
)
def one_rate_for_all(w, chosen, rejected, noise):
    return solutions.reward_gradient(w, chosen, rejected, np.full(len(noise), noise.mean()))


@mutant(
    "reward_gradient",
    "the features of the rejected response are missing: w would learn what is common, not what is liked. The difference is what pushes.",
)
def pushes_the_chosen_alone(w, chosen, rejected, noise):
    p = sigmoid((chosen - rejected) @ w)
    seen = (1 - noise) * p + noise * (1 - p)
    return -((1 - 2 * noise) * p * (1 - p) / seen) @ chosen / len(chosen)


@mutant("reward_gradient", "this is the sum over pairs; the loss is their mean.")
def sum_over_pairs(w, chosen, rejected, noise):
    return len(chosen) * solutions.reward_gradient(w, chosen, rejected, noise)


# ---------------------------------------------------------------- 14.5 ranking_loss


def all_places(reward):
    return solutions.ranking_loss(reward, np.full(len(reward), reward.shape[1] - 1))


@mutant(
    "ranking_loss",
    "every response competes at every place, also one that was placed before. Who was placed is out.",
)
def nobody_leaves(reward, placed):
    p = np.exp(log_softmax(reward))
    said = np.arange(reward.shape[1]) < placed[:, None]
    loss = -(said * np.log(p)).sum(axis=1).mean()
    return [float(loss), (placed[:, None] * p - said) / len(p)]


@mutant(
    "ranking_loss",
    "the row is read from the worst to the best. The first one in it is the best.",
)
def worst_first(reward, placed):
    loss, slope = solutions.ranking_loss(reward[:, ::-1], placed)
    return [loss, slope[:, ::-1]]


@mutant(
    "ranking_loss",
    "the order of those that nobody placed was learned too. They stand as they came; it means nothing.",
)
def ranks_them_all(reward, placed):
    return all_places(reward)


@mutant(
    "ranking_loss",
    "only the best one was learned from. The rater also said who is second: a choice among those that are left.",
)
def best_one_alone(reward, placed):
    return solutions.ranking_loss(reward, np.ones(len(placed), int))


@mutant(
    "ranking_loss",
    "those that were not placed are left out. Losing to all that were placed is the most they say, and it is much.",
)
def forgets_the_rest(reward, placed):
    loss, slope = 0.0, np.zeros(reward.shape)
    for b, k in enumerate(placed):
        if k > 1:
            one, d = all_places(reward[b : b + 1, :k])
            loss += one / len(placed)
            slope[b, :k] = d[0] / len(placed)
    return [loss, slope]


@mutant(
    "ranking_loss",
    "each one was compared with the next one only. The best one was chosen among all: it won against each of them.",
)
def neighbours_only(reward, placed):
    said = np.arange(reward.shape[1] - 1) < placed[:, None]
    p = sigmoid(reward[:, :-1] - reward[:, 1:])
    d = said * (p - 1) / len(p)
    slope = np.pad(d, ((0, 0), (0, 1))) - np.pad(d, ((0, 0), (1, 0)))
    return [float(-(said * np.log(p)).sum(axis=1).mean()), slope]


@mutant("ranking_loss", "this is a mean over places. A ranking is one answer, however many it placed.")
def mean_over_places(reward, placed):
    loss, slope = solutions.ranking_loss(reward, placed)
    return [loss / placed.mean(), slope / placed.mean()]


# ---------------------------------------------------------------- 14.6 click_preferences


@mutant(
    "click_preferences",
    "every click is taken for a choice. What stands on top is also clicked unread: such a reward learns the place, not the response.",
)
def every_click_is_a_choice(top, bottom, clicked, look):
    return solutions.click_preferences(top, bottom, clicked, 1.0)


@mutant(
    "click_preferences",
    "the place is treated as a coin, right with probability (1 + look) / 2. That holds if nobody knows which one stood on top. Here it is known: the errors all favour the top one.",
)
def place_as_a_coin(top, bottom, clicked, look):
    e = (1 - look) / 2
    p = sigmoid(top - bottom)
    sign = np.where(clicked == 0, 1, -1)
    P = e + look * np.where(clicked == 0, p, 1 - p)
    tells = (clicked >= 0) / (clicked >= 0).sum()
    d = -tells * sign * look * p * (1 - p) / P
    return [float(-(tells * np.log(P)).sum()), d, -d]


@mutant(
    "click_preferences",
    "the bottom one is taken to be clicked unread. Eyes start at the top.",
)
def eyes_start_below(top, bottom, clicked, look):
    other = np.where(clicked >= 0, 1 - clicked, -1)
    loss, d, e = solutions.click_preferences(bottom, top, other, look)
    return [loss, e, d]


@mutant(
    "click_preferences",
    "clicks on the top one were thrown away. They tell less, not nothing; and with clicks on the bottom one alone, the bottom one is always better.",
)
def bottom_clicks_alone(top, bottom, clicked, look):
    return solutions.click_preferences(top, bottom, np.where(clicked == 1, 1, -1), look)


@mutant(
    "click_preferences",
    "who clicked nothing is counted among the answers. Nothing was said there: the mean is over those who clicked.",
)
def silence_is_counted(top, bottom, clicked, look):
    share = (clicked >= 0).mean()
    return [share * x for x in solutions.click_preferences(top, bottom, clicked, look)]


@mutant(
    "click_preferences",
    "who clicked nothing is taken to dislike what stood on top. Nothing was said there.",
)
def silence_is_dislike(top, bottom, clicked, look):
    return solutions.click_preferences(top, bottom, np.where(clicked == 0, 0, 1), look)


@mutant(
    "click_preferences",
    "a click on the top one was given the weight look. How far it can be believed depends on the rewards as well: the mixture stands inside the logarithm.",
)
def weighs_by_look(top, bottom, clicked, look):
    p = np.where(clicked == 0, sigmoid(top - bottom), sigmoid(bottom - top))
    weight = np.where(clicked == 0, look, 1.0) * (clicked >= 0) / (clicked >= 0).sum()
    d = weight * (p - 1) * np.where(clicked == 0, 1, -1)
    return [float(-(weight * np.log(p)).sum()), d, -d]


# ---------------------------------------------------------------- 14.7 price_gradient


@mutant(
    "price_gradient",
    "the sign: this leads away from the reference. Who is paid -beta k for leaving should come nearer.",
)
def away_from_the_reference(logits, log_ref, beta, B):
    return -solutions.price_gradient(logits, log_ref, beta, B)


@mutant(
    "price_gradient",
    "a number that all share is taken to push like each one's own. A constant is a baseline: however large the divergence is, it pushes nowhere on average; a mean of the batch keeps one part in B.",
)
def a_constant_that_pushes(logits, log_ref, beta, B):
    own, _, _, zero = solutions.price_gradient(logits, log_ref, beta, B)
    return np.array([own, own, own, zero])


@mutant(
    "price_gradient",
    "KL(pi || ref) was differentiated. It was paid as a number, the same to each: nothing flows through it, and as a baseline it pushes nowhere.",
)
def through_the_known(logits, log_ref, beta, B):
    own, shared, _, zero = solutions.price_gradient(logits, log_ref, beta, B)
    return np.array([own, shared, own, zero])


@mutant(
    "price_gradient",
    "beta k in the loss is taken to push as KL(pi || ref) would. Its gradient at a drawn y is beta dlog pi(y), of mean 0: the ref in k is a number, and what drew y is not differentiated.",
)
def k1_in_the_loss(logits, log_ref, beta, B):
    own, shared, zero, _ = solutions.price_gradient(logits, log_ref, beta, B)
    return np.array([own, shared, zero, own])


@mutant(
    "price_gradient",
    "the mean of the batch is taken for a number that no response changes. Its own k is one of the B in it, and that part still pushes: 1 / B of it is left.",
)
def the_mean_without_oneself(logits, log_ref, beta, B):
    own, _, zero, _ = solutions.price_gradient(logits, log_ref, beta, B)
    return np.array([own, zero, zero, zero])


@mutant(
    "price_gradient",
    "this is the gradient of KL(ref || pi). The price of what *pi* says has the mean KL(pi || ref).",
)
def the_other_divergence(logits, log_ref, beta, B):
    own = beta * (np.exp(log_ref) - np.exp(log_softmax(logits)))
    return np.array([own, own / B, 0 * own, 0 * own])


@mutant(
    "price_gradient",
    "the softmax's normaliser is forgotten: dlog pi(y) / dlogits is one-hot minus pi. Without it even a constant seems to push.",
)
def without_the_normaliser(logits, log_ref, beta, B):
    log_pi = log_softmax(logits)
    pi, k = np.exp(log_pi), log_pi - log_ref
    mean = pi @ k
    return -beta * np.array([pi * k, pi * (k / B + (1 - 1 / B) * mean), pi * mean, pi])


# ---------------------------------------------------------------- 14.8 shifted_optimum


@mutant(
    "shifted_optimum",
    "nothing was lost anywhere: every constant is taken to be harmless. One a prompt is; one a token is a price on length, and who divides rewards multiplies beta.",
)
def all_harmless(log_ref, reward, length, beta, c, d):
    return np.zeros((4, len(reward)))


@mutant(
    "shifted_optimum",
    "a constant a prompt is taken to do harm. Z belongs to a prompt: what is added to all of its responses cancels. Do not normalise over prompts.",
)
def one_normaliser_for_all(log_ref, reward, length, beta, c, d):
    def optimum(r):
        tilted = log_ref + r / beta
        return tilted - np.log(np.exp(tilted).sum() / len(r))

    loss = solutions.shifted_optimum(log_ref, reward, length, beta, c, d)
    best, pi = optimum(reward), optimum(reward + c[:, None])
    loss[0] = beta * (np.exp(pi) * (pi - best)).sum(axis=1)
    return loss


@mutant(
    "shifted_optimum",
    "d was added once a response. It is paid for every token: d times the length, and long responses are made dear or cheap.",
)
def once_a_response(log_ref, reward, length, beta, c, d):
    return solutions.shifted_optimum(log_ref, reward, np.ones(len(length)), beta, c, d)


@mutant(
    "shifted_optimum",
    "whitening was taken for a shift. It also divides by the standard deviation: as if beta had been multiplied by it.",
)
def whitening_shifts_only(log_ref, reward, length, beta, c, d):
    loss = solutions.shifted_optimum(log_ref, reward, length, beta, c, d)
    loss[2:] = 0
    return loss


@mutant(
    "shifted_optimum",
    "whitening over all prompts and whitening prompt by prompt are taken for the same. The one gives all prompts one beta, the other gives each prompt another.",
)
def one_kind_of_whitening(log_ref, reward, length, beta, c, d):
    loss = solutions.shifted_optimum(log_ref, reward, length, beta, c, d)
    loss[2] = loss[3]
    return loss


@mutant(
    "shifted_optimum",
    "all responses were given the same weight. Mean and standard deviation are those of what ref says.",
)
def every_response_alike(log_ref, reward, length, beta, c, d):
    loss = solutions.shifted_optimum(log_ref, reward, length, beta, c, d)
    alike = np.full(reward.shape, 1 / reward.shape[1])
    best = log_softmax(log_ref + reward / beta)
    changed = [solutions._whitened(reward, alike / len(reward)), solutions._by_prompt(reward, alike)]
    pi = log_softmax(log_ref + np.array(changed) / beta)
    loss[2:] = beta * (np.exp(pi) * (pi - best)).sum(axis=-1)
    return loss


@mutant(
    "shifted_optimum",
    "this is the distance KL(pi || pi*) in nats. What J lacks is beta times as much.",
)
def nats_instead_of_reward(log_ref, reward, length, beta, c, d):
    return solutions.shifted_optimum(log_ref, reward, length, beta, c, d) / beta


# ---------------------------------------------------------------- 14.9 win_rate


@mutant(
    "win_rate",
    "the better response wins always. Raters err: Bradley and Terry give the worse one its chance.",
)
def better_one_always_wins(pi, ref, reward, draw):
    lead = reward[:, None] - reward[None, :]
    alike = np.abs(lead) <= draw
    return [float(pi @ np.where(alike, 0.5, lead > 0) @ ref), float(pi @ alike @ ref)]


@mutant(
    "win_rate",
    "mean rewards were compared. A rater sees two responses, and sigmoid of a mean is not the mean of sigmoids.",
)
def compares_means(pi, ref, reward, draw):
    lead = pi @ reward - ref @ reward
    rate = 0.5 if abs(lead) <= draw else sigmoid(lead)
    return [float(rate), solutions.win_rate(pi, ref, reward, draw)[1]]


@mutant(
    "win_rate",
    "draws count as lost. Then the reference beats itself: a draw is half a win.",
)
def draws_are_lost(pi, ref, reward, draw):
    rate, drawn = solutions.win_rate(pi, ref, reward, draw)
    return [rate - drawn / 2, drawn]


@mutant(
    "win_rate",
    "draws were left out of the count. That is another figure, further from 1/2: say which one it is. Here a draw is half a win.",
)
def draws_left_out(pi, ref, reward, draw):
    rate, drawn = solutions.win_rate(pi, ref, reward, draw)
    return [(rate - drawn / 2) / (1 - drawn), drawn]


@mutant(
    "win_rate",
    "nobody calls a draw here. Rewards within draw of each other look alike; 1/2 is nearer to the middle than what Bradley and Terry would say.",
)
def never_a_draw(pi, ref, reward, draw):
    return [solutions.win_rate(pi, ref, reward, 0.0)[0], solutions.win_rate(pi, ref, reward, draw)[1]]


@mutant(
    "win_rate",
    "the opponent is any response alike. It is drawn from ref, as often as ref says it.",
)
def any_opponent(pi, ref, reward, draw):
    return solutions.win_rate(pi, np.full(len(ref), 1 / len(ref)), reward, draw)


@mutant(
    "win_rate",
    "this is how often the reference wins.",
)
def the_reference_wins(pi, ref, reward, draw):
    return solutions.win_rate(ref, pi, reward, draw)


# ---------------------------------------------------------------- 14.10 best_of


@mutant(
    "best_of",
    "log n - (n - 1) / n is given as the divergence. It is a bound for k = 1; where responses have probabilities, not densities, the divergence is smaller, and it cannot exceed -log of ref's mass on the best.",
)
def bound_as_divergence(ref, score, n, k):
    return [solutions.best_of(ref, score, n, k)[0], float(np.log(n) - (n - 1) / n)]


@mutant(
    "best_of",
    "the last of equals wins every tie. A fair coin leaves equals in the proportions of ref.",
)
def ties_go_to_the_last(ref, score, n, k):
    return solutions.best_of(ref, score + 1e-6 * np.arange(len(score)), n, k)


@mutant("best_of", "the best one was kept, whatever k is. One of the best k is taken at random.")
def the_very_best(ref, score, n, k):
    return solutions.best_of(ref, score, n, 1)


@mutant(
    "best_of",
    "this is the k-th best one. The j-th best is taken for each j up to k, with probability 1 / k.",
)
def the_kth_best(ref, score, n, k):
    pi = k * solutions.best_of(ref, score, n, k)[0]
    if k > 1:
        pi = pi - (k - 1) * solutions.best_of(ref, score, n, k - 1)[0]
    return [pi, solutions._kl(pi, ref)]


@mutant(
    "best_of",
    "n ref F^(n-1) and its like are for scores that never tie, with a density. Responses have probabilities: take differences of the distribution function, else they do not sum to 1.",
)
def as_a_density(ref, score, n, k):
    F = (score[None] <= score[:, None]) @ ref
    here = sum(solutions.comb(n - 1, i) * (1 - F) ** i * F ** (n - 1 - i) for i in range(k))
    pi = ref * n / k * here
    return [pi, solutions._kl(pi, ref)]


@mutant(
    "best_of",
    "this is KL(ref || pi). The price of a policy is KL(pi || ref): the mean is over what pi says.",
)
def divergence_the_other_way(ref, score, n, k):
    pi = solutions.best_of(ref, score, n, k)[0]
    return [pi, solutions._kl(ref, pi)]


# ---------------------------------------------------------------- 14.11 overoptimised


@mutant(
    "overoptimised",
    "the gold reward was maximised. The learner sees the proxy alone.",
)
def sees_gold(ref, proxy, gold, betas):
    rows = solutions.overoptimised(ref, gold, proxy, betas)
    return np.column_stack([rows[:, 1], rows[:, 0], rows[:, 2], betas])


@mutant(
    "overoptimised",
    "gold is taken to rise with the proxy, a nat always worth beta. More optimisation of a learned reward is better only as long as the two agree about what the policy says *now*.",
)
def more_is_better(ref, proxy, gold, betas):
    rows = solutions.overoptimised(ref, proxy, gold, betas)
    rows[:, 3] = betas
    return rows


@mutant(
    "overoptimised",
    "the agreement of proxy and gold was measured among ref's responses. There the reward model is good: it was taught there. What counts is what pi says now.",
)
def agreement_at_the_reference(ref, proxy, gold, betas):
    rows = solutions.overoptimised(ref, proxy, gold, betas)
    off = proxy - ref @ proxy
    rows[:, 3] = betas * ((ref * off) @ gold) / ((ref * off) @ off)
    return rows


@mutant(
    "overoptimised",
    "the reference is missing: a softmax of the reward lies near the uniform policy, not near ref.",
)
def without_reference(ref, proxy, gold, betas):
    flat = np.full(len(ref), 1 / len(ref))
    rows = solutions.overoptimised(flat, proxy, gold, betas)
    pi = np.exp(log_softmax(proxy / betas[:, None]))
    rows[:, 2] = (pi * np.log(pi / ref)).sum(axis=1)
    return rows


@mutant(
    "overoptimised",
    "beta multiplies the reward. It is the price of a nat: the reward is divided by it.",
)
def times_beta(ref, proxy, gold, betas):
    return solutions.overoptimised(ref, proxy, gold, 1 / betas)


@mutant(
    "overoptimised",
    "this is KL(ref || pi), and its slope. The policy pays for KL(pi || ref).",
)
def distance_the_other_way(ref, proxy, gold, betas):
    rows = solutions.overoptimised(ref, proxy, gold, betas)
    pi = np.exp(log_softmax(np.log(ref) + proxy / betas[:, None]))
    cov = (pi * (proxy - rows[:, :1])) @ gold
    return np.column_stack(
        [rows[:, :2], [solutions._kl(ref, p) for p in pi], cov / (rows[:, 0] - ref @ proxy)]
    )


@mutant(
    "overoptimised",
    "the last column is d E gold / d(1 / beta). A nat is the measure of how far pi goes: divide by d KL / d(1 / beta).",
)
def for_a_beta_not_a_nat(ref, proxy, gold, betas):
    rows = solutions.overoptimised(ref, proxy, gold, betas)
    pi = np.exp(log_softmax(np.log(ref) + proxy / betas[:, None]))
    rows[:, 3] = (pi * (proxy - rows[:, :1])) @ gold
    return rows


# ---------------------------------------------------------------- 14.12 segment_loss


@mutant(
    "segment_loss",
    "the rewards of a film were averaged. Raters judge what happened in it, the *sum*; a mean makes one good step as good as ten.",
)
def mean_over_steps(w, first, second, steps, mu):
    count = np.arange(first.shape[1]) < steps[..., None]
    d = [solutions._film(x, count[:, i]) / steps[:, i, None] for i, x in enumerate((first, second))]
    return of_films(w, *d, mu)


def of_films(w, first, second, mu):
    one = np.ones((len(mu), 2), int)
    return solutions.segment_loss(w, first[:, None], second[:, None], one, mu)


@mutant("segment_loss", "steps behind the end of a film are counted. What stands there is garbage.")
def garbage_is_counted(w, first, second, steps, mu):
    return solutions.segment_loss(w, first, second, np.full(steps.shape, first.shape[1]), mu)


@mutant(
    "segment_loss",
    "films that looked alike were thrown away. They say that the sums are equal, which a reward must learn too.",
)
def throws_draws_away(w, first, second, steps, mu):
    told = mu != 0.5
    return solutions.segment_loss(w, first[told], second[told], steps[told], mu[told])


@mutant(
    "segment_loss",
    "films that looked alike were given to the second one. A draw is half a choice of each; any other label teaches a preference that nobody had.",
)
def draws_go_to_one(w, first, second, steps, mu):
    return solutions.segment_loss(w, first, second, steps, (mu > 0.5).astype(float))


@mutant(
    "segment_loss",
    "a draw has the weight of two pairs. It is one answer: entered both ways round, each way has half the weight.",
)
def draws_count_twice(w, first, second, steps, mu):
    twice = np.repeat(np.arange(len(mu)), np.where(mu == 0.5, 2, 1))
    return solutions.segment_loss(w, first[twice], second[twice], steps[twice], mu[twice])


@mutant(
    "segment_loss",
    "step was compared with step, and the losses added up. The rater chose between whole films: one sigmoid of one difference of sums.",
)
def step_by_step(w, first, second, steps, mu):
    K = first.shape[1]
    count = np.arange(K) < steps[..., None]
    x = np.where(count[:, 0, :, None], first, 0.0) - np.where(count[:, 1, :, None], second, 0.0)
    p, on = sigmoid(x @ w), count.any(axis=1)  # (B, K)
    m = mu[:, None]
    loss = -(on * (m * np.log(p) + (1 - m) * np.log(1 - p))).sum() / len(mu)
    return [float(loss), np.einsum("bk,bkf->f", on * (p - m), x) / len(mu)]


@mutant("segment_loss", "the gradient points uphill on the likelihood. This is a loss: go down it.")
def gradient_turned(w, first, second, steps, mu):
    loss, slope = solutions.segment_loss(w, first, second, steps, mu)
    return [loss, -slope]
