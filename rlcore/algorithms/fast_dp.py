"""The fast solver: what `solve` runs when it may choose. Three ideas, one for each kind of model.

`dense`   One pass over P costs more than everything else, so make few. After one full backup an upper bound of every
          Q(s, a) is kept; the values of the greedy policy are found on its S rows alone, and only the pairs
          whose bound still exceeds the policy's own value are looked at again. Often one pass is all.

`wave`    Where episodes end, values spread from the end like a wave. States are ordered by their distance from it,
          and a window of levels moves outwards over them, sweeping as it goes, so that a level is swept
          when what it depends on has just been renewed, and many sweeps cost one walk over the levels.
          The start is pessimistic, so nothing but the truth, coming from the end, raises a value.

`sweeps`  Anything else: modified policy iteration on compressed rows; where it is slow, policies are solved.

With gamma = 1, `undiscounted` is policy iteration on the model with its unpaid loops collapsed.

Each is a stream of verdicts by a judge (`algorithms.certificate`), who alone says how good values are. `wave` and
`sweeps` hand in values, and the judge backs them up itself: they may relax, skip or guess, and no bound depends
on it. `dense` hands in the backup too, as a second pass over P would double the work; its docstring says why
that backup is exact.

Letters: S states, A actions, K successors, L levels, N nodes, M pairs.
Left out: stencils for grids, float32, more than one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rlcore.algorithms.certificate import Discounted, Undiscounted, Verdict, gainful_state
from rlcore.numerics import Array, pick
from rlcore.problems.mdp import MDP, SparseMDP
from rlcore.problems.structure import flood, total_reward

WINDOW = (20, 40)  # fewest and most levels of one parity that the wave sweeps at once; between them, L / 5
RELAX = 1.06  # over-relaxation: the backward steps that a sweep in order of distance leaves out, in advance
PATIENCE = 40  # passes of the wave before another method takes over
FEW = 64  # sweeps of a policy before it is solved instead


def fastest(mdp: MDP | SparseMDP, judge: Discounted | Undiscounted, tol: float) -> Iterator[Verdict]:
    """The fastest method for this mdp, as a stream of verdicts."""
    if isinstance(judge, Undiscounted):
        yield from undiscounted(judge)
    elif isinstance(mdp, MDP):
        yield from dense(mdp, judge, tol)
    else:
        V = np.full(mdp.n_states, mdp.expected_reward.max() / (1 - mdp.gamma))
        if mdp.terminal.any():
            for verdict in wave(mdp, judge, tol):
                yield verdict
                V = verdict.V
        yield from sweeps(mdp, judge, tol, V)


# ---------------------------------------------------------------- dense


def dense(mdp: MDP, judge: Discounted, tol: float) -> Iterator[Verdict]:
    """Policy iteration that looks again only at the pairs which may have become better.

    `upper` (S, A) bounds Q at the present V. When V rises by at most d, no Q rises by more than gamma d:
    so a pair with upper + gamma d < T_pi V cannot be the best, and T V is exact without looking at it.
    """
    gamma, r, states = mdp.gamma, mdp.expected_reward, np.arange(mdp.n_states)
    P = mdp.P.reshape(r.size, -1)  # one row a pair: one product, not one for each state

    def lookahead(V: Array) -> Array:
        return np.asarray(r + gamma * (P @ V).reshape(r.shape))

    V = r.max(axis=1)
    upper = lookahead(V)
    pi = upper.argmax(axis=1)
    yield judge.judge(V, upper[states, pi], pi)
    while True:
        P_pi, r_pi = mdp.P[states, pi], r[states, pi]
        V, before = _policy_value(P_pi, r_pi, gamma, V, tol), V
        TV = r_pi + gamma * (P_pi @ V)
        rise = float((V - before).max())
        upper += gamma * (rise + judge.off * abs(rise)) + 2 * (judge.rounding(V) + judge.rounding(before))
        upper[states, pi] = TV
        s, a = np.nonzero(upper > TV[:, None])
        if 3 * len(s) < upper.size:
            upper[s, a] = r[s, a] + gamma * (mdp.P[s, a] @ V)
        else:
            upper = lookahead(V)
        better = upper.max(axis=1) > TV
        pi = np.where(better, upper.argmax(axis=1), pi)
        yield judge.judge(V, upper[states, pi], pi)


def _policy_value(P: Any, r: Array, gamma: float, V: Array, tol: float) -> Array:
    """V_pi, by sweeps while their span shrinks quickly, else by solving.   P (S, S) dense or sparse"""
    for _ in range(FEW):
        TV = r + gamma * (P @ V)
        d = TV - V
        low, high = float(d.min()), float(d.max())
        V = TV + gamma / (1 - gamma) * (low + high) / 2
        if gamma / (1 - gamma) * (high - low) <= 0.1 * tol:
            return np.asarray(V)
    return total_reward(P, r, gamma)


# ---------------------------------------------------------------- sparse, with an end: the wave


def wave(mdp: SparseMDP, judge: Discounted, tol: float) -> Iterator[Verdict]:
    """Gauss-Seidel value iteration in a window that moves outwards from the terminal states.

    Levels of even and odd distance are stored apart. Then the levels f, f - 2, f - 4, ... of a window are one
    range of rows, and a step sweeps them with one sparse product; the next step does f + 1, f - 1, ...
    With every state's neighbours at the next distances this is Gauss-Seidel, many sweeps at a time; with
    other graphs it is still an asynchronous value iteration, which converges in any order.

    A level that no longer changes is left behind: a pass begins at the first that does.
    A pass that does not halve the error ends over-relaxation, whose convergence nobody guarantees.
    """
    layout = Layout(mdp)
    if layout.n_levels < 8:
        return
    v = np.full(mdp.n_states, min(0.0, float(mdp.expected_reward.min())) / (1 - mdp.gamma))
    v[layout.end] = 0.0
    first, relax, last_bound = 1, RELAX, np.inf
    enough = tol * (1 - mdp.gamma)
    for _ in range(PATIENCE):
        for i, j in windows(layout, first):
            new = layout.backup(v, i, j)
            now = v[i:j]
            new -= now
            new *= relax
            now += new
        V = np.empty(mdp.n_states)
        V[layout.order] = v
        verdict = judge(V)
        yield verdict
        if verdict.bound > 0.5 * last_bound:
            relax = 1.0
        last_bound = verdict.bound
        change = layout.backup_all(v)
        change -= v
        v += change
        moving = np.flatnonzero(layout.largest(np.abs(change)) > enough / 4)
        first = max(1, int(moving[0])) if len(moving) else 1


def windows(layout: Layout, first: int) -> Iterator[tuple[int, int]]:
    """The ranges of rows that one pass sweeps: the window enters at `first`, and leaves past the last level."""
    last = layout.n_levels - 1
    width = min(max(WINDOW[0], last // 5), WINDOW[1])
    for front in range(first, last + 2 * width):
        top = front if front <= last else last - (last - front) % 2
        low = max(front - 2 * (width - 1), first + (front - first) % 2)
        if low <= top:
            yield layout.begin[low], layout.stop[top]


class Layout:
    """The model in the order of the wave: rows state by state, action by action, gamma folded in.

    A self-loop is eliminated: V = r + g p V + rest is V = (r + rest) / (1 - g p), with which no sweep waits for itself.
    """

    def __init__(self, mdp: SparseMDP):
        S, A, K = mdp.succ.shape
        level, start = _levels(mdp)
        self.n_levels = n = len(start) - 1
        parity = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)])  # even levels first, then odd
        size = np.diff(start)[parity]
        stop = np.cumsum(size)
        self.parity, self.starts = parity, stop - size
        self.begin, self.stop = [0] * n, [0] * n
        for p, i, j in zip(parity.tolist(), self.starts.tolist(), stop.tolist()):
            self.begin[p], self.stop[p] = i, j
        odd = np.repeat(np.arange(n) % 2 == 1, np.diff(start))
        self.order = np.concatenate([level[~odd], level[odd]])
        index = np.int32 if S * A * K < 2**31 else np.int64
        place = np.empty(S, dtype=index)
        place[self.order] = np.arange(S, dtype=index)

        self.S, self.A = S, A
        self.end = slice(self.begin[0], self.stop[0])
        self.indptr = np.arange(0, S * A * K + 1, K, dtype=index)
        self.indices = place[mdp.succ[self.order]].ravel()
        shared = mdp.prob.strides[0] == 0  # the same probabilities everywhere: nothing to reorder
        prob = mdp.prob if shared else mdp.prob[self.order]
        self.data = np.multiply(prob, mdp.gamma, out=np.empty((S, A, K))).ravel()
        self.r = mdp.expected_reward[self.order].ravel()
        self._eliminate_loops()
        self.buffer = np.empty(0)
        self.multiply = _multiply()

    def _eliminate_loops(self) -> None:
        """Solve every row for its own state; gamma is in its probabilities already."""
        K = len(self.indices) // len(self.r)
        own = np.arange(self.S, dtype=self.indices.dtype)[:, None]
        loop = np.flatnonzero(self.indices.reshape(self.S, -1) == own)
        row = loop // K  # where a row stands twice, the same is written twice
        leave = 1 - np.bincount(row, self.data[loop], minlength=1)[row]
        self.data[loop] = 0.0
        self.data.reshape(-1, K)[row] /= leave[:, None]
        self.r[row] /= leave

    def backup(self, v: Array, i: int, j: int) -> Array:
        """max_a of rows i to j: the rewards are put into the buffer first, and the product adds to it.   -> (j - i,)"""
        A, n = self.A, (j - i) * self.A
        if len(self.buffer) < n:
            self.buffer = np.empty(n)
        Q = self.buffer[:n]
        Q[:] = self.r[i * A : j * A]
        self.multiply(n, self.S, self.indptr[i * A : j * A + 1], self.indices, self.data, v, Q)
        best = np.maximum(Q[0::A], Q[min(1, A - 1) :: A])
        for a in range(2, A):
            np.maximum(best, Q[a::A], out=best)
        return best

    def backup_all(self, v: Array) -> Array:
        """The same for all rows, block by block; terminal states stay at 0."""
        new = np.concatenate([self.backup(v, i, min(self.S, i + 2**16)) for i in range(0, self.S, 2**16)])
        new[self.end] = 0.0
        return new

    def largest(self, x: Array) -> Array:
        """The largest entry of each level.   (S,) -> (L,)"""
        top = np.empty(self.n_levels)
        top[self.parity] = np.maximum.reduceat(x, self.starts)
        return top


def _levels(mdp: SparseMDP) -> tuple[Array, Array]:
    """The states by their distance to a terminal one along likely steps; what is out of reach makes the last level.

    The most likely successor of each pair is enough for an order, and a graph of A edges a state is quick to walk.
    """
    from scipy.sparse import csc_array

    S, A, _ = mdp.succ.shape
    if mdp.prob.strides[:2] == (0, 0):
        likely = mdp.succ[:, :, int(mdp.prob[0, 0].argmax())]
    else:
        likely = pick(mdp.succ, mdp.prob.argmax(axis=2))
    index = np.where(mdp.terminal[:, None], S, likely)  # terminal states lead to one node more, the root
    indptr = np.append(np.arange(0, S * A + 1, A, dtype=np.int32), np.int32(S * A))
    backward = csc_array((np.ones(S * A), index.astype(np.int32).ravel(), indptr), shape=(S + 1, S + 1))
    order, start = flood(backward)
    if len(order) < S:
        beyond = np.ones(S, dtype=bool)
        beyond[order] = False
        order, start = np.concatenate([order, np.flatnonzero(beyond)]), np.append(start, S)
    return order, start


def _multiply() -> Any:
    """y += P x for a range of compressed rows, as f(n_rows, n_columns, indptr, indices, data, x, y).

    SciPy's own kernel is not public. Where it is missing, the same product is made of public parts, more slowly.
    """
    try:
        from scipy.sparse._sparsetools import csr_matvec
    except ImportError:
        return public_multiply
    return csr_matvec


def public_multiply(n: int, m: int, indptr: Array, indices: Array, data: Array, x: Array, y: Array) -> None:
    """What `_multiply` returns where SciPy has no `csr_matvec`."""
    from scipy.sparse import csr_array

    i, j = int(indptr[0]), int(indptr[-1])
    y += csr_array((data[i:j], indices[i:j], indptr - i), shape=(n, m)) @ x


# ---------------------------------------------------------------- sparse, anything


def sweeps(mdp: SparseMDP, judge: Discounted, tol: float, V: Array) -> Iterator[Verdict]:
    """Modified policy iteration: a policy is swept until its span is small, or solved where that takes too long."""
    from scipy.sparse import csr_array

    S, _, K = mdp.succ.shape
    states = np.arange(S)
    pi = np.zeros(S, dtype=np.int64)
    while True:
        verdict = judge(V)
        yield verdict
        pi = verdict.pi
        row = np.arange(0, S * K + 1, K)
        P = csr_array((mdp.prob[states, pi].ravel(), mdp.succ[states, pi].ravel(), row), shape=(S, S))
        V = _policy_value(
            P, mdp.expected_reward[states, pi], mdp.gamma, verdict.V, max(tol, 0.1 * verdict.bound)
        )


# ---------------------------------------------------------------- gamma = 1


def undiscounted(judge: Undiscounted) -> Iterator[Verdict]:
    """Policy iteration on the collapsed model, from a policy that surely stops.

    A better policy that never stops would show a loop that does not lose: then the total reward is unbounded.
    """
    model = judge.model
    choice = model.proper()
    while True:
        x = total_reward(*model.chain(choice))
        yield judge.judge(x)
        Q = model.lookahead(x)
        top = np.maximum.reduceat(Q, model.first)
        better = top > Q[choice] + judge.rounding(x)
        if not better.any():
            return
        choice = np.where(better, model.best(Q), choice)
        s = gainful_state(model, choice)
        if s is not None:
            raise ValueError(judge.unbounded(s))
