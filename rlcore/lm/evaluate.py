"""What a language model does, exactly: over every response, without a sample.

    tree = Tree(model.language)
    log_pi = responses(model, tree)          (X, N): log pi(y | x), a row sums to 1
    log_ref = responses(reference, tree)

and what `exact.regularised` says of such tables: `divergence(log_pi, log_ref)` and the other way round,
`regularised_performance(log_pi, log_ref, reward, beta)`, `kl_optimal_policy`, `best_of_n`. Here stands what needs
more than one row of responses, or the tokens that they are made of.

Letters: X prompts, N responses, M prefixes, V tokens to choose from, L tokens of a response, D parameters.
Left out: anything that has to be sampled; each value here is what such an estimate should come to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from rlcore.exact.regularised import divergence, kl_optimal_policy, regularised_performance
from rlcore.exact.values import action_value, policy_value
from rlcore.lm.models import LanguageModel, sequence_logp, token_logp, trie
from rlcore.lm.tree import Tree
from rlcore.nn.layers import Params
from rlcore.numerics import Array, log_softmax, sigmoid
from rlcore.problems.doors import check_kind

Judge: TypeAlias = Callable[[LanguageModel], dict[str, float]]  # columns of a history


def responses(model: LanguageModel, tree: Tree) -> Array:
    """log pi(y | x) of every response, in float64.   -> (X, N);   ValueError for a tree of another language"""
    _check_tree(model, tree)
    logp, _ = sequence_logp(model, *tree.everything())
    return log_softmax(logp.astype(float).reshape(-1, tree.n_responses))


def tokens(model: LanguageModel, tree: Tree) -> Array:
    """log pi(a | x, prefix) of every token after every prefix, in float64.   -> (X, M, V);   as `responses`"""
    _check_tree(model, tree)
    X, M = len(tree.language.prompts), tree.n_prefixes
    logits, _ = model(np.repeat(np.arange(X), M), np.tile(tree.prefix, (X, 1)))  # (X M, L, V)
    last = np.tile(tree.size[:M], X)
    return log_softmax(logits[np.arange(X * M), last].astype(float)).reshape(X, M, -1)


def as_trie(model: LanguageModel, tree: Tree) -> LanguageModel:
    """The same policy as a table with a row for every prefix: it says the same, and may become anything."""
    _check_tree(model, tree)
    table = trie(tree.language)
    table.params["theta"][...] = tokens(model, tree)
    return table


def _check_tree(model: LanguageModel, tree: Tree) -> None:
    """ValueError unless the tree holds what the model may say."""
    check_kind(LanguageModel, model=model)
    check_kind(Tree, tree=tree)
    if tree.language != model.language:
        raise ValueError(f"tree holds the responses of {tree.language}; the model speaks {model.language}")


# ---------------------------------------------------------------- of whole responses


def expectation(log_pi: Array, f: Array) -> Array:
    """sum_y pi(y|x) f(x, y), f a table (X, N) or one row for all prompts (N,).   -> (X,)"""
    return np.asarray((np.exp(log_pi) * f).sum(axis=1))


def entropy(log_pi: Array) -> Array:
    """-sum_y pi(y|x) log pi(y|x), of whole responses.   (X, N) -> (X,)"""
    p = np.exp(log_pi)
    return np.asarray(-(p * np.where(p > 0, log_pi, 0.0)).sum(axis=1))


def win_rate(log_pi: Array, log_ref: Array, reward: Array) -> Array:
    """How often a rater prefers pi's response to ref's.   (X, N) three times -> (X,)

    sum over y, y' of pi(y|x) ref(y'|x) sigmoid(r(x, y) - r(x, y'));   1/2 where pi is ref   [eq:win-rate]
    """
    wins = sigmoid(reward[:, :, None] - reward[:, None, :])  # (X, N, N)
    return np.asarray(np.einsum("xi,xij,xj->x", np.exp(log_pi), wins, np.exp(log_ref)))


def performance_gradient(
    model: LanguageModel, tree: Tree, log_ref: Array, reward: Array, beta: float
) -> tuple[float, Params]:
    """The mean over prompts of J = E r - beta KL(pi || ref), and its gradient.   (X, N) twice -> number, grads

        dJ = sum_y pi(y|x) (r - beta (log pi - log ref) - J) dlog pi(y|x)

    The derivative of log pi inside the sum is 0 on average, and so is the baseline J. What pi never says pushes
    nothing.
    """
    logp, back = sequence_logp(model, *tree.everything())
    log_pi = logp.reshape(reward.shape)
    J = regularised_performance(log_softmax(log_pi.astype(float)), log_ref, reward, beta)
    p, ratio = np.exp(log_pi), np.where(np.isneginf(log_pi), 0.0, log_pi - log_ref)
    gain = reward - beta * ratio - J[:, None]
    return float(J.mean()), back((p * gain / len(reward)).ravel())


# ---------------------------------------------------------------- columns of a history


def no_judge(model: LanguageModel) -> dict[str, float]:
    """The judge who says nothing."""
    return {}


def near_reference(tree: Tree, log_ref: Array, reward: Array, beta: float) -> Judge:
    """A judge who knows every response, (X, N) twice; what it says are means over prompts:

    exact_reward    E r
    exact_kl        KL(pi || ref)
    performance     J = E r - beta KL(pi || ref)
    distance        KL(pi || pi*): what J lacks, divided by beta   [eq:what-is-lost]
    """
    best, _ = kl_optimal_policy(log_ref, reward, beta)

    def judge(model: LanguageModel) -> dict[str, float]:
        log_pi = responses(model, tree)
        r, kl = expectation(log_pi, reward).mean(), divergence(log_pi, log_ref).mean()
        return {
            "exact_reward": float(r),
            "exact_kl": float(kl),
            "performance": float(r - beta * kl),
            "distance": float(divergence(log_pi, best).mean()),
        }

    return judge


def reward_alone(tree: Tree, reward: Array) -> Judge:
    """A judge for rewards that a program checks, (X, N): the mean over prompts, the worst one, and the entropy."""

    def judge(model: LanguageModel) -> dict[str, float]:
        log_pi = responses(model, tree)
        r = expectation(log_pi, reward)
        return {
            "exact_reward": float(r.mean()),
            "worst": float(r.min()),
            "entropy": float(entropy(log_pi).mean()),
        }

    return judge


# ---------------------------------------------------------------- of tokens


def token_price(log_token: Array, log_token_ref: Array, beta: float) -> Array:
    """-beta (log pi - log ref), what a token costs as it is chosen.   (X, M, V) twice -> (X, M, V)

    Its sum over a response has the mean -beta KL(pi || ref).   [eq:sequence-kl]
    What pi never says is never charged: 0.
    """
    said = log_token > -np.inf
    return np.asarray(-beta * np.subtract(log_token, log_token_ref, out=np.zeros_like(log_token), where=said))


def prefix_value(tree: Tree, log_token: Array, token_reward: Array) -> Array:
    """V(x, prefix): what the tokens still to come will pay.   (X, M, V) twice -> (X, M)

    With `tree.token_reward(score) + token_price(...)` as rewards, V of the empty prefix is J(pi).
    """
    X, M, _ = token_reward.shape
    return policy_value(tree.mdp(token_reward), _policy(log_token))[:-1].reshape(X, M)


def token_advantage(tree: Tree, log_token: Array, token_reward: Array) -> Array:
    """A(x, prefix, a) = Q - V, whose mean under pi is 0.   (X, M, V) twice -> (X, M, V)"""
    Q = action_value(tree.mdp(token_reward), _policy(log_token))[:-1].reshape(token_reward.shape)
    return np.asarray(Q - (np.exp(log_token) * Q).sum(axis=-1, keepdims=True))


def _policy(log_token: Array) -> Array:
    """A row for each state of `tree.mdp`; in the last one nothing is chosen any more.   -> (X M + 1, V)"""
    V = log_token.shape[-1]
    return np.vstack([np.exp(log_token).reshape(-1, V), np.full((1, V), 1 / V)])


# ---------------------------------------------------------------- of estimators


def scores(model: LanguageModel, tree: Tree) -> Array:
    """dlog pi(y_t | x, y_1 ... y_t-1) / dtheta of every token of every response, 0 on pads.   -> (X, N, L, D)

    The D entries are those of the parameters, one array behind the other. A call a token: for small trees.
    """
    prompt, response = tree.everything()
    B, L = response.shape
    rows = []
    for b in range(B):
        _, back = token_logp(model, prompt[b : b + 1], response[b : b + 1])
        rows += [np.concatenate([g.ravel() for g in back(one[None]).values()]) for one in np.eye(L)]
    return np.array(rows, float).reshape(-1, tree.n_responses, L, len(rows[0]))


def gradient_moments(log_pi: Array, score: Array, weight: Array) -> tuple[Array, Array]:
    """Mean and covariance of sum_t w_t dlog pi(y_t | ...), x uniform and y drawn from pi.   -> (D,), (D, D)

    log_pi (X, N), score (X, N, L, D), weight (X, N, L): what an estimator puts before the score of each token.
    Of one sample; the mean of B independent ones has the covariance divided by B.
    """
    p = np.exp(log_pi).ravel() / len(log_pi)  # (X N,)
    g = np.einsum("xnl,xnld->xnd", weight, score).reshape(len(p), -1)
    mean = p @ g
    off = g - mean
    return mean, off.T @ (p[:, None] * off)
