"""Environments around an environment: one in which nothing ends early, and one that pays otherwise.

When a reward is learned from comparisons it is known up to a constant a step. Where an episode may end early
that constant decides everything: below 0, the best is to end at once; above, to go on is good whatever else is
paid, so the end tells the learner what nobody has told it. In an endless environment every episode has the same
length, the constant drops out, and who has fallen lies there to be seen.

Left out: live Gymnasium environments; theirs cannot go on after an end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count

Pay: TypeAlias = Callable[[Array, Array], Array]  # (observation (..., D), action (...)) -> reward (...)


class Endless:
    """The same environment, cut after `horizon` steps and never ended before.

    Its terminal states are absorbing and pay nothing, as everywhere in this house; so its return is that of env,
    if env has the same horizon. It is nothing for learners of tables (n_states is None).
    Raises ValueError unless horizon is a whole number >= 1.
    """

    n_states = None

    def __init__(self, env: Any, horizon: int) -> None:
        check_count("horizon", horizon, 1)
        self.env, self.horizon = env, horizon
        self.actions, self.n_features = env.actions, env.n_features
        self.reset, self.observe = env.reset, env.observe

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """The step of env; terminated is False."""
        s_next, reward, terminated = self.env.step(state, action, rng)
        return s_next, reward, np.zeros_like(terminated)


class Paid:
    """The same environment with rewards of somebody's making: pay(observation, action). Its own are not seen."""

    n_states = None

    def __init__(self, env: Any, pay: Pay) -> None:
        self.env, self.pay = env, pay
        self.actions, self.n_features, self.horizon = env.actions, env.n_features, env.horizon
        self.reset, self.observe = env.reset, env.observe

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """The step of env, paid for by the state in which the action was taken."""
        s_next, _, terminated = self.env.step(state, action, rng)
        return s_next, self.pay(self.observe(state), action), terminated
