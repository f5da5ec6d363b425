"""What a policy's network means: probabilities, samples, policies. Gradients: test_gradients."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm

from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.kl import gaussian_kl, kl
from rlcore.learning.policies import Policy, categorical_entropy, gaussian_log_prob, log_prob
from rlcore.nn.layers import mlp, mlp_params
from rlcore.numerics import softmax

NONE = -np.inf


def discrete(rng, dtype=np.float64):
    return Policy(mlp_params([3, 8, 4], rng, gain=2.0, dtype=dtype), mlp, Categorical())


def continuous(rng, dtype=np.float64):
    log_std = np.array([0.3, -1.0], dtype)
    params = {**mlp_params([3, 8, 2], rng, gain=2.0, dtype=dtype), "log_std": log_std}
    return Policy(params, with_log_std(mlp), Gaussian())


# ---------------------------------------------------------------- probabilities


def test_log_prob_by_hand():
    """pi = (.7, .2, .1): log pi(1), and its gradient (0, 1, 0) - pi."""
    logp, back = log_prob(np.log([[7.0, 2.0, 1.0]]), np.array([1]))
    assert logp[0] == pytest.approx(np.log(0.2), abs=1e-15)
    np.testing.assert_allclose(back(np.array([3.0])), [[-2.1, 2.4, -0.3]], atol=1e-14)


def test_log_prob_has_leading_axes_of_any_number():
    rng = np.random.default_rng(0)
    logits, action = rng.normal(size=(4, 5, 3)), rng.integers(0, 3, (4, 5))
    logp, back = log_prob(logits, action)
    one, back_one = log_prob(logits[2, 3], action[2, 3])
    assert logp.shape == (4, 5)
    assert np.shape(one) == ()
    assert one == logp[2, 3]
    np.testing.assert_array_equal(back(np.ones((4, 5)))[2, 3], back_one(np.ones(())))


def test_the_expected_gradient_of_log_prob_is_zero():
    """sum_a pi(a) grad log pi(a) = 0: what makes baselines free."""
    logits = np.tile(np.random.default_rng(1).normal(size=6), (6, 1))
    _, back = log_prob(logits, np.arange(6))
    np.testing.assert_allclose(back(softmax(logits[0])).sum(axis=0), 0, atol=1e-15)


def test_large_logits_and_actions_that_do_not_exist():
    logp, back = log_prob(np.array([[1000.0, 0.0, NONE]]), np.array([1]))
    assert logp[0] == -1000
    np.testing.assert_array_equal(back(np.ones(1)), [[-1, 1, 0]])
    assert log_prob(np.array([0.0, NONE]), np.array(1))[0] == NONE


def test_gaussian_log_prob_is_scipys():
    rng = np.random.default_rng(2)
    mean, log_std, action = rng.normal(size=(3, 5, 2))
    want = norm.logpdf(action, mean, np.exp(log_std)).sum(axis=-1)
    np.testing.assert_allclose(gaussian_log_prob(mean, log_std, action)[0], want, atol=1e-13)
    want = norm.logpdf(action, mean, np.exp(log_std[0])).sum(axis=-1)
    np.testing.assert_allclose(gaussian_log_prob(mean, log_std[0], action)[0], want, atol=1e-13)
    assert (
        gaussian_log_prob(np.zeros(1), np.full(1, -3.0), np.zeros(1))[0] > 2
    )  # a density, not a probability


def test_the_number_type_is_that_of_the_means():
    """Actions kept in float64 do not turn a float32 network's gradient into float64."""
    mean = np.zeros((2, 3), np.float32)
    logp, back = gaussian_log_prob(mean, mean, np.ones((2, 3)))
    assert {logp.dtype, *(d.dtype for d in back(logp))} == {np.dtype(np.float32)}


def test_gaussian_entropy_is_scipys():
    y = np.random.default_rng(3).normal(size=(5, 4))
    want = norm.entropy(y[:, :2], np.exp(y[:, 2:])).sum(axis=-1)
    np.testing.assert_allclose(Gaussian().entropy(y)[0], want, atol=1e-13)


def test_entropy_from_nothing_to_log_A():
    H, _ = categorical_entropy(
        np.array([[0.0, 0.0, 0.0], [0.0, 0.0, NONE], [0.0, NONE, NONE], [900.0, 0.0, 0.0]])
    )
    np.testing.assert_allclose(H, [np.log(3), np.log(2), 0, 0], atol=1e-15)


def test_a_head_measures_the_divergence_from_the_old_policy():
    """KL(old || new), in this order, for either head."""
    y_old, y = np.random.default_rng(4).normal(size=(2, 5, 4))
    np.testing.assert_array_equal(Categorical().kl(y_old, y)[0], kl(y_old, y))
    want = gaussian_kl(y_old[:, :2], y_old[:, 2:], y[:, :2], y[:, 2:])
    np.testing.assert_array_equal(Gaussian().kl(y_old, y)[0], want)
    assert np.abs(want - gaussian_kl(y[:, :2], y[:, 2:], y_old[:, :2], y_old[:, 2:])).max() > 0.1


# ---------------------------------------------------------------- samples


def test_discrete_actions_have_their_probabilities():
    """Chi-square with three degrees of freedom; a right program fails with probability 1e-6."""
    n, logits = 40_000, np.array([0.5, -1.0, NONE, 1.0, 0.0])
    action, logp = Categorical().sample(np.tile(logits, (n, 1)), np.random.default_rng(5))
    count, p = np.bincount(action, minlength=5), softmax(logits)
    assert count[2] == 0
    there = p > 0
    assert ((count - n * p)[there] ** 2 / (n * p[there])).sum() < chi2.isf(1e-6, 3)
    np.testing.assert_allclose(logp, np.log(p[action]), atol=1e-14)


def test_real_actions_have_their_density():
    """Kolmogorov-Smirnov on both coordinates; a right program fails with probability 2e-6."""
    y = np.array([0.5, -1.0, 0.7, -0.7])
    action, logp = Gaussian().sample(np.tile(y, (20_000, 1)), np.random.default_rng(6))
    assert action.shape == (20_000, 2)
    for d in range(2):
        assert kstest(action[:, d], norm(y[d], np.exp(y[2 + d])).cdf).pvalue > 1e-6
    np.testing.assert_array_equal(logp, Gaussian().log_prob(np.tile(y, (20_000, 1)), action)[0])


@pytest.mark.parametrize("make", [discrete, continuous])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_log_probability_of_a_sample_is_that_of_training(make, dtype):
    """So the ratio of a first step is 1 to the last bit, in either number type."""
    policy = make(np.random.default_rng(7), dtype)
    x = np.random.default_rng(8).normal(size=(50, 3))
    action, logp = policy.act(x, np.random.default_rng(9))
    y, back = policy(x)
    again, back_logp = policy.head.log_prob(y, action)
    np.testing.assert_array_equal(logp, again)
    assert logp.dtype == y.dtype == dtype
    assert action.dtype == (dtype if make is continuous else np.int64)
    _, grads = back(back_logp(np.ones(50)))
    assert list(grads) == list(policy.params)
    for name, g in grads.items():
        assert g.dtype == dtype
        assert g.shape == policy.params[name].shape
        assert np.abs(g).max() > 1e-3
    for f in (policy.head.entropy, lambda y: policy.head.kl(y + 1, y)):
        value, back_y = f(y)
        assert value.dtype == back_y(np.ones(50, dtype)).dtype == dtype


@pytest.mark.parametrize("make", [discrete, continuous])
def test_a_policy_acts_for_one_or_many(make):
    policy = make(np.random.default_rng(10))
    x = np.random.default_rng(11).normal(size=(6, 3))
    many, logp = policy.act(x, np.random.default_rng(12))
    deep, logp_deep = policy.act(x.reshape(2, 3, 3), np.random.default_rng(12))
    np.testing.assert_allclose(deep.reshape(many.shape), many, rtol=0, atol=1e-12)
    np.testing.assert_allclose(logp_deep.ravel(), logp, atol=1e-14)
    one, logp_one = policy.act(x[0], np.random.default_rng(12))
    assert np.shape(logp_one) == ()
    np.testing.assert_allclose(one, many[0], atol=1e-14)


def test_the_mode_is_the_most_probable_action():
    x = np.random.default_rng(13).normal(size=(20, 3))
    for make in (discrete, continuous):
        policy = make(np.random.default_rng(14))
        y, _ = policy(x)
        best = policy.head.log_prob(y, policy.mode(x))[0]
        for seed in range(20):
            _, logp = policy.act(x, np.random.default_rng(seed))
            assert (logp <= best + 1e-12).all()


def test_one_spread_for_all_states():
    policy = continuous(np.random.default_rng(15))
    x = np.random.default_rng(16).normal(size=(5, 3))
    y, _ = policy(x)
    np.testing.assert_array_equal(y[:, 2:], np.tile([0.3, -1.0], (5, 1)))
    params = {name: w for name, w in policy.params.items() if name != "log_std"}
    np.testing.assert_array_equal(y[:, :2], mlp(params, x)[0])


def test_learning_changes_the_policy_in_place():
    policy = discrete(np.random.default_rng(17))
    x = np.ones((1, 3))
    before = policy(x)[0]
    policy.params["b1"][:] = [9.0, 0, 0, 0]
    assert np.abs(policy(x)[0] - before).max() > 5
    assert policy.mode(x) == 0


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("shape", [(4, 1), (1,), (3,), (4, 4), ()])
def test_actions_that_would_broadcast_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"action has shape .*; it must be \(4,\), one for each row of logits"
    ):
        log_prob(np.zeros((4, 3)), np.zeros(shape, int))


def test_gaussian_shapes_that_would_broadcast_are_refused():
    mean = np.zeros((4, 1))
    with pytest.raises(ValueError, match=r"action has shape \(4,\); it must be \(4, 1\), the shape of mean"):
        gaussian_log_prob(mean, np.zeros(1), np.zeros(4))
    with pytest.raises(ValueError, match=r"log_std has shape \(4,\); it must be \(4, 1\), the shape of mean"):
        gaussian_log_prob(mean, np.zeros(4), mean)
    with pytest.raises(ValueError, match=r"log_std has shape \(\); it must be \(4, 1\)"):
        gaussian_log_prob(mean, np.zeros(()), mean)


@pytest.mark.parametrize("head", ["categorical", Categorical, None, 4])
def test_a_head_that_is_none_is_refused(head):
    with pytest.raises(ValueError, match=r"head is .*; it must be Categorical\(\) or Gaussian\(\)"):
        Policy({}, mlp, head)
