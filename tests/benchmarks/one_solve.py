"""Solve one benchmark problem once, in a process of its own: values to stdout as .npy, what it took to stderr as JSON.

python tests/benchmarks/one_solve.py (rlcore | quantecon) n [sweeps]

Seconds are those of the solver alone; the peak of memory is that of the whole process, the making of the
model included. The peer is compiled before, on a small problem.
"""

import io
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  (after the limits)

TOL = 1e-6


def grid(n):
    """n x n cells, one of them the goal; .8 as intended, .1 to each side; -1 a step; gamma .99."""
    from rlcore.problems.gridworlds import GridWorld

    return GridWorld(["." * n] * (n - 1) + ["." * (n - 1) + "G"], gamma=0.99, slip=0.2)


def random_dense(S=1000, A=10):
    """Rows of normalised uniform numbers; uniform rewards."""
    from rlcore.problems.mdp import MDP

    rng = np.random.default_rng(0)
    P = rng.random((S, A, S))
    P /= P.sum(axis=2, keepdims=True)
    return MDP(P, rng.random((S, A)), 0.99, np.full(S, 1 / S), np.zeros(S, bool))


def peer(mdp):
    """The same model for QuantEcon: dense tables, or sparse state-action pairs."""
    from quantecon.markov import DiscreteDP
    from scipy.sparse import csr_matrix

    from rlcore.problems.mdp import MDP

    if isinstance(mdp, MDP):
        return DiscreteDP(np.array(mdp.expected_reward), np.array(mdp.P), mdp.gamma)
    S, A, K = mdp.succ.shape
    entries = np.array(mdp.prob).ravel(), mdp.succ.ravel(), np.arange(0, S * A * K + 1, K)
    Q = csr_matrix(entries, shape=(S * A, S))
    Q.sum_duplicates()
    state, action = np.divmod(np.arange(S * A), A)
    return DiscreteDP(np.array(mdp.expected_reward).ravel(), Q, mdp.gamma, state, action)


def solve_peer(model, sweeps):
    """Modified policy iteration with `sweeps`, value iteration if 0. Both stop at an error of epsilon / 2 = TOL."""
    if sweeps:
        return np.asarray(
            model.solve("modified_policy_iteration", epsilon=2 * TOL, max_iter=10**6, k=sweeps).v
        )
    return np.asarray(model.solve("value_iteration", epsilon=2 * TOL, max_iter=10**6).v)


def peak_megabytes():
    """The largest size that this program had. On Linux `ru_maxrss` also remembers the program that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024


def main(who, n, sweeps=0):
    from rlcore.algorithms.dp import solve

    mdp = grid(n)
    if who == "rlcore":
        solve(grid(10), tol=TOL)
        begin = time.perf_counter()
        solution = solve(mdp, tol=TOL)
        seconds = time.perf_counter() - begin
        V, bound = solution.V, solution.bound
    else:
        solve_peer(peer(grid(10)), sweeps)
        model = peer(mdp)
        begin = time.perf_counter()
        V = solve_peer(model, sweeps)
        seconds, bound = time.perf_counter() - begin, TOL
    peak = peak_megabytes()
    table = io.BytesIO()  # a pipe has no file position, which np.save may ask for
    np.save(table, V)
    sys.stdout.buffer.write(table.getvalue())
    print(json.dumps({"seconds": seconds, "bound": bound, "peak": peak}), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:4]))
