"""Reward models: gradients, recovery of the truth, what cannot be recovered, noise, many kinds of opinion."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from rlcore.learning.losses import squared_error
from rlcore.learning.preferences import bradley_terry, plackett_luce
from rlcore.lm.evaluate import responses
from rlcore.lm.population import fisher_information, pair_weights, population_loss
from rlcore.lm.raters import Pairs, compare
from rlcore.lm.reward_model import (
    RewardModelConfig,
    comparison_gradient,
    fit_reward_model,
    letter_counts,
    linear_reward,
    maximum_likelihood,
    mlp_reward,
)
from rlcore.lm.sampling import sample
from rlcore.lm.tasks import WEIGHTS, coarse_features, features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.optim import Adam
from rlcore.numerics import finite_difference

TASK = preference_task()
TOY, TREE = TASK.language, Tree(TASK.language)
REF, REWARD = reference(TOY), TASK.table(TREE)
LOG_REF = responses(REF, TREE)
PHI = features(*TREE.everything()).reshape(3, 85, 4)


def pairs_of(n, seed, **rater):
    return compare(REF, TASK.reward, np.arange(n) % 3, np.random.default_rng(seed), **rater)


def difference(pairs, f=features):
    return f(pairs.prompt, pairs.chosen) - f(pairs.prompt, pairs.rejected)


def true_model():
    model = linear_reward(features, 4)
    model.params["W0"][:, 0] = WEIGHTS
    return model


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_gradients(kind):
    rng, bag = np.random.default_rng(0), letter_counts(4, 3)
    model = linear_reward(bag, 8) if kind == "linear" else mlp_reward(bag, 8, rng, hidden=5)
    x, y = np.array([0, 2, 1, 1]), TOY.batch(["aa.", "b.", "cdc", "."])
    r, back = model(x, y)
    assert r.shape == (4,)
    d = rng.standard_normal(4)
    for name, g in back(d).items():
        slope = finite_difference(lambda: (d * model(x, y)[0]).sum(), model.params[name])
        np.testing.assert_allclose(g, slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"margin": 0.5}, {"noise": 0.2}, {"centre": 0.3}], ids=str)
def test_gradient_of_a_batch_of_comparisons(settings):
    """Both sides of each pair, with every setting; and no setting is without effect."""
    model, cfg = (
        mlp_reward(letter_counts(4, 3), 8, np.random.default_rng(1), hidden=5),
        RewardModelConfig(**settings),
    )
    pairs = pairs_of(9, 1)
    _, _, grads = comparison_gradient(model, pairs, cfg)
    for name, w in model.params.items():
        slope = finite_difference(lambda: comparison_gradient(model, pairs, cfg)[0], w)
        np.testing.assert_allclose(grads[name], slope, rtol=0, atol=1e-8)
    if settings:
        plain = comparison_gradient(model, pairs, RewardModelConfig())[0]
        assert abs(comparison_gradient(model, pairs, cfg)[0] - plain) > 1e-3


def test_a_tie_is_half_a_hit():
    pairs = Pairs(
        np.zeros(4, int), TOY.batch(["a.", "aa.", "b.", "b."]), TOY.batch(["aa.", "a.", "c.", "c."])
    )
    assert comparison_gradient(true_model(), pairs, RewardModelConfig())[1] == 0.5


def test_a_bag_of_letters():
    got = letter_counts(4, 3)(np.array([0, 2]), TOY.batch(["aa.", "dbd"]))
    np.testing.assert_array_equal(got, [[2, 0, 0, 0, 1, 1, 0, 0], [0, 1, 0, 2, 0, 0, 0, 1]])


def test_the_true_model_is_the_true_reward():
    model = true_model()
    np.testing.assert_allclose(model.reward(*TREE.everything()), REWARD.ravel(), atol=1e-15)
    frozen = model.frozen()
    model.params["W0"] += 1
    np.testing.assert_array_equal(frozen.params["W0"][:, 0], WEIGHTS)


# ---------------------------------------------------------------- what is found, and what cannot be


def test_ten_thousand_pairs_recover_the_weights():
    """|z| <= 4 of the Fisher errors, for three seeds and four weights: fails once in 1,000."""
    error = np.sqrt(
        np.diag(np.linalg.inv(fisher_information(pair_weights(LOG_REF, REWARD), PHI, WEIGHTS))) / 10_000
    )
    assert (error < 0.1).all()
    for seed in range(3):
        z = (maximum_likelihood(difference(pairs_of(10_000, seed))) - WEIGHTS) / error
        assert (np.abs(z) <= 4).all()


def test_flips_shrink_and_who_knows_of_them_is_not_fooled():
    """10 % of labels flipped: all weights 25 to 31 % smaller; the noisy likelihood has the truth."""
    weight = pair_weights(LOG_REF, REWARD, noise=0.1)
    d = (PHI[:, :, None] - PHI[:, None]).reshape(-1, 4)
    ratio = maximum_likelihood(d, weight.ravel()) / WEIGHTS
    assert ((ratio > 0.69) & (ratio < 0.75)).all()

    def noisy(w):
        value, gradient = population_loss(
            lambda a, b, weight: bradley_terry(a, b, noise=0.1, weight=weight), weight, PHI @ w
        )
        return value, np.einsum("xn,xnf->f", gradient, PHI)

    assert np.abs(noisy(WEIGHTS)[1]).max() < 1e-14
    found = minimize(noisy, np.zeros(4), jac=True, tol=1e-14)
    np.testing.assert_allclose(found.x, WEIGHTS, atol=1e-5)


def test_any_constant_of_a_prompt_is_unseen():
    """b0 has gradient 0, and a feature that says which prompt it is has none either: rewards are differences."""
    pairs = pairs_of(200, 3)
    model = linear_reward(letter_counts(4, 3), 8)
    fit_reward_model(model, pairs, RewardModelConfig(steps=50), np.random.default_rng(0))
    assert np.abs(model.params["b0"]).max() < 1e-15
    np.testing.assert_allclose(model.params["W0"][5:], 0, atol=1e-15)
    assert np.abs(model.params["W0"][:5]).max() > 0.1
    with pytest.raises(ValueError, match="no single w"):
        maximum_likelihood(difference(pairs, letter_counts(4, 3)))
    w = maximum_likelihood(difference(pairs, letter_counts(4, 3)), ridge=1e-3)
    np.testing.assert_allclose(w[5:], 0, atol=1e-12)


def test_pairs_that_some_weights_tell_apart_have_no_best_weights():
    """The more, the better: the likelihood has no maximum, unless size has a price."""
    d = np.array([[1.0, 0.5], [0.5, 1.0]])
    with pytest.raises(ValueError, match="some w tells all pairs apart"):
        maximum_likelihood(d)
    w = maximum_likelihood(d, ridge=0.1)
    assert w[0] == pytest.approx(w[1], abs=1e-12)
    with pytest.raises(ValueError, match="no single w"):
        maximum_likelihood(np.zeros((0, 2)))


def test_a_step_is_judged_with_the_price_of_its_size():
    """The way to the maximum turns back here: late steps make the pairs less likely, and the weights smaller."""
    d = np.array([[20.0, -6.0], [2.0, -2.0]])
    w = maximum_likelihood(d, ridge=0.01)
    np.testing.assert_allclose(d.T @ (1 / (1 + np.exp(d @ w))) / 2, 0.01 * w, rtol=0, atol=1e-10)


def test_a_pair_of_weight_0_says_nothing():
    d, odd = difference(pairs_of(300, 4)), np.arange(300) % 2
    np.testing.assert_allclose(
        maximum_likelihood(d, odd / 150), maximum_likelihood(d[1::2]), rtol=0, atol=1e-9
    )


def test_pairs_of_another_language_are_refused_by_their_side():
    pairs = pairs_of(3, 0)
    for side in ("chosen", "rejected"):
        with pytest.raises(ValueError, match=rf"pairs\.{side}\[0, 0\] is 9"):
            replace(pairs, **{side: np.full_like(pairs.chosen, 9)}).check(REF)


def test_maximum_likelihood_is_no_search_better():
    d = difference(pairs_of(300, 4))
    found = minimize(
        lambda w: bradley_terry(d @ w, np.zeros(300))[0] + 0.01 * w @ w / 2, np.zeros(4), tol=1e-12
    )
    np.testing.assert_allclose(maximum_likelihood(d, ridge=0.01), found.x, atol=1e-5)


def test_centring_chooses_among_equals():
    """The same differences with a price on the sum: rewards of the batch are near 0, without it where they began."""
    pairs = pairs_of(2000, 5)
    means = []
    for centre in (0.0, 0.1):
        model = linear_reward(features, 4)
        model.params["b0"][:] = 3.0
        fit_reward_model(model, pairs, RewardModelConfig(steps=600, centre=centre), np.random.default_rng(1))
        both = np.concatenate([model.reward(pairs.prompt, y) for y in (pairs.chosen, pairs.rejected)])
        means.append(both.mean())
    assert means[0] > 2
    assert abs(means[1]) < 0.2


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_learning_by_gradient(kind):
    """4,000 pairs, 400 steps: nearly the likelihood of the exact fit; the network may go a little below it."""
    pairs, rng = pairs_of(4000, 6), np.random.default_rng(2)
    model = linear_reward(features, 4) if kind == "linear" else mlp_reward(features, 4, rng)
    history = fit_reward_model(model, pairs, RewardModelConfig(), rng)
    d = difference(pairs)
    best = bradley_terry(d @ maximum_likelihood(d), np.zeros(4000))[0]
    got = bradley_terry(model.reward(pairs.prompt, pairs.chosen), model.reward(pairs.prompt, pairs.rejected))[
        0
    ]
    assert best - 0.005 < got < best + 0.005
    assert np.mean([row["accuracy"] for row in history[-100:]]) > 0.65
    assert abs(history[0]["loss"] - np.log(2)) < 0.15


def test_a_margin_drives_rewards_apart():
    pairs = pairs_of(1000, 7)
    gaps = []
    for margin in (0.0, 1.0):
        model = linear_reward(features, 4)
        fit_reward_model(model, pairs, RewardModelConfig(margin=margin), np.random.default_rng(3))
        gaps.append(
            np.mean(model.reward(pairs.prompt, pairs.chosen) - model.reward(pairs.prompt, pairs.rejected))
        )
    assert gaps[1] > gaps[0] + 0.15


# ---------------------------------------------------------------- other ways to say it


def test_rankings_recover_the_weights():
    """500 rankings of four, drawn by Gumbel noise, against the likelihood of the truth: no worse, and by little."""
    rng, G, n = np.random.default_rng(8), 4, 500
    x = np.repeat(np.arange(n) % 3, G)
    y, _ = sample(REF, x, rng)
    noisy = (TASK.reward(x, y) + rng.gumbel(size=n * G)).reshape(n, G)
    order = (np.argsort(-noisy, axis=1) + G * np.arange(n)[:, None]).ravel()
    x, y = x[order], y[order]

    model, adam = linear_reward(features, 4), Adam(0.05)
    for _ in range(400):
        r, back = model(x, y)
        value, d = plackett_luce(r.reshape(n, G))
        adam.step(model.params, back(d.ravel()))
    true = plackett_luce(TASK.reward(x, y).reshape(n, G))[0]
    assert true - 0.02 < value <= true
    w = model.params["W0"][:, 0]
    assert (np.sign(w) == np.sign(WEIGHTS)).all()
    np.testing.assert_allclose(w[:3], WEIGHTS[:3], rtol=0, atol=0.25)


def test_ratings_recover_the_reward_itself():
    """Numbers tell the level too, which comparisons cannot: the bias is found."""
    rng = np.random.default_rng(9)
    x = np.arange(600) % 3
    y, _ = sample(REF, x, rng)
    rating = TASK.reward(x, y) + 5 + 0.3 * rng.standard_normal(600)
    model, adam = linear_reward(features, 4), Adam(0.05)
    for _ in range(1500):
        r, back = model(x, y)
        loss, d = squared_error(r, rating)
        adam.step(model.params, back(d))
    assert loss < 1.02 * squared_error(TASK.reward(x, y) + 5, rating)[0]
    assert model.params["b0"][0] == pytest.approx(5, abs=0.5)


def test_edits_are_comparisons():
    """Who puts an end where there is none prefers an end: its weight grows and the others do not move."""
    original, edited = TOY.batch(["abc", "bcd", "cda"]), TOY.batch(["ab.", "bc.", "cd."])
    pairs = Pairs(np.array([3, 3, 3]) % 3, edited, original)
    model = linear_reward(features, 4)
    fit_reward_model(model, pairs, RewardModelConfig(steps=30, batch=8), np.random.default_rng(4))
    w = model.params["W0"][:, 0]
    assert w[3] > 0.3
    assert w[2] == 0


def test_features_that_do_not_see_cannot_price():
    """Blind to ends and repeats, the best fit still loses to the truth."""
    weight = pair_weights(LOG_REF, REWARD)
    phi = coarse_features(*TREE.everything()).reshape(3, 85, 2)
    w = maximum_likelihood((phi[:, :, None] - phi[:, None]).reshape(-1, 2), weight.ravel())
    blind = population_loss(bradley_terry, weight, phi @ w)[0]
    assert blind > population_loss(bradley_terry, weight, REWARD)[0] + 0.01


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": -1}, "steps is -1"),
        ({"batch": 0}, "batch is 0"),
        ({"lr": -0.1}, "lr is -0.1"),
        ({"lr": 0.0}, "lr is 0.0; it must be a finite number > 0"),
        ({"lr": np.nan}, "lr is nan"),
        ({"margin": -1.0}, "margin is -1.0; it must be a finite number >= 0"),
        ({"centre": np.inf}, "centre is inf"),
        ({"noise": -0.1}, "noise is -0.1; it must be a finite number >= 0"),
        ({"noise": 0.5}, "noise is 0.5; it must be below 1/2"),
        ({"noise": "1"}, "noise is '1'"),
    ],
)
def test_settings_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        RewardModelConfig(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"difference": np.array([[1.0], [np.nan]])}, r"difference\[1, 0\] is nan"),
        ({"difference": np.zeros((3, 0))}, r"difference has shape \(3, 0\)"),
        ({"difference": np.ones(3)}, r"difference has shape \(3,\)"),
        ({"weight": np.ones(2)}, r"weight has shape \(2,\); it must be \(3,\)"),
        ({"weight": np.array([1.0, np.inf, 1.0])}, r"weight\[1\] is inf"),
        ({"weight": np.array([1.0, -1.0, 1.0])}, r"weight\[1\] is -1"),
        ({"ridge": -0.1}, "ridge is -0.1"),
        ({"ridge": np.nan}, "ridge is nan"),
    ],
)
def test_no_likelihood(arguments, message):
    with pytest.raises(ValueError, match=message):
        maximum_likelihood(**{"difference": np.ones((3, 1)), "ridge": 0.1} | arguments)


def test_raters_need_numbers():
    for reward, message in [
        (lambda x, y: np.full(len(y), np.nan), "reward of response 0 is nan"),
        (lambda x, y: TASK.reward(x, y)[:, None], r"reward gave shape \(6, 1\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            compare(REF, reward, np.arange(6) % 3, np.random.default_rng(0))


def test_no_pairs():
    with pytest.raises(ValueError, match="pairs is empty"):
        fit_reward_model(true_model(), pairs_of(3, 0)[:0], RewardModelConfig(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_features is 0"):
        linear_reward(features, 0)
