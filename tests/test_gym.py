"""Gymnasium both ways: its models and their published values, ours behind its interface and its checker."""

import subprocess
import sys
from importlib.metadata import entry_points

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems import gridworlds
from rlcore.problems.gridworlds import GridWorld
from rlcore.problems.gym import PROBLEMS, TabularEnv, mdp_from_gymnasium
from rlcore.problems.mdp import MDP

pytestmark = pytest.mark.filterwarnings("error")

IDS = [f"rlcore/{name}-v0" for name in PROBLEMS]
MODELS = {
    "frozen lake": ("FrozenLake-v1", {}),
    "frozen lake 8 x 8": ("FrozenLake8x8-v1", {}),
    "a lake of one's own": ("FrozenLake-v1", {"desc": ["SFFH", "HFFG"], "is_slippery": False}),
    "cliff": ("CliffWalking-v1", {}),
    "slippery cliff": ("CliffWalkingSlippery-v1", {}),
    "taxi": ("Taxi-v4", {}),
    "taxi in the rain": ("Taxi-v4", {"is_rainy": True}),
    "ours": ("rlcore/GridWorld-v0", {"map": ["S.H", "#.G"], "slip": 0.5, "enter": {"G": 3.0}}),
}

# ---------------------------------------------------------------- Gymnasium's models as ours


@pytest.mark.parametrize(
    ("env_id", "gamma", "expected"),
    [
        ("FrozenLake-v1", 0.9, 0.06889090488900),
        ("FrozenLake-v1", 0.99, 0.54202593200047),
        ("FrozenLake-v1", 1.0, 14 / 17),
        ("CliffWalking-v1", 0.9, -7.45813417167100),
        ("CliffWalking-v1", 0.99, -12.24789770010320),
        ("CliffWalking-v1", 1.0, -13.0),
        ("Taxi-v4", 0.9, -1.26332309903966),
        ("Taxi-v4", 0.99, 6.32746431491937),
        ("Taxi-v4", 1.0, 7.93),
    ],
)
def test_optimal_values(env_id, gamma, expected):
    """start @ V*, as two other solvers (QuantEcon, pymdptoolbox) give it for Gymnasium 1.4.0."""
    mdp = mdp_from_gymnasium(env_id, gamma=gamma)
    np.testing.assert_allclose(mdp.start @ optimal_value(mdp), expected, rtol=1e-11)


def test_optimal_values_of_every_state_of_the_frozen_lake():
    """Gymnasium 1.4.0, gamma .99, computed by two other solvers; Morales (2020), chapter 3, prints four digits."""
    expected = """
        .542026 .498803 .470696 .456852
        .558451 0       .358348 0
        .591799 .643080 .615208 0
        0       .741720 .862837 0"""
    V = optimal_value(mdp_from_gymnasium("FrozenLake-v1", gamma=0.99))
    np.testing.assert_allclose(V, np.array(expected.split(), dtype=float), atol=5e-7)


def test_taxi_rides_cost_from_3_to_15():
    mdp = mdp_from_gymnasium("Taxi-v4", gamma=1.0)
    V = optimal_value(mdp)[mdp.start > 0]
    np.testing.assert_allclose([len(V), V.min(), V.max()], [300, 3, 15], rtol=1e-11)


@pytest.mark.parametrize(("gamma", "expected"), [(0.99, 0.012356137325163), (1.0, 0.013939796242316)])
def test_a_walk_at_random_on_the_frozen_lake(gamma, expected):
    V = policy_value(mdp_from_gymnasium("FrozenLake-v1", gamma=gamma), np.full((16, 4), 0.25))
    np.testing.assert_allclose(V[0], expected, rtol=1e-11)


def test_truncation_is_not_termination():
    """Within Gymnasium's 100 steps, the optimal policy of the unlimited lake succeeds with .7402, not .8235.

    The best that can be done, knowing the steps that are left, is .7442.
    """
    mdp = mdp_from_gymnasium("FrozenLake-v1", gamma=1.0)
    unlimited = mdp_from_gymnasium("FrozenLake-v1", gamma=0.99)
    pi = unlimited.lookahead(optimal_value(unlimited)).argmax(axis=1)
    V_pi, V = np.zeros(16), np.zeros(16)  # with t steps left
    for _ in range(mdp.horizon):
        V_pi = mdp.lookahead(V_pi)[np.arange(16), pi]
        V = mdp.lookahead(V).max(axis=1)
    np.testing.assert_allclose([V_pi[0], V[0]], [0.7401649, 0.7441903], atol=5e-8)
    np.testing.assert_allclose(policy_value(mdp, pi)[0], 14 / 17, rtol=1e-11)


@pytest.mark.parametrize(("env_id", "kwargs"), MODELS.values(), ids=MODELS)
def test_tables_agree_entry_by_entry(env_id, kwargs):
    """Every row of an episode, dense: P and E[r], added up from Gymnasium's lists one by one."""
    model, mdp = gymnasium.make(env_id, **kwargs).unwrapped, mdp_from_gymnasium(env_id, gamma=0.5, **kwargs)
    dense, acted = mdp.dense(), 0
    assert (mdp.n_states, mdp.n_actions) == (model.observation_space.n, model.action_space.n)
    np.testing.assert_array_equal(mdp.start, model.initial_state_distrib)
    for s, a in np.ndindex(dense.expected_reward.shape):
        P, r = np.zeros(mdp.n_states), 0.0
        for probability, s_next, reward, terminated in model.P[s][a]:
            P[s_next] += probability
            r += probability * reward
            assert not terminated or mdp.terminal[s_next]
        if not mdp.terminal[s]:
            acted += 1
            np.testing.assert_allclose(dense.P[s, a], P, atol=1e-15)
            np.testing.assert_allclose(
                [dense.expected_reward[s, a], mdp.expected_reward[s, a]], r, atol=1e-14
            )
    assert acted == (~mdp.terminal).sum() * mdp.n_actions > 0


@pytest.mark.parametrize(("env_id", "kwargs"), MODELS.values(), ids=MODELS)
def test_steps_of_the_environment_are_steps_of_the_model(env_id, kwargs):
    """3000 steps at random: each is possible, pays what the table says, and ends where a terminal is entered."""
    env, mdp = gymnasium.make(env_id, **kwargs), mdp_from_gymnasium(env_id, gamma=1.0, **kwargs)
    env.action_space.seed(1)
    state, _ = env.reset(seed=1)
    for _ in range(3000):
        action = env.action_space.sample()
        s_next, reward, terminated, truncated, _ = env.step(action)
        likely = (mdp.succ[state, action] == s_next) & (mdp.prob[state, action] > 0)
        assert likely.any()
        assert reward in mdp.reward[state, action, likely]  # a slip may end where a fall does, for less
        assert terminated == mdp.terminal[s_next]
        state = env.reset()[0] if terminated or truncated else s_next


def test_frequencies_of_the_environment_are_probabilities_of_the_model():
    """20,000 steps on the ice; 5 standard errors on 130 frequencies give a false alarm once in 10,000 seeds."""
    env, mdp = gymnasium.make("FrozenLake-v1"), mdp_from_gymnasium("FrozenLake-v1", gamma=1.0).dense()
    env.action_space.seed(2)
    state, _ = env.reset(seed=2)
    count = np.zeros(mdp.P.shape)
    for _ in range(20_000):
        action = env.action_space.sample()
        s_next, _, terminated, truncated, _ = env.step(action)
        count[state, action, s_next] += 1
        state = env.reset()[0] if terminated or truncated else s_next
    n = count.sum(axis=-1, keepdims=True)
    error = 5 * np.sqrt(n * mdp.P * (1 - mdp.P))
    assert n[0].min() > 1000
    assert (np.abs(count - n * mdp.P) <= error + 1e-9).all()


def test_ours_are_theirs():
    """Cliff and Frozen Lake are the same problems here and there, cell by cell."""
    for env_id, mine in (
        ("FrozenLake-v1", gridworlds.frozen_lake("4x4", 0.99)),
        ("FrozenLake8x8-v1", gridworlds.frozen_lake("8x8", 0.99)),
        ("CliffWalking-v1", gridworlds.cliff(0.99)),
    ):
        theirs = mdp_from_gymnasium(env_id, gamma=0.99)
        same = np.flatnonzero(
            np.isin(np.array(list("".join(mine.map))), [".", "S", "G", "H"])
        )  # not the cliff
        np.testing.assert_allclose(optimal_value(mine)[same], optimal_value(theirs)[same], atol=1e-12)


def test_states_that_no_episode_visits_keep_their_rows():
    """Taxi has 500 numbers, 404 of them in use, 4 as the end; the other 96 still lead somewhere."""
    mdp = mdp_from_gymnasium("Taxi-v4", gamma=0.9)
    visited = mdp.start > 0
    for _ in range(100):
        visited = visited | np.isin(np.arange(500), mdp.succ[visited])
    assert (visited.sum(), mdp.terminal.sum(), (~visited).sum()) == (404, 4, 96)
    assert not mdp.terminal[~visited].any()
    assert (mdp.succ[~visited][:, 0, 0] != np.flatnonzero(~visited)).any()


@pytest.mark.parametrize(
    ("env_id", "kwargs", "horizon"),
    [
        ("FrozenLake-v1", {}, 100),
        ("FrozenLake8x8-v1", {}, 200),
        ("Taxi-v4", {}, 200),
        ("CliffWalking-v1", {}, None),
        ("CliffWalking-v1", {"max_episode_steps": 7}, 7),
        ("FrozenLake-v1", {"max_episode_steps": -1}, None),
        ("rlcore/GridWorld-v0", {"horizon": 9}, 9),
        ("rlcore/GridWorld-v0", {"horizon": 9, "max_episode_steps": 5}, 5),
    ],
)
def test_the_time_limit_becomes_the_horizon(env_id, kwargs, horizon):
    assert mdp_from_gymnasium(env_id, gamma=1.0, **kwargs).horizon == horizon


class Published(gymnasium.Env):
    """A model of two actions alike, given as rows: one list of transitions a state."""

    def __init__(self, rows, start, P=None):
        self.P = {s: [row, row] for s, row in enumerate(rows)} if P is None else P
        self.initial_state_distrib = np.array(start)
        self.observation_space, self.action_space = spaces.Discrete(len(rows)), spaces.Discrete(2)


@pytest.fixture
def published():
    """Register `Published` under a name for the length of a test."""
    env_id = "test/Published-v0"
    gymnasium.register(env_id, entry_point=Published)
    yield env_id
    del gymnasium.registry[env_id]


HOME, GONE = [(1.0, 2, 0.0, False)], [(1.0, 2, 5.0, True)]


def test_an_end_from_which_an_episode_goes_on_is_refused(published):
    """State 1 is entered from 0 with and without termination: it cannot be both."""
    rows = [[(0.5, 1, 0.0, True), (0.5, 1, 0.0, False)], [(1.0, 0, 1.0, False)]]
    with pytest.raises(ValueError, match="state 1 ends an episode when entered by one transition and not"):
        mdp_from_gymnasium(published, gamma=0.9, rows=rows, start=[1.0, 0.0])
    with pytest.raises(ValueError, match=r"state 0 ends an episode .* at the start"):
        mdp_from_gymnasium(published, gamma=0.9, rows=[[(1.0, 0, 1.0, True)]], start=[1.0])


def test_an_end_that_was_absorbing_already_is_accepted(published):
    """Entered both ways, but paying nothing for ever: absorbing changes no return."""
    rows = [[(0.5, 1, 2.0, True), (0.5, 1, 4.0, False)], [(1.0, 1, 0.0, False)]]
    mdp = mdp_from_gymnasium(published, gamma=0.9, rows=rows, start=[1.0, 0.0])
    np.testing.assert_array_equal(mdp.terminal, [False, True])
    np.testing.assert_allclose(optimal_value(mdp), [3.0, 0.0])


def test_lists_of_different_length_are_padded(published):
    """An end that its own row would leave, paid, is made absorbing and unrewarded."""
    rows = [[(0.25, 0, 1.0, False), (0.25, 1, 1.0, False), (0.5, 2, 1.0, True)], GONE, [(1.0, 0, 9.0, False)]]
    mdp = mdp_from_gymnasium(published, gamma=1.0, rows=rows, start=[1.0, 0.0, 0.0])
    np.testing.assert_allclose(optimal_value(mdp), [(1 + 0.25 * 5) / 0.75, 5.0, 0.0])
    np.testing.assert_array_equal(mdp.dense().P[2, :, 2], [1.0, 1.0])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rows": [HOME], "start": [1.0]}, r"P\[0\]\[0\]\[0\] leads to 2; states are 0 to 0"),
        ({"rows": [[(1.0, 0.5, 0.0, False)]], "start": [1.0]}, r"leads to 0\.5"),
        ({"rows": [[(0.7, 0, 0.0, False)]], "start": [1.0]}, r"prob\[0, 0\] sums to 0\.7, not 1"),
        ({"rows": [[(1.0, 0, 0.0, False)], []], "start": [1.0, 0.0]}, r"prob\[1, 0\] sums to 0, not 1"),
        ({"rows": [[(1.0, 0, 0.0)]], "start": [1.0]}, "P must hold 1 states of 2 actions"),
        ({"rows": [[]], "start": [1.0], "P": {0: {0: []}}}, "P must hold 1 states of 2 actions"),
        ({"rows": [[(1.0, 0, np.nan, False)]], "start": [1.0]}, "reward.* is nan"),
        ({"rows": [[(1.0, 0, 0.0, False)]], "start": [0.5, 0.5]}, "must be 1 probabilities"),
        ({"rows": [[(1.0, 0, 0.0, False)]], "start": [0.5]}, r"start sums to 0\.5"),
    ],
)
def test_a_broken_table_is_refused(published, kwargs, message):
    with pytest.raises(ValueError, match=message):
        mdp_from_gymnasium(published, gamma=0.9, **kwargs)


@pytest.mark.parametrize(
    ("env_id", "kwargs", "message"),
    [
        ("NoSuchLake-v1", {}, "NoSuchLake.* doesn't exist"),
        ("not a name", {}, "Malformed environment ID"),
        ("Taxi-v9", {}, "v9.* doesn't exist"),
        (17, {}, "env_id is 17; it must be a name"),
        ("CartPole-v1", {}, "CartPole-v1 has continuous observations, so no finite model; FrozenLake-v1"),
        ("Pendulum-v1", {}, "Pendulum-v1 has continuous observations"),
        ("Blackjack-v1", {}, "Blackjack-v1 does not publish its model: it has no `P`; FrozenLake-v1"),
        ("FrozenLake-v1", {"desc": ["SFF", "FG"]}, "gymnasium.make.*desc=.*inhomogeneous"),
        ("FrozenLake-v1", {"map_name": "9x9"}, "KeyError: '9x9'"),
        ("FrozenLake-v1", {"depth": 3}, "unexpected keyword argument 'depth'"),
        ("Taxi-v4", {"fickle_passenger": True}, "fickle_passenger is True, which P does not model"),
    ],
)
def test_what_has_no_model_is_refused(env_id, kwargs, message):
    with pytest.raises(ValueError, match=message):
        mdp_from_gymnasium(env_id, gamma=0.9, **kwargs)


@pytest.mark.parametrize(
    ("env_id", "kwargs", "warning", "message"),
    [
        ("Taxi-v3", {}, DeprecationWarning, "Please use `Taxi-v4` instead"),
        ("FrozenLake-v1", {"desc": ["FF", "FG"]}, RuntimeWarning, "has the map a start"),
    ],
)
def test_what_gymnasium_warns_of_is_refused(env_id, kwargs, warning, message):
    with pytest.warns(warning), pytest.raises(ValueError, match=message):
        mdp_from_gymnasium(env_id, gamma=0.9, **kwargs)


@pytest.mark.parametrize("gamma", [-0.1, 1.5, np.nan, None, "0.9", True])
def test_a_bad_gamma_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma is .* from 0 to 1"):
        mdp_from_gymnasium("FrozenLake-v1", gamma=gamma)


# ---------------------------------------------------------------- ours as Gymnasium's


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("render_mode", [None, "ansi", "rgb_array"])
def test_gymnasiums_own_checker_is_content(env_id, render_mode):
    check_env(gymnasium.make(env_id, render_mode=render_mode).unwrapped)


def test_the_checker_is_content_with_any_map():
    kwargs = {"map": ["SA.#", "..aG"], "teleports": {"A": ("a", 2.0)}, "wind": [0, 0, 1, 0], "horizon": 8}
    check_env(gymnasium.make("rlcore/GridWorld-v0", gamma=0.9, **kwargs).unwrapped)


@pytest.mark.parametrize("env_id", IDS)
def test_published_models_come_back(env_id):
    """Ours, made by Gymnasium and read through Gymnasium, are ours: the same tables on the same numbers."""
    model = gymnasium.make(env_id).unwrapped.model
    back = mdp_from_gymnasium(env_id, gamma=model.gamma).dense()
    mine = model if isinstance(model, MDP) else model.dense()
    for name in ("P", "expected_reward", "start", "terminal"):
        np.testing.assert_allclose(getattr(back, name), getattr(mine, name), atol=1e-15)


def test_a_dense_model_is_published_too():
    P = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    R = np.array([[[1.0, 2.0], [3.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]]])
    env = TabularEnv(MDP(P, R, 0.9, np.array([1.0, 0.0]), np.array([False, True])))
    assert sorted(env.P[0][0]) == [(0.5, 0, 1.0, False), (0.5, 1, 2.0, True)]
    assert env.P[0][1] == [(1.0, 0, 3.0, False)]
    assert env.P[1][0] == [(1.0, 1, 0.0, True)]


@pytest.mark.parametrize("env_id", IDS)
def test_steps_are_those_of_our_environment_on_the_same_stream(env_id):
    """reset(seed) makes the generator that Gymnasium makes; from there on it is model.step."""
    env = gymnasium.make(env_id)
    model, rng = env.unwrapped.model, gymnasium.utils.seeding.np_random(5)[0]
    state, _ = env.reset(seed=5)
    assert state == model.reset(rng)
    for action in np.random.default_rng(0).integers(model.n_actions, size=200):
        s_next, reward, terminated, truncated, info = env.step(action)
        assert (s_next, reward, terminated) == model.step(state, action, rng)
        assert (truncated, info) == (False, {})
        state = s_next
        if terminated:
            state, _ = env.reset()
            assert state == model.reset(rng)


def test_the_horizon_truncates():
    env = gymnasium.make("rlcore/GridWorld-v0", map=["S...G"], horizon=3)
    for _ in range(2):  # the count begins anew
        env.reset(seed=0)
        assert [env.step(gridworlds.RIGHT)[2:4] for _ in range(3)] == [
            (False, False),
            (False, False),
            (False, True),
        ]


def test_reaching_the_goal_terminates():
    env = gymnasium.make("rlcore/GridWorld-v0", map=["S.G"], enter={"G": 10.0})
    env.reset(seed=0)
    assert env.step(gridworlds.RIGHT) == (1, -1.0, False, False, {})
    assert env.step(gridworlds.RIGHT) == (2, 10.0, True, False, {})


def test_make_vec_steps_several_in_lock_step():
    envs = gymnasium.make_vec("rlcore/GridWorld-v0", num_envs=3, map=["S.G", "..."])
    states, _ = envs.reset(seed=0)
    np.testing.assert_array_equal(states, [0, 0, 0])
    states, rewards, terminated, truncated, _ = envs.step(
        np.array([gridworlds.RIGHT, gridworlds.DOWN, gridworlds.UP])
    )
    np.testing.assert_array_equal(states, [1, 3, 0])
    np.testing.assert_array_equal(rewards, [-1.0, -1.0, -1.0])
    assert not (terminated | truncated).any()
    envs.close()


def test_options_choose_the_first_state():
    env = gymnasium.make("rlcore/FrozenLake-v0")
    assert env.reset(seed=0, options={"state": 14}) == (14, {})
    assert env.reset(seed=0, options={}) == (0, {})
    with pytest.raises(ValueError, match=r"options\['state'\] is 16; states are 0 to 15"):
        env.reset(options={"state": 16})
    with pytest.raises(ValueError, match="options has 'sate'; the only option is 'state'"):
        env.reset(options={"sate": 1})


@pytest.mark.parametrize("action", [4, -1, 1.0, None, "up", [1]])
def test_an_action_that_does_not_exist_is_refused(action):
    env = TabularEnv(gridworlds.walk())
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action is .*; actions are 0 to 3"):
        env.step(action)


def test_other_misuse_is_refused():
    with pytest.raises(ValueError, match="model is str"):
        TabularEnv("FrozenLake-v1")
    with pytest.raises(ValueError, match="render_mode is 'human'; it must be None, 'ansi' or 'rgb_array'"):
        TabularEnv(gridworlds.walk(), render_mode="human")
    with pytest.raises(gymnasium.error.ResetNeeded):
        TabularEnv(gridworlds.walk()).step(0)
    with pytest.raises(ValueError, match="line 1 has 1 letters"):
        gymnasium.make("rlcore/GridWorld-v0", map=["S.", "G"])


# ---------------------------------------------------------------- names and pictures


def test_the_entry_point_registers():
    (entry,) = (e for e in entry_points(group="gymnasium.envs") if e.value.startswith("rlcore."))
    known = {env_id: gymnasium.registry.pop(env_id) for env_id in IDS}
    entry.load()()
    assert {env_id: gymnasium.registry[env_id].entry_point for env_id in IDS} == {
        env_id: spec.entry_point for env_id, spec in known.items()
    }
    entry.load()()  # a second time is silent: warnings are errors here


def test_a_fresh_process_makes_ours_by_name():
    """Without an import line of rlcore; and rlcore's own rooms leave Gymnasium alone."""
    code = """
import sys, rlcore, rlcore.problems.gridworlds
assert "gymnasium" not in sys.modules
import gymnasium
env = gymnasium.make("rlcore.problems.gym:rlcore/GridWorld-v0", map=["S.#", "..G"], gamma=0.9, slip=0.1)
print(env.unwrapped.model.map, env.reset(seed=0))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("('S.#', '..G') (0, {})\n", "")


def test_text_and_pixels_show_the_agent_and_the_map():
    def shot(mode, state):
        env = gymnasium.make("rlcore/GridWorld-v0", map=["S.#", "H.G"], render_mode=mode)
        env.reset(seed=0, options={"state": state})
        return env.render()

    assert shot("ansi", 1) == "S@#\nH.G"
    before, after = shot("rgb_array", 1), shot("rgb_array", 4)
    assert (before.shape, before.dtype) == ((128, 192, 3), np.uint8)
    changed = (before != after).any(axis=-1).reshape(2, 64, 3, 64).any(axis=(1, 3))
    np.testing.assert_array_equal(changed, [[False, True, False], [False, True, False]])
    cells = after.reshape(2, 64, 3, 64, 3).swapaxes(1, 2).reshape(6, -1)
    assert len(np.unique(cells, axis=0)) == 6  # start, floor, wall, hole, agent, goal: all look different


def test_pictures_differ_in_brightness_where_they_differ_in_meaning():
    """Readable in grey: the middles of wall, hole, goal mark and floor, by luminance of sRGB."""
    env = gymnasium.make("rlcore/GridWorld-v0", map=["S.#HG"], render_mode="rgb_array")
    env.reset(seed=0)
    middle, corner = env.render()[32, 32::64], env.render()[4, 4::64]
    grey = {name: rgb @ [0.2126, 0.7152, 0.0722] for name, rgb in zip("S.#HG", middle)}
    ground = {name: rgb @ [0.2126, 0.7152, 0.0722] for name, rgb in zip("S.#HG", corner)}
    assert grey["."] - grey["#"] > 100
    assert grey["."] - grey["S"] > 100  # the agent
    assert ground["H"] - grey["H"] > 100
    assert grey["G"] - ground["G"] > 100


def test_a_problem_without_a_map_is_drawn_in_a_line_or_a_square():
    def chain(S):
        P = np.zeros((S, 1, S))
        P[np.arange(S), 0, np.minimum(np.arange(S) + 1, S - 1)] = 1
        return TabularEnv(MDP(P, np.zeros((S, 1)), 0.9, np.eye(S)[0], np.eye(S, dtype=bool)[-1]), "ansi")

    for S, drawn in ((4, "@..G"), (23, "@....\n.....\n.....\n.....\n..G##")):
        env = chain(S)
        env.reset(seed=0)
        assert env.render() == drawn


def test_without_a_render_mode_nothing_is_drawn():
    env = TabularEnv(GridWorld("S.G", gamma=1.0))
    env.reset(seed=0)
    assert env.render() is None
