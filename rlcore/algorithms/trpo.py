"""Trust region policy optimisation: the largest step whose divergence is known to be small.

    maximise  mean of r A     subject to  mean of KL(old || new) <= delta,      r = pi(a|s) / pi_old(a|s)

Near the old policy the first is g^T x and the second x^T F x / 2, with x the change of the parameters, g the policy
gradient and F the Fisher information. The solution is a step along the natural gradient, and as long as allowed:

    F x = g        solved without F, from products F v alone (conjugate gradient)
    x <- sqrt(2 delta / x^T F x) x

Both are approximations, so a line search shortens x until the divergence *is* small, and the surrogate has risen.
PPO keeps the surrogate, and replaces all that follows by a clip and some steps of Adam.

    rng = np.random.default_rng(0)
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01), mlp, Categorical())
    value = Value(mlp_params([4, 64, 64, 1], rng), mlp)
    history = trpo(CartPole(), policy, value, TRPOConfig(stop_at=475), rng)

Letters: B steps in a batch, P parameters as one vector, v x g vectors (P,).
Left out: networks that policy and critic share, a Fisher matrix from fewer steps than the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.losses import average, clipped_surrogate, squared_error, standardised
from rlcore.learning.on_policy import (
    Steps,
    actor,
    check_fit,
    check_settings,
    explained_variance,
    fixed_steps,
    judged,
    mean_score,
    minibatches,
    recent_return,
)
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.returns import gae
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import Params, blend, flat, unflat
from rlcore.nn.optim import Adam
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind

Product: TypeAlias = Callable[[Array], Array]  # v (P,) -> F v (P,)


@dataclass(frozen=True)
class TRPOConfig:
    """What a run of `trpo` needs to know; the numbers suit CartPole. ValueError for one out of its range."""

    steps: int = 60_000  # of the environment, over all walkers
    walkers: int = 16  # in lock-step
    T: int = 64  # steps of each between two updates
    gamma: float = 0.99  # discount
    lam: float = 0.95  # of the advantages: 0 trusts the critic, 1 the rewards
    delta: float = 0.01  # mean KL(old || new) that an update may reach
    iterations: int = 10  # of the conjugate gradient
    damping: float = 1e-3  # added to the diagonal of F, which is singular or nearly so
    shrink: float = 0.7  # what a step that failed is multiplied by
    tries: int = 10  # steps of the line search before the policy stays as it is
    lr: float = 3e-3  # of the critic's Adam
    epochs: int = 4  # how often the critic goes through the steps of an update
    minibatch: int = 64  # steps in a gradient of the critic, or a few more
    eval_every: int = 2  # updates between two evaluations
    eval_episodes: int = 100  # in each, with actions drawn from the policy
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_settings(self, positive=("lr", "delta"), least_0=("damping",), part=("lam", "shrink"))
        if self.delta == inf:
            raise ValueError("delta is inf; it must be finite, or a step could have any length")
        if self.shrink in (0, 1):
            raise ValueError(f"shrink is {self.shrink!r}; it must be above 0 and below 1")


def trpo(env: Any, policy: Policy, value: Value, cfg: TRPOConfig, rng: Generator) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, a row an update

        step, updates          environment steps and updates so far
        return                 mean return of the episodes that ended since the row before (nan: none)
        score                  mean return of an evaluation (nan: not in this row)
        kl                     mean KL(old || new) over the steps, at most delta
        gain                   by how much mean(r A) rose: never below 0
        length                 part of the full step that was taken: 1, shrink, shrink^2 ...; 0 none
        entropy                mean entropy of the policy before the update
        explained_variance     of the critic before the update

    Schulman, Levine, Moritz, Jordan & Abbeel (2015), with the advantages of Schulman et al. (2016). Evaluations
    draw from a stream of their own. Matrices as small as these are fastest on one thread: OMP_NUM_THREADS=1.
    Raises ValueError for networks that do not fit the environment, or episodes that need not end.
    """
    check_kind(TRPOConfig, cfg=cfg)
    check_kind(Value, value=value)
    runner = make_runner(env, cfg.walkers, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe, act = runner.env.observe, actor(policy, runner.env.observe)
    check_fit(runner.env, policy, observe(runner.state), value=value)
    adam = Adam(cfg.lr)
    history: list[dict[str, float]] = []
    bar = Progress("trpo", cfg.steps)
    step, score = 0, np.nan
    while step < cfg.steps and not score >= cfg.stop_at:
        walks = fixed_steps(runner, act, cfg.T)
        steps = judged(walks, policy, value, observe, partial(gae, lam=cfg.lam), cfg.gamma)
        direction = natural_step(policy, steps, cfg)
        row = line_search(policy, steps, direction, cfg)
        for _ in range(cfg.epochs):
            for batch in minibatches(steps, cfg.minibatch, rng):
                prediction, back = value(batch.x)
                _, d_prediction = squared_error(prediction[:, 0], batch.target)
                adam.step(value.params, back(d_prediction[:, None])[1])

        step += len(steps)
        look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
        score = mean_score(judge, act) if look else np.nan
        row["entropy"] = float(policy.head.entropy(steps.y)[0].mean())
        row["explained_variance"] = explained_variance(steps.value, steps.target)
        counts = {"step": step, "updates": len(history) + 1, "return": recent_return(runner)}
        history.append({**counts, "score": score, **row})
        bar(step)
    bar.close()
    return history


def natural_step(policy: Policy, steps: Steps, cfg: TRPOConfig) -> Array:
    """x with (F + damping) x = g, made so long that x^T (F + damping) x / 2 = delta.   -> (P,)

    [eq:natural-step]  It goes uphill. Where the gradient is 0, so is the step.
    """
    g = -flat(surrogate_gradient(policy, steps)[1])
    product = fisher_product(policy, steps.x, cfg.damping)
    x = conjugate_gradient(product, g, cfg.iterations)
    curvature = float(x @ product(x))
    return np.asarray(np.sqrt(2 * cfg.delta / curvature) * x) if curvature > 0 else np.zeros_like(x)


def line_search(policy: Policy, steps: Steps, direction: Array, cfg: TRPOConfig) -> dict[str, float]:
    """Take the longest of the steps x, shrink x, shrink^2 x ... that keeps both promises; in place.

        mean KL(old || new) <= delta      and      mean(r A) rises        [eq:trust-region]

    -> kl, gain, length, as in the history. Where none keeps them, the policy stays what it was.
    """
    theta, before = flat(policy.params), surrogate_gradient(policy, steps)[0]
    for k in range(cfg.tries):
        length = cfg.shrink**k
        there = at(policy, theta + length * direction)
        kl, gain = kl_gradient(there, steps.x, steps.y)[0], before - surrogate_gradient(there, steps)[0]
        if kl <= cfg.delta and gain > 0:
            blend(policy.params, there.params, 1.0)
            return {"kl": kl, "gain": gain, "length": length}
    return {"kl": 0.0, "gain": 0.0, "length": 0.0}


def surrogate_gradient(policy: Policy, steps: Steps) -> tuple[float, Params]:
    """-mean(r A) and its gradient, the policy gradient with a minus sign where r = 1.   A: standardised."""
    y, back = policy(steps.x)
    logp, back_logp = policy.head.log_prob(y, steps.action)
    loss, d_logp = clipped_surrogate(logp, steps.logp, standardised(steps.advantage), inf)
    return loss, back(back_logp(d_logp))[1]


def kl_gradient(policy: Policy, x: Array, y_old: Array) -> tuple[float, Params]:
    """Mean KL(old || new), exact over the actions, and its gradient.   (B, D), (B, Y) -> number, params"""
    y, back = policy(x)
    kl, back_kl = policy.head.kl(y_old, y)
    mean_kl, d_kl = average(kl)
    return mean_kl, back(back_kl(d_kl))[1]


# ---------------------------------------------------------------- F, without F


def fisher_product(policy: Policy, x: Array, damping: float) -> Product:
    """v -> F v + damping v, where F is the curvature of the mean KL(old || new) at new = old.   (P,) -> (P,)

        F v = (dKL(theta + h v) - dKL(theta - h v)) / (2 h),      dKL the gradient of the divergence

    h |v| is the cube root of the precision, small against the parameters: ten digits of a product are right in
    float64, four in float32. F is also E[grad log pi grad log pi^T], (P, P), which nobody writes down: that of
    the example's network would have 21 million entries.
    """
    theta, y_old = flat(policy.params), policy(x)[0]
    small = np.cbrt(np.finfo(theta.dtype).eps)

    def gradient_at(point: Array) -> Array:
        return flat(kl_gradient(at(policy, point), x, y_old)[1])

    def product(v: Array) -> Array:
        h = small / max(np.sqrt(v @ v), np.finfo(v.dtype).tiny)
        return np.asarray((gradient_at(theta + h * v) - gradient_at(theta - h * v)) / (2 * h) + damping * v)

    return product


def conjugate_gradient(product: Product, b: Array, iterations: int, tol: float = 1e-10) -> Array:
    """x with A x = b, for a symmetric A >= 0 that is known by its products A v.   (P,) -> (P,)

    Each direction is conjugate to all before it, p^T A q = 0, so nothing is undone: P iterations solve exactly,
    but for rounding, and a few go most of the way. Ends early where |b - A x| <= tol |b|. Where A is
    singular and b = A z, the x without a part that A takes to 0.   Hestenes & Stiefel (1952).
    """
    x, r, p = np.zeros_like(b), b.copy(), b.copy()
    rr = r @ r
    enough = tol**2 * rr
    for _ in range(iterations):
        if rr <= enough:
            break
        Ap = product(p)
        curvature = p @ Ap
        if not curvature > 0:  # nothing but rounding is left
            break
        alpha = rr / curvature
        x += alpha * p
        r -= alpha * Ap
        rr, before = r @ r, rr
        p = r + rr / before * p
    return x


def at(policy: Policy, theta: Array) -> Policy:
    """The same function with other parameters, from one vector; `policy` keeps its own.   (P,) -> Policy"""
    return replace(policy, params=unflat(theta, policy.params))
