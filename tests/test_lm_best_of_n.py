"""Best of n and what is fine-tuned on it, against the exact distribution."""

import numpy as np
import pytest

from rlcore.exact.regularised import best_of_n, divergence, regularised_performance
from rlcore.lm.best_of_n import RejectionConfig, best_of, rejection_tune
from rlcore.lm.evaluate import as_trie, expectation, near_reference, responses
from rlcore.lm.models import mlp_model
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.sft import SFTConfig, sft
from rlcore.lm.tasks import coarse_features, preference_task, reference
from rlcore.lm.tree import Tree

TASK = preference_task()
TOY, TREE = TASK.language, Tree(TASK.language)
REF, REWARD = reference(TOY), TASK.table(TREE)
LOG_REF = responses(REF, TREE)
JUDGE = near_reference(TREE, LOG_REF, REWARD, 0.2)
COARSE = np.array([0.5656407845899848, -0.4824373924608199])


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_what_is_kept_follows_the_exact_distribution(n):
    """E r 1.2946 for n = 4, 1.6517 for 16: 6,000 draws within 4 standard errors (four tests: 1 in 4,000 fails)."""
    x = np.arange(6_000) % 3
    _, points = best_of(REF, TASK.reward, x, n, np.random.default_rng(n))
    exact = best_of_n(LOG_REF, REWARD, n)
    want, square = expectation(exact, REWARD), expectation(exact, REWARD**2)
    error = np.sqrt((square - want**2).mean() / len(x))
    assert abs(points.mean() - want.mean()) <= 4 * error
    if n in (4, 16):
        assert want.mean() == pytest.approx({4: 1.2946, 16: 1.6517}[n], abs=6e-5)


def test_ties_are_split_evenly():
    """By a score that knows two values only, responses of the better kind keep ref's proportions.

    A hundred cells of a count of 30,000 within 5 standard errors: 1 run in 10,000 fails by chance.
    """
    ended = TREE.response[:, -1] >= 4  # (N,) an end, or a pad behind one
    score = np.tile(ended.astype(float), (3, 1))
    x, rng = np.arange(30_000) % 3, np.random.default_rng(0)
    y, _ = best_of(REF, lambda prompt, response: (response[:, -1] >= 4).astype(float), x, 3, rng)
    count = np.bincount(x * 85 + TREE.index(y), minlength=255).reshape(3, 85)
    p = np.exp(best_of_n(LOG_REF, score, 3))
    assert (np.abs(count - 10_000 * p) <= 5 * np.sqrt(10_000 * p * (1 - p)) + 1).all()


def test_one_draw_is_a_sample_and_the_score_is_that_of_what_is_kept():
    x = np.arange(50) % 3
    one, points = best_of(REF, TASK.reward, x, 1, np.random.default_rng(3))
    np.testing.assert_array_equal(one, sample(REF, x, np.random.default_rng(3))[0])
    np.testing.assert_array_equal(points, TASK.reward(x, one))
    equal, _ = best_of(REF, lambda x, y: np.ones(len(y)), x[::4], 4, np.random.default_rng(3))
    drawn, _ = sample(REF, np.repeat(x[::4], 4), np.random.default_rng(3))
    np.testing.assert_array_equal(equal, drawn[::4])  # the first of equals
    many, better = best_of(REF, TASK.reward, x, 64, np.random.default_rng(3))
    np.testing.assert_array_equal(better, TASK.reward(x, many))
    assert better.mean() > points.mean() + 0.5


def test_by_a_coarse_score_more_draws_make_it_worse():
    """Four tokens: gold 1.363 at n = 8 and .940 at n = 64, the score itself rising; 3,000 draws, 4 standard errors."""
    task = preference_task(4)
    tree, ref, x = Tree(task.language), reference(task.language), np.arange(3_000) % 3
    reward, log_ref = task.table(tree), responses(ref, tree)
    table = (coarse_features(*tree.everything()) @ COARSE).reshape(reward.shape)
    score, gold = [], []
    for n, want in [(8, 1.363), (64, 0.940)]:
        y, points = best_of(ref, lambda a, b: coarse_features(a, b) @ COARSE, x, n, np.random.default_rng(n))
        r = task.reward(x, y)
        exact = expectation(best_of_n(log_ref, table, n), reward).mean()
        assert exact == pytest.approx(want, abs=6e-4)
        assert abs(r.mean() - exact) <= 4 * r.std() / np.sqrt(len(x))
        score.append(points.mean())
        gold.append(r.mean())
    assert score[1] > score[0] + 0.5
    assert gold[1] < gold[0] - 0.3


# ---------------------------------------------------------------- fine-tuning on the best


@pytest.mark.parametrize("seed", range(3))
def test_fine_tuning_on_the_best_of_four(seed):
    """E r 1.2945 of the exact 1.2946: within .01 (60,000 kept: one standard error is .003)."""
    model = as_trie(REF, TREE)
    cfg = RejectionConfig(batch=60_000)
    history = rejection_tune(model, TASK.reward, cfg, np.random.default_rng(seed), JUDGE)
    exact = best_of_n(LOG_REF, REWARD, 4)
    assert history[-1]["exact_reward"] == pytest.approx(1.2946, abs=0.01)
    assert history[-1]["kept"] == pytest.approx(1.2946, abs=0.01)
    assert history[-1]["exact_kl"] == pytest.approx(divergence(exact, LOG_REF).mean(), abs=0.03)
    assert divergence(exact, responses(model, TREE)).mean() < 0.01


def test_the_best_of_m_that_are_the_best_of_n():
    """It is the best of m n, ties and all."""
    twice = best_of_n(best_of_n(LOG_REF, REWARD, 4), REWARD, 4)
    np.testing.assert_allclose(np.exp(twice), np.exp(best_of_n(LOG_REF, REWARD, 16)), rtol=0, atol=1e-12)


def test_a_second_round_multiplies_n():
    """Twice the best of 4 comes to the best of 16: E r 1.6517, KL 1.77, both within the noise of 12,000 kept."""
    model = as_trie(REF, TREE)
    cfg = RejectionConfig(rounds=2, batch=12_000)
    history = rejection_tune(model, TASK.reward, cfg, np.random.default_rng(0), JUDGE)
    assert [row["draws"] for row in history] == [48_000, 96_000]
    assert history[0]["exact_reward"] == pytest.approx(1.2946, abs=0.03)
    assert history[1]["exact_reward"] == pytest.approx(1.6517, abs=0.03)
    assert history[1]["exact_kl"] == pytest.approx(1.7704, abs=0.15)
    assert history[1]["kept"] == pytest.approx(1.6517, abs=0.03)


def test_it_is_not_the_optimum_near_the_reference():
    """gap .151 for n = 4, .0229 for 16; PPO's is a tenth of that."""
    V = JUDGE(REF)["performance"] + 0.2 * JUDGE(REF)["distance"]
    for n, gap in [(4, 0.151), (16, 0.0229)]:
        J = regularised_performance(best_of_n(LOG_REF, REWARD, n), LOG_REF, REWARD, 0.2).mean()
        assert V - J == pytest.approx(gap, abs=6e-4)


def test_a_network_learns_from_its_best():
    rng = np.random.default_rng(0)
    model = mlp_model(TOY, rng, dtype=np.float32)
    cfg = RejectionConfig(rounds=3, batch=300, sft=SFTConfig(steps=60, batch=100, lr=2e-2))
    history = rejection_tune(model, TASK.reward, cfg, rng, JUDGE)
    assert JUDGE(mlp_model(TOY, np.random.default_rng(0)))["exact_reward"] < 0.1
    assert history[-1]["exact_reward"] > history[0]["exact_reward"] > 0.3
    assert history[-1]["nll"] < history[0]["nll"]


def test_the_nll_of_a_round_is_that_of_its_last_batch():
    model = as_trie(REF, TREE)
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    cfg = RejectionConfig(batch=40, n=2, sft=SFTConfig(steps=20, batch=10, lr=0.1))
    (row,) = rejection_tune(model, TASK.reward, cfg, rng)
    again, x = as_trie(REF, TREE), draw_prompts(TOY, 40, twin)
    kept, _ = best_of(again, TASK.reward, x, 2, twin)
    fitted = sft(again, x, kept, cfg.sft, twin)
    assert row["nll"] == fitted[-1]["nll"] < fitted[0]["nll"] - 0.1


def no_number(x, y):
    return np.where(np.arange(len(y)) == 1, np.nan, 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: best_of(REF, TASK.reward, [0], 0, np.random.default_rng(0)), "n is 0"),
        (lambda: best_of(REF, TASK.reward, [3], 2, np.random.default_rng(0)), r"prompt\[0\] is 3"),
        (lambda: best_of(REF, no_number, [0, 1], 2, np.random.default_rng(0)), "reward of response 1 is nan"),
        (lambda: best_of(REF, lambda x, y: y, [0, 1], 2, np.random.default_rng(0)), r"shape \(4, 3\)"),
        (lambda: RejectionConfig(n=0), "n is 0"),
        (lambda: RejectionConfig(rounds=-1), "rounds is -1"),
        (lambda: RejectionConfig(batch=0), "batch is 0"),
        (lambda: RejectionConfig(sft=3), "sft is 3"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
