"""Exact evaluators: against each other, against brute force, against samples; gradient estimators, enumerated."""

from functools import partial

import numpy as np
import pytest

from rlcore.exact.regularised import (
    divergence,
    kl_optimal_policy,
    regularised_performance,
    soft_optimal_value,
)
from rlcore.exact.values import optimal_value
from rlcore.learning.kl import k1, k2, k3
from rlcore.learning.preferences import bradley_terry, dpo, ipo
from rlcore.lm.evaluate import (
    as_trie,
    entropy,
    expectation,
    gradient_moments,
    near_reference,
    no_judge,
    performance_gradient,
    prefix_value,
    responses,
    reward_alone,
    scores,
    token_advantage,
    token_price,
    tokens,
    win_rate,
)
from rlcore.lm.models import bigram, mlp_model, sequence_logp, token_logp, trie
from rlcore.lm.population import accuracy, bayes_loss, fisher_information, pair_weights, population_loss
from rlcore.lm.sampling import sample
from rlcore.lm.sft import fit_by_counting
from rlcore.lm.tasks import WEIGHTS, features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.numerics import finite_difference

TASK = preference_task()
TOY, TREE = TASK.language, Tree(TASK.language)
REF = reference(TOY)
REWARD, LOG_REF = TASK.table(TREE), responses(REF, TREE)
X, N, L = 3, 85, 3


def perturbed(seed=0):
    """The reference as a trie, with noise on every row."""
    model = as_trie(REF, TREE)
    model.params["theta"] += np.random.default_rng(seed).normal(0, 0.5, model.params["theta"].shape)
    return model


MODELS = {"trie": perturbed(), "mlp": mlp_model(TOY, np.random.default_rng(1), hidden=5, last_gain=2.0)}
MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
BETAS = pytest.mark.parametrize("beta", [0.05, 0.2, 1.0])


# ---------------------------------------------------------------- the identity of the whole chapter


@MODEL
@BETAS
def test_what_a_policy_lacks_is_its_distance_from_the_optimum(model, beta):
    """J(pi) = V - beta KL(pi || pi*)."""
    log_pi = responses(model, TREE)
    best, V = kl_optimal_policy(LOG_REF, REWARD, beta)
    J = regularised_performance(log_pi, LOG_REF, REWARD, beta)
    np.testing.assert_allclose(J, V - beta * divergence(log_pi, best), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        J, expectation(log_pi, REWARD) - beta * divergence(log_pi, LOG_REF), atol=1e-12
    )


@MODEL
@BETAS
def test_the_value_of_saying_nothing_yet_is_the_performance(model, beta):
    """A price on each token and the score on the last: V(empty prefix) = J(pi), without a discount."""
    log_token, log_token_ref = tokens(model, TREE), tokens(REF, TREE)
    reward = TREE.token_reward(REWARD) + token_price(log_token, log_token_ref, beta)
    V = prefix_value(TREE, log_token, reward)
    J = regularised_performance(responses(model, TREE), LOG_REF, REWARD, beta)
    np.testing.assert_allclose(V[:, 0], J, rtol=0, atol=1e-12)


@BETAS
def test_soft_values_of_the_tree_are_those_of_its_leaves(beta):
    """Token by token or all at once: the same optimum, beta log Z."""
    mdp = TREE.mdp(TREE.token_reward(REWARD))
    ref = np.vstack([np.exp(tokens(REF, TREE)).reshape(-1, 5), np.full((1, 5), 0.2)])
    V = soft_optimal_value(mdp, ref, beta)
    np.testing.assert_allclose(
        V[[0, 21, 42]], kl_optimal_policy(LOG_REF, REWARD, beta)[1], rtol=0, atol=1e-12
    )
    assert (optimal_value(mdp) >= V - 1e-12).all()


@MODEL
def test_judges_say_what_the_tables_say(model):
    log_pi = responses(model, TREE)
    _, V = kl_optimal_policy(LOG_REF, REWARD, 0.2)
    said = near_reference(TREE, LOG_REF, REWARD, 0.2)(model)
    assert said["performance"] == pytest.approx(
        regularised_performance(log_pi, LOG_REF, REWARD, 0.2).mean(), abs=1e-13
    )
    assert said["distance"] == pytest.approx((V.mean() - said["performance"]) / 0.2, abs=1e-12)
    assert said["exact_kl"] == pytest.approx(divergence(log_pi, LOG_REF).mean(), abs=1e-13)
    r = expectation(log_pi, REWARD)
    alone = reward_alone(TREE, REWARD)(model)
    assert alone == {"exact_reward": r.mean(), "worst": r.min(), "entropy": entropy(log_pi).mean()}
    assert said["exact_reward"] == alone["exact_reward"] > alone["worst"]
    assert no_judge(model) == {}


# ---------------------------------------------------------------- values and advantages of tokens


@MODEL
def test_prefix_values_by_summing_over_responses(model):
    """V(prefix) = sum over the responses that begin so of pi(y | prefix) times what is still to be paid."""
    log_token, number = tokens(model, TREE), TOY.prefix(TREE.response)
    reward = TREE.token_reward(REWARD) + token_price(log_token, tokens(REF, TREE), 0.3)
    V = prefix_value(TREE, log_token, reward)
    want = np.zeros((X, TREE.n_prefixes))
    for x, n in np.ndindex(X, N):
        row, length = TREE.response[n], TREE.length[n]
        step = [(x, number[n, t], row[t]) for t in range(length)]
        for t in range(length):
            p = np.exp(sum(log_token[s] for s in step[t:]))
            want[x, number[n, t]] += p * sum(reward[s] for s in step[t:])
    np.testing.assert_allclose(V, want, rtol=0, atol=1e-12)
    A = token_advantage(TREE, log_token, reward)
    np.testing.assert_allclose((np.exp(log_token) * A).sum(axis=-1), 0, atol=1e-12)
    last = A[0, 5, 4]  # an end after the sixth prefix: what it pays, less the value
    assert last == pytest.approx(reward[0, 5, 4] - V[0, 5], abs=1e-12)


def test_the_score_on_a_pad_is_a_score_nobody_gets():
    """Paid only to responses that fill the row, as if it stood in the last column: V is not J."""
    log_token = tokens(REF, TREE)
    wrong = np.where(TREE.length == 3, REWARD, 0.0)
    V = prefix_value(TREE, log_token, TREE.token_reward(wrong))[:, 0]
    assert (np.abs(V - expectation(LOG_REF, REWARD)) > 0.05).all()


# ---------------------------------------------------------------- whole responses


@MODEL
def test_the_same_policy_as_a_trie(model):
    table = as_trie(model, TREE)
    np.testing.assert_allclose(responses(table, TREE), responses(model, TREE), rtol=0, atol=1e-13)
    assert not np.shares_memory(table.params["theta"], next(iter(model.params.values())))


@pytest.mark.parametrize("table", [responses, tokens, as_trie])
def test_a_tree_of_another_language(table):
    with pytest.raises(ValueError, match="tree holds the responses of"):
        table(REF, Tree(preference_task(4).language))


def test_what_is_never_said_adds_nothing():
    """To an entropy, or to the gradient of J: prompts answered by counting, all but three responses impossible."""
    with np.errstate(divide="ignore"):
        assert entropy(np.log([[0.5, 0.5, 0.0]])) == pytest.approx(np.log(2), abs=1e-15)
    model = bigram(TOY)
    fit_by_counting(model, np.arange(3).repeat(2), TOY.batch(["aa.", "a.", "bb.", "b.", "cc.", "c."]))
    J, grads = performance_gradient(model, TREE, LOG_REF, REWARD, 0.2)
    log_pi = responses(model, TREE)
    assert J == pytest.approx(regularised_performance(log_pi, LOG_REF, REWARD, 0.2).mean(), abs=1e-12)
    impossible = np.isneginf(model.params["theta"])
    assert impossible.any()
    assert not grads["theta"][impossible].any()
    assert np.isfinite(grads["theta"]).all()
    assert np.abs(grads["theta"]).max() > 1e-3


def test_what_is_never_said_is_never_charged():
    """The value of the empty prefix is -beta KL(pi || ref), although most tokens are impossible."""
    model = bigram(TOY)
    fit_by_counting(model, np.arange(3).repeat(2), TOY.batch(["aa.", "a.", "bb.", "b.", "cc.", "c."]))
    log_token, log_pi = tokens(model, TREE), responses(model, TREE)
    assert np.isneginf(log_token).any()
    with np.errstate(all="raise"):
        price = token_price(log_token, tokens(REF, TREE), 0.2)
    V = prefix_value(TREE, log_token, price)
    np.testing.assert_allclose(V[:, 0], -0.2 * divergence(log_pi, LOG_REF), rtol=0, atol=1e-12)
    assert (V[:, 0] < -0.1).all()


def test_a_win_rate_by_hand():
    """Rewards 1 and 0, pi (3/4, 1/4) against a coin: 3/4 (1/2 + s) / 2 + 1/4 (1 - s + 1/2) / 2,  s = sigmoid(1)."""
    wins = win_rate(np.log([[0.75, 0.25]]), np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]))
    assert wins == pytest.approx(0.5577646447, abs=1e-9)


def test_win_rates():
    np.testing.assert_allclose(win_rate(LOG_REF, LOG_REF, REWARD), 0.5, atol=1e-15)
    log_pi = responses(MODELS["trie"], TREE)
    wins = win_rate(log_pi, LOG_REF, REWARD)
    np.testing.assert_allclose(win_rate(LOG_REF, log_pi, REWARD), 1 - wins, atol=1e-14)
    np.testing.assert_allclose(win_rate(log_pi, LOG_REF, REWARD + 7.0), wins, atol=1e-13)


@MODEL
def test_the_gradient_of_the_performance(model):
    J, grads = performance_gradient(model, TREE, LOG_REF, REWARD, 0.2)
    assert J == pytest.approx(
        regularised_performance(responses(model, TREE), LOG_REF, REWARD, 0.2).mean(), abs=1e-12
    )
    for name, w in model.params.items():
        slope = finite_difference(lambda: performance_gradient(model, TREE, LOG_REF, REWARD, 0.2)[0], w)
        np.testing.assert_allclose(grads[name], slope, rtol=0, atol=1e-8)
        assert np.abs(slope).max() > 1e-3


def test_at_the_optimum_the_gradient_is_zero():
    """The Gibbs policy is a trie: its tokens are the conditional probabilities of its responses."""
    best, V = kl_optimal_policy(LOG_REF, REWARD, 0.2)
    model = trie_of(best)
    np.testing.assert_allclose(responses(model, TREE), best, rtol=0, atol=1e-12)
    J, grads = performance_gradient(model, TREE, LOG_REF, REWARD, 0.2)
    assert J == pytest.approx(V.mean(), abs=1e-12)
    assert np.abs(grads["theta"]).max() < 1e-14


def trie_of(log_pi):
    """A trie with these probabilities of responses: each token's weight is the sum of those that go on with it."""
    mass = np.zeros((X, TREE.n_prefixes, 5))
    number = TOY.prefix(TREE.response)
    for n in range(N):
        for t in range(TREE.length[n]):
            mass[:, number[n, t], TREE.response[n, t]] += np.exp(log_pi[:, n])
    model = trie(TOY)
    model.params["theta"][...] = np.log(mass)
    return model


def test_a_model_in_float32_has_the_same_tables():
    """Its rounding is taken out before anything is summed up: probabilities sum to 1 as those in float64 do."""
    model = mlp_model(TOY, np.random.default_rng(8), hidden=5, last_gain=2.0, dtype=np.float32)
    log_pi, log_token = responses(model, TREE), tokens(model, TREE)
    assert log_pi.dtype == log_token.dtype == np.float64
    np.testing.assert_allclose(np.exp(log_pi).sum(axis=1), 1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.exp(log_token).sum(axis=-1), 1, rtol=0, atol=1e-14)
    assert (divergence(log_pi, LOG_REF) > 0.1).all()


def test_samples_agree():
    """Reward, length, entropy and divergence from 20,000 samples, |z| <= 4: one seed in 3,000 would fail."""
    model, log_pi = MODELS["trie"], responses(MODELS["trie"], TREE)
    prompt = np.ones(20_000, int)
    response, _ = sample(model, prompt, np.random.default_rng(3))
    logp, ref = sequence_logp(model, prompt, response)[0], sequence_logp(REF, prompt, response)[0]
    seen = [
        TASK.reward(prompt, response),
        TOY.counts(response).sum(axis=1),
        -logp,
        k1(logp, ref),
        k3(logp, ref),
    ]
    kl = divergence(log_pi, LOG_REF)
    exact = [expectation(log_pi, REWARD), expectation(log_pi, TREE.length), entropy(log_pi), kl, kl]
    for sampled, value in zip(seen, exact, strict=True):
        assert abs(sampled.mean() - value[1]) <= 4 * sampled.std() / np.sqrt(20_000)


# ---------------------------------------------------------------- estimators of gradients, by enumeration

SMALL = preference_task(2)
TREE2 = Tree(SMALL.language)


def small():
    """Two tokens at most, so that every score fits: a bigram with noise, its scores, its tables."""
    model = reference(SMALL.language)
    model.params["theta"] += np.random.default_rng(4).normal(0, 0.5, model.params["theta"].shape)
    log_ref = responses(reference(SMALL.language), TREE2)
    return model, responses(model, TREE2), log_ref, SMALL.table(TREE2), scores(model, TREE2)


def over_tokens(table):
    """The same weight for each token of a response.   (X, N) -> (X, N, L)"""
    return np.repeat(table[:, :, None], 2, axis=2)


def test_scores_by_differences():
    model, _, _, _, score = small()
    prompt, response = TREE2.everything()
    b, t = 40, 1
    theta = model.params["theta"]
    slope = finite_difference(lambda: token_logp(model, prompt, response)[0][b, t], theta)
    np.testing.assert_allclose(score.reshape(-1, 2, theta.size)[b, t], slope.ravel(), atol=1e-9)


def test_every_baseline_has_the_same_mean_and_the_best_has_less_variance():
    """REINFORCE with the whole regularised reward, without and with the baseline J, and its exact gradient."""
    model, log_pi, log_ref, reward, score = small()
    J, grads = performance_gradient(model, TREE2, log_ref, reward, 0.2)
    gain = reward - 0.2 * (log_pi - log_ref)
    exact = grads["theta"].ravel()
    spread = {}
    for name, baseline in {"none": 0.0, "J": J, "bad": -5.0}.items():
        mean, covariance = gradient_moments(log_pi, score, over_tokens(gain - baseline))
        np.testing.assert_allclose(mean, exact, rtol=0, atol=1e-14)
        spread[name] = np.trace(covariance)
    assert spread["J"] < spread["none"] < spread["bad"]


def test_rewards_to_come_and_advantages_have_the_same_mean():
    """With prices on tokens, only what is still to be paid counts; the exact advantage varies least."""
    model, log_pi, log_ref, reward, score = small()
    exact = performance_gradient(model, TREE2, log_ref, reward, 0.2)[1]["theta"].ravel()
    log_token, ref_token = tokens(model, TREE2), tokens(reference(SMALL.language), TREE2)
    paid = TREE2.token_reward(reward) + token_price(log_token, ref_token, 0.2)
    A = token_advantage(TREE2, log_token, paid)
    counts = SMALL.language.counts(TREE2.response)
    place = SMALL.language.prefix(TREE2.response), np.where(counts, TREE2.response, 0)
    to_come = np.flip(np.flip(paid[:, place[0], place[1]] * counts, 2).cumsum(axis=2), 2)
    spread = []
    for weight in (
        over_tokens(reward - 0.2 * (log_pi - log_ref)),
        to_come,
        A[:, place[0], place[1]] * counts,
    ):
        mean, covariance = gradient_moments(log_pi, score, weight)
        np.testing.assert_allclose(mean, exact, rtol=0, atol=1e-13)
        spread.append(np.trace(covariance))
    assert spread[2] < spread[1] < spread[0]


def test_estimators_of_the_divergence_in_the_loss():
    """What k1, k2 and k3 of whole responses push along: nothing, grad KL(pi || ref), grad KL(ref || pi)."""
    model, log_pi, log_ref, _, score = small()
    theta = model.params["theta"]
    forward = finite_difference(lambda: divergence(responses(model, TREE2), log_ref).mean(), theta).ravel()
    backward = finite_difference(lambda: divergence(log_ref, responses(model, TREE2)).mean(), theta).ravel()
    ratio = log_pi - log_ref
    slopes = {k1: np.ones_like(ratio), k2: ratio, k3: -np.expm1(-ratio)}
    for k, want in {k1: 0 * forward, k2: forward, k3: backward}.items():
        mean, _ = gradient_moments(log_pi, score, over_tokens(slopes[k]))
        np.testing.assert_allclose(mean, want, rtol=0, atol=1e-9)
    assert np.abs(forward - backward).max() > 1e-3


def test_moments_by_their_definition():
    """A weight for each token, so that the mean is far from 0: the covariance is taken about it."""
    _, log_pi, _, reward, score = small()
    weight = reward[:, :, None] + np.array([0.0, 5.0])
    mean, covariance = gradient_moments(log_pi, score, weight)
    g, p = (weight[..., None] * score).sum(axis=2).reshape(-1, score.shape[-1]), np.exp(log_pi).ravel() / 3
    np.testing.assert_allclose(mean, np.average(g, axis=0, weights=p), rtol=0, atol=1e-13)
    np.testing.assert_allclose(covariance, np.cov(g.T, aweights=p, ddof=0), rtol=0, atol=1e-12)
    assert np.abs(mean).max() > 0.01


def test_the_mean_of_samples_varies_by_its_share():
    """64 samples at a time, 2,000 times: the variance of the mean is the exact one over 64, within 10 %.

    The relative spread of a variance from 2,000 means is 3 %, less for the trace of it.
    """
    _, log_pi, log_ref, reward, score = small()
    gain = over_tokens(reward - 0.2 * (log_pi - log_ref))
    _, covariance = gradient_moments(log_pi, score, gain)
    estimate = np.einsum("xnl,xnld->xnd", gain, score).reshape(-1, score.shape[-1])
    rng = np.random.default_rng(5)
    drawn = rng.choice(len(estimate), size=(2000, 64), p=np.exp(log_pi).ravel() / 3)
    means = estimate[drawn].mean(axis=1)
    assert means.var(axis=0).sum() == pytest.approx(np.trace(covariance) / 64, rel=0.1)


# ---------------------------------------------------------------- infinitely many raters

WEIGHT = pair_weights(LOG_REF, REWARD)
LOSSES = {
    "bradley_terry": (bradley_terry, ()),
    "dpo": (partial(dpo, beta=0.2), (LOG_REF,)),
    "conservative": (partial(dpo, beta=0.2, label_smoothing=0.1), (LOG_REF,)),
    "ipo": (partial(ipo, beta=0.2), (LOG_REF,)),
}


def test_weights_of_pairs():
    assert WEIGHT.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(WEIGHT.sum(axis=(1, 2)), 1 / 3, atol=1e-13)
    np.testing.assert_allclose(np.diagonal(WEIGHT, axis1=1, axis2=2), np.exp(2 * LOG_REF) / 3, atol=1e-15)
    noisy = pair_weights(LOG_REF, REWARD, noise=0.1)
    np.testing.assert_allclose(noisy, 0.9 * WEIGHT + 0.1 * WEIGHT.swapaxes(1, 2), atol=1e-15)
    np.testing.assert_allclose(pair_weights(LOG_REF, REWARD, tau=2.0), pair_weights(LOG_REF, REWARD / 2))


@pytest.mark.parametrize("name", LOSSES)
def test_population_losses_and_their_gradients(name):
    loss, others = LOSSES[name]
    score = responses(MODELS["trie"], TREE)
    value, gradient = population_loss(loss, WEIGHT, score, *others)
    step = np.random.default_rng(6).standard_normal((X, N))
    up, down = (population_loss(loss, WEIGHT, score + e * step, *others)[0] for e in (1e-5, -1e-5))
    assert (gradient * step).sum() == pytest.approx((up - down) / 2e-5, rel=1e-6)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-14)  # a constant for a prompt changes nothing
    shifted = population_loss(loss, WEIGHT, score + np.array([[3.0], [0.0], [-1.0]]), *others)[0]
    assert shifted == pytest.approx(value, abs=1e-12)


def test_many_sampled_pairs_come_to_the_population_loss():
    """20,000 pairs, weighed alike: |z| <= 4."""
    rng, log_pi = np.random.default_rng(7), responses(MODELS["trie"], TREE)
    flat = rng.choice(WEIGHT.size, size=20_000, p=WEIGHT.ravel() / WEIGHT.sum())
    x, i, j = np.unravel_index(flat, WEIGHT.shape)
    each = [
        dpo(*(np.array([t]) for t in row), 0.2)[0]
        for row in zip(
            log_pi[x, i][:3000], log_pi[x, j][:3000], LOG_REF[x, i][:3000], LOG_REF[x, j][:3000], strict=True
        )
    ]
    value, _ = population_loss(partial(dpo, beta=0.2), WEIGHT, log_pi, LOG_REF)
    assert abs(np.mean(each) - value) <= 4 * np.std(each) / np.sqrt(3000)


def test_at_the_optimum_of_dpo_stands_the_optimum_of_reinforcement():
    """All pairs, every response possible: pi* = argmin, its loss is the raters' own, whatever beta."""
    for beta in (0.1, 0.2, 1.0):
        best, _ = kl_optimal_policy(LOG_REF, REWARD, beta)
        value, gradient = population_loss(partial(dpo, beta=beta), WEIGHT, best, LOG_REF)
        assert value == pytest.approx(bayes_loss(WEIGHT, REWARD), abs=1e-13)
        assert np.abs(gradient).max() < 1e-15


def test_means_over_tokens_have_another_optimum():
    """At pi* the loss of sums has gradient 0, that of means has not: responses differ in length."""
    best, _ = kl_optimal_policy(LOG_REF, REWARD, 0.2)
    per_token = 1 / TREE.length
    loss = partial(dpo, beta=0.2)
    value, gradient = population_loss(loss, WEIGHT, best * per_token, LOG_REF * per_token)
    assert np.abs(gradient * per_token).max() > 1e-3
    assert value > bayes_loss(WEIGHT, REWARD) + 0.01


def test_the_sign_of_the_price():
    """With it flipped the reward is larger, so the reward does not show it; J does, and KL(pi || pi*)."""
    best, V = kl_optimal_policy(LOG_REF, REWARD, 0.2)
    away = np.where(REWARD > 1.8, LOG_REF, LOG_REF - 6)  # what a bonus for distance leads to: few responses
    away = away - np.log(np.exp(away).sum(axis=1, keepdims=True))
    assert (expectation(away, REWARD) > expectation(best, REWARD)).all()
    assert (regularised_performance(away, LOG_REF, REWARD, 0.2) < V - 0.05).all()
    assert (divergence(away, best) > 0.3).all()


def test_nothing_is_below_the_loss_of_who_knows():
    for seed in range(5):
        guess = REWARD + np.random.default_rng(seed).normal(0, 0.1, REWARD.shape)
        assert population_loss(bradley_terry, WEIGHT, guess)[0] > bayes_loss(WEIGHT, REWARD) + 1e-5
    assert accuracy(WEIGHT, REWARD) == pytest.approx(0.6833952985880986, abs=1e-12)
    assert accuracy(WEIGHT, -REWARD) == pytest.approx(1 - 0.6833952985880986, abs=1e-12)
    assert accuracy(WEIGHT, 0 * REWARD) == pytest.approx(0.5, abs=1e-12)
    rounding = 1e-15 * np.random.default_rng(0).standard_normal(REWARD.shape)
    assert accuracy(WEIGHT, rounding) == pytest.approx(0.5, abs=1e-12)


def test_fisher_information_is_the_curvature():
    """At the true w, the expected curvature of the loss of the population."""
    phi = features(*TREE.everything()).reshape(X, N, 4)

    def gradient(w):
        return np.einsum("xn,xnf->f", population_loss(bradley_terry, WEIGHT, phi @ w)[1], phi)

    curvature = np.array([(gradient(WEIGHTS + e) - gradient(WEIGHTS - e)) / 2e-5 for e in 1e-5 * np.eye(4)])
    np.testing.assert_allclose(fisher_information(WEIGHT, phi, WEIGHTS), curvature, rtol=0, atol=1e-9)


def test_a_bigram_cannot_be_the_optimum():
    """A policy that shares rows between prefixes is not any distribution: some of V is out of reach."""
    best, V = kl_optimal_policy(LOG_REF, REWARD, 0.2)
    again = trie_of(best).params["theta"]
    assert (
        np.abs(again[0, 1] - again[0, 6]).max() > 0.1
    )  # after "a" and after "ab", then "a": no row for both
    assert bigram(TOY).params["theta"].size < again.size
    assert (V > 0).all()
