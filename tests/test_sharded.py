"""Logistic regression on shards: the gradient is the full one, and parameter averaging ends where it should."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from rlcore.algorithms.sharded import (
    alike,
    averaged_descent,
    documents,
    hessian,
    joined,
    local_steps,
    loss,
    optimum,
    resting_place,
    skewed,
)
from rlcore.numerics import finite_difference

L2 = 1e-2
DEALS = [alike, skewed]


def some(deal=alike, n=240, shards=4, seed=0, **kw):
    rng = np.random.default_rng(seed)
    return deal(*documents(n, rng, vocabulary=8, **kw), shards, rng)


# ---------------------------------------------------------------- documents and shards


def test_documents():
    x, y = documents(200, np.random.default_rng(0), vocabulary=12, length=15)
    assert x.shape == (200, 12)
    assert (x[:, -1] == 1).all()
    np.testing.assert_allclose(x[:, :-1].sum(axis=1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(15 * x[:, :-1], np.rint(15 * x[:, :-1]), rtol=0, atol=1e-12)
    assert np.bincount(y).tolist() == [100, 100]


def test_words_are_drawn_from_the_distribution_of_their_kind():
    """Share of each word, and without contrast no difference between the kinds; |z| <= 4, 22 times: 1 in 700."""
    for contrast in (0.0, 1.0):
        rng = np.random.default_rng(1)
        x, y = documents(4000, rng, vocabulary=12, length=15, contrast=contrast)
        common, special = np.random.default_rng(1).standard_normal((2, 11))
        for kind in (0, 1):
            e = np.exp(common + (contrast if kind else -contrast) * special)
            p = e / e.sum()
            z = (x[y == kind, :-1].mean(axis=0) - p) / np.sqrt(p * (1 - p) / (15 * 2000))
            assert np.abs(z).max() < 4


@pytest.mark.parametrize("deal", DEALS)
def test_every_document_goes_to_one_shard(deal):
    x, y = documents(240, np.random.default_rng(0), vocabulary=8)
    shards = deal(x, y, 4, np.random.default_rng(1))
    assert [part.shape for part, _ in shards] == [(60, 8)] * 4
    rows = np.concatenate([np.column_stack(shard) for shard in shards])
    np.testing.assert_array_equal(np.unique(rows, axis=0), np.unique(np.column_stack([x, y]), axis=0))
    assert len(joined(shards)[1]) == 240


def test_the_deals_differ():
    """Skewed: one kind a shard. Alike: a mixture, hypergeometric with deviation 3.4 around 30."""
    assert [sorted(set(y.tolist())) for _, y in some(skewed)] == [[0], [0], [1], [1]]
    assert all(abs(y.sum() - 30) < 4 * 3.4 for _, y in some(alike))


# ---------------------------------------------------------------- loss


def test_loss_gradient_and_hessian():
    """Against a loop over documents, and against central differences; 1e-12, and their own error."""
    rng = np.random.default_rng(0)
    x, y = documents(20, rng, vocabulary=5)
    w = rng.standard_normal(5)
    total = 0.0
    for row, kind in zip(x, y):
        p = 1 / (1 + np.exp(-row @ w))
        total -= np.log(p if kind else 1 - p) / 20
    value, gradient = loss(w, (x, y), 0.3)
    assert value == pytest.approx(total + 0.15 * (w**2).sum(), abs=1e-12)
    np.testing.assert_allclose(
        gradient, finite_difference(lambda: loss(w, (x, y), 0.3)[0], w), rtol=0, atol=1e-9
    )
    H = hessian(w, (x, y), 0.3)
    for i in range(5):
        column = finite_difference(lambda i=i: loss(w, (x, y), 0.3)[1][i], w)
        np.testing.assert_allclose(H[i], column, rtol=0, atol=1e-9)


def test_large_weights_do_not_overflow():
    x, y = documents(20, np.random.default_rng(0), vocabulary=5)
    value, gradient = loss(np.full(5, 1e4), (x, y), L2)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("deal", DEALS)
def test_the_optimum_has_no_gradient(deal):
    """Also on a shard of one kind, where the penalty alone holds the weights."""
    for shard in some(deal):
        w = optimum(shard, L2)
        assert np.abs(loss(w, shard, L2)[1]).max() < 1e-12
        assert np.abs(w).max() > 0.1


# ---------------------------------------------------------------- averages


@pytest.mark.parametrize("deal", DEALS)
def test_one_local_step_is_full_batch_descent(deal):
    """mean_k (w - lr g_k) = w - lr g, however the documents are dealt out: 1e-12 after 30 rounds."""
    shards = some(deal)
    everything, w = joined(shards), np.zeros(8)
    run = averaged_descent(shards, lr=2.0, local=1, rounds=30)
    for r in range(30):
        assert run.loss[r] == pytest.approx(loss(w, everything, L2)[0], abs=1e-12)
        w = w - 2.0 * loss(w, everything, L2)[1]
    np.testing.assert_allclose(run.w, w, rtol=0, atol=1e-12)
    assert run.loss[-1] < run.loss[0] - 0.05


def test_more_local_steps_by_hand():
    shards = some(skewed)
    run = averaged_descent(shards, lr=1.0, local=3, rounds=2)
    w = np.zeros(8)
    for _ in range(2):
        ends = []
        for x, y in shards:
            v = w.copy()
            for _ in range(3):
                v -= x.T @ (1 / (1 + np.exp(-x @ v)) - y) / len(y) + L2 * v
            ends.append(v)
        w = np.mean(ends, axis=0)
    np.testing.assert_allclose(run.w, w, rtol=0, atol=1e-13)


@pytest.mark.parametrize("local", [1, 4, 25])
@pytest.mark.parametrize("deal", DEALS)
def test_where_it_ends(deal, local):
    """A round does not move it, and the descent gets there; with one local step it is the joint optimum."""
    shards = some(deal)
    rest = resting_place(shards, lr=2.0, local=local)
    moved = np.mean([local_steps(rest, shard, 2.0, L2, local) for shard in shards], axis=0)
    np.testing.assert_allclose(moved, rest, rtol=0, atol=1e-12)
    run = averaged_descent(shards, lr=2.0, local=local, rounds=2000 // local)
    np.testing.assert_allclose(run.w, rest, rtol=0, atol=1e-8)
    best = optimum(joined(shards), L2)
    distance = np.abs(rest - best).max()
    assert distance < 1e-12 if local == 1 else distance > (1e-3 if deal is alike else 0.1)


def test_many_local_steps_end_at_the_mean_of_the_optima():
    """(1 - lr l2)^local is 0.8^150 < 1e-14: each shard gets to its own optimum, from wherever it starts."""
    shards = some(skewed, shards=2)
    mean = np.mean([optimum(shard, 0.1) for shard in shards], axis=0)
    rest = resting_place(shards, lr=2.0, local=150, l2=0.1)
    np.testing.assert_allclose(rest, mean, rtol=0, atol=1e-12)
    assert np.abs(mean - optimum(joined(shards), 0.1)).max() > 0.05


def test_more_alike_shards_lose_less():
    """Random shards: little is lost at rest; shards of one kind: much. The joint optimum is below both."""
    best = loss(optimum(joined(some()), L2), joined(some()), L2)[0]
    lost = [loss(resting_place(some(deal), lr=2.0, local=20), joined(some()), L2)[0] - best for deal in DEALS]
    assert 0 < lost[0] < 1e-3
    assert lost[1] > 0.02


def test_identical_shards_lose_nothing():
    """Then every local step is a step on all documents."""
    (shard, *_) = some()
    run = averaged_descent([shard] * 3, lr=2.0, local=5, rounds=4)
    np.testing.assert_allclose(run.w, local_steps(np.zeros(8), shard, 2.0, L2, 20), rtol=0, atol=1e-12)
    rest = resting_place([shard] * 3, lr=2.0, local=5)
    np.testing.assert_allclose(rest, optimum(shard, L2), rtol=0, atol=1e-11)


def test_a_message_carries_more_with_local_steps():
    """Alike shards: ten local steps reach in 6 rounds what one step needs 40 and more for."""
    once, often = (averaged_descent(some(), lr=2.0, local=local, rounds=60) for local in (1, 10))
    assert often.loss[6] < once.loss[40]
    assert once.messages.tolist() == often.messages.tolist() == list(range(0, 481, 8))
    np.testing.assert_array_equal(once.bytes, once.messages * 8 * 8)


def test_a_pool_gives_the_same_bits():
    run, twin = (
        averaged_descent(some(skewed), lr=2.0, local=5, rounds=10, **extra)
        for extra in ({}, {"executor": partial(ProcessPoolExecutor, 2)})
    )
    assert run.w.tobytes() == twin.w.tobytes()
    assert run.loss.tobytes() == twin.loss.tobytes()


def test_it_starts_where_it_is_told_to():
    shards, w = some(), np.arange(8.0)
    run = averaged_descent(shards, lr=2.0, local=1, rounds=1, w=w)
    assert run.loss[0] == loss(w, joined(shards), L2)[0]
    np.testing.assert_array_equal(w, np.arange(8.0))


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(
            ({name: value}, f"^{name} is ")
            for name in ("lr", "l2")
            for value in (0, -1.0, np.nan, np.inf, None)
        ),
        *(({name: value}, f"^{name} is ") for name in ("local", "rounds") for value in (0, 1.5, True)),
        ({"w": np.zeros(3)}, r"w has shape \(3,\); it must be \(8,\)"),
        ({"executor": 3}, "^executor is 3"),
    ],
)
def test_a_descent_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        averaged_descent(some(), **{"lr": 2.0, "local": 1, "rounds": 1, **settings})


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ([], "shards is empty"),
        ([(np.ones((3, 2)), np.ones((3, 1)))], r"shards\[0\] has shapes \(3, 2\) and \(3, 1\)"),
        ([(np.ones(3), np.ones(3))], r"shards\[0\] has shapes \(3,\)"),
        ([(np.ones((0, 2)), np.ones(0))], r"shards\[0\] has shapes \(0, 2\)"),
        ([(np.ones((3, 2)), np.ones(3)), (np.ones((4, 2)), np.ones(4))], r"shards\[1\] has shape \(4, 2\)"),
        ([(np.full((3, 2), np.nan), np.ones(3))], r"shards\[0\] has features that are not finite"),
        ([(np.ones((3, 2)), np.array([-1, 1, 1]))], r"shards\[0\] has kinds \[-1  1\]; they must be 0 and 1"),
    ],
)
def test_shards_that_are_refused(shards, message):
    with pytest.raises(ValueError, match=message):
        averaged_descent(shards, lr=1.0, local=1, rounds=1)
    with pytest.raises(ValueError, match=message):
        resting_place(shards, lr=1.0, local=1)


def test_other_refusals():
    rng = np.random.default_rng(0)
    edge = 2 / (np.linalg.eigvalsh(np.ones((2, 2)) / 4)[-1] + 1e-2)  # two features that are always 1
    same = [(np.ones((4, 2)), np.array([0, 1, 0, 1]))]
    assert resting_place(same, lr=0.999 * edge, local=2) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match=r"lr is .* it must be below 3.922"):
        resting_place(same, lr=edge, local=2)
    with pytest.raises(ValueError, match=r"lr is 50.0; it must be below"):
        resting_place(some(), lr=50.0, local=2)
    with pytest.raises(ValueError, match="x holds 4 documents and y 3 kinds"):
        alike(np.ones((4, 2)), np.ones(3), 3, rng)
    with pytest.raises(ValueError, match="240 documents cannot be dealt out to 7 shards"):
        some(shards=7)
    for settings in ({"n": 3}, {"n": 0}, {"vocabulary": 1}, {"length": 0}, {"contrast": np.nan}, {"rng": 0}):
        with pytest.raises(ValueError, match=f"^{next(iter(settings))} is "):
            documents(**{"n": 4, "rng": rng, **settings})
