"""Features: what a linear function sees of a state.

    v(s, w) = w . x(s) = sum_d w[d] x[d](s),        gradient of v with respect to w:  x(s)

A feature function has `n`, the number of weights it needs, and maps states to x in one of two forms:

    float (..., D)    the features themselves                    Rows, Polynomial, Fourier
    int   (..., K)    the indices of the K features that are 1,  Aggregation, one_hot, Tiles
                      each once; the others are 0

so that 8 tiles of 648 cost 8 additions. `weights` has what reads both. A state is a number (...) where
`low` is one, and a vector (..., k) where `low` is (k,).

Letters: D features, K active features, k numbers a state, `...` leading axes.
Left out: hashing of tiles, radial basis functions, a step size for each feature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import called, check_count


class Features(Protocol):
    """What a linear learner needs of its features."""

    @property
    def n(self) -> int:
        """How many weights there are."""

    def __call__(self, state: Any) -> Array:
        """state (...) or (..., k) -> (..., D) float, or (..., K) int: the active ones"""


def check_features(features: Any) -> None:
    """Raise ValueError unless features are a function that knows its number of weights: `n`."""
    if isinstance(features, type) or not callable(features) or not hasattr(features, "n"):
        raise ValueError(f"features is {called(features)}; it must be features of states, such as Tiles(...)")


def dense(x: Array, n: int) -> Array:
    """The features as numbers, whatever form they have.   (..., D) or (..., K) int -> (..., n) float"""
    if x.dtype.kind != "i":
        return x
    full = np.zeros((*x.shape[:-1], n))
    np.put_along_axis(full, x, 1.0, axis=-1)
    return full


def feature_matrix(features: Features, states: Any) -> Array:
    """X: a row of features a state, so that X @ w are the values.   (S,) or (S, k) -> (S, D)"""
    return dense(features(states), features.n)


# ---------------------------------------------------------------- tables, and tables of groups


@dataclass(frozen=True, eq=False)
class Aggregation:
    """One weight a group of states.   state (...) int -> (..., 1) int

    Raises ValueError unless group is a table of whole numbers >= 0, one a state.
    """

    group: Array  # (S,) int
    n: int = field(init=False)

    def __post_init__(self) -> None:
        group = np.asarray(self.group)
        if group.ndim != 1 or group.size == 0 or group.dtype.kind not in "iu":
            raise ValueError(
                f"group is {group.dtype} {group.shape}; it must be int (S,), the group of each state"
            )
        for s in np.flatnonzero(group < 0)[:1]:
            raise ValueError(f"group[{s}] is {group[s]}; groups are numbered from 0")
        object.__setattr__(self, "group", group.astype(np.int64))
        object.__setattr__(self, "n", int(group.max()) + 1)

    def __call__(self, state: Any) -> Array:
        return np.asarray(self.group[np.asarray(state)[..., None]])


def one_hot(n_states: int) -> Aggregation:
    """A group for every state: a linear function that is a table."""
    check_count("n_states", n_states, 1)
    return Aggregation(np.arange(n_states))


def equal_groups(n_states: int, groups: int) -> Aggregation:
    """Neighbours share a weight: the n_states - 2 inner states in equal groups, the two ends with their neighbours.

    For chains whose first and last state are terminal: `big_random_walk` and its kind.
    """
    check_count("n_states", n_states, 3)
    check_count("groups", groups, 1, n_states - 2)
    inner = n_states - 2
    return Aggregation(np.clip((np.arange(n_states) - 1) * groups // inner, 0, groups - 1))


@dataclass(frozen=True, eq=False)
class Rows:
    """Any features of finitely many states, a row a state.   state (...) int -> (..., D) float

    Raises ValueError unless X is (S, D) of finite numbers.
    """

    X: Array  # (S, D)

    def __post_init__(self) -> None:
        X = np.asarray(self.X)
        if X.ndim != 2 or X.size == 0 or X.dtype.kind not in "fiub":
            raise ValueError(f"X is {X.dtype} {X.shape}; it must be real (S, D), a row of features a state")
        for s, d in np.argwhere(~np.isfinite(X))[:1]:
            raise ValueError(f"X[{s}, {d}] is {X[s, d]}, not a finite number")
        object.__setattr__(self, "X", X.astype(float))

    @property
    def n(self) -> int:
        return int(self.X.shape[1])

    def __call__(self, state: Any) -> Array:
        return np.asarray(self.X[state])


# ---------------------------------------------------------------- bases that reach over the whole space


@dataclass(frozen=True, eq=False)
class Basis:
    """Products or waves over the box from low to high, scaled to 0 .. 1 in each direction.

    c (D, k) holds a whole number 0 .. order for each direction, in every combination: D = (order + 1)^k.
    Raises ValueError unless low < high are finite numbers, or vectors of one length, and order >= 0.
    """

    low: Any
    high: Any
    order: int
    c: Array = field(init=False)  # (D, k) int

    def __post_init__(self) -> None:
        low, high = _box(self.low, self.high)
        check_count("order", self.order, 0)
        c = np.array(list(product(range(self.order + 1), repeat=low.size)))
        for name, x in (("low", low), ("high", high), ("c", c)):
            object.__setattr__(self, name, x)

    @property
    def n(self) -> int:
        return len(self.c)

    def scaled(self, state: Any) -> Array:
        """The state in units of the box.   (...) or (..., k) -> (..., 1, k), between 0 and 1"""
        u = (np.asarray(state) - self.low) / (self.high - self.low)
        u = u[..., None, None] if self.low.ndim == 0 else u[..., None, :]
        return np.asarray(np.minimum(np.maximum(u, 0.0), 1.0))


class Polynomial(Basis):
    """x_d(s) = product over j of u_j ^ c[d, j].   Sutton & Barto, equation (9.17)"""

    def __call__(self, state: Any) -> Array:
        return np.asarray((self.scaled(state) ** self.c).prod(axis=-1))


class Fourier(Basis):
    """x_d(s) = cos(pi c[d] . u).   Konidaris, Osentoski & Thomas (2011); Sutton & Barto, equation (9.18)"""

    def __call__(self, state: Any) -> Array:
        """[eq:fourier]"""
        return np.asarray(np.cos(np.pi * (self.scaled(state) * self.c).sum(axis=-1)))


# ---------------------------------------------------------------- tile coding


@dataclass(frozen=True, eq=False)
class Tiles:
    """Several grids over a box, each shifted by another fraction of a tile.   (..., k) -> (..., tilings) int

        cell_j = floor(tiles_j u_j + ((2 j + 1) t mod tilings) / tilings)      of tiling t in direction j

    Tiling t is displaced t times by (1, 3, 5, ...) of the tilings-th part of a tile, which spreads the grids
    more evenly than the diagonal (1, 1, 1, ...), if tilings is a power of 2 and at least 4 k. A shifted grid
    needs one more tile in each direction. States outside the box are moved to its edge. No hashing:
    D = tilings * product of (tiles_j + 1).

    Sutton & Barto, section 9.5.4. Raises ValueError for an empty box, and unless tiles (a number, or one a
    direction) and tilings are whole numbers >= 1.
    """

    low: Any
    high: Any
    tiles: Any
    tilings: int
    n: int = field(init=False)
    scale: Array = field(init=False)  # (k,) tiles a unit of the state
    shift: Array = field(init=False)  # (tilings, k) in tiles
    stride: Array = field(init=False)  # (k,) how far the next cell of direction j is in the table
    first: Array = field(init=False)  # (tilings,) where the table of a tiling begins

    def __post_init__(self) -> None:
        low, high = _box(self.low, self.high)
        check_count("tilings", self.tilings, 1)
        k, T = low.size, self.tilings
        tiles = np.asarray(self.tiles)
        if tiles.shape not in ((), (k,)):
            raise ValueError(
                f"tiles has shape {tiles.shape}; it must be a number, or ({k},), one a direction"
            )
        tiles = np.broadcast_to(tiles, (k,))
        for j in range(k):
            check_count(f"tiles[{j}]", tiles[j].item(), 1)
        t = np.arange(T)
        shift = (t[:, None] * (2 * np.arange(k) + 1)) % T / T
        cells = tiles + 1
        stride = np.append(np.cumprod(cells[::-1])[-2::-1], 1)
        size = int(cells.prod())
        made = {"low": low, "high": high, "n": T * size, "first": t * size, "shift": shift}
        made |= {"stride": stride.astype(float), "scale": tiles / (high - low)}
        for name, x in made.items():
            object.__setattr__(self, name, x)

    def __call__(self, state: Any) -> Array:
        """[eq:tile-coding]"""
        inside = np.minimum(np.maximum(state, self.low), self.high)
        u = (inside - self.low) * self.scale
        u = u[..., None, :] if self.low.ndim else u[..., None, None]
        cell = np.floor(u + self.shift)  # (..., tilings, k)
        return np.asarray((cell @ self.stride).astype(np.int64) + self.first)


def _box(low: Any, high: Any) -> tuple[Array, Array]:
    """Two corners: () each for numbers, (k,) each for vectors."""
    corners = []
    for name, corner in (("low", low), ("high", high)):
        x = np.asarray(corner)
        if x.dtype.kind not in "fiu" or x.ndim > 1 or x.size == 0:
            raise ValueError(f"{name} is {corner!r}; it must be a number, or a vector of them")
        for j in np.flatnonzero(~np.isfinite(x))[:1]:
            raise ValueError(f"{name}[{j}] is {x.ravel()[j]}, not a finite number")
        corners.append(x.astype(float))
    low, high = corners
    if low.shape != high.shape:
        raise ValueError(f"low has shape {low.shape} and high {high.shape}; they must be alike")
    for j in np.flatnonzero(~(low < high))[:1]:
        raise ValueError(
            f"low[{j}] is {low.ravel()[j]:g}, high[{j}] {high.ravel()[j]:g}; low must be smaller"
        )
    return low, high
