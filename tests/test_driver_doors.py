"""One contract over all that is handed over: what is of another kind is refused by its name, before any learning.

A driver trains something and gives its history back, list[dict[str, float]]. Whoever adds one adds a line to
DRIVERS; a test finds those that have none. Others that take a model, a task or a language stand in HELPERS.
"""

import importlib
import inspect
import pkgutil
import re
from functools import partial
from itertools import combinations

import numpy as np
import pytest

import rlcore.algorithms
import rlcore.lm
from rlcore.algorithms import sharded
from rlcore.algorithms.actor_critic import ActorCriticConfig, actor_critic
from rlcore.algorithms.asynchronous import asynchronous_a2c
from rlcore.algorithms.ddpg import Actor, DDPGConfig, ddpg
from rlcore.algorithms.distributed import (
    DistributedConfig,
    SynchronousConfig,
    distributed_ppo,
    synchronous_a2c,
)
from rlcore.algorithms.dp import policy_iteration, solve, value_iteration
from rlcore.algorithms.dqn import DQNConfig, dqn
from rlcore.algorithms.gradient_td import off_policy_td
from rlcore.algorithms.linear import semi_gradient_sarsa, semi_gradient_td
from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.algorithms.reinforce import ReinforceConfig, reinforce
from rlcore.algorithms.trpo import TRPOConfig, trpo
from rlcore.exact.average import optimal_average_reward
from rlcore.exact.gradients import performance, policy_gradient
from rlcore.exact.linear import on_policy_distribution
from rlcore.exact.moments import trajectories
from rlcore.exact.values import action_value, occupancy, optimal_value, policy_value
from rlcore.learning.features import one_hot
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.learning.workers import in_process
from rlcore.lm import best_of_n, checked, contest, evaluate, models, reward_model
from rlcore.lm.best_of_n import RejectionConfig, rejection_tune
from rlcore.lm.dpo import DPOConfig, train_dpo, train_dpo_on_all_pairs
from rlcore.lm.evaluate import as_trie, no_judge, responses
from rlcore.lm.grpo import GRPO, GRPOConfig, grpo
from rlcore.lm.iterated import IteratedConfig, iterated_rlhf
from rlcore.lm.linear import linear_model
from rlcore.lm.models import trie
from rlcore.lm.population import pair_weights
from rlcore.lm.raters import Pairs, compare
from rlcore.lm.reward_model import RewardModelConfig, fit_reward_model, linear_reward
from rlcore.lm.rlhf import RLHFConfig, RLOOConfig, rlhf, rloo
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.segments import SegmentConfig, ppo_from_preferences, step_reward
from rlcore.lm.sft import SFTConfig, fit_by_counting, sft
from rlcore.lm.tasks import features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.layers import mlp, mlp_params
from rlcore.problems.cartpole import CartPole
from rlcore.problems.chains import cycle, random_walk
from rlcore.problems.pendulum import Pendulum

TASK = preference_task()
TOY, TREE, REF = TASK.language, Tree(TASK.language), reference(TASK.language)
WEIGHT = pair_weights(responses(REF, TREE), TASK.table(TREE))
X, Y = np.arange(3), TOY.batch(["aa.", "b.", "abc"])
WALK = random_walk(5)
PI = np.ones((7, 1))
SHORT = {"steps": 8, "eval_every": 1, "eval_episodes": 1}
ROLLS = {"walkers": 2, "T": 4, **SHORT}


def fresh():
    return np.random.default_rng(0)


def value(*sizes):
    return Value(mlp_params(sizes, fresh()), mlp)


# ---------------------------------------------------------------- what each is given when all is right


def deep(cfg, critic="value", **more):
    return {
        "env": CartPole(5),
        "policy": Policy(mlp_params([4, 3, 2], fresh()), mlp, Categorical()),
        critic: value(4, 3, 1),
        "cfg": cfg,
        "rng": fresh(),
        **more,
    }


def of_words(cfg, **more):
    return {"model": as_trie(REF, TREE), **more, "cfg": cfg, "rng": fresh()}


near = partial(of_words, ref=REF, reward=TASK.reward, judge=no_judge)
spread = partial(deep, executor=in_process, tries=1)
tuned = SFTConfig(steps=1)
fit = RewardModelConfig(steps=1)
learn = RLHFConfig(updates=1, batch=4)
films = SegmentConfig(1, 4, K=2, horizon=4, walkers=2, steps=1, ppo=PPOConfig(**ROLLS))

DRIVERS = {  # driver: its arguments
    reinforce: lambda: deep(ReinforceConfig(episodes=2, **SHORT), critic="baseline"),
    actor_critic: lambda: deep(ActorCriticConfig(**ROLLS)),
    ppo: lambda: deep(PPOConfig(**ROLLS)),
    trpo: lambda: deep(TRPOConfig(**ROLLS)),
    distributed_ppo: lambda: spread(DistributedConfig(**ROLLS)),
    synchronous_a2c: lambda: spread(SynchronousConfig(**ROLLS)),
    asynchronous_a2c: lambda: deep(SynchronousConfig(**ROLLS), delay=1),
    dqn: lambda: {
        "env": CartPole(5),
        "q": value(4, 2),
        "cfg": DQNConfig(walkers=2, updates=1, warmup=1, batch=2, collect=2, **SHORT),
        "rng": fresh(),
    },
    ddpg: lambda: {
        "env": Pendulum(5),
        "actor": Actor(mlp_params([3, 1], fresh()), mlp, Pendulum.actions),
        "critic": value(4, 1),
        "cfg": DDPGConfig(walkers=2, updates=1, warmup=1, batch=2, collect=2, **SHORT),
        "rng": fresh(),
    },
    ppo_from_preferences: lambda: deep(films, learned=step_reward(4, 2, fresh())),
    sft: lambda: of_words(tuned, prompt=X, response=Y),
    fit_reward_model: lambda: {
        **{"model": linear_reward(features, 4), "pairs": Pairs(X, Y, Y[::-1]), "cfg": fit, "rng": fresh()}
    },
    rlhf: lambda: near(learn, critic=trie(TOY)),
    rloo: lambda: near(RLOOConfig(updates=1, prompts=2, group=2)),
    grpo: lambda: near(GRPOConfig(iterations=1, prompts=2, group=2)),
    train_rrhf: lambda: near(RRHFConfig(steps=1, prompts=2, group=2)),
    rejection_tune: lambda: of_words(
        RejectionConfig(batch=4, n=2, sft=tuned), score=TASK.reward, judge=no_judge
    ),
    train_dpo: lambda: of_words(DPOConfig(steps=1), ref=REF, pairs=Pairs(X, Y, Y[::-1]), judge=no_judge),
    train_dpo_on_all_pairs: lambda: {
        **{"model": as_trie(REF, TREE), "ref": REF, "tree": TREE, "weight": WEIGHT},
        **{"cfg": DPOConfig(steps=1), "judge": no_judge},
    },
    iterated_rlhf: lambda: of_words(
        IteratedConfig(1, 4, fit=fit, rlhf=learn, audit=4),
        **{"critic": trie(TOY), "ref": REF, "learned": linear_reward(features, 4)},
        **{"gold": TASK.reward, "judge": no_judge},
    ),
}


def first(stream):
    """A generator's doors open with its first item."""

    def call(**arguments):
        return next(stream(**arguments))

    return call


def documents():
    return sharded.documents(8, fresh())


def dealt():
    return {**dict(zip("xy", documents())), "shards": 2, "rng": fresh()}


off = {"steps": 2, "alpha": 0.1, "gamma": 1.0}
learned_walk = {"episodes": 1, "alpha": 0.1, "gamma": 1.0}

HELPERS = {  # name: function, its arguments, and which of them are tried
    "best_of": (best_of_n.best_of, lambda: {**asked("score"), "n": 2}, "model score prompt rng"),
    "compare": (compare, lambda: asked("reward"), "model reward prompt rng"),
    "sample": (sample, lambda: {"model": REF, "prompt": X, "rng": fresh()}, "model prompt rng"),
    "draw_prompts": (draw_prompts, lambda: {"language": TOY, "n": 3, "rng": fresh()}, "language n rng"),
    "fit_by_counting": (
        fit_by_counting,
        lambda: {"model": models.bigram(TOY), "prompt": X, "response": Y},
        "",
    ),
    "demonstrations": (
        checked.demonstrations,
        lambda: {"task": TASK, "n": 3, "share": 0.5, "rng": fresh()},
        "task n rng",
    ),
    "responses": (responses, lambda: {"model": REF, "tree": TREE}, ""),
    "tokens": (evaluate.tokens, lambda: {"model": REF, "tree": TREE}, ""),
    "as_trie": (as_trie, lambda: {"model": REF, "tree": TREE}, ""),
    "Tree": (Tree, lambda: {"language": TOY}, ""),
    "trie": (trie, lambda: {"language": TOY}, ""),
    "bigram": (models.bigram, lambda: {"language": TOY}, ""),
    "linear_model": (linear_model, lambda: {"language": TOY}, ""),
    "mlp_model": (models.mlp_model, lambda: {"language": TOY, "rng": fresh()}, ""),
    "transformer_model": (models.transformer_model, lambda: {"language": TOY, "rng": fresh()}, ""),
    "linear_reward": (linear_reward, lambda: {"features": features, "n_features": 4}, ""),
    "mlp_reward": (
        reward_model.mlp_reward,
        lambda: {"features": features, "n_features": 4, "rng": fresh()},
        "",
    ),
    "contest": (contest.run, lambda: {"entrant": spend_nothing, "task": TASK, "seed": 0}, "entrant task"),
    "contest.measure": (contest.measure, lambda: {"model": REF, "task": TASK}, ""),
    "contest.group": (contest.group, lambda: {"cfg": GRPO}, ""),
    "value_iteration": (first(value_iteration), lambda: {"mdp": WALK}, ""),
    "policy_iteration": (first(policy_iteration), lambda: {"mdp": WALK}, ""),
    "solve": (solve, lambda: {"mdp": WALK}, ""),
    "policy_value": (policy_value, lambda: {"mdp": WALK, "pi": PI}, ""),
    "action_value": (action_value, lambda: {"mdp": WALK, "pi": PI}, ""),
    "occupancy": (occupancy, lambda: {"mdp": WALK, "pi": PI}, ""),
    "optimal_value": (optimal_value, lambda: {"mdp": WALK}, ""),
    "performance": (performance, lambda: {"mdp": WALK, "pi": PI}, ""),
    "policy_gradient": (policy_gradient, lambda: {"mdp": WALK, "theta": PI}, ""),
    "on_policy_distribution": (on_policy_distribution, lambda: {"mdp": WALK, "pi": PI}, ""),
    "optimal_average_reward": (optimal_average_reward, lambda: {"mdp": cycle(3)}, ""),
    "trajectories": (trajectories, lambda: {"mdp": WALK, "pi": PI, "horizon": 2}, ""),
    "semi_gradient_td": (
        semi_gradient_td,
        lambda: {"env": WALK, "pi": PI, "features": one_hot(7), **learned_walk, "rng": fresh()},
        "env features rng",
    ),
    "semi_gradient_sarsa": (
        semi_gradient_sarsa,
        lambda: {"env": WALK, "features": one_hot(7), "epsilon": 0.1, **learned_walk, "rng": fresh()},
        "env features rng",
    ),
    "semi_gradient_td, a function": (
        semi_gradient_td,
        lambda: {"env": WALK, "pi": np.zeros_like, "features": one_hot(7), **learned_walk, "rng": fresh()},
        "env features rng",
    ),
    "off_policy_td": (
        off_policy_td,
        lambda: {"env": WALK, "pi": PI, "b": PI, "features": one_hot(7), **off, "rng": fresh()},
        "env pi b features rng",
    ),
    "alike": (sharded.alike, dealt, ""),
    "skewed": (sharded.skewed, dealt, ""),
    "averaged_descent": (
        sharded.averaged_descent,
        lambda: {"shards": sharded.alike(*documents(), 2, fresh()), "lr": 0.1, "local": 1, "rounds": 1},
        "shards",
    ),
}


def asked(name):
    return {"model": REF, name: TASK.reward, "prompt": X, "rng": fresh()}


def spend_nothing(model, ref, task, rng):
    return contest.Spent(0, 0, 0, 0)


# ---------------------------------------------------------------- what is wrong

OPTIONAL = {(ppo, "value"), (ppo_from_preferences, "value"), (reinforce, "baseline")}  # None: there is none


def wrong_for(right):
    """Things that can stand in no place of another kind; the class in the place of its object is one."""
    other = DPOConfig() if not isinstance(right, DPOConfig) else GRPO
    yield from (None, "PPO", 1.5, np.zeros(3), other, type(right))


def refused(function, arguments, names):
    """ValueError that names one of them, says what would be right, and comes before anything is learned."""
    before = {name: params_of(x) for name, x in arguments.items()}
    with pytest.raises(ValueError, match=r"must|need") as caught:
        function(**arguments)
    what, _, _ = str(caught.value).partition(";")
    assert any(re.search(rf"\b{name}\b", what) for name in names), str(caught.value)
    for name, x in arguments.items():
        assert all(np.array_equal(a, b) for a, b in zip(before[name], params_of(x), strict=True))


def params_of(x):
    params = getattr(x, "params", None)
    return [array.copy() for array in params.values()] if isinstance(params, dict) else []


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.__name__)
def test_the_right_things_are_taken(driver):
    assert DRIVERS[driver]().keys() == inspect.signature(driver).parameters.keys()
    assert driver(**DRIVERS[driver]())


@pytest.mark.parametrize(
    ("driver", "name"), [(d, name) for d in DRIVERS for name in inspect.signature(d).parameters]
)
def test_a_driver_refuses_things_of_another_kind(driver, name):
    for wrong in wrong_for(DRIVERS[driver]()[name]):
        if not ((driver, name) in OPTIONAL and wrong is None) and not (
            name == "executor" and callable(wrong)
        ):
            refused(driver, {**DRIVERS[driver](), name: wrong}, [name])


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.__name__)
def test_a_driver_refuses_two_things_that_changed_places(driver):
    """Two models may, and two functions: nobody can tell them apart."""
    for a, b in combinations(DRIVERS[driver](), 2):
        given = DRIVERS[driver]()
        if type(given[a]) is not type(given[b]):
            given[a], given[b] = given[b], given[a]
            refused(driver, given, [a, b])


@pytest.mark.parametrize("name", HELPERS)
def test_others_refuse_them_too(name):
    function, arguments, tried = HELPERS[name]
    function(**arguments())
    for argument in tried.split() or arguments():
        for wrong in wrong_for(arguments()[argument]):
            refused(function, {**arguments(), argument: wrong}, [argument])


def test_no_driver_is_missing():
    found = {
        function
        for package in (rlcore.algorithms, rlcore.lm)
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
        for function in vars(importlib.import_module(module.name)).values()
        if inspect.isfunction(function)
        and function.__module__ == module.name
        and inspect.signature(function).return_annotation == "list[dict[str, float]]"
    }
    assert found == DRIVERS.keys()


def test_a_configuration_with_more_in_it_is_one():
    assert ppo(**deep(DistributedConfig(**ROLLS)))


def later(left, begin, factor):
    """1 until that part of the run is left, then something else."""
    return factor if left <= begin else 1.0


@pytest.mark.parametrize("factor", [np.nan, np.inf, -0.1, None, "half", True])
@pytest.mark.parametrize("schedule", ["lr_schedule", "clip_schedule"])
@pytest.mark.parametrize(("driver", "config"), [(ppo, PPOConfig), (distributed_ppo, DistributedConfig)])
def test_schedules_that_give_no_factor(driver, config, schedule, factor):
    """Also where the first ones are right."""
    for begin in (1.0, 0.6):
        settings = {**ROLLS, "steps": 16, schedule: partial(later, begin=begin, factor=factor)}
        with pytest.raises(ValueError, match=rf"{schedule} gave .*; it must give a finite number >= 0"):
            driver(**deep(config(**settings)))
