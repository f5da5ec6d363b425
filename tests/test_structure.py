"""The graph of a model: each fact against a definition that enumerates."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlcore.problems.gridworlds import GridWorld, cliff, frozen_lake
from rlcore.problems.mdp import MDP, SparseMDP
from rlcore.problems.structure import (
    breadth_first,
    chain,
    collapse,
    end_components,
    pairs,
    recurrent,
    steps_to,
    unpaid,
)


def model(succ, reward, gamma=1.0, terminal=()):
    """A deterministic model from lists: succ[s][a] is the next state."""
    succ, reward = np.array(succ), np.array(reward, float)
    end = np.isin(np.arange(len(succ)), terminal)
    start = np.full(len(succ), 1 / len(succ))
    return SparseMDP(succ[..., None], np.ones((*succ.shape, 1)), reward, gamma, start, end)


@st.composite
def graphs(draw, max_states=5, actions=2):
    """Small models whose transitions have few targets, so that loops and dead ends are common."""
    S = draw(st.integers(1, max_states))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    succ = rng.integers(0, S, (S, actions, 2))
    prob = np.where(rng.random((S, actions, 1)) < 0.5, [1.0, 0.0], [0.5, 0.5])
    reward = rng.choice([0.0, 0.0, 1.0], (S, actions))
    return SparseMDP(succ, prob, reward, 1.0, np.full(S, 1 / S), np.zeros(S, bool))


def closed_classes(P):
    """Recurrent classes by definition: from each state of the set exactly the set is reached."""
    reach = np.linalg.matrix_power(np.eye(len(P)) + P, len(P)) > 0
    return {
        frozenset(np.flatnonzero(reach[s]))
        for s in range(len(P))
        if all((reach[t] == reach[s]).all() for t in np.flatnonzero(reach[s]))
    }


def as_sets(label):
    return {frozenset(np.flatnonzero(label == c)) for c in np.unique(label[label >= 0])}


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_recurrent_classes_are_the_closed_ones(mdp):
    for pi in product(range(2), repeat=mdp.n_states):
        P, _ = chain(mdp.dense(), np.array(pi))
        assert as_sets(recurrent(P)) == closed_classes(P)


@given(graphs(max_states=4))
@settings(max_examples=80, deadline=None)
def test_end_components_are_unions_of_the_recurrent_classes_of_all_policies(mdp):
    label, inner = end_components(
        pairs(mdp), np.repeat(np.arange(mdp.n_states), 2), np.ones(2 * mdp.n_states, bool)
    )
    dense = mdp.dense()
    found = set()
    for pi in product(range(2), repeat=mdp.n_states):
        found |= closed_classes(chain(dense, np.array(pi))[0])
    together = as_sets(label)
    assert all(any(c <= component for component in together) for c in found)
    assert frozenset().union(*together) == frozenset().union(*found)
    stays = [mdp.succ[s, a][mdp.prob[s, a] > 0] for s in range(mdp.n_states) for a in range(2)]
    for i, to in enumerate(stays):
        assert inner[i] == (label[i // 2] >= 0 and (label[to] == label[i // 2]).all())


def test_dense_and_sparse_agree():
    for mdp in (frozen_lake(), cliff()):
        assert np.allclose(pairs(mdp).toarray(), pairs(mdp.dense()).toarray())
        uniform = np.full((mdp.n_states, 4), 0.25)
        for pi in (np.arange(mdp.n_states) % 4, uniform):
            P, r = chain(mdp, pi)
            P_dense, r_dense = chain(mdp.dense(), pi)
            assert np.allclose(P.toarray(), P_dense)
            assert np.allclose(r, r_dense)
        assert (unpaid(mdp) == unpaid(mdp.dense())).all()


def test_breadth_first_levels_are_manhattan_distances():
    grid = GridWorld(["......", "......", ".....G"], gamma=1.0)
    all_pairs = np.ones(grid.n_states * 4, bool)
    owner = np.repeat(np.arange(grid.n_states), 4)
    depth = steps_to(grid.terminal, pairs(grid), owner, all_pairs)
    rows, columns = grid.cell(np.arange(grid.n_states))
    assert (depth == (2 - rows) + (5 - columns)).all()


def test_breadth_first_leaves_out_what_is_not_reached():
    from scipy.sparse import csr_array

    edges = csr_array(np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]]))
    order, start = breadth_first(edges, np.array([0, 1]))
    assert order.tolist() == [0, 1, 2]
    assert start.tolist() == [0, 2, 3]


def test_collapse_makes_an_unpaid_component_one_node():
    # 0 <-> 1 without reward; 1 -> 2 pays 1; 2 ends
    mdp = model([[1, 0], [0, 2], [2, 2]], [[0, 0], [0, 1], [0, 0]], terminal=[2])
    small = collapse(mdp)
    assert small.node[0] == small.node[1] != small.node[2]
    assert len(small.first) == 2
    assert (small.action < 0).sum() == 2  # one way to stop in each of the two components
    x = np.zeros(2)
    choice = small.best(small.lookahead(x))
    assert small.policy(choice)[:2].tolist() == [0, 1]  # walk to 1, leave there


def test_frozen_lake_has_loops_without_reward():
    small = collapse(frozen_lake(gamma=1.0))
    top_row = small.node[:4]
    assert (top_row == top_row[0]).all()


def test_a_proper_policy_surely_ends():
    for mdp in (cliff(), frozen_lake("8x8", 1.0), GridWorld(["S.#.", "..#G", "...."], gamma=1.0, slip=0.3)):
        small = collapse(mdp)
        pi = small.policy(small.proper())
        P, r = chain(mdp, pi)
        ends = recurrent(P) >= 0
        assert np.abs(r[ends]).max() == 0


def test_no_proper_policy_names_the_state():
    mdp = model([[0, 0], [0, 2], [2, 2]], [[-1, -1], [-1, -1], [0, 0]], terminal=[2])
    with pytest.raises(ValueError, match="state 0 "):
        collapse(mdp).proper()


def test_a_sum_that_only_rounds_to_zero_is_unpaid():
    P = np.array([[[0.1, 0.2, 0.7]], [[0, 1, 0]], [[0, 0, 1]]], float)
    R = np.zeros((3, 1, 3))
    R[0, 0] = [3.0, -1.5, 0.0]  # 0.1 * 3 - 0.2 * 1.5 is 5.6e-17 or 0
    R[1, 0, 1] = 1e-9
    mdp = MDP(P, R, 1.0, np.ones(3) / 3, np.array([False, False, True]))
    assert unpaid(mdp)[:, 0].tolist() == [True, False, True]
