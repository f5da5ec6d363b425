"""RRHF: its gradient, what the order alone does, the published row, bad input."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rlcore.exact.regularised import best_of_n
from rlcore.lm.evaluate import as_trie, expectation, near_reference, responses
from rlcore.lm.models import mlp_model, token_logp
from rlcore.lm.rrhf import RRHFConfig, rank_gradient, train_rrhf
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.numerics import finite_difference

TASK = preference_task()
TOY, TREE = TASK.language, Tree(TASK.language)
REF = reference(TOY)
REWARD, LOG_REF = TASK.table(TREE), responses(REF, TREE)
JUDGE = near_reference(TREE, LOG_REF, REWARD, 0.2)
V = 1.3204555


def start():
    """The reference as a model that can become anything."""
    return as_trie(REF, TREE)


def run(seed, **settings):
    model, cfg = start(), RRHFConfig(**{"every": 1000, **settings})
    return train_rrhf(model, REF, TASK.reward, cfg, np.random.default_rng(seed), JUDGE)[-1]


PROMPT = np.repeat([0, 2], 3)
RESPONSE = TOY.batch(["aa.", "b.", "ddd", ".", "cac", "cc."])
RANK = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 3.0]])


def test_the_loss_by_hand():
    """Of each group the pairs in the wrong order, and the log-likelihood of the best one, a mean over groups."""
    model = mlp_model(TOY, np.random.default_rng(0), last_gain=5.0)
    logp = token_logp(model, PROMPT, RESPONSE)[0].sum(axis=1).reshape(2, 3)
    for power in (1.0, 0.0):
        p = logp / np.array([[3, 2, 3], [1, 3, 3]]) ** power
        want = 0.0
        for g in range(2):
            for i in range(3):
                for j in range(3):
                    if RANK[g, i] < RANK[g, j]:
                        want += max(0, p[g, i] - p[g, j]) / 2
        row, _ = rank_gradient(model, PROMPT, RESPONSE, RANK, RRHFConfig(length_power=power))
        assert row["rank"] == pytest.approx(want, abs=1e-13)
        assert row["nll"] == pytest.approx(-(logp[0, 0] + logp[1, 2]) / 2, abs=1e-13)
        assert want > 0.1


@pytest.mark.parametrize("settings", [{}, {"best": 0.0}, {"rank": 2.0, "length_power": 0.5}])
def test_the_gradient(settings):
    model, cfg = mlp_model(TOY, np.random.default_rng(0), last_gain=5.0), RRHFConfig(**settings)
    step = partial(rank_gradient, model, PROMPT, RESPONSE, RANK, cfg)

    def loss():
        row, _ = step()
        return cfg.rank * row["rank"] + cfg.best * row["nll"]

    _, grads = step()
    for key, array in model.params.items():
        np.testing.assert_allclose(grads[key], finite_difference(loss, array), rtol=0, atol=1e-8)


def test_only_the_order_of_rewards_counts():
    model = mlp_model(TOY, np.random.default_rng(0), last_gain=5.0)
    one, grads = rank_gradient(model, PROMPT, RESPONSE, RANK, RRHFConfig())
    two, again = rank_gradient(model, PROMPT, RESPONSE, np.exp(3 * RANK) - 7, RRHFConfig())
    assert one == two
    for key in grads:
        np.testing.assert_array_equal(grads[key], again[key])


def test_what_is_in_order_has_nothing_more_to_say():
    """By the order alone; the likelihood of the best one still pushes."""
    model = start()
    p = token_logp(model, PROMPT, RESPONSE)[0].sum(axis=1).reshape(2, 3) / [[3, 2, 3], [1, 3, 3]]
    _, grads = rank_gradient(model, PROMPT, RESPONSE, p, RRHFConfig(best=0.0))
    assert not grads["theta"].any()
    _, grads = rank_gradient(model, PROMPT, RESPONSE, p, RRHFConfig())
    assert np.abs(grads["theta"]).max() > 0.1


def test_four_a_group():
    """Published: E r 1.2699, KL .631, V - J .177; best of four has 1.2946 and .6246. Three seeds, within .03.

    The learning rate is ours (.05). Of 3 seeds E r was 1.261 to 1.280, KL .609 to .639.
    """
    four = expectation(best_of_n(LOG_REF, REWARD, 4), REWARD).mean()
    for seed in range(3):
        last = run(seed)
        assert last["exact_reward"] == pytest.approx(1.2699, abs=0.03)
        assert last["exact_kl"] == pytest.approx(0.631, abs=0.06)
        assert V - last["performance"] == pytest.approx(0.177, abs=0.03)
        assert abs(last["exact_reward"] - four) < 0.06


def test_the_order_alone_is_not_enough():
    """Published: E r .8327, KL .167, V - J .521. Of 3 seeds E r was .773 to .810."""
    for seed in range(3):
        last = run(seed, best=0.0)
        assert last["exact_reward"] == pytest.approx(0.8327, abs=0.1)
        assert last["exact_kl"] == pytest.approx(0.167, abs=0.04)
        assert V - last["performance"] == pytest.approx(0.521, abs=0.08)


def test_a_step_by_hand():
    """Responses of the reference, not of the model that is trained; a row every second step and a last one."""
    model, cfg, rng = start(), RRHFConfig(steps=3, prompts=2, every=2), np.random.default_rng(0)
    model.params["theta"] += np.random.default_rng(1).normal(0, 1, model.params["theta"].shape)
    first = model.frozen()
    history = train_rrhf(model, REF, TASK.reward, cfg, np.random.default_rng(0))
    assert [row["step"] for row in history] == [2, 3]
    (row,) = train_rrhf(first.frozen(), REF, TASK.reward, replace(cfg, steps=1), np.random.default_rng(0))
    prompt = np.repeat(draw_prompts(TOY, 2, rng), 4)
    response, _ = sample(REF, prompt, rng)
    want, _ = rank_gradient(first, prompt, response, TASK.reward(prompt, response).reshape(2, 4), cfg)
    assert row == {"step": 1, **want}


def test_the_same_seed_the_same_run():
    one, again, other = (run(seed, steps=3) for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps is -1"),
        ({"prompts": 0}, "prompts is 0"),
        ({"group": 1}, "group is 1; it must be a whole number >= 2"),
        ({"every": 0.5}, "every is 0.5"),
        ({"lr": 0}, "lr is 0; it must be a finite number > 0"),
        ({"lr": np.nan}, "lr is nan"),
        ({"rank": -1}, "rank is -1; it must be a finite number >= 0"),
        ({"best": np.inf}, "best is inf"),
        ({"length_power": "1"}, "length_power is '1'"),
    ],
)
def test_settings_that_are_none(settings, message):
    with pytest.raises(ValueError, match=message):
        RRHFConfig(**settings)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda x, y: np.zeros(3), r"reward gave shape \(3,\); it must be \(96,\)"),
        (lambda x, y: np.where(np.arange(96) == 5, np.nan, 0), "reward of response 5 is nan"),
    ],
)
def test_rewards_that_are_none(reward, message):
    with pytest.raises(ValueError, match=message):
        train_rrhf(start(), REF, reward, RRHFConfig(), np.random.default_rng(0))


def test_a_reference_of_another_language():
    with pytest.raises(ValueError, match="ref speaks"):
        train_rrhf(
            start(),
            reference(preference_task(2).language),
            TASK.reward,
            RRHFConfig(),
            np.random.default_rng(0),
        )
