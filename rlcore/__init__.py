"""A reinforcement-learning textbook that runs.

Import from modules, so that the import line says where to read:

    from rlcore.problems.gridworlds import frozen_lake
    from rlcore.algorithms.dp import solve

The reading order:

    numerics                softmax and its relatives, sampling, finite differences
    problems.env            what an environment is
    problems.mdp            MDP, SparseMDP: the model, its doors, and `lookahead`
    problems.gridworlds     worlds drawn as text
    exact.values            values by linear algebra: the oracle
    algorithms.dp           dynamic programming as streams of iterates, and `solve`
    lab.plots               pictures of values, policies and convergence
"""

__version__ = "0.1.0"
