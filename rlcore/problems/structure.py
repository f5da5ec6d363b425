"""Parts and facts of a model: one row, one policy, what leads where, what is never left, where nothing is paid.

A model is read as *pairs*: row i of P (pairs, S) holds the probabilities of the next state, and owner[i]
is the state in which the pair may be chosen. In `pairs(mdp)` the pair of (s, a) is row s * A + a; a
Markov chain has one pair a state.

    recurrent class    states that reach each other and are never left (of a policy)
    end component      states, with some pairs, that can reach each other and need never be left

With gamma = 1 an end component whose pairs pay nothing is one state in disguise: every member is worth
the same, and at least 0. `collapse` makes it one, with a pair that stops.

Letters: S states, A actions, N nodes (states after collapsing), M pairs.
Left out: periods and mixing times.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlcore.numerics import Array, pick
from rlcore.problems.mdp import MDP, SparseMDP

UNPAID = 1e-12  # an expected reward this small beside the rewards it is the mean of is rounding


def pairs(mdp: MDP | SparseMDP) -> Any:
    """P as one sparse row a pair: row s * A + a holds P(. | s, a).   -> csr_array (S * A, S)"""
    from scipy.sparse import csr_array

    S, A = mdp.n_states, mdp.n_actions
    if isinstance(mdp, MDP):
        return csr_array(mdp.P.reshape(S * A, S))
    K = mdp.succ.shape[-1]
    entries = mdp.prob.ravel(), mdp.succ.ravel(), np.arange(0, S * A * K + 1, K)
    P = csr_array(entries, shape=(S * A, S), copy=True)
    P.eliminate_zeros()
    return P


def chain(mdp: MDP | SparseMDP, pi: Array) -> tuple[Any, Array]:
    """The Markov chain of a policy: P_pi (S, S), sparse for a SparseMDP, and r_pi (S,).   pi (S,) int or (S, A)"""
    S, A = mdp.n_states, mdp.n_actions
    if pi.ndim == 2:
        r = mean_reward(mdp, pi)
        if isinstance(mdp, MDP):
            return np.einsum("sa,san->sn", pi, mdp.P), r
        from scipy.sparse import csr_array

        weights = csr_array((pi.ravel(), np.arange(S * A), np.arange(0, S * A + 1, A)), shape=(S, S * A))
        return weights @ pairs(mdp), r
    r = pick(mdp.expected_reward, pi)
    if isinstance(mdp, MDP):
        return mdp.P[np.arange(S), pi], r
    one_action = _choose(mdp, pi)
    return pairs(one_action), r


def _choose(mdp: SparseMDP, pi: Array) -> Any:
    """What `pairs` reads of a SparseMDP, for one action a state."""
    from types import SimpleNamespace

    s = np.arange(mdp.n_states)
    return SimpleNamespace(n_states=mdp.n_states, n_actions=1, succ=mdp.succ[s, pi], prob=mdp.prob[s, pi])


# ---------------------------------------------------------------- one state, one policy


def lookahead_at(mdp: MDP | SparseMDP, V: Array, s: int) -> Array:
    """Q(s, .) of one state.   (S,) -> (A,)"""
    if isinstance(mdp, MDP):
        return np.asarray(mdp.expected_reward[s] + mdp.gamma * (mdp.P[s] @ V))
    return np.asarray(mdp.expected_reward[s] + mdp.gamma * (mdp.prob[s] * V[mdp.succ[s]]).sum(axis=1))


def predecessors(mdp: MDP | SparseMDP) -> list[Array]:
    """For each state, the states from which it can be reached in one step."""
    if isinstance(mdp, MDP):
        return [np.flatnonzero(mdp.P[:, :, s].any(axis=1)) for s in range(mdp.n_states)]
    s, a, k = np.nonzero(mdp.prob)
    edges = np.unique(np.stack([mdp.succ[s, a, k], s], axis=1), axis=0)  # (next, from), sorted
    return np.split(edges[:, 1], np.searchsorted(edges[:, 0], np.arange(1, mdp.n_states)))


def under_policy(mdp: MDP | SparseMDP, pi: Array) -> MDP | SparseMDP:
    """The mdp with one action, which does what pi does.   pi (S,) int or (S, A)"""
    S = mdp.n_states
    s = np.arange(S)
    common = (mdp.gamma, mdp.start, mdp.terminal, mdp.horizon)
    if pi.ndim == 1:
        r = mdp.expected_reward[s, pi][:, None]
        if isinstance(mdp, MDP):
            return MDP(mdp.P[s, pi][:, None], r, *common)
        return SparseMDP(mdp.succ[s, pi][:, None], mdp.prob[s, pi][:, None], r, *common)
    pi = pi / pi.sum(axis=1, keepdims=True)
    r = mean_reward(mdp, pi)[:, None]
    if isinstance(mdp, MDP):
        return MDP(np.einsum("sa,san->sn", pi, mdp.P)[:, None], r, *common)
    weight = pi[:, :, None] * mdp.prob
    return SparseMDP(mdp.succ.reshape(S, 1, -1), weight.reshape(S, 1, -1), r, *common)


def mean_reward(mdp: MDP | SparseMDP, pi: Array) -> Array:
    """r_pi(s) = sum_a pi(a | s) r(s, a).   (S, A) -> (S,)

    With gamma = 1 it matters whether a loop pays: what is no more than rounding, as in 0.1 + 0.2 - 0.3, is 0.
    """
    r = np.einsum("sa,sa->s", pi, mdp.expected_reward)
    if mdp.gamma < 1:
        return np.asarray(r)
    rounding = mdp.n_actions * np.finfo(float).eps * np.einsum("sa,sa->s", pi, np.abs(mdp.expected_reward))
    return np.where(np.abs(r) <= rounding, 0.0, r)


def total_reward(P: Any, r: Array, gamma: float = 1.0) -> Array:
    """Solve x = r + gamma P x: the total reward of a chain that ends, or is discounted.   (S, S), (S,) -> (S,)

    P is a NumPy or a SciPy sparse array; rows may sum to less than 1, the rest ends.
    """
    if isinstance(P, np.ndarray):
        return np.linalg.solve(np.eye(len(r)) - gamma * P, r)
    from scipy.sparse import eye_array, linalg

    return np.atleast_1d(linalg.spsolve((eye_array(len(r)) - gamma * P).tocsc(), r)) if len(r) else r


# ---------------------------------------------------------------- walking the graph


def breadth_first(edges: Any, source: Array) -> tuple[Array, Array]:
    """Number the nodes in the order in which a flood from `source` (k,) reaches them.

    edges (N, N): an entry [i, j] is an edge from i to j.
    -> order (n,) nodes, and start (L + 1,): level l is order[start[l]:start[l + 1]]
    """
    from scipy.sparse import csr_array

    N = edges.shape[0]
    indices = np.concatenate([edges.indices, source])  # one node more, the root, with an edge to every source
    indptr = np.append(edges.indptr, len(indices))
    return flood(csr_array((np.ones(len(indices)), indices, indptr), shape=(N + 1, N + 1)))


def flood(edges: Any) -> tuple[Array, Array]:
    """What `breadth_first` returns, from the last node, the root, which is itself left out.   edges (N + 1, N + 1)

    Give edges of float: SciPy would copy others.
    """
    from scipy.sparse import csgraph

    root = edges.shape[0] - 1
    order, parent = csgraph.breadth_first_order(edges, root)
    place = np.empty(root + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    # Where the parent of each stands never decreases: levels are found by bisection, quickest in a memoryview.
    after = place[parent[order[1:]]].data
    start = [0, 1]
    while start[-1] < len(order):
        start.append(1 + bisect_left(after, start[-1], lo=start[-1] - 1))
    return order[1:], np.array(start[1:]) - 1


def steps_to(target: Array, P: Any, owner: Array, allowed: Array) -> Array:
    """The fewest steps to a node of `target` (N,) bool by allowed pairs (M,) bool; -1 where there is no way.

    -> (N,) int
    """
    from scipy.sparse import coo_array

    N = len(target)
    pair = np.repeat(np.arange(len(owner)), np.diff(P.indptr))
    live = allowed[pair]
    back = coo_array((np.ones(live.sum()), (P.indices[live], owner[pair[live]])), shape=(N, N)).tocsr()
    order, start = breadth_first(back, np.flatnonzero(target))
    depth = np.full(N, -1)
    depth[order] = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return depth


def recurrent(P: Any) -> Array:
    """The recurrent classes of a Markov chain P (S, S): a number for each class, -1 for transient states.   -> (S,)"""
    from scipy.sparse import csr_array

    P = csr_array(P)
    n = P.shape[0]
    return end_components(P, np.arange(n), np.ones(n, dtype=bool))[0]


def end_components(P: Any, owner: Array, allowed: Array) -> tuple[Array, Array]:
    """The maximal end components that the allowed pairs (M,) bool form.

    Pairs that leave their strongly connected component are struck out until none does.
    -> label (N,) int, -1 outside, and inner (M,) bool: the pairs left
    """
    from scipy.sparse import coo_array, csgraph

    N = P.shape[1]
    pair = np.repeat(np.arange(len(owner)), np.diff(P.indptr))
    s, s_next = owner[pair], P.indices
    inner = allowed.copy()
    while True:
        live = inner[pair]
        graph = coo_array((np.ones(live.sum()), (s[live], s_next[live])), shape=(N, N))
        _, label = csgraph.connected_components(graph, directed=True, connection="strong")
        leaving = live & (label[s] != label[s_next])
        if not leaving.any():
            break
        inner[pair[leaving]] = False
    inside = np.zeros(N, dtype=bool)
    inside[owner[inner]] = True
    return np.where(inside, label, -1), inner


def unpaid(mdp: MDP | SparseMDP) -> Array:
    """Whether the expected reward is 0, up to rounding.   -> (S, A) bool"""
    R = mdp.R if isinstance(mdp, MDP) else mdp.reward
    scale = np.maximum(R.max(axis=2), -R.min(axis=2)) if R.strides[-1] else np.abs(R[..., 0])
    return np.asarray(np.abs(mdp.expected_reward) <= UNPAID * scale)


# ---------------------------------------------------------------- gamma = 1: collapsing what pays nothing


@dataclass(frozen=True, eq=False)
class Collapsed:
    """A model whose end components without reward have become one node each, with a pair that stops (worth 0).

    The pairs of a node stand together; a pair that stops has an empty row of P.
    """

    P: Any  # csr_array (M, N)
    r: Array  # (M,)
    owner: Array  # (M,)  node of a pair, never decreasing
    first: Array  # (N,)  its first pair
    state: Array  # (M,)  state and action of a pair; action -1 stops
    action: Array  # (M,)
    node: Array  # (S,)   node of a state
    inner: Any  # what was taken out: (P (m, S), state (m,), action (m,)) of the pairs inside the components

    def lookahead(self, V: Array) -> Array:
        """Q of every pair, with gamma = 1.   (N,) -> (M,)"""
        return np.asarray(self.r + self.P @ V)

    def best(self, Q: Array) -> Array:
        """The first pair of each node that has the largest Q.   (M,) -> (N,) int"""
        top = np.maximum.reduceat(Q, self.first)
        hit = np.flatnonzero(top[self.owner] == Q)
        choice = np.empty(len(self.first), dtype=np.int64)
        choice[self.owner[hit][::-1]] = hit[::-1]
        return choice

    def proper(self) -> Array:
        """A choice of pairs that surely stops, from every node.   -> (N,) int

        `home` shrinks to the nodes with such a choice; its pairs never leave home and may come a step closer.
        Raises ValueError naming a state that has none.
        """
        stops = self.action < 0
        pair = np.repeat(np.arange(len(self.owner)), np.diff(self.P.indptr))
        target = np.zeros(len(self.first), dtype=bool)
        target[self.owner[stops]] = True
        home = np.ones(len(self.first), dtype=bool)
        while True:
            safe = home[self.owner]
            safe[pair[~home[self.P.indices]]] = False
            depth = steps_to(target, self.P, self.owner, safe)
            if (home == (depth >= 0)).all():
                break
            home = depth >= 0
        for s in np.flatnonzero(~home[self.node])[:1]:
            raise ValueError(
                f"gamma is 1 and from state {s} no policy surely ends where nothing is paid: "
                "every total reward is unbounded or does not converge"
            )
        return self.best(-_nearest(depth, self.P, safe))

    def policy(self, choice: Array) -> Array:
        """The policy that a choice of pairs (N,) stands for: inside a component, walk to where it is left.

        -> (S,) int
        """
        P, state, action = self.inner
        S = len(self.node)
        pi = np.zeros(S, dtype=np.int64)
        leave = np.zeros(S, dtype=bool)
        leave[self.state[choice[self.action[choice] >= 0]]] = True
        depth = steps_to(leave, P, state, np.ones(len(state), dtype=bool))
        nearest = _nearest(depth, P, np.ones(len(state), dtype=bool))
        order = np.argsort(-nearest, kind="stable")  # the last assignment stands: the nearest
        pi[state[order]] = action[order]
        go = choice[self.action[choice] >= 0]
        pi[self.state[go]] = self.action[go]
        return pi

    def chain(self, choice: Array) -> tuple[Any, Array]:
        """P (N, N) and r (N,) of a choice of pairs."""
        return self.P[choice], self.r[choice]


def collapse(mdp: MDP | SparseMDP) -> Collapsed:
    """Make every end component without reward one node, with a pair that stops.

    It need never be left and pays nothing, so all its members are worth the same, and at least 0.
    A terminal state is such a component.
    """
    from scipy.sparse import csr_array, vstack

    S, A = mdp.n_states, mdp.n_actions
    P = pairs(mdp)
    state, action = np.divmod(np.arange(S * A), A)
    label, inner = end_components(P, state, unpaid(mdp).ravel())
    component, node = np.unique(np.where(label < 0, S + np.arange(S), label), return_inverse=True)
    N, n_stops = len(component), int((component < S).sum())
    outer = np.flatnonzero(~inner)
    rest = P[outer]
    rest = csr_array((rest.data, node[rest.indices], rest.indptr), shape=(len(outer), N))

    owner = np.concatenate([node[state[outer]], np.arange(n_stops)])  # components come first in `node`
    order = np.argsort(owner, kind="stable")
    taken = np.flatnonzero(inner)
    return Collapsed(
        P=vstack([rest, csr_array((n_stops, N))], format="csr")[order],
        r=np.concatenate([mdp.expected_reward.ravel()[outer], np.zeros(n_stops)])[order],
        owner=owner[order],
        first=np.searchsorted(owner[order], np.arange(N)),
        state=np.concatenate([state[outer], np.zeros(n_stops, int)])[order],
        action=np.concatenate([action[outer], np.full(n_stops, -1)])[order],
        node=node,
        inner=(P[taken], state[taken], action[taken]),
    )


def _nearest(depth: Array, P: Any, allowed: Array) -> Array:
    """The smallest depth among the successors of each allowed pair; stopping is -1, no way is inf.   -> (M,)"""
    near = np.full(P.shape[0], -1.0)
    rows = np.flatnonzero(np.diff(P.indptr))
    if len(rows):
        far = np.where(depth < 0, np.inf, depth)[P.indices]
        near[rows] = np.minimum.reduceat(far, P.indptr[rows])
    near[~allowed] = np.inf
    return near
