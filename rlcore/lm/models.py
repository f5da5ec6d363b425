"""Language models: the next token's probabilities, given a prompt and what has been said.

    logits, back = model(prompt, response)            (B,), (B, L) -> (B, L, V);   back: dlogits -> grads
    logp, back = token_logp(model, prompt, response)  (B, L): log pi(token t | prompt, tokens before t), 0 on pads

All positions of all responses go through in one call: the logits of position t look at what comes before t.
A prompt is a number, its place in `language.prompts`. What differs from model to model is what it sees:

    trie          the whole prefix          a row of theta for each: any distribution on responses
    bigram        the letter before         a row for each: responses share rows
    mlp           prompt, letter before, position, as features of a network
    transformer   every token so far, by attention

Letters: X prompts, B batch, L tokens of a response, V tokens to choose from, K = V - 1 letters, D features.
Left out: a memory of keys and values; responses here are short.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import log_prob
from rlcore.lm.language import Language
from rlcore.nn import layers
from rlcore.nn.attention import transformer, transformer_params
from rlcore.nn.layers import Params, check_dtype, fan_in_uniform, linear, tanh
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_kind, check_rng

Back: TypeAlias = Callable[[Array], Params]
Network: TypeAlias = Callable[
    [Params, Array, Array], tuple[Array, Back]
]  # (params, prompt, response) -> logits

MOST = 1_000_000  # prefixes that a trie is willing to hold


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """Parameters, the function that they are the parameters of, and the language that it speaks.

    Learners change the arrays of `params` in place; `frozen()` is a copy that they do not reach.
    """

    params: Params
    network: Network  # (params, prompt (B,), response (B, L)) -> logits (B, L, V), back
    language: Language

    def __call__(self, prompt: Array, response: Array) -> tuple[Array, Back]:
        """The logits of every token.   (B,), (B, L) -> (B, L, V), back;   ValueError where the shapes do not fit"""
        longest = self.language.length
        if response.ndim != 2 or prompt.shape != response.shape[:1] or response.shape[1] > longest:
            raise ValueError(
                f"prompt has shape {prompt.shape} and response {response.shape}; they must be (B,) and (B, L), "
                f"L at most {longest}"
            )
        return self.network(self.params, prompt, response)

    def frozen(self) -> LanguageModel:
        """The same model with numbers of its own: a reference, or the policy that drew the samples."""
        return replace(self, params=layers.copy(self.params))


def token_logp(model: LanguageModel, prompt: Array, response: Array) -> tuple[Array, Back]:
    """log pi(y_t | x, y_1 ... y_t-1) of each token, 0 on pads.   (B,), (B, L) -> (B, L);   back: (B, L) -> grads"""
    counts = model.language.counts(response)
    logits, back = model(prompt, response)  # (B, L, V)
    logp, back_logp = log_prob(logits, np.where(counts, response, 0))
    return np.where(counts, logp, 0.0), lambda d: back(back_logp(np.where(counts, d, 0.0)))


def sequence_logp(model: LanguageModel, prompt: Array, response: Array) -> tuple[Array, Back]:
    """log pi(y | x), the sum over its tokens.   (B,), (B, L) -> (B,);   back: (B,) -> grads

    The sum, not the mean: the mean is another number for responses of unlike lengths, and no log-probability.
    [eq:sequence-logp]
    """
    logp, back = token_logp(model, prompt, response)
    return logp.sum(axis=1), lambda d: back(d[:, None])


def check_languages(model: LanguageModel, **others: LanguageModel) -> None:
    """Raise ValueError unless all are models that speak the language of the first, and none of them is it."""
    check_kind(LanguageModel, model=model, **others)
    for name, other in others.items():
        if other.params is model.params:
            raise ValueError(f"{name} is the model that is trained; it must be another one: model.frozen()")
        if other.language != model.language:
            raise ValueError(f"{name} speaks {other.language}; it must be that of model, {model.language}")


# ---------------------------------------------------------------- tables


def trie(language: Language, dtype: Any = np.float64) -> LanguageModel:
    """A row of logits for each prompt and prefix, 0 at first: theta (X, (K^L - 1) / (K - 1), V).

    It can be any distribution on responses, so what is optimal among all is found among tries.
    Raises ValueError for more than a million prefixes, and as all here do for a dtype that is no float.
    """
    check_kind(Language, language=language)
    n_prefixes = sum(language.eos**t for t in range(language.length))
    if n_prefixes > MOST:
        raise ValueError(f"the language has {n_prefixes:,} prefixes; a trie holds at most {MOST:,}")
    return _table(language, language.prefix, n_prefixes, dtype)


def bigram(language: Language, dtype: Any = np.float64) -> LanguageModel:
    """A row of logits for each prompt and letter before, or none: theta (X, K + 1, V), 0 at first."""
    check_kind(Language, language=language)
    return _table(language, language.before, language.n_actions, dtype)


def _table(language: Language, row: Callable[[Array], Array], rows: int, dtype: Any) -> LanguageModel:
    check_dtype(dtype)
    theta = np.zeros((len(language.prompts), rows, language.n_actions), dtype)
    return LanguageModel({"theta": theta}, partial(_look_up, row=row), language)


def _look_up(
    params: Params, prompt: Array, response: Array, row: Callable[[Array], Array]
) -> tuple[Array, Back]:
    """logits = theta[prompt, row(response)];   dtheta adds up dlogits where the same row was read."""
    theta = params["theta"]  # (X, R, V)
    index = theta.shape[1] * np.asarray(prompt)[:, None] + row(response)  # (B, L)

    def back(d: Array) -> Params:
        V = theta.shape[-1]
        entry = V * index[..., None] + np.arange(V)
        total = np.bincount(entry.ravel(), np.asarray(d).ravel(), theta.size)
        return {"theta": total.reshape(theta.shape).astype(theta.dtype)}

    return theta.reshape(-1, theta.shape[-1]).take(index, axis=0), back


# ---------------------------------------------------------------- networks


def mlp_model(
    language: Language, rng: Generator, *, hidden: int = 32, last_gain: float = 0.01, dtype: Any = np.float64
) -> LanguageModel:
    """One hidden layer on the characters of the prompt, the letter before and the position.

        h = tanh(W_prompt about(x) + W_before[letter before] + W_position[t]),    logits = h W_out + b_out

    The row of a position is a bias already, one for each.
    Raises ValueError unless hidden is a whole number >= 1, and for a dtype that is no float.
    """
    check_kind(Language, language=language)
    check_rng(rng)
    check_count("hidden", hidden, 1)
    check_dtype(dtype)
    about = one_hot_prompts(language).astype(dtype)  # (X, D)
    rows = {"prompt": about.shape[1], "before": language.n_actions, "position": language.length}
    W = fan_in_uniform(sum(rows.values()), hidden, rng).astype(dtype)  # of all features at once
    parts = np.split(W, np.cumsum(list(rows.values()))[:-1])
    params = {f"W_{name}": part.copy() for name, part in zip(rows, parts)}
    params["W_out"] = (last_gain * fan_in_uniform(hidden, language.n_actions, rng)).astype(dtype)
    params["b_out"] = np.zeros(language.n_actions, dtype)
    return LanguageModel(params, partial(_features_to_logits, language=language, about=about), language)


def _features_to_logits(
    params: Params, prompt: Array, response: Array, language: Language, about: Array
) -> tuple[Array, Back]:
    """A one-hot feature times a matrix is a row of it, so the first layer is looked up, not multiplied."""
    p, (B, L) = params, response.shape
    before = language.before(response).ravel()  # (B L,)
    of_prompt = (about @ p["W_prompt"]).take(prompt, axis=0)  # (B, H)
    x = p["W_before"].take(before, axis=0) + of_prompt.repeat(L, axis=0)
    x = x.reshape(B, L, -1) + p["W_position"][:L]
    h, back_bend = tanh(x.reshape(B * L, -1))  # one long product is faster than B short ones
    logits, back_out = linear(p["W_out"], p["b_out"], h)  # (B L, V)

    def back(d: Array) -> Params:
        dW_out, db_out, dh = back_out(np.asarray(d).reshape(logits.shape))
        dx = back_bend(dh)  # (B L, H)
        of_row, ones = dx.reshape(x.shape), np.ones(B * L, h.dtype)  # ones @ is a faster sum
        d_position = np.zeros_like(p["W_position"])
        d_position[:L] = of_row.sum(axis=0)
        return {
            "W_prompt": about[prompt].T @ (ones[:L] @ of_row),
            "W_before": _add_up(dx, before, language.n_actions),
            "W_position": d_position,
            "W_out": dW_out,
            "b_out": db_out,
        }

    return logits.reshape(B, L, -1), back


def _add_up(rows: Array, index: Array, n: int) -> Array:
    """total[i] = sum of the rows whose index is i, as a product with ones and zeros.   (B, H), (B,) -> (n, H)"""
    return np.asarray(np.eye(n, dtype=rows.dtype).take(index, axis=0).T @ rows)


def one_hot_prompts(language: Language) -> Array:
    """A feature for each character that may stand at each place of a prompt, 1 where it does.   -> (X, D)"""
    tokens = language.prompt_tokens  # (X, P)
    columns = [column[:, None] == np.unique(column) for column in tokens.T]
    return np.hstack([np.zeros((len(tokens), 0)), *columns])


def transformer_model(
    language: Language,
    rng: Generator,
    *,
    width: int = 16,
    heads: int = 1,
    last_gain: float = 0.1,
    dtype: Any = np.float64,
) -> LanguageModel:
    """A transformer of one block on prompt, BOS and the response so far.

    Raises ValueError unless width and heads are whole numbers >= 1 and heads divides width, and for a dtype
    that is no float.
    """
    check_kind(Language, language=language)
    check_rng(rng)
    check_count("width", width, 1)
    check_count("heads", heads, 1)
    if width % heads:
        raise ValueError(f"heads is {heads}, which does not divide the width {width}")
    length = language.prompt_tokens.shape[1] + language.length
    params = transformer_params(language.n_tokens, length, rng, width=width, last_gain=last_gain, dtype=dtype)
    return LanguageModel(params, partial(_tokens_to_logits, language=language, heads=heads), language)


def _tokens_to_logits(
    params: Params, prompt: Array, response: Array, language: Language, heads: int
) -> tuple[Array, Back]:
    """Prompt, BOS, response without its last token: the logits from BOS on, of tokens that can be chosen."""
    before = language.prompt_tokens[prompt]  # (B, P)
    begin = np.full((len(before), 1), language.bos)
    tokens = np.concatenate([before, begin, response[:, :-1]], axis=1)  # (B, P + L)
    logits, back = transformer(params, tokens, heads)

    def pullback(d: Array) -> Params:
        whole = np.zeros_like(logits)
        whole[:, before.shape[1] :, : language.n_actions] = d
        return back(whole)[1]

    return logits[:, before.shape[1] :, : language.n_actions], pullback
