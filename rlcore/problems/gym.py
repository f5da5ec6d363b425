"""Gymnasium, both ways: its models as tables here, our problems as environments there.

    mdp_from_gymnasium("FrozenLake-v1", gamma=0.99)              a published model, as a SparseMDP
    TabularEnv(frozen_lake())                                    one of ours behind Gymnasium's reset and step
    gymnasium.make("rlcore/GridWorld-v0", map=["S.#", "..G"])    ours by name, as in PROBLEMS and CONTROLS
    VectorStateEnv(CartPole(), low, high)                        one whose states are vectors, likewise
    q_learning(GymnasiumEnv("FrozenLake-v1"), ...)               theirs, live, under a learner of ours

Importing this module registers the names. Gymnasium has loaded no plug-ins since its version 1.0, so
import it first, or let the name say it: gymnasium.make("rlcore.problems.gym:rlcore/Cliff-v0").

Letters: S states, A actions, K successors, D features.
Left out: spaces that are neither Discrete nor Box; pictures of vector states.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems import chains, gridworlds
from rlcore.problems import env as env_types
from rlcore.problems.cartpole import CartPole
from rlcore.problems.drawing import draw_pixels, draw_text
from rlcore.problems.gambler import gambler
from rlcore.problems.gridworlds import GridWorld
from rlcore.problems.mdp import MDP, SparseMDP
from rlcore.problems.mountain_car import MountainCar
from rlcore.problems.pendulum import Pendulum

# ---------------------------------------------------------------- Gymnasium's models as ours

WITH_A_MODEL = "FrozenLake-v1, CliffWalking-v1 and Taxi-v4 have one"


def mdp_from_gymnasium(env_id: str, *, gamma: float, **kwargs: Any) -> SparseMDP:
    """Read the model of a Gymnasium environment: its table P and its start distribution.

    `kwargs` go to gymnasium.make: `desc=["SFH", "FFG"], is_slippery=False` for a lake of one's own.

    States and actions keep their numbers. Gymnasium marks the *transition* that ends an episode, a
    table here the *state* it leads to: that state becomes absorbing and unrewarded. Rows of states
    that no episode visits are kept; from there, too, entering such a state is the end. (Taxi has 96,
    with the passenger already at the destination.)

    The time limit becomes `horizon` and is otherwise no part of the model: values are those of the
    unlimited problem. On Frozen Lake the optimal policy reaches the goal with probability 0.8235,
    but within the 100 steps that Gymnasium allows with 0.7402.

    Raises ValueError for a name or arguments that Gymnasium refuses, for an environment without a
    finite model, and where an episode may also go on from a state that ends it.
    """
    env = _make(env_id, kwargs)
    try:
        table = _read_table(env_id, env)  # (S, A, K, 4)  probability, successor, reward, terminated
        start = _read_start(env_id, env, len(table))
        horizon = _time_limit(env)
    finally:
        env.close()
    prob, reward = table[..., 0].copy(), table[..., 2].copy()
    succ = table[..., 1].astype(np.int64)
    ends = (table[..., 3] != 0) & (prob > 0)
    terminal = np.zeros(len(succ), bool)
    terminal[succ[ends]] = True
    _check_ends(env_id, succ, (prob > 0) & ~ends, _absorbing(succ, prob, reward), start, terminal)
    succ[terminal], reward[terminal] = np.flatnonzero(terminal)[:, None, None], 0.0
    prob[terminal] = np.eye(1, prob.shape[-1])  # the first successor, with probability 1
    return SparseMDP(succ, prob, reward, gamma, start, terminal, horizon)


def _make(env_id: str, kwargs: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    if not isinstance(env_id, str):
        raise ValueError(f"env_id is {env_id!r}; it must be a name such as 'FrozenLake-v1'")
    try:
        return gymnasium.make(env_id, **{"disable_env_checker": True, **kwargs})
    except Exception as error:  # whatever the constructor of somebody's environment raises
        given = ", ".join([repr(env_id), *(f"{name}={value!r}" for name, value in kwargs.items())])
        raise ValueError(f"gymnasium.make({given}): {type(error).__name__}: {error}") from error


def _of_the_model(env_id: str, env: gymnasium.Env[Any, Any], name: str) -> Any:
    value = getattr(env.unwrapped, name, None)
    if value is not None:
        return value
    if isinstance(env.observation_space, Box):
        raise ValueError(f"{env_id} has continuous observations, so no finite model; {WITH_A_MODEL}")
    raise ValueError(f"{env_id} does not publish its model: it has no `{name}`; {WITH_A_MODEL}")


def _read_table(env_id: str, env: gymnasium.Env[Any, Any]) -> Array:
    """P[s][a], lists of (probability, successor, reward, terminated), padded with zeros.   (S, A, K, 4)"""
    P = _of_the_model(env_id, env, "P")
    states, actions = env.observation_space, env.action_space
    if not (
        isinstance(states, Discrete) and isinstance(actions, Discrete) and states.start == actions.start == 0
    ):
        raise ValueError(
            f"{env_id}: its spaces must be Discrete and count from 0, not {states} and {actions}"
        )
    if getattr(env.unwrapped, "fickle_passenger", False):
        raise ValueError(f"{env_id}: fickle_passenger is True, which P does not model; leave it False")
    S, A = int(states.n), int(actions.n)
    try:
        rows = [[list(P[s][a]) for a in range(A)] for s in range(S)]
        table = np.zeros((S, A, max(len(entries) for row in rows for entries in row), 4))
        for s, a in np.ndindex(S, A):
            for k, entry in enumerate(rows[s][a]):
                table[s, a, k] = entry
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(
            f"{env_id}: P must hold {S} states of {A} actions, each a list of "
            "(probability, next state, reward, terminated)"
        ) from None
    for s, a, k in np.argwhere(~np.isin(table[..., 1], np.arange(S)))[:1]:
        s_next = table[s, a, k, 1]
        raise ValueError(f"{env_id}: P[{s}][{a}][{k}] leads to {s_next:g}; states are 0 to {S - 1}")
    return table


def _read_start(env_id: str, env: gymnasium.Env[Any, Any], S: int) -> Array:
    start = np.array(_of_the_model(env_id, env, "initial_state_distrib"))
    if start.shape != (S,) or not np.isfinite(start).all():
        raise ValueError(f"{env_id}: initial_state_distrib must be {S} probabilities; has the map a start?")
    return start


def _time_limit(env: gymnasium.Env[Any, Any]) -> int | None:
    limits = [env.spec.max_episode_steps if env.spec else None]
    if isinstance(env.unwrapped, OurEnv):
        limits.append(env.unwrapped.model.horizon)
    return min((limit for limit in limits if limit is not None), default=None)


def _absorbing(succ: Array, prob: Array, reward: Array) -> Array:
    """Where a model stays for ever and pays nothing.   (S, A, K) x 3 -> (S,) bool"""
    idle = (succ == np.arange(len(succ))[:, None, None]) & (reward == 0)
    return np.asarray((idle | (prob == 0)).all(axis=(1, 2)))


def _check_ends(
    env_id: str, succ: Array, goes_on: Array, absorbing: Array, start: Array, terminal: Array
) -> None:
    """Refuse a state that ends an episode, but from which another one goes on to something."""
    visited, reached = start > 0, start > 0
    while reached.any():
        after = np.zeros_like(visited)
        after[succ[reached][goes_on[reached]]] = True
        reached = after & ~visited
        visited = visited | reached
    for s in np.flatnonzero(visited & terminal & ~absorbing)[:1]:
        raise ValueError(
            f"{env_id}: state {s} ends an episode when entered by one transition and not when entered by "
            "another (or at the start), so it cannot be made absorbing; give its two roles two numbers"
        )


# ---------------------------------------------------------------- Gymnasium's, live, under our learners


@dataclass(frozen=True)
class GymnasiumEnv:
    """The name of a Gymnasium environment, for learners that make it themselves.

    GymnasiumEnv("FrozenLake-v1", {"is_slippery": False}); the second part goes to gymnasium.make.
    """

    env_id: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> gymnasium.Env[Any, Any]:
        """A fresh copy; ValueError for a name or arguments that Gymnasium refuses."""
        return _make(self.env_id, self.kwargs)


class LiveTable:
    """A live Gymnasium environment with finitely many states and actions, as the tabular learners see it.

    One walker, and the environment keeps its state: `step` ignores the state it is given. The generator of
    the learner seeds the environment once, at the first reset; every later episode goes on from there.
    `truncated` (1,) says after each step whether the time limit was reached.

    Raises ValueError unless both spaces are Discrete and count from 0.
    """

    live = True
    horizon = None  # the environment counts for itself

    def __init__(self, env: GymnasiumEnv | gymnasium.Env[Any, Any]) -> None:
        self.env = env.make() if isinstance(env, GymnasiumEnv) else env
        states: Any = self.env.observation_space
        actions: Any = self.env.action_space
        finite = isinstance(states, Discrete) and isinstance(actions, Discrete)
        if not finite or states.start != 0 or actions.start != 0:
            raise ValueError(
                f"{self.env}: a table needs spaces that are Discrete and count from 0, not {states} and {actions}"
            )
        self.n_states = self.n_features = int(states.n)
        self.actions = env_types.Discrete(int(actions.n))
        self.seeded = False
        self.truncated = np.zeros(1, bool)

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """The first state, () or (1,) int."""
        seed = None if self.seeded else int(rng.integers(2**31))
        self.seeded = True
        state, _ = self.env.reset(seed=seed)
        return np.int64(state) if size is None else np.array([state])

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """One step of the environment; shapes as `action`, () or (1,)."""
        s_next, reward, terminated, truncated, _ = self.env.step(int(np.ravel(action)[0]))
        self.truncated = np.array([truncated])
        shape = np.shape(action)
        return (
            np.full(shape, s_next)[()],
            np.full(shape, float(reward))[()],
            np.full(shape, bool(terminated))[()],
        )

    def observe(self, state: Any) -> Array:
        """One-hot.   (...) int -> (..., S) float"""
        return np.asarray(np.eye(self.n_states)[np.asarray(state)])


class LiveEnv:
    """What a deep learner asks of a Gymnasium environment: observe, actions; a GymnasiumRunner walks in it.

    Observations in a Box are shown as one vector, those of a Discrete space one-hot.
    Raises ValueError for other spaces, and for a Discrete one that does not count from 0.
    """

    live = True

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        states: Any = env.observation_space
        actions: Any = env.action_space
        for name, space in (("observation_space", states), ("action_space", actions)):
            if not isinstance(space, (Box, Discrete)) or getattr(space, "start", 0) != 0:
                raise ValueError(f"{env}: {name} is {space}; it must be a Box, or Discrete and count from 0")
        self.horizon = _time_limit(env)
        self.n_states = int(states.n) if isinstance(states, Discrete) else None
        self.shape: tuple[int, ...] = () if isinstance(states, Discrete) else tuple(states.shape or ())
        self.n_features = self.n_states or int(np.prod(self.shape))
        self.actions: env_types.Discrete | env_types.Box = (
            env_types.Discrete(int(actions.n))
            if isinstance(actions, Discrete)
            else env_types.Box(actions.low, actions.high)
        )

    def observe(self, state: Any) -> Array:
        """-> (..., n_features) float"""
        if self.n_states is not None:
            return np.asarray(np.eye(self.n_states)[np.asarray(state)])
        x: Array = np.asarray(state, dtype=float)
        return x.reshape(*x.shape[: x.ndim - len(self.shape)], -1)

    def legal(self, action: Array) -> list[Any]:
        """One action a walker, as Gymnasium takes it: a whole number, or an array clipped to its Box."""
        if isinstance(self.actions, env_types.Discrete):
            return [int(a) for a in action]
        return list(np.clip(action, self.actions.low, self.actions.high).astype(self.actions.low.dtype))


# ---------------------------------------------------------------- ours as Gymnasium's


class OurEnv(gymnasium.Env[Any, Any]):
    """What both kinds of problem share behind Gymnasium's interface: a state, a clock, a generator.

    reset(seed=...) seeds the environment's own generator; reset(options={"state": s}) starts in s.
    After `model.horizon` steps `truncated` is True: counted here, so no TimeLimit wrapper is needed.
    """

    model: Any
    state: Any = None
    steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first state, or take the one that `options` names."""
        super().reset(seed=seed)
        options = dict(options or {})
        state = options.pop("state", None)
        if options:
            raise ValueError(f"options has {', '.join(map(repr, options))}; the only option is 'state'")
        self.state = self.model.reset(self.np_random) if state is None else self._place(state)
        self.steps = 0
        return self._see(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Draw the next state; refuse an action that does not exist."""
        if self.state is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        self.state, reward, terminated = self.model.step(self.state, self._act(action), self.np_random)
        self.steps += 1
        truncated = self.model.horizon is not None and self.steps >= self.model.horizon
        return self._see(), float(reward), bool(terminated), truncated, {}

    @abstractmethod
    def _place(self, state: Any) -> Any:
        """A state from outside, if there is such a one."""

    @abstractmethod
    def _see(self) -> Any:
        """The observation of the state."""

    def _act(self, action: Any) -> Any:
        """What the model takes as this action, if there is such a one."""
        if not self.action_space.contains(action):
            raise ValueError(f"action is {action!r}; actions are 0 to {self.model.actions.n - 1}")
        return action


class TabularEnv(OurEnv):
    """A finite problem of ours behind Gymnasium's interface; observations are the states' numbers.

    `P` and `initial_state_distrib` publish the model as Gymnasium's toy-text environments do.
    render() gives a text ("ansi") or pixels ("rgb_array", (height, width, 3) uint8).

    Raises ValueError for a model without a finite table, an unknown render mode, an action or a
    first state that does not exist, an unknown option.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}  # noqa: RUF012

    def __init__(self, model: MDP | SparseMDP, render_mode: str | None = None) -> None:
        if not isinstance(model, (MDP, SparseMDP)):
            raise ValueError(
                f"model is {type(model).__name__}; it must be an MDP, a SparseMDP or a GridWorld"
            )
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}; it must be None, 'ansi' or 'rgb_array'")
        self.model, self.render_mode = model, render_mode
        self.observation_space = Discrete(model.n_states)
        self.action_space = Discrete(model.n_actions)
        self.initial_state_distrib = model.start

    def _place(self, state: Any) -> int:
        if not self.observation_space.contains(state):
            raise ValueError(f"options['state'] is {state!r}; states are 0 to {self.model.n_states - 1}")
        return int(state)

    def _see(self) -> int:
        return int(self.state)

    def render(self) -> Any:
        """The map with the agent on it; None without a render mode."""
        if self.render_mode is None:
            return None
        lines = _map_of(self.model)
        place = None if self.state is None else divmod(self.state, len(lines[0]))
        return draw_text(lines, place) if self.render_mode == "ansi" else draw_pixels(lines, place)

    @cached_property
    def P(self) -> dict[int, dict[int, list[tuple[float, int, float, bool]]]]:
        """P[s][a], a list of (probability, next state, reward, terminated)."""
        m = self.model.sparse() if isinstance(self.model, MDP) else self.model
        entries = zip(m.prob.tolist(), m.succ.tolist(), m.reward.tolist(), m.terminal[m.succ].tolist())
        return {
            s: {a: [e for e in zip(*lists) if e[0] > 0] for a, lists in enumerate(zip(*rows))}
            for s, rows in enumerate(entries)
        }


def _map_of(model: MDP | SparseMDP) -> tuple[str, ...]:
    """A GridWorld's own map; else the states in one line, terminal ones as G.

    More than 20 stand in a square, filled up with walls.
    """
    if isinstance(model, GridWorld):
        return model.map
    letters = "".join(np.where(model.terminal, "G", "."))
    width = len(letters) if len(letters) <= 20 else int(np.ceil(np.sqrt(len(letters))))
    return tuple(letters[i : i + width].ljust(width, "#") for i in range(0, len(letters), width))


class VectorStateEnv(OurEnv):
    """A problem of ours whose states are vectors behind Gymnasium's interface.   observations (D,) float32

    `low` and `high` (D,) bound what `model.observe` returns. Real-valued actions are fractions of their
    range, -1 to 1, where a policy that starts as a standard normal feels at home: they are stretched to
    [model.actions.low, model.actions.high]. What lies outside is for the model to cut.

    Raises ValueError for a model whose states are numbers, bounds of another shape, a render mode, an action
    or a first state that does not exist, an unknown option.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, model: env_types.Env, low: Any, high: Any, render_mode: str | None = None) -> None:
        if getattr(model, "n_states", 0) is not None:
            raise ValueError(f"model is {type(model).__name__}; it must be an Env whose n_states is None")
        if render_mode is not None:
            raise ValueError(f"render_mode is {render_mode!r}; it must be None")
        for name, bound in (("low", low), ("high", high)):
            if np.shape(bound) != (model.n_features,):
                raise ValueError(f"{name} has shape {np.shape(bound)}; it must be ({model.n_features},)")
        self.model, self.render_mode = model, render_mode
        self.observation_space = Box(np.array(low, np.float32), np.array(high, np.float32))
        self.action_space = (
            Discrete(model.actions.n)
            if isinstance(model.actions, env_types.Discrete)
            else Box(-1.0, 1.0, model.actions.low.shape)
        )

    def _place(self, state: Any) -> Array:
        shape = np.shape(self.model.reset(np.random.default_rng(0)))
        return _finite("options['state']", state, shape)

    def _act(self, action: Any) -> Any:
        if isinstance(self.action_space, Discrete):
            return super()._act(action)
        low, high = self.model.actions.low, self.model.actions.high
        return (low + high) / 2 + (high - low) / 2 * _finite("action", action, low.shape)

    def _see(self) -> Array:
        return np.asarray(self.model.observe(self.state), np.float32)

    def render(self) -> None:
        """Nothing."""


def _finite(name: str, x: Any, shape: tuple[int, ...]) -> Array:
    """x as an array of this shape; ValueError unless every entry is a finite number."""
    try:
        array = np.array(x, float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} is {x!r}; it must be finite numbers of shape {shape}")
    return array


def _grid(map: str | Sequence[str] = "S...# .#.H. ....G", *, gamma: float = 1.0, **kwargs: Any) -> GridWorld:
    return GridWorld(map, gamma=gamma, **kwargs)


PROBLEMS: dict[str, Callable[..., MDP | SparseMDP]] = {
    "GridWorld": _grid,  # map=..., and every keyword of GridWorld
    "Walk": gridworlds.walk,
    "TeleportGrid": gridworlds.teleport_grid,
    "SmallGrid": gridworlds.small_grid,
    "Cliff": gridworlds.cliff,
    "Windy": gridworlds.windy,  # king=True
    "FrozenLake": gridworlds.frozen_lake,  # size="8x8", slip=...
    "RandomWalk": chains.random_walk,  # n=19, left=-1.0
    "RecyclingRobot": chains.recycling_robot,
    "Gambler": gambler,  # p_h=..., goal=...
}


ANY = float(np.finfo(np.float32).max)  # what has no bound
CONTROLS: dict[str, tuple[Callable[..., env_types.Env], list[tuple[float, float]]]] = {
    # the problem (with horizon=...), and the range of every number that is observed
    "CartPole": (CartPole, [(-4.8, 4.8), (-ANY, ANY), (-0.42, 0.42), (-ANY, ANY)]),
    "MountainCar": (MountainCar, [(-1.2, 0.6), (-0.07, 0.07)]),
    "Pendulum": (Pendulum, [(-1.0, 1.0), (-1.0, 1.0), (-8.0, 8.0)]),
}


class NamedEnv(TabularEnv):
    """The problem `PROBLEMS[name](**kwargs)`: what the registered names make."""

    def __init__(self, name: str, render_mode: str | None = None, **kwargs: Any) -> None:
        super().__init__(PROBLEMS[name](**kwargs), render_mode)


class NamedControl(VectorStateEnv):
    """The problem `CONTROLS[name]`, likewise."""

    def __init__(self, name: str, render_mode: str | None = None, **kwargs: Any) -> None:
        problem, bounds = CONTROLS[name]
        low, high = zip(*bounds)
        super().__init__(problem(**kwargs), low, high, render_mode)


def register_environments() -> None:
    """Make rlcore/GridWorld-v0 and the others known to Gymnasium; twice does no harm."""
    for maker, names in (("NamedEnv", PROBLEMS), ("NamedControl", CONTROLS)):
        for name in names:
            if f"rlcore/{name}-v0" not in gymnasium.registry:
                gymnasium.register(
                    f"rlcore/{name}-v0", entry_point=f"rlcore.problems.gym:{maker}", kwargs={"name": name}
                )


register_environments()
