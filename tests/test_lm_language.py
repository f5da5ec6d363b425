"""Tokens, prompts, responses in rows; the tree of all of them, and the decision problem it is."""

from itertools import product

import numpy as np
import pytest

from rlcore.exact.values import optimal_value
from rlcore.lm.language import Language
from rlcore.lm.tree import Tree

TOY = Language("abcd", ("A", "B", "C"), length=3)


def test_tokens():
    assert (TOY.eos, TOY.bos, TOY.pad, TOY.n_actions, TOY.n_tokens) == (4, 5, 6, 5, 10)
    assert TOY.encode("ab.") == [0, 1, 4]
    np.testing.assert_array_equal(TOY.prompt_tokens, [[7], [8], [9]])
    assert TOY.decode([5, 0, 1, 4, 6]) == "ab."
    sums = Language("0123456789", ("1+2", "0+4"), length=2)  # digits are letters, the plus is not
    np.testing.assert_array_equal(sums.prompt_tokens, [[1, 13, 2], [0, 13, 4]])
    assert Language("()").prompt_tokens.shape == (1, 0)


def test_rows_with_pads():
    rows = TOY.batch(["aa.", "b.", ".", "abc"])
    np.testing.assert_array_equal(rows, [[0, 0, 4], [1, 4, 6], [4, 6, 6], [0, 1, 2]])
    assert TOY.texts(rows) == ["aa.", "b.", ".", "abc"]
    np.testing.assert_array_equal(TOY.counts(rows).sum(axis=1), [3, 2, 1, 3])
    assert TOY.batch([]).shape == (0, 3)


def test_what_stands_before_a_token():
    rows = TOY.batch(["ab.", "d.", "bcd"])
    np.testing.assert_array_equal(TOY.before(rows), [[4, 0, 1], [4, 3, 4], [4, 1, 2]])
    np.testing.assert_array_equal(TOY.prefix(rows), [[0, 1, 6], [0, 4, 0], [0, 2, 11]])  # ab = 4 1 + 1 + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"letters": ""}, "letters is ''"),
        ({"letters": 3}, "letters is 3"),
        ({"letters": "aa"}, "must differ"),
        ({"letters": "a."}, "none may be"),
        ({"letters": "ab", "length": 0}, "length is 0"),
        ({"letters": "ab", "length": 2.0}, "length is 2.0"),
        ({"letters": "ab", "prompts": "AB"}, "must be a tuple"),
        ({"letters": "ab", "prompts": ()}, "must be a tuple of one string or more"),
        ({"letters": "ab", "prompts": ("A", 3)}, "must be a tuple of one string or more"),
        ({"letters": "ab", "prompts": ("A", "BC")}, r"prompts\[1\] is 'BC'"),
        ({"letters": "ab", "prompts": ("A", "A")}, r"prompts\[1\] is 'A'"),
        ({"letters": "ab", "prompts": ("A", ".")}, r"prompts\[1\] is '\.'"),
    ],
)
def test_no_language(arguments, message):
    with pytest.raises(ValueError, match=message):
        Language(**arguments)


@pytest.mark.parametrize("text", ["a", "", "aaaa", "aaa.", "a.b", "aA.", "a..", "x."])
def test_no_response(text):
    with pytest.raises(ValueError, match="response 1 is"):
        TOY.batch(["aa.", text])


def test_no_token():
    with pytest.raises(ValueError, match="character 1 of 'ax' is 'x'"):
        TOY.encode("ax")


# ---------------------------------------------------------------- everything


@pytest.mark.parametrize(("length", "n", "m"), [(1, 5, 1), (3, 85, 21), (4, 341, 85)])
def test_the_tree_holds_every_response_once(length, n, m):
    language = Language("abcd", length=length)
    tree = Tree(language)
    want = ["".join(s) + "." for t in range(length) for s in product("abcd", repeat=t)]
    want += ["".join(s) for s in product("abcd", repeat=length)]
    texts = language.texts(tree.response)
    assert sorted(texts) == sorted(want)
    assert (tree.n_responses, tree.n_prefixes) == (n, m)
    np.testing.assert_array_equal(tree.length, [len(text) for text in texts])
    np.testing.assert_array_equal(tree.index(tree.response), np.arange(n))
    np.testing.assert_array_equal(tree.response, language.batch(texts))


def test_prefixes_are_numbered_as_the_language_numbers_them():
    """The prefix before token t of response n is the row of that number."""
    tree = Tree(TOY)
    number = TOY.prefix(tree.response)
    for n, t in zip(*np.nonzero(TOY.counts(tree.response)), strict=True):
        assert TOY.decode(tree.prefix[number[n, t]]) == TOY.decode(tree.response[n, :t])


def test_the_token_that_ends_a_response():
    tree = Tree(TOY)
    number = TOY.prefix(tree.response)
    for n, row in enumerate(tree.response):
        last = tree.length[n] - 1
        assert tree.ends[number[n, last], row[last]] == n
        for t in range(last):
            assert tree.ends[number[n, t], row[t]] == -1
    assert (tree.ends >= 0).sum() == 85


def test_the_language_is_a_decision_problem():
    """Every response is a walk that pays its score at its last token, and the best value is the best score."""
    tree = Tree(TOY)
    score = np.random.default_rng(0).normal(size=(3, 85))
    mdp = tree.mdp(tree.token_reward(score))
    assert (mdp.n_states, mdp.n_actions, mdp.gamma) == (64, 5, 1.0)
    rng = np.random.default_rng(1)
    for x in range(3):
        for n, row in enumerate(tree.response):
            state, paid = 21 * x, []
            for token in row[: tree.length[n]]:
                assert not mdp.terminal[state]
                state, reward, _ = mdp.step(state, token, rng)
                paid.append(reward)
            assert mdp.terminal[state]
            assert paid[-1] == score[x, n]
            assert not any(paid[:-1])
    np.testing.assert_allclose(optimal_value(mdp)[[0, 21, 42]], score.max(axis=1), atol=1e-14)
    np.testing.assert_allclose(mdp.start[[0, 21, 42]], 1 / 3)


@pytest.mark.parametrize("token", [-1, 7, 99])
def test_a_number_that_is_no_token_has_no_text(token):
    small = Language("abcd", ("a", "b"), length=3)
    with pytest.raises(ValueError, match=rf"tokens\[1\] is {token}; tokens of this language are 0 to 6"):
        small.decode([0, token])


def test_a_tree_too_large_is_refused():
    with pytest.raises(ValueError, match="2,745,954,241 responses; a tree holds at most 1,000,000"):
        Tree(Language("abcdefghijklmno", length=8))
