"""One contract over every learner of policies by gradient: a new one joins by a line in LEARNERS.

Each takes a dense MDP, a sparse one, any pure-function environment, and a Gymnasium environment by name, with
numbered actions and with real-valued ones; each gives the same bits for the same seed, keeps the precision of
its networks, leaves NumPy's global stream alone, refuses what it cannot mean, and finds the better of two
actions, also with the observations turned round.
"""

from contextlib import nullcontext
from functools import partial

import gymnasium
import numpy as np
import pytest

from rlcore.algorithms.actor_critic import ActorCriticConfig, actor_critic
from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.algorithms.reinforce import ReinforceConfig, by_discount, reinforce
from rlcore.algorithms.trpo import TRPOConfig, trpo
from rlcore.learning.estimators import full_return
from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.losses import PPOPenalty
from rlcore.learning.on_policy import monte_carlo, td
from rlcore.learning.policies import Policy, Value
from rlcore.nn.layers import mlp, mlp_params
from rlcore.numerics import softmax
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gridworlds import GridWorld
from rlcore.problems.gym import GymnasiumEnv
from rlcore.problems.mountain_car import MountainCar
from rlcore.problems.pendulum import Pendulum
from rlcore.problems.probes import PROBES, Aim

LOOK = {"eval_every": 2, "eval_episodes": 3}
WALK = {"walkers": 4, "T": 8, **LOOK}
WHOLE = {"episodes": 4, **LOOK}
ROLLS = {"walkers": 4, "T": 8, "minibatch": 16, "epochs": 2, **LOOK}


def without_critic(learner):
    """The same learner, which is given no network of values."""
    return lambda env, policy, value, cfg, rng: learner(env, policy, None, cfg, rng)


LEARNERS = {  # name: learner, its configuration
    "reinforce": (without_critic(reinforce), partial(ReinforceConfig, **WHOLE)),
    "reinforce, full return": (
        without_critic(reinforce),
        partial(ReinforceConfig, weight=full_return, **WHOLE),
    ),
    "reinforce, baseline": (reinforce, partial(ReinforceConfig, share=by_discount, **WHOLE)),
    "actor_critic": (actor_critic, partial(ActorCriticConfig, **WALK)),
    "actor_critic, td": (actor_critic, partial(ActorCriticConfig, advantage=td, target=td, **WALK)),
    "actor_critic, mc": (actor_critic, partial(ActorCriticConfig, advantage=monte_carlo, target=td, **WALK)),
    "ppo": (ppo, partial(PPOConfig, **ROLLS)),
    "ppo, penalty": (ppo, partial(PPOConfig, surrogate=PPOPenalty(1.0), **ROLLS)),
    "ppo, adaptive": (ppo, partial(PPOConfig, surrogate=PPOPenalty(1.0, 0.01), **ROLLS)),
    "ppo, no critic": (without_critic(ppo), partial(PPOConfig, **ROLLS)),
    "trpo": (trpo, partial(TRPOConfig, **ROLLS)),
}
pytestmark = pytest.mark.parametrize("name", LEARNERS)


class Plain:
    """A model with nothing but the verbs of an environment: no P, no gamma."""

    def __init__(self, model):
        for field in ("actions", "n_features", "horizon", "terminal", "reset", "step", "observe"):
            setattr(self, field, getattr(model, field))
        self.n_states = None


def lake():
    """Slippery, with holes, a goal, and a limit of 40 steps."""
    return GridWorld(
        ["S..", ".H.", "..G"], gamma=0.9, step_reward=-0.1, enter={"G": 1.0}, slip=0.3, horizon=40
    )


def networks(env_features, actions, seed=0, dtype=np.float64, hidden=(5,)):
    """For numbered actions (an int) or D real-valued ones ("D")."""
    rng = np.random.default_rng(seed)
    value = Value(mlp_params([env_features, *hidden, 1], rng, dtype=dtype), mlp)
    if isinstance(actions, int):
        return Policy(
            mlp_params([env_features, *hidden, actions], rng, dtype=dtype), mlp, Categorical()
        ), value
    D = int(actions)
    params = {**mlp_params([env_features, *hidden, D], rng, dtype=dtype), "log_std": np.zeros(D, dtype)}
    return Policy(params, with_log_std(mlp), Gaussian()), value


def train(name, env, sizes, seed=0, dtype=np.float64, hidden=(5,), **settings):
    learner, config = LEARNERS[name]
    policy, value = networks(*sizes, dtype=dtype, hidden=hidden)
    history = learner(env, policy, value, config(**{"steps": 200, **settings}), np.random.default_rng(seed))
    return history, policy, value


def random_state():
    """NumPy's global stream, which nobody may touch."""
    return np.random.get_state()[1].copy()  # noqa: NPY002


def same(a, b):
    return all(np.array_equal(a.params[k], b.params[k]) for k in a.params)


@pytest.mark.parametrize("dense", [False, True])
def test_a_model_is_taken_for_no_more_than_its_verbs(name, dense):
    """A sparse model, a dense one: the bits are those of an environment that can only walk."""
    env = lake().dense() if dense else lake()
    history, policy, _ = train(name, env, (9, 4))
    plain, twin, _ = train(name, Plain(env), (9, 4))
    assert same(policy, twin)
    assert not same(policy, networks(9, 4)[0])
    np.testing.assert_array_equal([list(r.values()) for r in history], [list(r.values()) for r in plain])


@pytest.mark.parametrize(
    ("env", "sizes"),
    [
        (CartPole(), (4, 2)),
        (MountainCar(horizon=50), (2, 3)),
        (Pendulum(), (3, "1")),
        (Aim(), (1, "1")),
        (GymnasiumEnv("CartPole-v1"), (4, 2)),
        (GymnasiumEnv("Acrobot-v1", {"max_episode_steps": 30}), (6, 3)),
        (GymnasiumEnv("Pendulum-v1", {"max_episode_steps": 30}), (3, "1")),
    ],
    ids=["CartPole", "MountainCar", "Pendulum", "Aim", "CartPole-v1", "Acrobot-v1", "Pendulum-v1"],
)
def test_every_kind_of_environment(name, env, sizes):
    """It walks, both networks that learn have moved, and every row says what was measured."""
    history, policy, _ = train(name, env, sizes)
    assert not same(policy, networks(*sizes)[0])
    assert all(np.isfinite(array).all() for array in policy.params.values())
    steps = [row["step"] for row in history]
    assert steps == sorted(set(steps))
    assert steps[-1] >= 200
    assert np.isfinite(history[-1]["score"])
    assert np.isfinite(history[-1]["entropy"])
    assert all(row.keys() == history[0].keys() for row in history)


def test_the_same_seed_gives_the_same_bits(name):
    before = random_state()
    runs = [train(name, lake(), (9, 4), seed=seed) for seed in (1, 1, 2)]
    assert same(runs[0][1], runs[1][1])
    assert not same(runs[0][1], runs[2][1])
    np.testing.assert_array_equal(random_state(), before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_networks_keep_their_precision(name, dtype):
    _, policy, value = train(name, CartPole(), (4, 2), dtype=dtype)
    assert {array.dtype for array in (*policy.params.values(), *value.params.values())} == {np.dtype(dtype)}


@pytest.mark.parametrize("turned", [False, True])
def test_the_better_action_is_found_whatever_is_seen(name, turned):
    """A state says which of two actions pays. Turned: the features in another order, as if states swapped names."""

    env = Plain(PROBES["two_choices"]())
    straight = env.observe
    if turned:
        env.observe = lambda state: straight(state)[..., ::-1]
    rate = {} if name == "trpo" else {"lr": 0.05}
    _, policy, _ = train(name, env, (3, 2), hidden=(), steps=2_500, **rate)
    np.testing.assert_array_equal(policy.mode(env.observe(np.arange(2))), [0, 1])
    p = softmax(policy(env.observe(np.arange(2)))[0])
    assert min(p[0, 0], p[1, 1]) > 0.8


def test_evaluations_do_not_disturb_learning(name):
    often, seldom = (train(name, lake(), (9, 4), eval_every=n)[1] for n in (1, 9))
    assert same(often, seldom)


def test_the_run_stops_when_it_is_good_enough(name):
    """It plays after every second update."""
    assert len(train(name, lake(), (9, 4), steps=2_000, stop_at=-1e9)[0]) == 2
    assert len(train(name, lake(), (9, 4), steps=2_000, stop_at=1e9)[0]) > 2


def test_nothing_is_printed(name, capsys):
    train(name, lake(), (9, 4))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("env", "sizes", "message"),
    [
        (lake(), (9, 3), r"policy gives shape \((\d+), 3\) for \1 states; it must be \(\1, 4\)"),
        (lake(), (8, 4), "policy does not take features of shape"),
        (Pendulum(), (3, 2), "real-valued actions"),
        (gymnasium.make("CartPole-v1"), (4, 2), "env is a live Gymnasium environment"),
        (GridWorld(["S.", ".."], gamma=0.9), (4, 4), "env has no time limit"),
    ],
    ids=["actions", "features", "head", "live", "endless"],
)
def test_what_it_cannot_mean_is_refused(name, env, sizes, message):
    with pytest.raises(ValueError, match=message):
        train(name, env, sizes)


def test_a_critic_that_says_two_numbers_is_refused(name):
    """Where there is a critic; it is not looked at where there is none."""
    learner, config = LEARNERS[name]
    policy, _ = networks(4, 2)
    two = Value(mlp_params([4, 2], np.random.default_rng(0)), mlp)
    alone = name in ("reinforce", "reinforce, full return", "ppo, no critic")
    message = r"(?:value|baseline) gives shape \((\d+), 2\) for \1 states; it must be \(\1, 1\)"
    with nullcontext() if alone else pytest.raises(ValueError, match=message):
        learner(CartPole(), policy, two, config(steps=100), np.random.default_rng(0))


@pytest.mark.parametrize("rng", [None, 7, np.random.RandomState(0)])
def test_only_a_generator_is_a_stream(name, rng):
    learner, config = LEARNERS[name]
    with pytest.raises(ValueError, match=r"rng is .*; it must be"):
        learner(lake(), *networks(9, 4), config(steps=100), rng)
