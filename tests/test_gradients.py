"""Every layer and every loss against central differences: float64, 1e-6 of the largest entry.

A case is a function of arrays and the arrays. What it returns is (y, back) or, of a loss, (value, gradient
with respect to the first argument). A network's arrays are its parameters, by name, and x.
"""

import inspect
from functools import partial

import numpy as np
import pytest

from rlcore.algorithms.dqn import DQNConfig, double_value, max_value, td_gradient
from rlcore.learning import losses
from rlcore.learning.policies import Value
from rlcore.learning.replay import Batch
from rlcore.nn import layers
from rlcore.numerics import finite_difference

RNG = np.random.default_rng(20)


def normal(*shape):
    return RNG.standard_normal(shape)


def off_the_kinks(*shape, kinks=(0.0,)):
    """Numbers at least 0.01 away from where the derivative jumps."""
    x = 2 * normal(*shape)
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 0.01, kink + 0.05, x)
    return x


LAYERS = {
    "linear": (layers.linear, (normal(3, 4), normal(4), normal(5, 3))),
    "linear, one input": (layers.linear, (normal(3, 4), normal(4), normal(3))),
    "linear, time and walkers": (layers.linear, (normal(3, 4), normal(4), normal(2, 5, 3))),
    "tanh": (layers.tanh, (normal(5, 4),)),
    "relu": (layers.relu, (off_the_kinks(5, 4),)),
    "embedding": (partial(layers.embedding, index=[[0, 3, 3], [2, 0, 3]]), (normal(5, 4),)),  # 1 and 4 unused
    "layer_norm": (layers.layer_norm, (normal(4), normal(4), normal(5, 4))),
    "layer_norm, time and walkers": (layers.layer_norm, (normal(4), normal(4), normal(2, 5, 4))),
    "layer_norm, one input": (layers.layer_norm, (normal(4), normal(4), normal(4))),
}
NETWORKS = {
    "mlp": (layers.mlp, (3, 7, 6, 2)),
    "mlp, relu": (partial(layers.mlp, activation=layers.relu), (3, 7, 6, 2)),
    "mlp, no hidden layer": (layers.mlp, (3, 2)),
    "scaled": (layers.scaled(layers.mlp, [0.1, 2.0, 30.0]), (3, 7, 2)),
}
LOSSES = {
    "squared_error": (losses.squared_error, (normal(6), normal(6))),
    "squared_error, (T, N)": (losses.squared_error, (normal(3, 4), normal(3, 4))),
    "huber": (losses.huber, (off_the_kinks(40, kinks=(-1.0, 1.0)), np.zeros(40))),
    "huber, delta": (partial(losses.huber, delta=0.5), (off_the_kinks(40, kinks=(-0.5, 0.5)), np.zeros(40))),
}


def close(gradient, expected):
    assert gradient.shape == expected.shape
    assert np.abs(expected).max() > 1e-3  # else there is nothing to compare
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, arrays = LAYERS[name]
    y, back = layer(*arrays)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    gradients = back(dy)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert len(gradients) == len(arrays)
    for gradient, array in zip(gradients, arrays):
        close(gradient, finite_difference(lambda: (dy * layer(*arrays)[0]).sum(), array))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("axes", [(5,), (2, 3), ()], ids=str)
def test_network(name, axes):
    rng = np.random.default_rng(2)
    network, sizes = NETWORKS[name]
    params = layers.mlp_params(sizes, rng, gain=2.0)
    params = {key: array + 0.1 * rng.standard_normal(array.shape) for key, array in params.items()}
    x = rng.standard_normal((*axes, sizes[0]))
    y, back = network(params, x)
    assert y.shape == (*axes, sizes[-1])
    dy = rng.standard_normal(y.shape)
    dx, grads = back(dy)
    assert list(grads) == list(params)
    for gradient, array in [(dx, x), *((grads[key], params[key]) for key in params)]:
        close(gradient, finite_difference(lambda: (dy * network(params, x)[0]).sum(), array))


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    loss, (prediction, target) = LOSSES[name]
    value, gradient = loss(prediction, target)
    assert isinstance(value, float)
    close(gradient, finite_difference(lambda: loss(prediction, target)[0], prediction))


@pytest.mark.parametrize("next_value", [max_value, double_value])
@pytest.mark.parametrize("loss", [losses.squared_error, losses.huber])
def test_dqn(next_value, loss):
    """The target is a constant: with q as its own frozen copy, differences would see it move, so it is another."""
    rng = np.random.default_rng(3)
    q, frozen = (Value(layers.mlp_params([3, 8, 2], rng, gain=2.0), layers.mlp) for _ in range(2))
    batch = Batch(
        rng.standard_normal((6, 3)),
        np.array([0, 1, 1, 0, 1, 0]),
        3 * rng.standard_normal(6),
        rng.standard_normal((6, 3)),
        np.array([0, 0, 1, 0, 0, 1], bool),
    )
    cfg = DQNConfig(next_value=next_value, loss=loss)
    _, grads = td_gradient(q, frozen, batch, lambda s: s, cfg)
    for name, gradient in grads.items():
        close(
            gradient,
            finite_difference(
                lambda: td_gradient(q, frozen, batch, lambda s: s, cfg)[0], q.params[name], eps=1e-7
            ),
        )


def test_no_layer_and_no_loss_is_missing_from_the_list():
    def public(module):
        return {
            name: f
            for name, f in inspect.getmembers(module, inspect.isfunction)
            if f.__module__ == module.__name__ and not name.startswith("_")
        }

    def listed(cases):
        return {name.split(",")[0] for name in cases}

    pairs = {
        name for name, f in public(layers).items() if "tuple" in str(inspect.signature(f).return_annotation)
    }
    assert pairs | {"scaled"} == listed(LAYERS) | listed(NETWORKS)
    assert set(public(losses)) == listed(LOSSES)
