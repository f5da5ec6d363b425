"""Language models of four kinds behind one interface: gradients, pads, causality, sampling, number types."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import chisquare

from rlcore.lm.evaluate import responses, tokens
from rlcore.lm.language import Language
from rlcore.lm.models import (
    LanguageModel,
    bigram,
    mlp_model,
    one_hot_prompts,
    sequence_logp,
    token_logp,
    transformer_model,
    trie,
)
from rlcore.lm.sampling import sample
from rlcore.lm.tree import Tree
from rlcore.nn.optim import Adam
from rlcore.numerics import finite_difference, log_softmax

TOY = Language("abcd", ("A", "B", "C"), length=3)
SUMS = Language("012", ("0+1", "1+1", "2+0"), length=2)
RNG = np.random.default_rng(0)
KINDS = {
    "trie": trie,
    "bigram": bigram,
    "mlp": partial(mlp_model, rng=RNG, hidden=6, last_gain=1.0),
    "transformer": partial(transformer_model, rng=RNG, width=4, heads=2, last_gain=1.0),
}
KIND = pytest.mark.parametrize("kind", KINDS)
LANGUAGE = pytest.mark.parametrize("language", [TOY, SUMS], ids=["toy", "sums"])


def random_model(kind, language, dtype=np.float64, seed=1):
    """Every parameter moved by noise: nothing is 0, no row is like another."""
    model, rng = KINDS[kind](language, dtype=dtype), np.random.default_rng(seed)
    for w in model.params.values():
        w += rng.normal(0, 0.5, w.shape)
    return model


def batch(language, n=8, seed=2):
    """Responses of all lengths, one of them without an end."""
    rng, tree = np.random.default_rng(seed), Tree(language)
    index = rng.integers(tree.n_responses, size=n)
    index[:2] = 0, tree.n_responses - 1
    return rng.integers(len(language.prompts), size=n), tree.response[index]


def close(gradient, expected):
    assert gradient.shape == expected.shape
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6 * max(1e-3, np.abs(expected).max()))


# ---------------------------------------------------------------- gradients


@KIND
@LANGUAGE
def test_gradient_of_the_logits(kind, language):
    model, (x, y) = random_model(kind, language), batch(language)
    logits, back = model(x, y)
    assert logits.shape == (*y.shape, language.n_actions)
    d = np.random.default_rng(3).standard_normal(logits.shape)
    grads = back(d)
    assert list(grads) == list(model.params)
    for name, w in model.params.items():
        close(grads[name], finite_difference(lambda: (d * model(x, y)[0]).sum(), w))
    assert max(np.abs(g).max() for g in grads.values()) > 0.1


@KIND
@LANGUAGE
@pytest.mark.parametrize("f", [token_logp, sequence_logp])
def test_gradient_of_log_probabilities(kind, language, f):
    """d counts on pads too: what stands there must not matter."""
    model, (x, y) = random_model(kind, language), batch(language)
    logp, back = f(model, x, y)
    d = np.random.default_rng(4).standard_normal(logp.shape)
    for name, g in back(d).items():
        close(g, finite_difference(lambda: (d * f(model, x, y)[0]).sum(), model.params[name]))


def test_two_calls_before_either_back():
    for kind in KINDS:
        model = random_model(kind, TOY)
        (x, y), (u, v) = batch(TOY), batch(TOY, n=5, seed=9)
        (a, back_a), (b, back_b) = token_logp(model, x, y), token_logp(model, u, v)
        back_b(np.ones_like(b))
        one, two = back_a(np.ones_like(a)), token_logp(model, x, y)[1](np.ones_like(a))
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


# ---------------------------------------------------------------- probabilities


@KIND
@LANGUAGE
def test_the_responses_of_a_prompt_sum_to_one(kind, language):
    model, tree = random_model(kind, language), Tree(language)
    logp, _ = sequence_logp(model, *tree.everything())
    total = np.exp(logp.reshape(-1, tree.n_responses)).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-13)
    np.testing.assert_allclose(responses(model, tree), logp.reshape(-1, tree.n_responses), atol=1e-12)


@KIND
def test_log_probability_token_by_token(kind):
    """From the table of tokens after prefixes: log pi(y) = sum_t log pi(y_t | prefix), nothing for pads."""
    model, tree, (x, y) = random_model(kind, TOY), Tree(TOY), batch(TOY)
    table, number = tokens(model, tree), TOY.prefix(y)
    logp, _ = token_logp(model, x, y)
    for b, t in np.ndindex(y.shape):
        want = table[x[b], number[b, t], y[b, t]] if y[b, t] < 5 else 0.0
        assert logp[b, t] == pytest.approx(want, abs=1e-13)
    np.testing.assert_allclose(sequence_logp(model, x, y)[0], logp.sum(axis=1), atol=1e-13)


@KIND
def test_the_future_and_the_pads_change_nothing(kind):
    model, (x, y) = random_model(kind, TOY), batch(TOY)
    logits, _ = model(x, y)
    for t in range(3):
        other = y.copy()
        other[:, t:] = (other[:, t:] + 1) % 4
        np.testing.assert_allclose(model(x, other)[0][:, : t + 1], logits[:, : t + 1], rtol=0, atol=1e-12)
        np.testing.assert_allclose(model(x, y[:, : t + 1])[0], logits[:, : t + 1], rtol=0, atol=1e-12)


def test_what_each_model_sees():
    """After "ba" and "ca": the same letter before and the same position, another prefix."""
    x, y = np.array([0, 0, 1]), TOY.batch(["baa", "caa", "baa"])
    for kind, told_apart in {"trie": True, "bigram": False, "mlp": False, "transformer": True}.items():
        logits, _ = random_model(kind, TOY)(x, y)
        assert (np.abs(logits[0, 2] - logits[1, 2]).max() > 1e-3) == told_apart
        assert np.abs(logits[0, 2] - logits[2, 2]).max() > 1e-3  # the prompt is seen by all
        again = np.abs(logits[0, 1] - logits[0, 2]).max()  # "b" before, then "a": all see that
        assert again > 1e-3
    row = TOY.batch(["aaa"])
    bigram_logits, mlp_logits = (
        random_model(kind, TOY)(np.zeros(1, int), row)[0][0] for kind in ("bigram", "mlp")
    )
    np.testing.assert_array_equal(bigram_logits[1], bigram_logits[2])
    assert np.abs(mlp_logits[1] - mlp_logits[2]).max() > 1e-3  # the position


def test_features_of_prompts():
    np.testing.assert_array_equal(one_hot_prompts(TOY), np.eye(3))
    want = [[1, 0, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 1, 0]]
    np.testing.assert_array_equal(one_hot_prompts(SUMS), want)
    assert one_hot_prompts(Language("ab")).shape == (1, 0)


def test_a_trie_can_be_any_model():
    """Its table filled with another model's tokens, it is that model."""
    tree = Tree(TOY)
    for kind in KINDS:
        model, copy = random_model(kind, TOY), trie(TOY)
        copy.params["theta"][...] = tokens(model, tree)
        np.testing.assert_allclose(responses(copy, tree), responses(model, tree), rtol=0, atol=1e-13)


def test_first_parameters():
    x, y = batch(TOY)
    np.testing.assert_allclose(token_logp(bigram(TOY), x, y)[0][:, 0], -np.log(5), atol=1e-15)
    rng = np.random.default_rng(5)
    near = [mlp_model(TOY, rng), transformer_model(TOY, rng)]
    for model in near:
        assert np.abs(token_logp(model, x, y)[0][:, 0] + np.log(5)).max() < 0.2


def test_a_frozen_copy_stays():
    for kind in KINDS:
        model, (x, y) = random_model(kind, TOY), batch(TOY)
        reference, before = model.frozen(), token_logp(model, x, y)[0]
        logp, back = token_logp(model, x, y)
        Adam(0.1).step(model.params, back(np.ones_like(logp)))
        np.testing.assert_array_equal(token_logp(reference, x, y)[0], before)
        assert np.abs(token_logp(model, x, y)[0] - before).max() > 1e-2


@KIND
def test_float32(kind):
    single, double = (random_model(kind, TOY, dtype) for dtype in (np.float32, np.float64))
    for name in double.params:
        double.params[name][...] = single.params[name]
    x, y = batch(TOY)
    (a, back_a), (b, back_b) = sequence_logp(single, x, y), sequence_logp(double, x, y)
    assert a.dtype == np.float32
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    d = np.random.default_rng(6).standard_normal(len(x))
    grads, want = back_a(d), back_b(d)
    for name, g in grads.items():
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, want[name], rtol=1e-4, atol=1e-5)
    response, logp = sample(single, x, np.random.default_rng(7))
    assert logp.dtype == np.float32
    np.testing.assert_allclose(token_logp(single, x, response)[0], logp, rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------- sampling


@KIND
def test_samples_carry_their_log_probability(kind):
    model = random_model(kind, TOY)
    x = np.arange(200) % 3
    response, logp = sample(model, x, np.random.default_rng(8))
    np.testing.assert_allclose(token_logp(model, x, response)[0], logp, rtol=0, atol=1e-13)
    assert TOY.texts(TOY.batch(TOY.texts(response))) == TOY.texts(response)  # each is a whole response
    np.testing.assert_array_equal(sample(model, x, np.random.default_rng(8))[0], response)
    assert len(set(TOY.texts(response))) > 20


@KIND
@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_samples_follow_the_model(kind, temperature):
    """8,000 draws for a prompt against every response's probability; fails once in 10,000 seeds."""
    model, tree = random_model(kind, TOY), Tree(TOY)
    table = log_softmax(tokens(model, tree)[1] / temperature)  # (M, V) of prompt B
    copy = trie(TOY)
    copy.params["theta"][1] = table
    p = np.exp(responses(copy, tree)[1])
    response, logp = sample(model, np.ones(8_000, int), np.random.default_rng(10), temperature=temperature)
    count = np.bincount(tree.index(response), minlength=85)
    np.testing.assert_allclose(np.exp(logp.sum(axis=1)), p[tree.index(response)], rtol=1e-10)
    often = p * 8_000 >= 5
    seen, expected = np.append(count[often], count[~often].sum()), np.append(p[often], p[~often].sum())
    if expected[-1] * 8_000 < 5:
        seen[-2], expected[-2] = seen[-2:].sum(), expected[-2:].sum()
        seen, expected = seen[:-1], expected[:-1]
    assert chisquare(seen, 8_000 * expected).pvalue > 1e-4


def test_the_stream_does_not_depend_on_who_has_ended():
    """A uniform number a row and position: a row's draws are its own, whatever the others do."""
    quiet, rng = random_model("bigram", TOY), np.random.default_rng(11)
    sample(quiet, np.zeros(7, int), rng)
    same = np.random.default_rng(11)
    same.random((3, 7))
    assert rng.random() == same.random()


# ---------------------------------------------------------------- bad input


def test_bad_shapes():
    model = bigram(TOY)
    y = TOY.batch(["aa.", "b."])
    for x, rows in [(np.zeros(3, int), y), (np.zeros((2, 1), int), y), (np.zeros(2, int), y[0])]:
        with pytest.raises(ValueError, match=r"they must be \(B,\) and \(B, L\)"):
            token_logp(model, x, rows)
    with pytest.raises(ValueError, match="L at most 3"):
        model(np.zeros(2, int), np.zeros((2, 4), int))


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf, "1", None])
def test_bad_temperatures(temperature):
    with pytest.raises(ValueError, match="temperature is"):
        sample(bigram(TOY), [0], np.random.default_rng(0), temperature=temperature)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_model_that_says_no_distribution_is_not_heard(bad):
    """A step that went too far: the run ends here, and does not go on with one letter for ever."""
    model = trie(TOY)
    model.params["theta"][1] = bad
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="model gives nan for logits / temp"):
        sample(model, np.arange(3), np.random.default_rng(0))
    well = trie(TOY)
    well.params["theta"] += [1.0, 0.0, 0.0, 0.0, -1.0]
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="or temperature too small"):
        sample(well, np.arange(3), np.random.default_rng(0), temperature=1e-320)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([0, 3], r"prompt\[1\] is 3; prompts are 0 to 2"),
        ([-1], r"prompt\[0\] is -1"),
        ([0.0], "prompt is float64"),
        (0, r"prompt is int\d+ \(\); it must be int \(B,\)"),
        ([], "prompt is float64"),
        (["A"], "prompt is <U1"),
    ],
)
def test_bad_prompts(prompt, message):
    with pytest.raises(ValueError, match=message):
        sample(bigram(TOY), prompt, np.random.default_rng(0))


def test_bad_sizes():
    rng = np.random.default_rng(0)
    for make in (trie, bigram, partial(mlp_model, rng=rng), partial(transformer_model, rng=rng)):
        with pytest.raises(ValueError, match="dtype is int64; it must be float32 or float64"):
            make(TOY, dtype=np.int64)
    with pytest.raises(ValueError, match="hidden is 0"):
        mlp_model(TOY, rng, hidden=0)
    with pytest.raises(ValueError, match="heads is 3, which does not divide the width 16"):
        transformer_model(TOY, rng, heads=3)
    with pytest.raises(ValueError, match="width is 0"):
        transformer_model(TOY, rng, width=0)
    with pytest.raises(ValueError, match="prefixes; a trie holds at most 1,000,000"):
        trie(Language("abcdefghijklmno", length=8))


def test_a_model_is_its_parameters_and_a_function():
    """Anything with the interface will do: here, probabilities that do not look at anything."""

    def blind(params, prompt, response):
        logits = np.broadcast_to(params["b"], (*response.shape, 5))
        return logits, lambda d: {"b": d.reshape(-1, 5).sum(axis=0)}

    model = LanguageModel({"b": np.log([0.1, 0.2, 0.3, 0.1, 0.3])}, blind, TOY)
    logp, _ = sequence_logp(model, np.zeros(2, int), TOY.batch(["ab.", "c."]))
    np.testing.assert_allclose(np.exp(logp), [0.1 * 0.2 * 0.3, 0.3 * 0.3], atol=1e-15)
