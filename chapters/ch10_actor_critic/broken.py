"""Actor-critics with one fault each, and what the probes say of them.

    table = verdicts(LEARNERS["takes a cut for an end"])       {"one_step": True, ..., "cut_short": False}

Each fault is another estimate, or blindness; the loop around it is the book's.
"""

import numpy as np

from rlcore.algorithms.actor_critic import ActorCriticConfig, actor_critic
from rlcore.exact.gradients import performance
from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import td
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params
from rlcore.numerics import softmax
from rlcore.problems.probes import PROBES


def without_a_successor(reward, value, next_value, terminated, done, *, gamma):
    return reward - value


def without_a_discount(*story, gamma):
    return td(*story, gamma=1.0)


def counts_what_is_behind_an_end(reward, value, next_value, terminated, done, *, gamma):
    return td(reward, value, next_value, np.zeros_like(terminated), done, gamma=gamma)


def takes_a_cut_for_an_end(reward, value, next_value, terminated, done, *, gamma):
    return td(reward, value, next_value, done, done, gamma=gamma)


def bootstraps_from_the_reset(reward, value, next_value, terminated, done, *, gamma):
    """The state of the next row, as a rollout shows it that has no next_state."""
    shown = np.concatenate([value[1:], next_value[-1:]])
    return td(reward, value, shown, terminated, done, gamma=gamma)


def one_target_for_all(reward, value, next_value, terminated, done, *, gamma):
    """(B, 1) against (B,): every value is pulled to every target, and so to their mean."""
    delta = td(reward, value, next_value, terminated, done, gamma=gamma)
    return (delta + value).mean() - value


def with_the_wrong_sign(*story, gamma):
    return -td(*story, gamma=gamma)


def one_row_late(*story, gamma):
    return np.roll(td(*story, gamma=gamma), 1, axis=0)


def blind(params, x):
    return mlp(params, 0 * x)


LEARNERS = {
    "nothing is wrong": {},
    "forgets the successor": {"estimate": without_a_successor},
    "forgets the discount": {"estimate": without_a_discount},
    "counts V behind an end": {"estimate": counts_what_is_behind_an_end},
    "(B, 1) against (B,)": {"target": one_target_for_all},
    "a critic that sees nothing": {"critic": blind},
    "advantage of the wrong sign": {"advantage": with_the_wrong_sign},
    "advantage one row late": {"advantage": one_row_late},
    "an actor that sees nothing": {"actor": blind},
    "takes a cut for an end": {"estimate": takes_a_cut_for_an_end},
    "bootstraps from the reset": {"estimate": bootstraps_from_the_reset},
}


def verdicts(learner, seed=0):
    """Which probes a learner passes, in the order of `problems.probes`.   -> {name: bool}"""
    return {name: passes(PROBES[name](), seed=seed, **learner) for name in PROBES}


def passes(env, *, estimate=td, advantage=None, target=None, actor=mlp, critic=mlp, seed=0):
    """Whether policy and critic are within 0.05 of what the probe asks for; the critic of a coin, within 0.2."""
    rng, S = np.random.default_rng(seed), env.n_states
    policy = Policy(mlp_params([S, env.n_actions], rng, last_gain=0.01), actor, Categorical())
    value = Value(mlp_params([S, 1], rng, last_gain=0.01), critic)
    cfg = ActorCriticConfig(
        steps=6_000 if env.horizon is None else 30_000,  # values of 10 are a long way from 0
        walkers=20,
        T=5,
        gamma=env.gamma,
        advantage=advantage or estimate,
        target=target or estimate,
        lr=0.05,
        value_lr=0.05,
        max_norm=np.inf,
        eval_every=1000,
        eval_episodes=2,
    )
    with np.errstate(over="ignore", invalid="ignore"):  # some diverge
        actor_critic(env, policy, value, cfg, rng)
    pi = softmax(policy(np.eye(S))[0])
    short = env.start @ optimal_value(env) - performance(env, pi)
    error = np.abs(value(np.eye(S))[0][:, 0] - policy_value(env, pi))[~env.terminal].max()
    coin = ((env.P > 0) & (env.P < 1)).any()
    return bool(short < 0.05 and error < (0.2 if coin else 0.05))
