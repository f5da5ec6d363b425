"""Wrong answers of chapter 15. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch15_dpo import solutions
from chapters.harness import mutant

sigmoid, log_softmax = solutions._sigmoid, solutions._log_softmax

# ---------------------------------------------------------------- 15.1 implicit_rewards


@mutant(
    "implicit_rewards",
    "this is the mean over tokens. A response's log-probability is the sum: the mean changes which of two responses of unlike lengths is the better one.",
)
def mean_over_tokens(token_logp, token_ref, counts, beta):
    return solutions.implicit_rewards(token_logp, token_ref, counts, beta) / counts.sum(axis=1)


@mutant(
    "implicit_rewards",
    "this takes the sum of the tokens' *probabilities*, which is no probability. They are multiplied; their logarithms are added.",
)
def sum_of_probabilities(token_logp, token_ref, counts, beta):
    pi, ref = (np.where(counts, np.exp(z), 0.0).sum(axis=1) for z in (token_logp, token_ref))
    return beta * np.log(pi / ref)


@mutant(
    "implicit_rewards",
    "this takes the product of the tokens' probabilities, pi - ref, without a logarithm. The score is the *sum of log-probabilities*.",
)
def product_of_probabilities(token_logp, token_ref, counts, beta):
    pi, ref = (np.where(counts, np.exp(z), 1.0).prod(axis=1) for z in (token_logp, token_ref))
    return beta * (pi - ref)


@mutant("implicit_rewards", "pads are counted. What stands behind the end of a response was never chosen.")
def counts_pads(token_logp, token_ref, counts, beta):
    return beta * (token_logp - token_ref).sum(axis=1)


@mutant(
    "implicit_rewards",
    "the reference is forgotten: common responses would be good ones. The reward is what the policy *added* to it.",
)
def forgets_the_reference(token_logp, token_ref, counts, beta):
    return beta * np.where(counts, token_logp, 0.0).sum(axis=1)


@mutant(
    "implicit_rewards",
    "this divides by beta. pi* has r / beta in its exponent, so r is beta times what stands there.",
)
def divides_by_beta(token_logp, token_ref, counts, beta):
    return np.where(counts, token_logp - token_ref, 0.0).sum(axis=1) / beta


# ---------------------------------------------------------------- 15.2 win_probability


@mutant(
    "win_probability",
    "raw rewards were divided by their sum. Bradley and Terry divide *exponentials*: implicit rewards may be negative, and only their difference counts.",
)
def raw_rewards_over_their_sum(logp, ref, beta):
    r = beta * (logp - ref)
    with np.errstate(divide="ignore", invalid="ignore"):
        return r[:, None] / (r[:, None] + r[None, :])


@mutant(
    "win_probability",
    "this is how likely j is preferred to i: entry [i, j] belongs to the row's response winning.",
)
def the_other_wins(logp, ref, beta):
    return solutions.win_probability(logp, ref, beta).T


@mutant(
    "win_probability",
    "the reference is forgotten: what the policy says often is not what raters like. Compare it with what ref said.",
)
def without_a_reference(logp, ref, beta):
    return solutions.win_probability(logp, np.zeros(len(ref)), beta)


@mutant(
    "win_probability",
    "beta is missing: a policy that may stray far (beta small) has large log-ratios for small rewards.",
)
def without_beta(logp, ref, beta):
    return solutions.win_probability(logp, ref, 1.0)


@mutant(
    "win_probability",
    "this is how often the policy *says* i rather than j. Raters do not know pi; they know the reward, beta log(pi / ref).",
)
def what_the_policy_says(logp, ref, beta):
    return solutions.win_probability(logp, np.zeros(len(ref)), 1.0)


# ---------------------------------------------------------------- 15.3 offset_dpo


@mutant(
    "offset_dpo",
    "the ratio is clipped as PPO clips it. DPO is direct *preference* optimisation: no old policy, no ratio to it, no clip.",
)
def clips_like_ppo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    near = [
        np.clip(z, np.log(0.8), np.log(1.2)) for z in (logp_chosen - ref_chosen, logp_rejected - ref_rejected)
    ]
    zero = np.zeros(len(offset))
    return solutions.offset_dpo(*near, zero, zero, offset, beta)


@mutant(
    "offset_dpo",
    "the reference is forgotten: h compares log(pi / ref) of the two, not log pi.",
)
def h_without_reference(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    zero = np.zeros(len(offset))
    return solutions.offset_dpo(logp_chosen, logp_rejected, zero, zero, offset, beta)


@mutant(
    "offset_dpo",
    "the offset has the wrong sign: the chosen one would have to be *less* better where the rater said it is much better.",
)
def offset_added(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    return solutions.offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, -offset, beta)


@mutant(
    "offset_dpo",
    "the offset is multiplied by beta. It is a difference of rewards, like beta h: subtract it as it is.",
)
def offset_times_beta(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    return solutions.offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, beta * offset, beta)


@mutant(
    "offset_dpo",
    "the slope has sigmoid(z), not sigmoid(-z): pairs that are right already would pull most. Those that are wrong should.",
)
def pulls_where_it_is_right(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    loss, d, _ = solutions.offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta)
    d = -beta / len(offset) - d
    return [loss, d, -d]


@mutant("offset_dpo", "beta is missing in the gradient: z = beta h - offset, so dz / dlogp is beta.")
def slope_without_beta(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    loss, d, e = solutions.offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta)
    return [loss, d / beta, e / beta]


@mutant(
    "offset_dpo",
    "nothing flows to the rejected response. Both sides of a pair are moved, with opposite signs; a chosen one alone is supervised learning.",
)
def only_the_chosen(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    loss, d, e = solutions.offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta)
    return [loss, d, 0 * e]


# ---------------------------------------------------------------- 15.4 reward_from_policy


@mutant(
    "reward_from_policy",
    "one constant was used for all prompts. The constant is V(x) = beta log Z(x): each prompt has its own.",
)
def one_constant_for_all(log_pi, log_ref, beta, known, paid):
    r = beta * (log_pi - log_ref)
    return r - r[0, known[0]] + paid[0]


@mutant(
    "reward_from_policy",
    "the constant is missing: beta log(pi / ref) is r - V(x), not r.",
)
def without_the_constant(log_pi, log_ref, beta, known, paid):
    return beta * (log_pi - log_ref)


@mutant(
    "reward_from_policy", "the reference is forgotten: a response may be likely because ref says it often."
)
def reads_log_pi_alone(log_pi, log_ref, beta, known, paid):
    return solutions.reward_from_policy(log_pi, np.zeros(log_ref.shape), beta, known, paid)


@mutant(
    "reward_from_policy",
    "beta is missing. A policy with a small beta lies far from ref for the same rewards.",
)
def reads_without_beta(log_pi, log_ref, beta, known, paid):
    return solutions.reward_from_policy(log_pi, log_ref, 1.0, known, paid)


@mutant(
    "reward_from_policy",
    "the constant has the wrong sign: choose it such that the known response gets what it is worth.",
)
def constant_the_wrong_way(log_pi, log_ref, beta, known, paid):
    r = beta * (log_pi - log_ref)
    return r + r[np.arange(len(r)), known][:, None] - paid[:, None]


# ---------------------------------------------------------------- 15.5 best_margins


@mutant(
    "best_margins",
    "IPO does not regress the preference to 1/2. Its h is (p - 1/2) / beta, and 1 / (2 beta) is the margin of a preference that is certain.",
)
def regresses_to_a_half(p, beta, smoothing):
    return np.array([*solutions.best_margins(p, beta, smoothing)[:2], 0.5])


@mutant(
    "best_margins",
    "1 / (2 beta) is the target of every single answer. Where raters disagree, some answers ask for +, some for -: the best h lies between.",
)
def always_the_certain_margin(p, beta, smoothing):
    return np.array([*solutions.best_margins(p, beta, smoothing)[:2], 1 / (2 * beta)])


@mutant(
    "best_margins",
    "the conservative loss rests where sigmoid(beta h) is the *smoothed* probability, nearer to 1/2 than p.",
)
def smoothing_changes_nothing(p, beta, smoothing):
    dpo, _, ipo = solutions.best_margins(p, beta, smoothing)
    return np.array([dpo, dpo, ipo])


@mutant(
    "best_margins",
    "this divides by 1 - 2 smoothing: it is the loss that *undoes* flipped labels. The conservative one believes them less.",
)
def undoes_the_flips(p, beta, smoothing):
    dpo, _, ipo = solutions.best_margins(p, beta, smoothing)
    return np.array([dpo, solutions.best_margins(p, beta, -smoothing / (1 - 2 * smoothing))[1], ipo])


@mutant("best_margins", "h is multiplied by beta. beta h is what the raters decide, so h is that over beta.")
def times_beta(p, beta, smoothing):
    return solutions.best_margins(p, beta, smoothing) * beta**2


@mutant(
    "best_margins",
    "DPO's h has no end only for a preference that is certain, p = 1. Raters who disagree bound it: sigmoid(beta h) = p.",
)
def no_end(p, beta, smoothing):
    _, conservative, ipo = solutions.best_margins(p, beta, smoothing)
    return np.array([np.inf, conservative, ipo])


# ---------------------------------------------------------------- 15.6 one_step


@mutant(
    "one_step",
    "the logits are not log-probabilities: their normaliser moves too. What both responses have in common cancels, and a chosen log-probability may fall.",
)
def the_chosen_one_must_rise(phi, w, chosen, rejected, beta, lr):
    new = solutions.one_step(phi, w, chosen, rejected, beta, lr)[0]
    change = phi @ (new - w)
    return [new, float(change[chosen]), float(change[rejected])]


def after(phi, w, new, chosen, rejected):
    change = log_softmax(phi @ new) - log_softmax(phi @ w)
    return [new, float(change[chosen]), float(change[rejected])]


@mutant(
    "one_step",
    "this raises the likelihood of the chosen response: supervised learning. DPO moves the *difference*, along phi_chosen - phi_rejected.",
)
def imitates_the_chosen(phi, w, chosen, rejected, beta, lr):
    pi = np.exp(log_softmax(phi @ w))
    return after(phi, w, w + lr * beta * 0.5 * (phi[chosen] - pi @ phi), chosen, rejected)


@mutant(
    "one_step",
    "this lowers the likelihood of the rejected response and forgets the chosen one: whatever else gains is left to chance.",
)
def only_the_rejected(phi, w, chosen, rejected, beta, lr):
    pi = np.exp(log_softmax(phi @ w))
    return after(phi, w, w - lr * beta * 0.5 * (phi[rejected] - pi @ phi), chosen, rejected)


@mutant("one_step", "this goes uphill on the loss. Downhill, the chosen one gains on the rejected one.")
def uphill_on_the_loss(phi, w, chosen, rejected, beta, lr):
    return solutions.one_step(phi, w, chosen, rejected, beta, -lr)


@mutant("one_step", "the factor sigmoid(-beta h) is missing; at h = 0 it is 1/2.")
def without_the_half(phi, w, chosen, rejected, beta, lr):
    return solutions.one_step(phi, w, chosen, rejected, beta, 2 * lr)


@mutant("one_step", "beta is missing in the gradient: the loss looks at beta h.")
def step_without_beta(phi, w, chosen, rejected, beta, lr):
    return solutions.one_step(phi, w, chosen, rejected, 1.0, lr)


# ---------------------------------------------------------------- 15.7 loss_and_floor


@mutant(
    "loss_and_floor",
    "the floor is not 0: raters disagree, and who knows the reward still cannot tell their next answer. What a sample shows below the floor is overfitting.",
)
def a_floor_of_zero(log_pi, log_ref, reward, beta):
    return [solutions.loss_and_floor(log_pi, log_ref, reward, beta)[0], 0.0]


@mutant(
    "loss_and_floor",
    "each pair got the answer of the majority. A rater errs the more often, the nearer the rewards are.",
)
def raters_who_never_err(log_pi, log_ref, reward, beta):
    weight = np.exp(log_ref[:, None] + log_ref[None, :])
    sure = 0.5 + 0.5 * np.sign(np.round(reward[:, None] - reward[None, :], 12))
    said, knows = solutions.win_probability(log_pi, log_ref, beta), solutions._prefers(reward)
    return [solutions._cross_entropy(weight, sure, said), solutions._cross_entropy(weight, sure, knows)]


@mutant(
    "loss_and_floor",
    "the pairs were drawn from pi. DPO draws nothing: its pairs are the reference's, however far pi has gone.",
)
def pairs_of_the_policy(log_pi, log_ref, reward, beta):
    weight = np.exp(log_pi[:, None] + log_pi[None, :])
    p, said = solutions._prefers(reward), solutions.win_probability(log_pi, log_ref, beta)
    return [solutions._cross_entropy(weight, p, said), solutions._cross_entropy(weight, p, p)]


@mutant(
    "loss_and_floor",
    "all pairs were counted alike. A pair comes up as often as ref draws both of its responses.",
)
def every_pair_alike(log_pi, log_ref, reward, beta):
    N = len(reward)
    p, said = solutions._prefers(reward), solutions.win_probability(log_pi, log_ref, beta)
    weight = np.full((N, N), 1 / N**2)
    return [solutions._cross_entropy(weight, p, said), solutions._cross_entropy(weight, p, p)]


@mutant(
    "loss_and_floor",
    "pairs of a response with itself are left out. ref may draw the same twice; the rater tosses a coin, log 2.",
)
def no_pair_with_itself(log_pi, log_ref, reward, beta):
    ref = np.exp(log_ref)
    own = float((ref**2).sum() * np.log(2))
    return [x - own for x in solutions.loss_and_floor(log_pi, log_ref, reward, beta)]


# ---------------------------------------------------------------- 15.8 rank_and_imitate


@mutant(
    "rank_and_imitate",
    "the part that imitates is missing. Where the order is right nothing is left to learn, however rarely the policy says the best one.",
)
def only_the_order(logp, length, reward, margin):
    loss, gradient = solutions.rank_and_imitate(logp, length, reward, margin)
    best = np.argmax(reward)
    return [float(loss + logp[best]), gradient + (np.arange(len(logp)) == best)]


@mutant(
    "rank_and_imitate",
    "this imitates the response that the policy likes best. It should be the one that is worth most.",
)
def imitates_its_own_favourite(logp, length, reward, margin):
    loss, gradient = solutions.rank_and_imitate(logp, length, reward, margin)
    best, favourite = np.argmax(reward), np.argmax(logp / length)
    one = np.eye(len(logp))
    return [float(loss + logp[best] - logp[favourite]), gradient + one[best] - one[favourite]]


@mutant(
    "rank_and_imitate",
    "the sums over tokens were ranked: a long response would lose for its length. p is log pi / length.",
)
def ranks_sums(logp, length, reward, margin):
    return solutions.rank_and_imitate(logp, np.ones(len(logp)), reward, margin)


@mutant(
    "rank_and_imitate",
    "the order is upside down: what is worth *less* and has the larger p is in the wrong place.",
)
def punishes_the_better_one(logp, length, reward, margin):
    p, best = logp / length, int(np.argmax(reward))
    excess = p[:, None] - p[None, :] + margin
    wrong = (reward[:, None] > reward[None, :]) & (excess > 0)
    gradient = (wrong.sum(axis=1) - wrong.sum(axis=0)) / length
    gradient[best] -= 1
    return [float((excess * wrong).sum() - logp[best]), gradient]


@mutant(
    "rank_and_imitate",
    "p has a minus sign. p = log pi / length grows with the probability; turned round, the worse response is raised.",
)
def p_with_a_minus_sign(logp, length, reward, margin):
    rank = only_the_order(-logp, length, reward, margin)
    best = np.argmax(reward)
    return [rank[0] - float(logp[best]), -rank[1] - (np.arange(len(logp)) == best)]


@mutant(
    "rank_and_imitate",
    "each pair was multiplied by its difference in reward. RRHF looks at the order alone.",
)
def weighs_by_reward(logp, length, reward, margin):
    p, best = logp / length, int(np.argmax(reward))
    better = reward[None, :] - reward[:, None]
    excess = p[:, None] - p[None, :] + margin
    push = np.where((better > 0) & (excess > 0), better, 0.0)
    gradient = (push.sum(axis=1) - push.sum(axis=0)) / length
    gradient[best] -= 1
    return [float((excess * push).sum() - logp[best]), gradient]


@mutant("rank_and_imitate", "the margin has the wrong sign: a better one must stand *above* by that much.")
def margin_subtracted(logp, length, reward, margin):
    return solutions.rank_and_imitate(logp, length, reward, -margin)


# ---------------------------------------------------------------- 15.9 two_uphill_directions


@mutant(
    "two_uphill_directions",
    "both directions are the gradient of J. DPO and reinforcement learning share an optimum, where it can be reached, not a gradient.",
)
def one_gradient_for_both(phi, w, log_ref, reward, beta):
    of_J, _ = solutions.two_uphill_directions(phi, w, log_ref, reward, beta)
    return [of_J, of_J]


@mutant(
    "two_uphill_directions",
    "the pairs of DPO were drawn from pi. They are the reference's; only the gradient of J weighs by what pi says now.",
)
def dpo_draws_from_the_policy(phi, w, log_ref, reward, beta):
    of_J, _ = solutions.two_uphill_directions(phi, w, log_ref, reward, beta)
    log_pi = log_softmax(phi @ w)
    weight = np.exp(log_pi[:, None] + log_pi[None, :])
    pull = beta * weight * (solutions._prefers(reward) - solutions.win_probability(log_pi, log_ref, beta))
    return [of_J, (pull.sum(axis=1) - pull.sum(axis=0)) @ phi]


@mutant(
    "two_uphill_directions",
    "the price of J has the wrong sign: it pays for leaving the reference.",
)
def paid_for_leaving(phi, w, log_ref, reward, beta):
    log_pi = log_softmax(phi @ w)
    gain = reward + beta * (log_pi - log_ref)
    pi = np.exp(log_pi)
    return [
        (pi * (gain - pi @ gain)) @ phi,
        solutions.two_uphill_directions(phi, w, log_ref, reward, beta)[1],
    ]


@mutant(
    "two_uphill_directions",
    "the price is missing in the gradient of J: without it the best response takes everything.",
)
def reward_alone(phi, w, log_ref, reward, beta):
    pi = np.exp(log_softmax(phi @ w))
    of_J = (pi * (reward - pi @ reward)) @ phi
    return [of_J, solutions.two_uphill_directions(phi, w, log_ref, reward, beta)[1]]


@mutant(
    "two_uphill_directions",
    "this is downhill on -loss: the direction in which DPO's loss *rises*.",
)
def uphill_on_dpo(phi, w, log_ref, reward, beta):
    of_J, of_loss = solutions.two_uphill_directions(phi, w, log_ref, reward, beta)
    return [of_J, -of_loss]


@mutant(
    "two_uphill_directions",
    "this prices KL(ref || pi). J has KL(pi || ref), where pi is what the mean is taken over.",
)
def the_other_divergence(phi, w, log_ref, reward, beta):
    pi, ref = np.exp(log_softmax(phi @ w)), np.exp(log_ref)
    of_J = (pi * (reward - pi @ reward) + beta * (ref - pi)) @ phi
    return [of_J, solutions.two_uphill_directions(phi, w, log_ref, reward, beta)[1]]
