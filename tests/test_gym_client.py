"""What a client of Gymnasium's interface finds: our problems by name, singly and as vectors, fit to train on.

The client of the last tests knows spaces, reset, step and the vector interface, and nothing of rlcore.
"""

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rlcore.learning.rollout import make_runner
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gridworlds import walk
from rlcore.problems.gym import CONTROLS, PROBLEMS, GymnasiumEnv, VectorStateEnv
from rlcore.problems.pendulum import Pendulum

pytestmark = pytest.mark.filterwarnings("error")

THEIRS = {"CartPole": "CartPole-v1", "MountainCar": "MountainCar-v0", "Pendulum": "Pendulum-v1"}
ROUNDING = {"MountainCar": 1e-6}  # Gymnasium takes the C library's cosine there; elsewhere all bits are equal
SCALE = {"Pendulum": 2.0}  # our actions are fractions of the range, [-1, 1]; theirs are torques, [-2, 2]
BOUNDS = [-4.8, -9.0, -0.42, -9.0], [4.8, 9.0, 0.42, 9.0]


def name_of(problem):
    return f"rlcore/{problem}-v0"


def actions_of(problem, rng, *size):
    """At random, one way for some time, so that poles fall, cars move and rods swing; float64 where real."""
    if problem == "Pendulum":
        return rng.uniform(-1.2, 1.2, (*size, 1))  # beyond the range as well
    return rng.integers({"CartPole": 2, "MountainCar": 3}[problem], size=size or None)


def equal(problem, mine, others):
    assert np.asarray(mine).dtype == np.asarray(others).dtype
    np.testing.assert_allclose(mine, others, rtol=0, atol=ROUNDING.get(problem, 0.0))


# ---------------------------------------------------------------- one environment


@pytest.mark.parametrize("problem", [*PROBLEMS, *CONTROLS])
def test_the_checker_has_nothing_to_say(problem):
    check_env(gymnasium.make(name_of(problem)).unwrapped)


@pytest.mark.parametrize("problem", THEIRS)
def test_the_same_trajectories_as_gymnasiums_own(problem):
    """20 episodes from the same seeds by the same actions: observations, rewards, ends and the time limit."""
    mine, theirs = gymnasium.make(name_of(problem)), gymnasium.make(THEIRS[problem])
    rng, ends, cuts = np.random.default_rng(0), 0, 0
    for seed in range(20):
        equal(problem, mine.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        terminated = truncated = False
        while not terminated and not truncated:
            action = actions_of(problem, rng)
            state, reward, terminated, truncated, info = mine.step(action)
            expected = theirs.step(action * SCALE.get(problem, 1))
            equal(problem, state, expected[0])
            assert reward == pytest.approx(expected[1], abs=4e-15)
            assert (terminated, truncated, info) == expected[2:]
            ends, cuts = ends + terminated, cuts + truncated
    assert (ends, cuts) == ((20, 0) if problem == "CartPole" else (0, 20))


@pytest.mark.parametrize("problem", THEIRS)
def test_what_is_observed_has_gymnasiums_bounds(problem):
    """Where Gymnasium says infinity, which its checker dislikes, ours is the largest float32."""
    mine, theirs = (
        gymnasium.make(env_id).observation_space for env_id in (name_of(problem), THEIRS[problem])
    )
    largest = np.finfo(np.float32).max
    for bound, expected in ((mine.low, theirs.low), (mine.high, theirs.high)):
        np.testing.assert_allclose(bound, np.clip(expected, -largest, largest), rtol=0.003)
    assert mine.dtype == theirs.dtype


def test_the_horizon_is_a_keyword():
    env = gymnasium.make(name_of("Pendulum"), horizon=3)
    for _ in range(2):  # the count begins anew
        env.reset(seed=0)
        assert [env.step([0.5])[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]
    assert (
        make_runner(
            GymnasiumEnv(name_of("Pendulum"), {"horizon": 3}), 1, np.random.default_rng(0)
        ).env.horizon
        == 3
    )


def test_options_choose_the_first_state():
    env = gymnasium.make(name_of("Pendulum"))
    np.testing.assert_allclose(env.reset(options={"state": [np.pi / 2, -3]})[0], [0, 1, -3], atol=1e-7)
    for state in ([0.0], [0.0, np.nan], "top", [[0.0, 0.0]]):
        with pytest.raises(ValueError, match=r"options\['state'\] is .* finite numbers of shape \(2,\)"):
            env.reset(options={"state": state})
    with pytest.raises(ValueError, match="options has 'low'; the only option is 'state'"):
        env.reset(options={"low": 0})


def test_a_copy_goes_on_as_the_original_does():
    env = gymnasium.make(name_of("CartPole"))
    env.reset(seed=3)
    env.step(1)
    twin = copy.deepcopy(env)
    for action in (0, 1, 1):
        np.testing.assert_array_equal(env.step(action)[0], twin.step(action)[0])
    np.testing.assert_array_equal(env.reset()[0], twin.reset()[0])  # the generator was copied, too


def test_observations_are_the_clients_to_keep():
    env = gymnasium.make(name_of("CartPole"))
    first, _ = env.reset(seed=0)
    kept = first.copy()
    first[:] = 7.0
    env.step(1)
    again, _ = env.reset(seed=0)
    np.testing.assert_array_equal(again, kept)


@pytest.mark.parametrize("action", [2, -1, 0.5, None, "left", [1]])
def test_an_action_that_does_not_exist_is_refused(action):
    env = VectorStateEnv(CartPole(), *BOUNDS)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action is .*; actions are 0 to 1"):
        env.step(action)


@pytest.mark.parametrize("action", [0.5, [0.5, 0.5], [np.nan], [np.inf], None, ["left"], [[0.5]]])
def test_a_torque_that_does_not_exist_is_refused(action):
    env = gymnasium.make(name_of("Pendulum")).unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action is .*; it must be finite numbers of shape \(1,\)"):
        env.step(action)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((walk(), *BOUNDS), "model is GridWorld; it must be an Env whose n_states is None"),
        (("CartPole", *BOUNDS), "model is str"),
        ((CartPole(), *BOUNDS, "human"), "render_mode is 'human'; it must be None"),
        ((CartPole(), BOUNDS[0][:3], BOUNDS[1]), r"low has shape \(3,\); it must be \(4,\)"),
        ((Pendulum(), -1.0, 1.0), r"low has shape \(\); it must be \(3,\)"),
    ],
)
def test_other_misuse_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        VectorStateEnv(*arguments)


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded):
        VectorStateEnv(CartPole(), *BOUNDS).step(0)
    with pytest.raises(ValueError, match="horizon is 0"):
        gymnasium.make(name_of("CartPole"), horizon=0)


# ---------------------------------------------------------------- vectors of them


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("problem", THEIRS)
def test_a_vector_of_ours_is_a_vector_of_theirs(problem, mode):
    """250 steps of 3, with resets of both kinds: every array, and the last observations of what ended."""
    mine = SyncVectorEnv([lambda: gymnasium.make(name_of(problem))] * 3, autoreset_mode=mode)
    theirs = SyncVectorEnv([lambda: gymnasium.make(THEIRS[problem])] * 3, autoreset_mode=mode)
    rng, ends = np.random.default_rng(1), 0
    equal(problem, mine.reset(seed=5)[0], theirs.reset(seed=5)[0])
    for _ in range(250):
        action = actions_of(problem, rng, 3)
        state, reward, terminated, truncated, info = mine.step(action)
        state_, reward_, terminated_, truncated_, info_ = theirs.step(action * SCALE.get(problem, 1))
        equal(problem, state, state_)
        np.testing.assert_allclose(reward, reward_, rtol=0, atol=4e-15)
        np.testing.assert_array_equal(terminated, terminated_)
        np.testing.assert_array_equal(truncated, truncated_)
        assert info.keys() == info_.keys()
        for i in np.flatnonzero(info.get("_final_obs", np.zeros(3))):
            equal(problem, info["final_obs"][i], info_["final_obs"][i])
        ends += (terminated | truncated).sum()
    assert ends >= 3


@pytest.mark.parametrize("problem", [*PROBLEMS, *CONTROLS])
def test_make_vec_by_name(problem):
    """Two lanes are two environments with seeds one apart."""
    vector = gymnasium.make_vec(name_of(problem), num_envs=2)
    state, _ = vector.reset(seed=11)
    alone = [gymnasium.make(name_of(problem)) for _ in range(2)]
    np.testing.assert_array_equal(state, [env.reset(seed=seed)[0] for env, seed in zip(alone, (11, 12))])
    vector.action_space.seed(0)
    action = vector.action_space.sample()
    state, reward, terminated, truncated, _ = vector.step(action)
    for i, env in enumerate(alone):
        expected = env.step(action[i])
        np.testing.assert_array_equal(state[i], expected[0])
        assert (reward[i], terminated[i], truncated[i]) == expected[1:4]
    assert vector.observation_space.contains(state)
    vector.close()


def test_lanes_that_the_client_resets_itself():
    vector = gymnasium.make_vec(
        name_of("Pendulum"), num_envs=2, horizon=2, vector_kwargs={"autoreset_mode": AutoresetMode.DISABLED}
    )
    vector.reset(seed=0)
    for _ in range(2):
        state, _, _, truncated, _ = vector.step(np.zeros((2, 1), np.float32))
    assert truncated.all()
    again, _ = vector.reset(options={"reset_mask": np.array([True, False])})
    assert (again[0] != state[0]).any()
    np.testing.assert_array_equal(again[1], state[1])
    vector.close()


# ---------------------------------------------------------------- a client trains


def features(space, state):
    """One-hot numbers, vectors with a 1.   -> (N, D)"""
    return np.eye(space.n)[state] if isinstance(space, Discrete) else np.insert(state, 0, 1.0, axis=1)


def returns(vector, weights):
    """One episode each, lane i by the linear policy weights[i]: the action of the best score, or the scores.

    (N, D, A) -> (N,)
    """
    total, going = np.zeros(vector.num_envs), np.ones(vector.num_envs, bool)
    state, _ = vector.reset()
    while going.any():
        score = np.einsum("nd,nda->na", features(vector.single_observation_space, state), weights)
        space = vector.single_action_space
        action = (
            score.argmax(axis=1) if isinstance(space, Discrete) else np.clip(score, space.low, space.high)
        )
        state, reward, terminated, truncated, _ = vector.step(action)
        total += reward * going
        going &= ~(terminated | truncated)
    return total


def cross_entropy_method(env_id, rng, rounds, n=16, keep=4, **kwargs):
    """Draw policies around the mean of the last round's best ones.   -> mean score of each round"""
    vector = gymnasium.make_vec(env_id, num_envs=n, **kwargs)
    vector.reset(seed=0)
    inputs, outputs = vector.single_observation_space, vector.single_action_space
    D = inputs.n if isinstance(inputs, Discrete) else inputs.shape[0] + 1
    A = outputs.n if isinstance(outputs, Discrete) else outputs.shape[0]
    mean, sd, scores = np.zeros((D, A)), np.ones((D, A)), []
    for _ in range(rounds):
        weights = mean + sd * rng.standard_normal((n, D, A))
        score = returns(vector, weights)
        order = np.argsort(-score, kind="stable")[:keep]
        mean, sd = weights[order].mean(axis=0), weights[order].std(axis=0) + 0.1
        scores.append(score.mean())
    vector.close()
    return scores


def actor_critic(env_id, rng, steps, n=8, rate=0.5, gamma=0.99, **kwargs):
    """One step, one update: the critic goes on where a walk was cut, from `final_obs`.   -> scores of all episodes"""
    vector = gymnasium.make_vec(
        env_id, num_envs=n, vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP}, **kwargs
    )
    S, A = vector.single_observation_space.n, vector.single_action_space.n
    theta, V, scores, score = np.zeros((S, A)), np.zeros(S), [], np.zeros(n)
    state, _ = vector.reset(seed=0)
    for _ in range(steps):
        p = np.exp(theta[state] - theta[state].max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        action = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        after, reward, terminated, truncated, info = vector.step(action)
        done = terminated | truncated
        s_next = after.copy()
        s_next[done] = info["final_obs"][done].astype(int) if done.any() else 0
        delta = reward + gamma * ~terminated * V[s_next] - V[state]
        np.add.at(V, state, rate * delta)
        np.add.at(theta, state, rate * delta[:, None] * (np.eye(A)[action] - p))
        score += reward
        scores += score[done].tolist()
        score[done] = 0.0
        state = after
    vector.close()
    return scores


def test_a_client_trains_on_vectors_of_numbers():
    """Five seeds end between 64 and 170 after 12 to 32 at the start; this one is the steepest."""
    scores = cross_entropy_method(name_of("CartPole"), np.random.default_rng(2), rounds=6, horizon=200)
    assert scores[0] < 30
    assert scores[-1] > 100


def test_a_client_trains_on_a_table():
    """Five steps at -1 but the last, which pays 10: no walk scores more than 6. Six seeds of six find it."""
    world = {"map": ["S...", ".#..", "...G"], "enter": {"G": 10.0}, "horizon": 30}
    scores = actor_critic(name_of("GridWorld"), np.random.default_rng(0), 1500, **world)
    assert max(scores) == 6
    assert np.mean(scores[:20]) < 4
    assert np.mean(scores[-100:]) > 5.9
