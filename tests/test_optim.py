"""Optimisers: the published recursions number by number, in place, and what they refuse."""

import math

import numpy as np
import pytest

from rlcore.nn.optim import SGD, Adam, Momentum, RMSprop, clip_by_norm, norm


def naive_adam(w, gradients, lr, beta1, beta2, eps):
    """Algorithm 1 of Kingma & Ba (2015), one number at a time."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        w -= lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return w


@pytest.mark.parametrize(
    ("lr", "beta1", "beta2", "eps"), [(1e-3, 0.9, 0.999, 1e-8), (0.1, 0.5, 0.9, 0.3), (0.1, 0.0, 0.0, 1e-5)]
)
def test_adam_is_the_published_recursion(lr, beta1, beta2, eps):
    """The large eps tells apart where it is added: before the correction of the bias, w differs by about 0.02."""
    rng = np.random.default_rng(0)
    params = {"W": rng.standard_normal((2, 3)), "b": rng.standard_normal(3)}
    first = {name: array.copy() for name, array in params.items()}
    tape = [{name: rng.standard_normal(array.shape) for name, array in params.items()} for _ in range(20)]
    adam = Adam(lr, beta1=beta1, beta2=beta2, eps=eps)
    for grads in tape:
        adam.step(params, grads)
    for name, array in params.items():
        for i in np.ndindex(array.shape):
            expected = naive_adam(first[name][i], [grads[name][i] for grads in tape], lr, beta1, beta2, eps)
            assert array[i] == pytest.approx(expected, abs=1e-12)


def test_the_order_of_the_gradients_does_not_matter_to_adam():
    """Its running means are one long vector: two arrays of the same size must not be mistaken for each other."""
    tape = np.random.default_rng(3).standard_normal((5, 2, 3))
    runs = []
    for names in (("a", "b"), ("b", "a")):
        params, adam = {"a": np.zeros(3), "kept": np.ones(2), "b": np.zeros(3)}, Adam(0.1)
        for k, gradient in enumerate(tape):
            grads = dict(zip("ab", gradient))
            adam.step(params, {name: grads[name] for name in (names if k % 2 else "ab")})
        runs.append(params)
    np.testing.assert_equal(*runs)
    assert (runs[0]["kept"] == 1).all()
    assert (runs[0]["a"] != runs[0]["b"]).all()


def test_adams_first_step_is_lr_whatever_the_gradient():
    params = {"w": np.zeros(3)}
    Adam(0.01).step(params, {"w": np.array([1e-3, -5.0, 1e4])})
    np.testing.assert_allclose(params["w"], [-0.01, 0.01, -0.01], rtol=1e-4)


def test_adam_finds_the_minimum_of_a_narrow_valley():
    params = {"w": np.array([3.0, -2.0])}
    adam = Adam(0.05)
    for _ in range(3000):
        adam.step(params, {"w": np.array([1.0, 1000.0]) * (params["w"] - [1.0, 2.0])})
    np.testing.assert_allclose(params["w"], [1.0, 2.0], atol=1e-3)


def test_sgd():
    params = {"w": np.array([1.0, 2.0]), "kept": np.array([7.0])}
    SGD(0.1).step(params, {"w": np.array([10.0, -10.0])})
    np.testing.assert_allclose(params["w"], [0.0, 3.0], atol=1e-15)
    assert params["kept"] == 7


def test_momentum_is_the_published_recursion():
    rng = np.random.default_rng(1)
    tape = rng.standard_normal(20)
    params, ball = {"w": np.array([2.0])}, Momentum(0.1, 0.7)
    w, u = 2.0, 0.0
    for g in tape:
        u = 0.7 * u + g
        w -= 0.1 * u
        ball.step(params, {"w": np.array([g])})
    assert params["w"][0] == pytest.approx(w, abs=1e-14)


def test_momentum_on_a_slope_goes_ten_times_as_far_and_without_it_is_sgd():
    params, ball = {"w": np.zeros(1)}, Momentum(0.1, 0.9)
    for _ in range(300):
        before = params["w"][0]
        ball.step(params, {"w": np.ones(1)})
    assert params["w"][0] - before == pytest.approx(-0.1 / (1 - 0.9), rel=1e-9)
    plain = {"w": np.zeros(1)}
    Momentum(0.1, 0.0).step(plain, {"w": np.ones(1)})
    assert plain["w"][0] == -0.1


def test_rmsprop_is_the_published_recursion():
    """The large eps tells apart where it is added: inside the root, w differs by 0.01."""
    rng = np.random.default_rng(2)
    tape = rng.standard_normal(20)
    params, rms = {"w": np.array([2.0])}, RMSprop(0.1, decay=0.8, eps=0.3)
    w, v = 2.0, 0.0
    for g in tape:
        v = 0.8 * v + 0.2 * g * g
        w -= 0.1 * g / (math.sqrt(v) + 0.3)
        rms.step(params, {"w": np.array([g])})
    assert params["w"][0] == pytest.approx(w, abs=1e-14)


def test_rmsprops_first_step_is_ten_times_lr_whatever_the_gradient():
    params = {"w": np.zeros(2)}
    RMSprop(0.01).step(params, {"w": np.array([1e-3, -5.0])})
    np.testing.assert_allclose(params["w"], [-0.1, 0.1], rtol=1e-4)


ALL = (SGD, Momentum, RMSprop, Adam)


@pytest.mark.parametrize("optimiser", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_are_in_place_and_keep_the_dtype(optimiser, dtype):
    w = np.ones((2, 2), dtype)
    params = {"w": w}
    optimiser(0.1).step(params, {"w": np.ones((2, 2))})
    assert params["w"] is w
    assert w.dtype == dtype
    assert (w < 1).all()


def test_the_rate_may_be_changed_on_the_way():
    params, adam = {"w": np.zeros(1)}, Adam(0.5)
    adam.lr = 0.001
    adam.step(params, {"w": np.ones(1)})
    assert params["w"][0] == pytest.approx(-0.001)


def test_norm_is_taken_over_all_arrays():
    assert norm({"a": np.array([[3.0]]), "b": np.array([0.0, 4.0])}) == 5.0


def test_clip_shortens_what_is_too_long_and_keeps_the_direction():
    grads = {"a": np.array([[3.0]]), "b": np.array([0.0, 4.0])}
    clipped = clip_by_norm(grads, 1.0)
    np.testing.assert_allclose(clipped["a"], [[0.6]], atol=1e-15)
    np.testing.assert_allclose(clipped["b"], [0.0, 0.8], atol=1e-15)
    assert norm(clip_by_norm(grads, 5.0)) == 5.0
    assert norm(clip_by_norm(grads, 50.0)) == 5.0
    assert grads["b"][1] == 4.0
    np.testing.assert_array_equal(clip_by_norm({"a": np.zeros(2)}, 1.0)["a"], [0, 0])


@pytest.mark.parametrize("lr", [0, -1e-3, float("nan"), float("inf"), "fast", None, True])
def test_a_rate_must_be_positive(lr):
    for optimiser in ALL:
        with pytest.raises(ValueError, match=r"lr is .*; it must be a finite number > 0"):
            optimiser(lr)


@pytest.mark.parametrize(
    "bad", [{"beta1": 1.0}, {"beta2": 1.5}, {"beta1": -0.1}, {"beta2": float("nan")}, {"eps": 0.0}]
)
def test_adam_refuses(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is {next(iter(bad.values()))}"):
        Adam(1e-3, **bad)


@pytest.mark.parametrize("bad", [1.0, -0.1, float("nan"), "0.9", True, None])
def test_momentum_and_decay_are_at_least_0_and_below_1(bad):
    with pytest.raises(ValueError, match=r"momentum is .*; it must be at least 0 and below 1"):
        Momentum(0.1, bad)
    with pytest.raises(ValueError, match=r"decay is .*; it must be at least 0 and below 1"):
        RMSprop(0.1, decay=bad)
    with pytest.raises(ValueError, match=r"eps is 0; it must be a finite number > 0"):
        RMSprop(0.1, eps=0)
