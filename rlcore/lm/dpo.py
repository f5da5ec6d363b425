"""Direct preference optimisation: from comparisons to a policy, with nothing in between.

    loss = -mean log sigmoid(beta h),   h = log pi/ref (chosen) - log pi/ref (rejected)

There is no reward model, no response is drawn, no ratio to an older policy is clipped. The optimum near a
reference says what its reward was, r(x, y) = beta log pi*(y|x) / ref(y|x) + c(x); put into the raters' own
likelihood, c(x) drops out, and the likelihood is one of policies. That reward is `implicit_reward`.

The loss is a function in the configuration; each is a few lines around one of learning/preferences.py:

    by_reference                              direct preference optimisation
    partial(by_reference, smoothing=0.1)      conservative: no label is believed altogether
    partial(by_reference, smoothing=-0.125)   robust: one label of ten is swapped, -e / (1 - 2 e)
    by_margin                                 IPO: a margin to be met
    by_length                                 SimPO: means over tokens, without a reference
    by_kind                                   KTO: good ones and bad ones, not in pairs
    per_token(by_margin)                      of means over tokens, as some programs have it

`train_dpo` sees a sample of comparisons, `train_dpo_on_all_pairs` every pair, weighed as often as it comes up.

Letters: B pairs, X prompts, N responses.
Left out: new comparisons on the way; every pair is as old as the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.exact.regularised import divergence
from rlcore.learning.preferences import PairLoss, dpo, ipo, kto, simpo
from rlcore.lm.evaluate import Judge, no_judge, responses
from rlcore.lm.models import LanguageModel, check_languages, sequence_logp
from rlcore.lm.population import accuracy, hits, population_loss
from rlcore.lm.raters import Pairs
from rlcore.lm.tree import Tree
from rlcore.nn.layers import Params
from rlcore.nn.optim import Adam
from rlcore.numerics import Array, log_softmax
from rlcore.problems.doors import check_count, check_functions, check_kind, check_rng, is_number

# ---------------------------------------------------------------- losses


@dataclass(frozen=True, eq=False)
class Compared:
    """What a loss may look at: (chosen, rejected) of each, of any shape that is the same for all."""

    logp: tuple[Array, Array]  # log pi(y | x) of whole responses, sums over tokens
    ref: tuple[Array, Array]  # the same of the reference
    length: tuple[Array, Array]  # tokens of each response
    kl: float = 0.0  # about KL(pi || ref); a constant


Loss: TypeAlias = Callable[[Compared, float, "Array | None"], PairLoss]  # (what it sees, beta, weight)


def by_reference(
    seen: Compared, beta: float, weight: Array | None = None, smoothing: float = 0.0
) -> PairLoss:
    """Direct preference optimisation; smoothing > 0 is its conservative kin, < 0 its robust one."""
    return dpo(*seen.logp, *seen.ref, beta, smoothing, weight=weight)


def by_margin(seen: Compared, beta: float, weight: Array | None = None) -> PairLoss:
    """IPO: h is to be 1 / (2 beta), and no more."""
    return ipo(*seen.logp, *seen.ref, beta, weight=weight)


def by_length(seen: Compared, beta: float, weight: Array | None = None, margin: float = 0.0) -> PairLoss:
    """SimPO: beta log pi / length as the reward; nothing holds the policy near a reference."""
    return simpo(*seen.logp, *seen.length, beta, margin, weight=weight)


def by_kind(seen: Compared, beta: float, weight: Array | None = None) -> PairLoss:
    """KTO: chosen ones are good and rejected ones bad, each by itself, measured from `seen.kl`."""
    return kto(*seen.logp, *seen.ref, seen.kl, beta, weight=weight)


def per_token(loss: Loss) -> Loss:
    """The same loss of *means* over tokens in the place of sums: what looks like DPO, or IPO, and is not.

    Its reward is beta log(pi / ref) / length, so its optimum is not that of any reward near the reference.
    """

    def of_means(seen: Compared, beta: float, weight: Array | None = None) -> PairLoss:
        (i, j), (ref_i, ref_j) = seen.logp, seen.ref
        n_i, n_j = (n.astype(i.dtype) for n in seen.length)
        means = replace(seen, logp=(i / n_i, j / n_j), ref=(ref_i / n_i, ref_j / n_j))
        value, (d_i, d_j) = loss(means, beta, weight)
        return value, (d_i / n_i, d_j / n_j)

    return of_means


def implicit_reward(log_pi: Array, log_ref: Array, beta: float) -> Array:
    """beta log(pi / ref): the reward whose optimum pi is, but for a constant a prompt.   (...) twice -> (...)

    [eq:implicit-reward]  Rafailov et al. (2023), equation 5, without its beta log Z(x).
    """
    return np.asarray(beta * np.subtract(log_pi, log_ref))


# ---------------------------------------------------------------- estimates of KL(pi || ref), for `by_kind`

Divergence: TypeAlias = Callable[[LanguageModel, LanguageModel, Pairs], float]


def none(model: LanguageModel, ref: LanguageModel, pairs: Pairs) -> float:
    """0: the losses that do not ask."""
    return 0.0


def mismatched(model: LanguageModel, ref: LanguageModel, pairs: Pairs) -> float:
    """The mean of log pi / ref of chosen responses under the prompt of the pair before; KTO takes it, or 0 if less.

    The responses are not pi's own, so it is no estimate of KL(pi || ref) in general: a point of reference.
    """
    prompt = np.roll(pairs.prompt, 1)
    logp, _ = sequence_logp(model, prompt, pairs.chosen)
    return float(np.mean(logp - sequence_logp(ref, prompt, pairs.chosen)[0]))


# ---------------------------------------------------------------- from a sample of comparisons


@dataclass(frozen=True)
class DPOConfig:
    """What a run needs to know; one on all pairs reads steps, beta, loss, lr and every.

    Raises ValueError for a number out of its range.
    """

    steps: int = 800  # gradient steps
    batch: int = 128  # pairs in each, drawn with repetition
    beta: float = 0.2  # the price of a nat from the reference; what it means is the loss's affair
    loss: Loss = by_reference  # or by_margin, by_length, by_kind, a partial of one
    kl: Divergence = none  # what `by_kind` measures from; or mismatched
    lr: float = 3e-2  # of Adam
    every: int = 10  # steps between two rows of the history

    def __post_init__(self) -> None:
        check_count("steps", self.steps, 0)
        for name in ("batch", "every"):
            check_count(name, getattr(self, name), 1)
        for name in ("beta", "lr"):
            x = getattr(self, name)
            if not is_number(x) or not 0 < x < inf:
                raise ValueError(f"{name} is {x!r}; it must be a finite number > 0")
        for name in ("loss", "kl"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be a function")


def train_dpo(
    model: LanguageModel,
    ref: LanguageModel,
    pairs: Pairs,
    cfg: DPOConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model.params in place on comparisons.   -> history, a row every `every` steps and one at the end

        step                          gradient steps so far
        loss                          of the batch, before its step
        logp_chosen, logp_rejected    means over the batch
        accuracy                      how often h > 0; a tie is half a hit
        and what the judge says of the model after the step

    Rafailov et al. (2023).   Raises ValueError without a pair, for pairs of another language or that ref can never
    say, and where model and ref speak two languages.
    """
    check_kind(DPOConfig, cfg=cfg)
    check_functions(judge=judge)
    check_languages(model, ref=ref)
    check_kind(Pairs, pairs=pairs)
    pairs.check(model)
    check_rng(rng)
    known = reference_logp(ref, pairs)  # the reference stands still: asked once
    adam = Adam(cfg.lr)
    history: list[dict[str, float]] = []
    for step in range(1, cfg.steps + 1):
        b = rng.integers(len(pairs), size=cfg.batch)
        kl = cfg.kl(model, ref, pairs[b])
        row, grads = pair_gradient(model, pairs[b], (known[0][b], known[1][b]), cfg, kl)
        adam.step(model.params, grads)
        if step % cfg.every == 0 or step == cfg.steps:
            history.append({"step": step, **row, **judge(model)})
    return history


def reference_logp(ref: LanguageModel, pairs: Pairs) -> tuple[Array, Array]:
    """log ref(y | x) of chosen and rejected.   -> (B,), (B,)   ValueError where ref can never say one of them"""
    chosen, _ = sequence_logp(ref, pairs.prompt, pairs.chosen)
    rejected, _ = sequence_logp(ref, pairs.prompt, pairs.rejected)
    for b in np.flatnonzero(np.isneginf(chosen) | np.isneginf(rejected))[:1]:
        raise ValueError(f"ref never says a response of pair {b}; every pair has to be possible")
    return chosen, rejected


def pair_gradient(
    model: LanguageModel, pairs: Pairs, ref: tuple[Array, Array], cfg: DPOConfig, kl: float = 0.0
) -> tuple[dict[str, float], Params]:
    """The loss of some pairs and its gradient; both sides go through the model together.   -> row, grads"""
    B, counts = len(pairs), model.language.counts
    prompt, response = np.tile(pairs.prompt, 2), np.concatenate([pairs.chosen, pairs.rejected])
    logp, back = sequence_logp(model, prompt, response)  # (2 B,)
    length = counts(response).sum(axis=1)
    seen = Compared((logp[:B], logp[B:]), ref, (length[:B], length[B:]), kl)
    loss, d = cfg.loss(seen, cfg.beta, None)
    h = (logp[:B] - ref[0]) - (logp[B:] - ref[1])
    row = {
        "loss": loss,
        "logp_chosen": float(logp[:B].mean()),
        "logp_rejected": float(logp[B:].mean()),
        "accuracy": float(hits(h).mean()),
    }
    return row, back(np.concatenate(d))


# ---------------------------------------------------------------- from all of them


def train_dpo_on_all_pairs(
    model: LanguageModel,
    ref: LanguageModel,
    tree: Tree,
    weight: Array,
    cfg: DPOConfig,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model.params in place on every pair, weight (X, N, N) from `pair_weights`.   -> history

    The rows of `train_dpo`: its loss without the noise of a sample, and the exact KL(pi || ref) for `by_kind`.
    Raises ValueError where one of them speaks another language, where ref can never say a response, and for a
    weight that is no finite number >= 0.
    """
    check_kind(DPOConfig, cfg=cfg)
    check_functions(judge=judge)
    check_languages(model, ref=ref)
    log_ref, adam = responses(ref, tree), Adam(cfg.lr)
    for x, n in np.argwhere(np.isneginf(log_ref))[:1]:
        raise ValueError(f"ref never says response {n} to prompt {x}; every pair has to be possible")
    if np.shape(weight) != (*log_ref.shape, log_ref.shape[1]):
        raise ValueError(
            f"weight has shape {np.shape(weight)}; it must be {(*log_ref.shape, log_ref.shape[1])}"
        )
    for x, i, j in np.argwhere(~((weight >= 0) & (weight < inf)))[:1]:
        raise ValueError(f"weight[{x}, {i}, {j}] is {weight[x, i, j]}; it must be a finite number >= 0")
    history: list[dict[str, float]] = []
    for step in range(1, cfg.steps + 1):
        row, grads = population_gradient(model, log_ref, tree, weight, cfg)
        adam.step(model.params, grads)
        if step % cfg.every == 0 or step == cfg.steps:
            history.append({"step": step, **row, **judge(model)})
    return history


def population_gradient(
    model: LanguageModel, log_ref: Array, tree: Tree, weight: Array, cfg: DPOConfig
) -> tuple[dict[str, float], Params]:
    """The loss of all pairs and its gradient.   -> row, grads"""
    logp, back = sequence_logp(model, *tree.everything())
    log_pi = logp.reshape(log_ref.shape)
    kl = float(divergence(log_softmax(log_pi.astype(float)), log_ref).mean())

    def loss(*sides: Array, weight: Array) -> PairLoss:
        i, j, ref_i, ref_j, length_i, length_j = sides
        return cfg.loss(Compared((i, j), (ref_i, ref_j), (length_i, length_j), kl), cfg.beta, weight)

    length = np.broadcast_to(tree.length, log_pi.shape)
    value, d = population_loss(loss, weight, log_pi, log_ref, length)
    row = {
        "loss": value,
        "logp_chosen": float((weight.sum(axis=2) * log_pi).sum()),
        "logp_rejected": float((weight.sum(axis=1) * log_pi).sum()),
        "accuracy": accuracy(weight, log_pi - log_ref),
    }
    return row, back(d.ravel())
