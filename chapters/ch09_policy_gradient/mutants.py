"""Wrong answers of chapter 9. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch09_policy_gradient import solutions
from chapters.harness import mutant
from rlcore.numerics import softmax

# ---------------------------------------------------------------- 9.1 step_weights


def _weights(reward, weight):
    """w_t = sum over k of weight(t, k) r_k."""
    T = len(reward)
    return [sum(weight(t, k) * reward[k] for k in range(T)) for t in range(T)]


@mutant(
    "step_weights",
    "the exponent is t - k for rewards that come later, k > t: the further away, the more they count. It is k - t.",
)
def the_exponent_upside_down(reward, gamma):
    return _weights(reward, lambda t, k: gamma**t * (k >= t) * gamma ** (t - k))


@mutant(
    "step_weights", "the exponents do not grow: every later reward is discounted once. They are 0, 1, 2, ..."
)
def one_exponent_for_all(reward, gamma):
    return _weights(reward, lambda t, k: gamma**t * (k >= t) * (1 if k == t else gamma))


@mutant(
    "step_weights",
    "gamma^t is missing. Then late steps count as early ones, and the mean is not the gradient of the discounted return.",
)
def without_gamma_t(reward, gamma):
    return _weights(reward, lambda t, k: (k >= t) * gamma ** float(k - t))


@mutant(
    "step_weights",
    "this is the full return for every step. Right on average, but a step cannot earn what was paid before it.",
)
def pays_for_the_past(reward, gamma):
    return _weights(reward, lambda t, k: gamma**k)


@mutant(
    "step_weights", "the sum begins a step too late: reward[t] is what action[t] brought, and belongs to G_t."
)
def forgets_its_own_reward(reward, gamma):
    return _weights(reward, lambda t, k: (k > t) * gamma**k)


@mutant("step_weights", "this sums the rewards up to t, the past. Reward-to-go is what comes from t on.")
def looks_back(reward, gamma):
    return _weights(reward, lambda t, k: (k <= t) * gamma**k)


# ---------------------------------------------------------------- 9.2 linear_score


@mutant(
    "linear_score",
    "x @ theta is used as if it were a distribution. Those are logits, any real numbers: take their softmax first.",
)
def takes_logits_for_probabilities(theta, x, action):
    return np.outer(x, np.eye(theta.shape[1])[action] - x @ theta)


@mutant(
    "linear_score",
    "there is a '1 +' in the denominator of the softmax, so the probabilities do not sum to 1.",
)
def one_more_in_the_denominator(theta, x, action):
    e = np.exp(x @ theta)
    return np.outer(x, np.eye(len(e))[action] - e / (1 + e.sum()))


@mutant(
    "linear_score",
    "only the action taken moves. The softmax ties the actions together: the others get -pi(b) x.",
)
def moves_the_taken_action_alone(theta, x, action):
    score = solutions.linear_score(theta, x, action)
    return score * np.eye(theta.shape[1])[action]


@mutant("linear_score", "this is the gradient of pi. Divide by pi(action): that is what the logarithm does.")
def forgets_the_logarithm(theta, x, action):
    return softmax(x @ theta)[action] * solutions.linear_score(theta, x, action)


@mutant("linear_score", "the sign: this makes the action taken less probable. It is 1[a = b] - pi(b).")
def pushes_the_other_way(theta, x, action):
    return -solutions.linear_score(theta, x, action)


@mutant("linear_score", "the features are missing: this is the score for x = 1, a bandit's.")
def does_not_look(theta, x, action):
    return solutions.linear_score(theta, x, action) / x[:, None]


# ---------------------------------------------------------------- 9.3 batch_loss


@mutant(
    "batch_loss",
    "the sign: this is an objective, to be maximised. An optimiser that minimises it makes the policy worse.",
)
def an_objective_called_a_loss(logits, action, advantage):
    loss, grad = solutions.batch_loss(logits, action, advantage)
    return [-loss, -grad]


@mutant("batch_loss", "this is the sum over the batch. The loss is a mean: divide by B.")
def sums_the_batch(logits, action, advantage):
    loss, grad = solutions.batch_loss(logits, action, advantage)
    return [len(action) * loss, len(action) * grad]


@mutant(
    "batch_loss",
    "logits are taken for log-probabilities: the softmax's denominator is missing, and with it what the others lose.",
)
def no_softmax(logits, action, advantage):
    B = len(action)
    grad = -np.eye(logits.shape[1])[action] * advantage[:, None] / B
    return [float(-np.mean(advantage * logits[np.arange(B), action])), grad]


@mutant(
    "batch_loss",
    "this is -mean(A pi), without the logarithm. Its gradient weighs each action by its probability once more.",
)
def without_the_logarithm(logits, action, advantage):
    B, pi = len(action), softmax(logits)
    taken = pi[np.arange(B), action]
    grad = (pi - np.eye(logits.shape[1])[action]) * (advantage * taken)[:, None] / B
    return [float(-np.mean(advantage * taken)), grad]


@mutant("batch_loss", "every row has the same weight. Its advantage says how much, and in which direction.")
def copies_what_was_done(logits, action, advantage):
    return solutions.batch_loss(logits, action, np.ones(len(action)))


@mutant(
    "batch_loss",
    "the advantages are standardised. That changes the length of the gradient, and by their mean its direction.",
)
def standardises(logits, action, advantage):
    return solutions.batch_loss(logits, action, (advantage - advantage.mean()) / (advantage.std() + 1e-8))


# ---------------------------------------------------------------- 9.4 reinforce_updates


def _updates(theta, episodes, alpha, weights):
    for state, action, reward in episodes:
        theta = theta + alpha * solutions._estimate(theta, state, action, np.asarray(weights(reward), float))
    return theta


@mutant(
    "reinforce_updates",
    "every episode is used twice. After the first step it is the episode of another policy: draw a new one.",
)
def uses_old_data_again(theta, episodes, alpha, gamma):
    return solutions.reinforce_updates(theta, [e for e in episodes for _ in range(2)], alpha, gamma)


@mutant("reinforce_updates", "the sign is that of a loss. The performance is to rise: add the estimate.")
def descends(theta, episodes, alpha, gamma):
    return solutions.reinforce_updates(theta, episodes, -alpha, gamma)


@mutant(
    "reinforce_updates", "the step size is forgotten: a whole gradient at once is too far. Multiply by alpha."
)
def forgets_the_step_size(theta, episodes, alpha, gamma):
    return solutions.reinforce_updates(theta, episodes, 1.0, gamma)


@mutant("reinforce_updates", "gamma^t is missing: this is not the gradient of the discounted return.")
def leaves_out_gamma_t(theta, episodes, alpha, gamma):
    return _updates(theta, episodes, alpha, lambda reward: without_gamma_t(reward, gamma))


@mutant(
    "reinforce_updates",
    "each action is weighed by its own reward alone. What it led to later counts as well.",
)
def shortsighted(theta, episodes, alpha, gamma):
    return _updates(theta, episodes, alpha, lambda reward: gamma ** np.arange(len(reward)) * reward)


@mutant("reinforce_updates", "rewards that came before a step weigh its score. Use the reward-to-go.")
def uses_the_full_return(theta, episodes, alpha, gamma):
    return _updates(theta, episodes, alpha, lambda reward: pays_for_the_past(reward, gamma))


@mutant(
    "reinforce_updates", "the estimate is a sum over the steps, not their mean: long episodes weigh more."
)
def averages_over_steps(theta, episodes, alpha, gamma):
    return _updates(
        theta, episodes, alpha, lambda reward: solutions.step_weights(reward, gamma) / len(reward)
    )


@mutant(
    "reinforce_updates",
    "all scores are those of the first policy. Each episode was walked by the theta after the one before.",
)
def never_looks_at_theta_again(theta, episodes, alpha, gamma):
    moves = [solutions.reinforce_updates(theta, [episode], alpha, gamma) - theta for episode in episodes]
    return theta + sum(moves)


@mutant(
    "reinforce_updates",
    "theta moves within the episode, so its later scores are those of a policy that did not walk it. Add up, then step.",
)
def moves_while_it_adds(theta, episodes, alpha, gamma):
    for state, action, reward in episodes:
        for t, weight in enumerate(solutions.step_weights(reward, gamma)):
            theta = theta + alpha * solutions._estimate(theta, state[[t]], action[[t]], weight[None])
    return theta


@mutant(
    "reinforce_updates",
    "g[state] += ... keeps the last of several visits to a state and drops the others: np.add.at, or a loop.",
)
def drops_visits(theta, episodes, alpha, gamma):
    for state, action, reward in episodes:
        g = np.zeros(theta.shape)
        g[state] += solutions.step_weights(reward, gamma)[:, None] * (
            np.eye(theta.shape[1])[action] - softmax(theta[state])
        )
        theta = theta + alpha * g
    return theta


# ---------------------------------------------------------------- 9.5 reinforce_with_baseline


def _both(theta, V, episodes, alpha, alpha_V, gamma, gap, late=False, weigh_V=False):
    """The learner with another gap (G, V, s, a) -> (T,) in theta's step, or V's steps first, or with gamma^t."""
    V = V.copy()
    for state, action, reward in episodes:
        discount = gamma ** np.arange(len(reward))
        G, V_old = solutions.step_weights(reward, gamma) / discount, V.copy()
        for t, s in enumerate(state):
            V[s] += alpha_V * (discount[t] if weigh_V else 1.0) * (G[t] - V[s])
        weight = gap(G, V if late else V_old, state, discount)
        theta = theta + alpha * solutions._estimate(theta, state, action, weight)
    return [theta, V]


@mutant(
    "reinforce_with_baseline",
    "V learns first and is subtracted afterwards. Then the baseline knows the action's own return: that is a bias.",
)
def baseline_that_has_seen_the_answer(theta, V, episodes, alpha, alpha_V, gamma):
    return _both(theta, V, episodes, alpha, alpha_V, gamma, lambda G, V, s, d: d * (G - V[s]), late=True)


@mutant("reinforce_with_baseline", "V is learned and never used: subtract it from the return.")
def learns_and_does_not_use(theta, V, episodes, alpha, alpha_V, gamma):
    return _both(theta, V, episodes, alpha, alpha_V, gamma, lambda G, V, s, d: d * G)


@mutant(
    "reinforce_with_baseline", "the baseline is added. It is subtracted: what counts is better than expected."
)
def adds_the_baseline(theta, V, episodes, alpha, alpha_V, gamma):
    return _both(theta, V, episodes, alpha, alpha_V, gamma, lambda G, V, s, d: d * (G + V[s]))


@mutant(
    "reinforce_with_baseline",
    "gamma^t multiplies G_t alone. Both are discounted from step t to the start: gamma^t (G_t - V(s_t)).",
)
def discounts_one_of_the_two(theta, V, episodes, alpha, alpha_V, gamma):
    return _both(theta, V, episodes, alpha, alpha_V, gamma, lambda G, V, s, d: d * G - V[s])


@mutant(
    "reinforce_with_baseline",
    "V's steps carry gamma^t. V is a regression of returns on states; only theta's step has the factor.",
)
def discounts_the_regression(theta, V, episodes, alpha, alpha_V, gamma):
    return _both(theta, V, episodes, alpha, alpha_V, gamma, lambda G, V, s, d: d * (G - V[s]), weigh_V=True)


@mutant(
    "reinforce_with_baseline",
    "V learns between the steps of an episode: at the later ones it has seen the return that it is subtracted from.",
)
def learns_between_the_steps(theta, V, episodes, alpha, alpha_V, gamma):
    V = V.copy()
    for state, action, reward in episodes:
        discount = gamma ** np.arange(len(reward))
        gap = solutions.step_weights(reward, gamma) / discount
        for t, s in enumerate(state):
            gap[t] -= V[s]
            V[s] += alpha_V * gap[t]
        theta = theta + alpha * solutions._estimate(theta, state, action, discount * gap)
    return [theta, V]


@mutant(
    "reinforce_with_baseline",
    "V's steps all begin at the V before the episode. They come one after the other: the second visit sees the first.",
)
def regresses_at_once(theta, V, episodes, alpha, alpha_V, gamma):
    for state, action, reward in episodes:
        theta, _ = solutions.reinforce_with_baseline(
            theta, V, [[state, action, reward]], alpha, alpha_V, gamma
        )
        V, V_old = V.copy(), V
        G = solutions.step_weights(reward, gamma) / gamma ** np.arange(len(reward))
        np.add.at(V, state, alpha_V * (G - V_old[state]))
    return [theta, V]


# ---------------------------------------------------------------- 9.6 baseline_bias


@mutant(
    "baseline_bias",
    "a baseline is not always free. sum_a pi(a) d log pi(a) = 0 helps only where b can be taken out of the sum.",
)
def never_biased(theta, b):
    return np.zeros(len(theta))


@mutant("baseline_bias", "the sign: the baseline is subtracted, so what it adds to the gradient is lost.")
def the_other_sign(theta, b):
    return -solutions.baseline_bias(theta, b)


@mutant(
    "baseline_bias",
    "only the action's own b is counted. Each draw moves all preferences: subtract the mean of b under pi.",
)
def forgets_the_others(theta, b):
    return -softmax(theta) * b


@mutant("baseline_bias", "the actions are weighed alike. They are drawn from pi.")
def draws_actions_alike(theta, b):
    pi, A = softmax(theta), len(theta)
    return -(b - b.sum() * pi) / A


@mutant("baseline_bias", "the plain mean of b is subtracted. It is the mean under pi that the scores leave.")
def plain_mean(theta, b):
    return -softmax(theta) * (b - b.mean())


# ---------------------------------------------------------------- 9.7 exact_gradient


def _exact(P, R, gamma, start, theta, visits=None, weight=None):
    """The theorem with other visits (P_pi -> (S,)), or another weight (Q, V, R, pi) in A's place."""
    pi = softmax(theta)
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), (pi * R).sum(axis=1)
    leak = np.eye(len(P)) - gamma * P_pi
    V = np.linalg.solve(leak, r_pi)
    Q = R + gamma * P @ V
    d = np.linalg.solve(leak.T, start) if visits is None else visits(P_pi)
    A = Q - V[:, None] if weight is None else weight(Q, V, r_pi)
    return d[:, None] * pi * A


@mutant(
    "exact_gradient",
    "states are weighed by their share of a long walk. J counts from the start, and discounts: d = start + gamma P^T d.",
)
def by_the_share_of_time(P, R, gamma, start, theta):
    return _exact(P, R, gamma, start, theta, lambda P_pi: np.linalg.matrix_power(P_pi, 2000)[0] / (1 - gamma))


@mutant("exact_gradient", "the visits are normalised: they sum to 1. In J they sum to 1 / (1 - gamma).")
def normalises_the_visits(P, R, gamma, start, theta):
    return (1 - gamma) * _exact(P, R, gamma, start, theta)


@mutant(
    "exact_gradient",
    "Q stands in the place of the advantage. With the score that would be the same; here the score has been summed.",
)
def value_for_advantage(P, R, gamma, start, theta):
    return _exact(P, R, gamma, start, theta, weight=lambda Q, V, r_pi: Q)


@mutant(
    "exact_gradient",
    "the advantage is R(s, a) minus its mean, without the future. Q holds what comes after the reward.",
)
def without_the_future(P, R, gamma, start, theta):
    return _exact(P, R, gamma, start, theta, weight=lambda Q, V, r_pi: R - r_pi[:, None])


@mutant(
    "exact_gradient", "only the start is counted. A change of the policy acts in every state that is visited."
)
def first_step_only(P, R, gamma, start, theta):
    return _exact(P, R, gamma, start, theta, lambda P_pi: start)


@mutant("exact_gradient", "every state counts alike. One that is hardly visited cannot change much.")
def every_state_alike(P, R, gamma, start, theta):
    return _exact(P, R, gamma, start, theta, lambda P_pi: np.full(len(P), 1 / len(P) / (1 - gamma)))


@mutant(
    "exact_gradient",
    "the visits run backwards: d = start + gamma P_pi^T d. Without the transpose it is a value.",
)
def visits_without_transpose(P, R, gamma, start, theta):
    return _exact(
        P, R, gamma, start, theta, lambda P_pi: np.linalg.solve(np.eye(len(P)) - gamma * P_pi, start)
    )


# ---------------------------------------------------------------- 9.8 leave_one_out


@mutant(
    "leave_one_out",
    "the mean includes the episode itself, so the baseline knows its return: the gradient shrinks by (N - 1) / N.",
)
def includes_itself(score, G):
    return (G - G.mean()) @ score / len(G)


@mutant(
    "leave_one_out",
    "the returns are standardised. The spread of the batch then sets the length of the gradient.",
)
def divides_by_the_spread(score, G):
    return (G - G.mean()) / G.std() @ score / len(G)


@mutant("leave_one_out", "there is no baseline. Right on average, but with all the noise.")
def no_baseline(score, G):
    return G @ score / len(G)


@mutant("leave_one_out", "this is the sum over the episodes. Divide by N.")
def sum_of_episodes(score, G):
    return len(G) * solutions.leave_one_out(score, G)


@mutant("leave_one_out", "the sum of the others is divided by N. There are N - 1 of them.")
def divides_by_all(score, G):
    return (G - (G.sum() - G) / len(G)) @ score / len(G)


# ---------------------------------------------------------------- 9.9 natural_direction


@mutant("natural_direction", "this is the plain gradient. Solve F x = grad.")
def plain_gradient(X, theta, visits, advantage):
    pi = softmax(X @ theta)
    return X.T @ (visits[:, None] * pi * (advantage - (pi * advantage).sum(axis=1, keepdims=True)))


@mutant(
    "natural_direction",
    "F weighs states by visits that sum to more than 1. It is a mean: use their shares.",
)
def fisher_without_shares(X, theta, visits, advantage):
    return solutions.natural_direction(X, theta, visits, advantage) / visits.sum()


@mutant(
    "natural_direction",
    "F weighs the actions alike. It is the mean of g g^T over what the policy does: weigh by pi.",
)
def actions_alike(X, theta, visits, advantage):
    (S, A), pi = advantage.shape, softmax(X @ theta)
    g = (X[:, None, :, None] * (np.eye(A) - pi[:, None, :])[:, :, None, :]).reshape(S, A, -1)
    F = np.einsum("s,sai,saj->ij", visits / visits.sum() / A, g, g)
    grad = plain_gradient(X, theta, visits, advantage).ravel()
    return (np.linalg.pinv(F, rcond=1e-10, hermitian=True) @ grad).reshape(theta.shape)


@mutant(
    "natural_direction",
    "only the diagonal of F is inverted. That rescales each parameter alone, as Adam does; F also knows which belong together.",
)
def diagonal_only(X, theta, visits, advantage):
    A, pi = theta.shape[1], softmax(X @ theta)
    square = (np.eye(A) - pi[:, None, :]) ** 2
    diagonal = np.einsum("s,sa,sd,sab->db", visits / visits.sum(), pi, X**2, square)
    return plain_gradient(X, theta, visits, advantage) / diagonal


# ---------------------------------------------------------------- 9.10 estimate_moments


@mutant(
    "estimate_moments", "this is the mean of the squares. The variance is that less the square of the mean."
)
def second_moment(P, R, gamma, start, theta, horizon):
    mean, variance = solutions.estimate_moments(P, R, gamma, start, theta, horizon)
    return [mean, variance + float((mean**2).sum())]


@mutant("estimate_moments", "every start counts alike. Episodes begin as `start` says.")
def any_start(P, R, gamma, start, theta, horizon):
    return solutions.estimate_moments(P, R, gamma, np.full(len(P), 1 / len(P)), theta, horizon)


@mutant("estimate_moments", "the rewards are not discounted: a reward at time k carries gamma^k.")
def undiscounted(P, R, gamma, start, theta, horizon):
    return solutions.estimate_moments(P, R, 1.0, start, theta, horizon)


def _variant(P, R, gamma, start, theta, horizon, weight):
    """Moments with the weight (rewards r, gamma) -> (T,) of the scores."""
    pi, (S, A) = softmax(theta), theta.shape
    mean, square = np.zeros((S, A)), np.zeros((S, A))

    def go_on(s, p, steps):
        nonlocal mean, square
        if len(steps) == horizon:
            state, action = np.array(steps).T
            x = solutions._estimate(theta, state, action, np.array(weight(R[state, action], gamma), float))
            mean, square = mean + p * x, square + p * x * x
            return
        for a in range(A):
            for s_next in range(S):
                go_on(s_next, p * pi[s, a] * P[s, a, s_next], [*steps, (s, a)])

    for s in range(S):
        go_on(s, start[s], [])
    return [mean, float((square - mean**2).sum())]


@mutant("estimate_moments", "gamma^t is missing in front of G_t: late steps count too much.")
def moments_without_gamma_t(P, R, gamma, start, theta, horizon):
    return _variant(P, R, gamma, start, theta, horizon, without_gamma_t)


@mutant(
    "estimate_moments",
    "this is the full return: the mean is right, the variance is not. A reward multiplies the scores up to its time.",
)
def moments_of_the_full_return(P, R, gamma, start, theta, horizon):
    return _variant(P, R, gamma, start, theta, horizon, pays_for_the_past)
