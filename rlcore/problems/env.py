"""What an environment is: a pure function of (state, action, rng).

An `Env` owns no state. `reset` draws a first state, `step` maps a state and an action to the next
state; the caller keeps what it needs. So one environment serves one walker or a thousand in
lock-step, and the same seed gives the same trajectory.

Letters: N environments, D features.
Left out: memory. `observe` may hide part of the state; what a learner makes of that is its own affair.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.random import Generator

from rlcore.numerics import Array


@dataclass(frozen=True)
class Discrete:
    """The actions 0, 1, ..., n - 1."""

    n: int


@dataclass(frozen=True)
class Box:
    """Real-valued actions between `low` and `high`, each of shape (D,)."""

    low: Array
    high: Array


class Env(Protocol):
    """Elementwise: scalars in, scalars out; a leading axis in, a leading axis out."""

    @property
    def actions(self) -> Discrete | Box: ...

    @property
    def n_states(self) -> int | None:
        """For tables; None where the state is a vector."""

    @property
    def n_features(self) -> int:
        """Length of what `observe` returns."""

    @property
    def horizon(self) -> int | None:
        """Time limit of an episode in steps; reaching it is truncation, not termination."""

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """Draw the first state; `size` of them with a leading axis."""

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """Return (next state, reward, terminated)."""

    def observe(self, state: Any) -> Array:
        """What a function approximator sees.   state -> (..., n_features) float"""
