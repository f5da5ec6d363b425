"""Reward models: from what people prefer to a number for every response.

    reward, back = model(prompt, response)      (B,);  back: (B,) -> grads

The model is a function of features; which ones is the heart of the matter, since what it does not see it cannot
price. A model without a hidden layer is linear, reward = phi @ W0 + b0.

Comparisons tell differences alone: any c(x) may be added to the reward of all responses to a prompt, so b0 is
never learned, and what has no bound in the data has none in the model. People say what they like in more than
one way; each becomes one of the losses:

    pairs        chosen over rejected                   bradley_terry
    rankings     best to worst                          plackett_luce
    ratings      a number                               squared_error
    edits        the edited over the original           bradley_terry again
    clicks       the clicked over the other             bradley_terry again

Letters: B batch, L tokens of a response, F features, G responses of a ranking.
Left out: a model that shares its body with the policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.preferences import bradley_terry, centring
from rlcore.lm.models import Back
from rlcore.lm.population import hits
from rlcore.lm.raters import Pairs
from rlcore.nn import layers
from rlcore.nn.layers import Params, mlp, mlp_params
from rlcore.nn.optim import Adam
from rlcore.numerics import Array, sigmoid
from rlcore.problems.doors import check_count, check_functions, check_kind, check_rng, is_number

Features: TypeAlias = Callable[[Array, Array], Array]  # (prompt (B,), response (B, L)) -> (B, F)


@dataclass(frozen=True, eq=False)
class RewardModel:
    """Parameters of an `mlp`, and the features that it reads, a function.   Learners change `params` in place."""

    params: Params
    features: Features

    def __post_init__(self) -> None:
        check_functions(features=self.features)

    def __call__(self, prompt: Array, response: Array) -> tuple[Array, Back]:
        """The reward of each response.   (B,), (B, L) -> (B,);   back: (B,) -> grads"""
        y, back = mlp(self.params, self.features(prompt, response))
        return y[:, 0], lambda d: back(d[:, None])[1]

    def reward(self, prompt: Array, response: Array) -> Array:
        """The numbers alone: a `Reward`, as a task has one.   -> (B,)"""
        return self(prompt, response)[0]

    def frozen(self) -> RewardModel:
        """The same model with numbers of its own."""
        return replace(self, params=layers.copy(self.params))


def linear_reward(features: Features, n_features: int) -> RewardModel:
    """reward = phi @ W0 + b0, 0 at first.   W0 (F, 1)"""
    check_count("n_features", n_features, 1)
    return RewardModel({"W0": np.zeros((n_features, 1)), "b0": np.zeros(1)}, features)


def mlp_reward(features: Features, n_features: int, rng: Generator, *, hidden: int = 16) -> RewardModel:
    """A hidden layer of tanh between features and reward."""
    check_rng(rng)
    check_count("n_features", n_features, 1)
    return RewardModel(mlp_params([n_features, hidden, 1], rng), features)


def letter_counts(n_letters: int, n_prompts: int) -> Features:
    """A bag of letters beside the prompt: how often each token was said, and which prompt asked.

    -> (B, n_letters + 1 + n_prompts), the end counted like a letter.   ValueError unless both numbers are >= 1
    """
    check_count("n_letters", n_letters, 1)
    check_count("n_prompts", n_prompts, 1)

    def features(prompt: Array, response: Array) -> Array:
        bag = (response[:, :, None] == np.arange(n_letters + 1)).sum(axis=1)
        return np.hstack([bag, prompt[:, None] == np.arange(n_prompts)]).astype(float)

    return features


# ---------------------------------------------------------------- by gradient


@dataclass(frozen=True)
class RewardModelConfig:
    """What a run of `fit_reward_model` needs to know.   ValueError for a number out of its range."""

    steps: int = 400  # gradient steps
    batch: int = 256  # pairs in each, drawn with repetition
    lr: float = 2e-2  # of Adam
    margin: float = 0.0  # by how much the chosen one should lead
    noise: float = 0.0  # the probability that a label is wrong, known to the model
    centre: float = 0.0  # the price of a pair whose rewards do not sum to 0

    def __post_init__(self) -> None:
        check_count("steps", self.steps, 0)
        check_count("batch", self.batch, 1)
        if not is_number(self.lr) or not 0 < self.lr < np.inf:
            raise ValueError(f"lr is {self.lr!r}; it must be a finite number > 0")
        for name in ("margin", "noise", "centre"):
            x = getattr(self, name)
            if not is_number(x) or not 0 <= x < np.inf:
                raise ValueError(f"{name} is {x!r}; it must be a finite number >= 0")
        if self.noise >= 0.5:
            raise ValueError(f"noise is {self.noise!r}; it must be below 1/2, where labels say nothing")


def fit_reward_model(
    model: RewardModel, pairs: Pairs, cfg: RewardModelConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train model.params in place on comparisons.   -> history, a row a step

        loss        of the batch
        accuracy    how often the chosen one has the larger reward; a tie is half a hit

    Raises ValueError without a pair.
    """
    check_kind(RewardModelConfig, cfg=cfg)
    check_kind(RewardModel, model=model)
    check_kind(Pairs, pairs=pairs)
    check_rng(rng)
    if len(pairs) == 0:
        raise ValueError("pairs is empty; a reward model needs one comparison or more")
    adam = Adam(cfg.lr)
    history: list[dict[str, float]] = []
    for _ in range(cfg.steps):
        some = pairs[rng.integers(len(pairs), size=cfg.batch)]
        loss, accuracy, grads = comparison_gradient(model, some, cfg)
        adam.step(model.params, grads)
        history.append({"loss": loss, "accuracy": accuracy})
    return history


def comparison_gradient(
    model: RewardModel, pairs: Pairs, cfg: RewardModelConfig
) -> tuple[float, float, Params]:
    """`bradley_terry` plus centre times `centring`.   -> loss, accuracy, grads"""
    chosen, back_chosen = model(pairs.prompt, pairs.chosen)  # (B,)
    rejected, back_rejected = model(pairs.prompt, pairs.rejected)
    loss, d = bradley_terry(chosen, rejected, margin=cfg.margin, noise=cfg.noise)
    off, d_off = centring(chosen, rejected)
    up = back_chosen(d[0] + cfg.centre * d_off[0])
    down = back_rejected(d[1] + cfg.centre * d_off[1])
    return (
        loss + cfg.centre * off,
        float(hits(chosen - rejected).mean()),
        {name: up[name] + down[name] for name in up},
    )


# ---------------------------------------------------------------- a linear model, exactly


def maximum_likelihood(
    difference: Array, weight: Array | None = None, *, ridge: float = 0.0, max_steps: int = 100
) -> Array:
    """The w of largest sum of weight times log sigmoid(d @ w) - ridge |w|^2 / 2.   (B, F) -> (F,)

    d = phi(chosen) - phi(rejected). By Newton's method, halving a step that does not help. Without a ridge the
    maximum is at infinity where some w tells all pairs apart, and is not one point where features depend on each
    other: both are a ValueError, as are differences, weights and a ridge that are not finite, or the latter two < 0.
    weight (B,): 1 / B each where not given.
    """
    d = np.asarray(difference, float)
    if d.ndim != 2 or d.shape[1] == 0:
        raise ValueError(f"difference has shape {d.shape}; it must be (B, F), with a feature or more")
    for b, k in np.argwhere(~np.isfinite(d))[:1]:
        raise ValueError(f"difference[{b}, {k}] is {d[b, k]}; it must be a finite number")
    share = np.full(len(d), 1 / max(len(d), 1)) if weight is None else np.asarray(weight, float)
    if share.shape != (len(d),):
        raise ValueError(f"weight has shape {share.shape}; it must be {(len(d),)}, a number a pair")
    for b in np.flatnonzero(~((share >= 0) & (share < np.inf)))[:1]:
        raise ValueError(f"weight[{b}] is {share[b]}; it must be a finite number >= 0")
    if not is_number(ridge) or not 0 <= ridge < np.inf:
        raise ValueError(f"ridge is {ridge!r}; it must be a finite number >= 0")
    w = np.zeros(d.shape[1])

    def loss(w: Array) -> float:
        return float(share @ np.logaddexp(0.0, -d @ w) + ridge * w @ w / 2)

    for _ in range(max_steps):
        p = sigmoid(-d @ w)  # how surprised it is
        gradient = d.T @ (share * p) - ridge * w
        H = d.T @ ((share * p * (1 - p))[:, None] * d) + ridge * np.eye(len(w))
        if np.linalg.cond(H) > 1e12 or np.abs(w).max(initial=0.0) > 1e3:
            break
        step = np.linalg.solve(H, gradient)
        while loss(w + step) > loss(w) + 1e-15:
            step /= 2
        w = w + step
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(w).max()):
            return w
    raise ValueError(
        "no single w is the most likely: some w tells all pairs apart, or features depend on each other; "
        "ridge > 0 always has one"
    )
