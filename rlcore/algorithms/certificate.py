"""How far a table of values can be from the truth, proved from one Bellman backup.

    d = T V - V            the residual, T V = max_a lookahead(V)

gamma < 1 [eq:span-bound].  With lo = min d and hi = max d (MacQueen 1966; Puterman 1994, section 6.6):

    T V + gamma / (1 - gamma) lo  <=  V*  <=  T V + gamma / (1 - gamma) hi

The middle of the two is returned and half their distance is the bound. It needs no contraction of the
stream that V came from, only this one backup, so a V from anywhere is judged fairly.

gamma = 1.  Components without reward are collapsed first (`problems.structure`), so V* is the best total
reward among policies that surely stop. Let no |d| exceed e, call the pairs with Q >= V - slack tight, and
let w(node) be the largest expected number of steps to stop by tight pairs: w >= 1 + P w. Then

    T (V + e w) <= V + e w          a tight pair gains at most e and loses e by w; others have slack >= e (max w + 1)
    T_pi (V - e w) >= V - e w       for the greedy pairs pi, which are tight and so stop

By the first, no policy that stops is worth more than V + e w; by the second, pi is worth at least V - e w.
Hence |V - V*| <= e max w. Where tight pairs can loop for ever, w is infinite and
nothing is certified.

Rounding: a sum of n products is off by at most n u sum |p v| (Higham 2002, section 3.1), and rows of P sum to 1
within 1e-8 only; both are part of every bound.

Letters: S states, N nodes, M pairs.
Left out: rounding in the bounds' own few operations, covered by counting n + 8 for n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rlcore.numerics import Array, pick
from rlcore.problems.mdp import MDP, TOLERANCE, SparseMDP
from rlcore.problems.structure import Collapsed, collapse, end_components, recurrent, total_reward

UNIT = float(np.finfo(float).eps) / 2  # u, the relative error of one operation
BLOCK = 2**15  # states backed up at a time, so that their numbers stay in the cache


@dataclass(frozen=True, eq=False)
class Verdict:
    """V, with max|V - V*| <= bound; no bound below `floor` is possible, because of rounding."""

    V: Array  # (S,)
    pi: Array  # (S,) int, attains the backup that proves it
    residual: float  # max |T V - V|
    bound: float
    floor: float


class Discounted:
    """Judge values of an MDP with gamma < 1 by the span bound."""

    def __init__(self, mdp: MDP | SparseMDP):
        R = mdp.R if isinstance(mdp, MDP) else mdp.reward
        n = R.shape[-1]
        r = R if R.strides[-1] else R[..., 0]
        self.mdp = mdp
        self.largest = max(float(r.max()), -float(r.min()))
        self.relative = (n + 8) * UNIT
        self.off = TOLERANCE
        if mdp.gamma * (1 + self.off) >= 1:
            self.off = _row_error(mdp) + self.relative

    def __call__(self, V: Array) -> Verdict:
        """Back up V, a block of states at a time where there are many, and judge it."""
        mdp, S = self.mdp, self.mdp.n_states
        if isinstance(mdp, MDP) or S <= BLOCK:
            Q = mdp.lookahead(V)
            pi = Q.argmax(axis=1)
            return self.judge(V, pick(Q, pi), pi)
        TV, pi = np.empty(S), np.empty(S, dtype=np.int64)
        for i in range(0, S, BLOCK):
            block = slice(i, i + BLOCK)
            Q = np.einsum("sak,sak->sa", mdp.prob[block], V[mdp.succ[block]])
            Q = mdp.expected_reward[block] + mdp.gamma * Q
            pi[block] = Q.argmax(axis=1)
            TV[block] = pick(Q, pi[block])
        return self.judge(V, TV, pi)

    def rounding(self, V: Array) -> float:
        """How far a computed backup of V can be from the true one."""
        return float(self.relative * (self.largest + self.mdp.gamma * max(float(V.max()), -float(V.min()))))

    def judge(self, V: Array, TV: Array, pi: Array) -> Verdict:
        """The span bound of V, given T V and a policy that attains it."""
        gamma = self.mdp.gamma
        d = TV - V
        lowest, highest = float(d.min()), float(d.max())
        error = self.rounding(V)
        modulus = [gamma * (1 - self.off), gamma * (1 + self.off)]  # of T, as rows sum to 1 -+ off
        if modulus[1] >= 1:
            raise ValueError(
                f"gamma is {gamma!r}, so near to 1 that rows of probabilities which sum to 1 within "
                f"{self.off:.1g} prove nothing"
            )
        lo = min((lowest - error) * m / (1 - m) for m in modulus) - error
        hi = max((highest + error) * m / (1 - m) for m in modulus) + error
        middle = (lo + hi) / 2
        answer = np.where(self.mdp.terminal, 0.0, TV + middle)
        floor = error * (1 + modulus[1] / (1 - modulus[1]))
        return Verdict(answer, pi, max(highest, -lowest), (hi - lo) / 2 + UNIT * abs(middle), floor)

    def check_bounded(self, V: Array) -> None:
        """With gamma < 1 nothing can diverge."""


class Undiscounted:
    """Judge values of an MDP with gamma = 1 by expected steps to stop, on the collapsed model.

    Raises ValueError where from some state no policy surely ends where nothing is paid.
    """

    def __init__(self, mdp: MDP | SparseMDP, tol: float):
        self.model: Collapsed = collapse(mdp)
        self.model.proper()
        self.terminal = mdp.terminal
        self.tol = tol
        self.ready = tol  # the residual at which the next attempt at a certificate is due
        self.largest = float(np.abs(self.model.r).max())
        self.relative = (int(np.diff(self.model.P.indptr).max(initial=0)) + 8) * UNIT

    def nodes(self, V: Array) -> Array:
        """The values of the nodes: of a component, the largest of its members.   (S,) -> (N,)"""
        x = np.full(len(self.model.first), -np.inf)
        np.maximum.at(x, self.model.node, V)
        return x

    def __call__(self, V: Array) -> Verdict:
        return self.judge(self.nodes(V))

    def rounding(self, x: Array) -> float:
        """How far a computed backup of x can be from the true one."""
        return self.relative * (self.largest + float(np.abs(x).max()))

    def judge(self, x: Array) -> Verdict:
        """The bound of values of nodes.   (N,)"""
        model = self.model
        Q = model.lookahead(x)
        d = np.maximum.reduceat(Q, model.first) - x
        residual = float(np.abs(d).max())
        error = self.rounding(x)
        e = residual + error
        steps, loop = np.inf, -1
        if residual <= max(self.ready, 4 * error):
            steps, loop = longest_walk(model, x[model.owner] - Q, e)
            self.ready = residual / 4
        if loop >= 0 and residual <= 4 * error <= 1e-6 * self.largest:
            raise ValueError(
                f"gamma is 1 and state {int(np.argmax(model.node == loop))} lies on a loop whose mean reward is 0 "
                "though it pays: its total reward does not converge"
            )
        pi = model.policy(model.best(Q)) if e * steps <= self.tol else np.empty(0, dtype=np.int64)
        return Verdict(
            np.where(self.terminal, 0.0, x[model.node]),
            pi,
            residual,
            e * steps,
            2 * error * steps if np.isfinite(steps) else error,
        )

    def check_bounded(self, V: Array) -> None:
        """Raise ValueError where the greedy policy of V shows that the total reward is unbounded."""
        x = self.nodes(V)
        s = gainful_state(self.model, self.model.best(self.model.lookahead(x)))
        if s is not None:
            raise ValueError(self.unbounded(s))

    def unbounded(self, s: int) -> str:
        """What to say of a loop through s that does not lose."""
        return (
            f"gamma is 1 and from state {s} a loop that pays can be walked for ever without losing: "
            "the total reward is unbounded or does not converge"
        )


def longest_walk(model: Collapsed, gap: Array, e: float) -> tuple[float, int]:
    """max w over the pairs with gap (M,) <= slack, for a slack >= e (max w + 1).

    Howard's iteration on  w = 1 + max over tight pairs of P w,  until w / margin proves itself;  slack grows until it
    is wide enough.
    -> (max w, -1), or inf where tight pairs loop, with a node of that loop if even those with gap <= 4 e do
    """
    rounding = (np.diff(model.P.indptr).max() + 8) * UNIT
    slack = 4 * e
    while True:
        tight = gap <= slack
        label, _ = end_components(model.P, model.owner, tight & (model.action >= 0))
        if (label >= 0).any():
            return np.inf, int(np.argmax(label >= 0)) if slack == 4 * e else -1
        choice = model.best(np.where(tight, -gap, -np.inf))
        margin = 0.0
        while margin < 0.5:  # w >= 1/2 + P w is as good as w >= 1 + P w, at twice the length
            w = _steps(model, choice)
            Pw = np.where(tight, model.P @ w, -np.inf)
            margin = float((w[model.owner] - Pw).min()) - rounding * float(w.max())
            longer = np.maximum.reduceat(Pw, model.first) > Pw[choice] + rounding * w.max()
            if not longer.any():
                break
            choice = np.where(longer, model.best(Pw), choice)
        longest = float(w.max()) / margin if margin > 0 else np.inf
        if e * (longest + 1) <= slack:
            return longest, -1
        if not np.isfinite(longest):
            return np.inf, -1
        slack = 2 * e * (longest + 1)


def gainful_state(model: Collapsed, choice: Array) -> int | None:
    """A state from which this choice loops for ever without losing, if there is one."""
    from scipy.sparse import eye_array, linalg

    P, r = model.chain(choice)
    label = recurrent(P)
    label[model.action[choice] < 0] = -1
    for c in np.unique(label[label >= 0]):
        loop = np.flatnonzero(label == c)
        M = (eye_array(len(loop)) - P[loop][:, loop]).tolil()
        M[:, [0]] = np.ones((len(loop), 1))  # mean + h = r + P h, where h[0] = 0 makes room for the mean
        mean = np.atleast_1d(linalg.spsolve(M.tocsc(), r[loop]))[0]
        if mean >= -1e-12 * np.abs(r[loop]).max():
            return int(np.flatnonzero(model.node == loop[0])[0])
    return None


def _steps(model: Collapsed, choice: Array) -> Array:
    """Expected number of steps to stop: w = 1 + P w.   -> (N,)"""
    return total_reward(model.P[choice], np.ones(len(choice)))


def _row_error(mdp: MDP | SparseMDP) -> float:
    P: Any = mdp.P if isinstance(mdp, MDP) else mdp.prob
    return float(np.abs(P.sum(axis=-1) - 1).max())
