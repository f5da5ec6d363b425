"""The grading tests of chapter 14."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("14.1", "prefers", 1, "turn two rewards into a probability"),
    Exercise("14.2", "token_rewards", 1, "put the price where it has a gradient"),
    Exercise("14.3", "next_beta", 1, "steer the price by a target"),
    Exercise("14.4", "reward_gradient", 2, "fit a reward to raters who err"),
    Exercise("14.5", "ranking_loss", 2, "learn from rankings"),
    Exercise("14.6", "click_preferences", 2, "read preferences out of clicks"),
    Exercise("14.7", "price_gradient", 2, "see which price pushes, and where to"),
    Exercise("14.8", "shifted_optimum", 2, "tell harmless constants from harmful ones"),
    Exercise("14.9", "win_rate", 2, "judge a policy by the choices of raters"),
    Exercise("14.10", "best_of", 3, "say what the best of n is, and how far it goes"),
    Exercise("14.11", "overoptimised", 3, "optimise a learned reward too far"),
    Exercise("14.12", "segment_loss", 3, "learn a reward of steps from films of many steps"),
]
LOG = np.log
REF = np.array([0.4, 0.3, 0.2, 0.1])


def probabilities(rng, *shape):
    z = np.exp(rng.normal(size=shape))
    return z / z.sum(axis=-1, keepdims=True)


def nearly(rng, x, by=0.05):
    """x, each entry moved a little."""
    return np.array(x) + rng.uniform(-by, by, np.shape(x))


@graded("14.1", points=1)
def test_everybody_chooses(student, rng):
    """Rewards (2, 1), then both of them 10 higher, then (2.1, -1)."""
    first, second = np.array([2.0, 12.0, 2.1]), np.array([1.0, 11.0, -1.0])
    p = 1 / (1 + np.exp([-1.0, -1.0, -3.1]))
    student.check("prefers", first, second, 0.0, expected=np.column_stack([p, 1 - p, 0 * p]))


@graded("14.1", points=1, instances=2)
def test_some_cannot_tell(student, rng):
    """The nearer two rewards are, the more often nobody can tell."""
    lead = np.array([0.0, 0.5, -1.0, 3.0]) + rng.uniform(0.1, 0.3, 4)
    second = nearly(rng, [0.3, 2.0, -1.5, -2.5])
    student.check("prefers", second + lead, second, float(rng.uniform(0.5, 1.5)))


@graded("14.1", points=1)
def test_large_rewards(student, rng):
    """A difference of 1 is one of 1, also at 1000."""
    student.check("prefers", np.array([1000.0, -1000.0, 999.0]), np.array([999.0, 1000.0, 999.5]), 0.5)


@graded("14.2", points=1)
def test_two_responses_by_hand(student, rng):
    """Two tokens and one. log pi - log ref is 1 and -1/2, then 2; words are marked 1 and 0, then -1; scores 3, 4."""
    counts = np.array([[True, True], [True, False]])
    logp_ref = np.array([[-2.0, -1.0], [-3.0, -1.0]])
    logp = logp_ref + np.array([[1.0, -0.5], [2.0, 0.25]])
    word = np.array([[1.0, 0.0], [-1.0, 5.0]])
    expected = np.array([[0.5 - 0.2, 0.1 + 3], [-0.5 - 0.4 + 4, 0.0]])
    student.check(
        "token_rewards", logp, logp_ref, np.array([3.0, 4.0]), word, 0.5, counts, 0.2, expected=expected
    )


@graded("14.2", points=2, instances=2)
def test_token_rewards(student, rng):
    counts = np.arange(4) < np.array([[1], [2], [3], [4]])
    logp_ref = -rng.uniform(1.5, 2.5, (4, 4))
    logp = logp_ref + rng.uniform(0.3, 1.2, (4, 4))
    score, word = rng.uniform(1, 2, 4), rng.uniform(0.5, 1.5, (4, 4))
    student.check("token_rewards", logp, logp_ref, score, word, 0.3, counts, 0.4)


@graded("14.3", points=1)
def test_three_updates(student, rng):
    """Half too far, which counts for a fifth; a tenth too near; and a batch whose estimate is below 0."""
    args = 0.5, np.array([3.0, 1.8, -3.0]), np.array([100, 100, 500]), 2.0, 1000.0
    student.check("next_beta", *args, expected=np.array([0.51, 0.5049, 0.45441]))


@graded("14.3", points=1, instances=2)
def test_next_beta(student, rng):
    target = float(rng.uniform(3, 5))
    kl = target * rng.permutation([0.3, 0.9, 1.1, 1.05, 1.9, -1.3])
    n = rng.permutation([200, 300, 400, 500, 700, 800])
    student.check("next_beta", float(rng.uniform(0.5, 1)), kl, n, target, 2000.0)


@graded("14.4", points=1)
def test_one_pair(student, rng):
    """h = log 3, so sigmoid(h) = 3/4; of four labels one is wrong."""
    args = LOG([3.0, 1.0]), np.array([[2.0, 3.0]]), np.array([[1.0, 1.0]]), np.array([0.25])
    student.check("reward_gradient", *args, expected=np.array([-0.15, -0.3]))


@graded("14.4", points=2, instances=2)
def test_reward_gradient(student, rng):
    """Careful and careless raters; one of them contradicts what w holds for sure."""
    chosen = nearly(rng, [[2.0, 0.5], [1.0, 1.0], [0.5, 2.0], [3.0, 1.0]])
    rejected = nearly(rng, [[0.5, 1.0], [0.5, 1.5], [2.5, 0.5], [1.5, 2.0]])
    student.check(
        "reward_gradient", nearly(rng, [1.2, -0.8]), chosen, rejected, np.array([0.02, 0.1, 0.3, 0.4])
    )


@graded("14.5", points=1)
def test_two_rankings(student, rng):
    """Of 3, 2 and 1 parts the first was named, no more: 1/2. Of three equals two were named: 1/3 times 1/2."""
    reward = np.array([LOG([3.0, 2.0, 1.0]), np.zeros(3)])
    slope = np.array([[3 / 6 - 1, 2 / 6, 1 / 6], [1 / 3 - 1, 1 / 3 + 1 / 2 - 1, 1 / 3 + 1 / 2]])
    student.check("ranking_loss", reward, np.array([1, 2]), expected=[float(LOG(12)) / 2, slope / 2])


@graded("14.5", points=2, instances=2)
def test_ranking_loss(student, rng):
    reward = nearly(rng, [[1.5, 0.8, -0.2, -1.0, 0.4]] * 4, 0.4)
    student.check("ranking_loss", reward, rng.permutation([1, 2, 3, 3]))


@graded("14.6", points=1)
def test_three_users(student, rng):
    """Three to one for the top one, and half of all users read. One clicks it, one the other, one neither."""
    top, zero = LOG([3.0, 3.0, 3.0]), np.zeros(3)
    d = np.array([-3 / 56, 3 / 8, 0.0])
    loss = -float(LOG(7 / 8) + LOG(1 / 8)) / 2
    student.check("click_preferences", top, zero, np.array([0, 1, -1]), 0.5, expected=[loss, d, -d])


@graded("14.6", points=2, instances=2)
def test_click_preferences(student, rng):
    top = nearly(rng, [1.0, -0.5, 0.8, -1.2, 0.3, 2.0], 0.3)
    bottom = nearly(rng, [0.0, 0.7, 1.5, -0.4, -1.0, 0.5], 0.3)
    clicked = rng.permutation([0, 0, 0, 1, 1, -1])
    student.check("click_preferences", top, bottom, clicked, float(rng.uniform(0.5, 0.8)))


@graded("14.7", points=1)
def test_three_responses(student, rng):
    """pi = (.6, .3, .1), ref = (.2, .3, .5), batches of two: the gradient of KL, half of it, and twice nothing."""
    own = np.array([-0.360233, 0.149467, 0.210766])
    args = LOG([0.6, 0.3, 0.1]), LOG([0.2, 0.3, 0.5]), 1.0, 2
    student.check("price_gradient", *args, expected=np.array([own, own / 2, 0 * own, 0 * own]), tol=1e-6)


@graded("14.7", points=2, instances=2)
def test_price_gradient(student, rng):
    log_ref = LOG(rng.permutation([0.1, 0.15, 0.25, 0.5]))
    logits = nearly(rng, rng.permutation([0.0, 1.0, -1.0, 2.0]), 0.2)
    student.check("price_gradient", logits, log_ref, 0.5, int(rng.integers(3, 5)))


@graded("14.8", points=1)
def test_one_prompt_two_responses(student, rng):
    """Rewards 1 and -1, equally likely, are whitened already. With 1 a token, lengths of 1 and 2 bring them nearer."""
    p, best = (1 / (1 + np.exp(-z)) for z in (1.0, 2.0))
    lost = p * LOG(p / best) + (1 - p) * LOG((1 - p) / (1 - best))
    args = LOG([[0.5, 0.5]]), np.array([[1.0, -1.0]]), np.array([1, 2]), 1.0, np.array([3.0]), 1.0
    student.check("shifted_optimum", *args, expected=np.array([[0.0], [lost], [0.0], [0.0]]))


@graded("14.8", points=2, instances=2)
def test_shifted_optimum(student, rng):
    """Prompts whose rewards differ in their mean, and in their spread."""
    reward = np.array([[1.0], [2.0], [0.4]]) * rng.permuted([[0.0, 0.5, 1.0, 1.5, 2.0]] * 3, axis=1)
    reward = nearly(rng, reward + np.array([[0.0], [0.3], [-0.3]]))
    log_ref = LOG(rng.permuted([[0.1, 0.1, 0.15, 0.25, 0.4]] * 3, axis=1))
    c = rng.permutation([-0.6, 0.2, 0.9])
    student.check("shifted_optimum", log_ref, reward, np.array([1, 2, 3, 3, 4]), 0.5, c, 0.4)


@graded("14.9", points=1)
def test_who_plays_whom(student, rng):
    """The better of two plays a coin: log 4 apart it wins 4 of 5, and one is like itself; 0.4 apart all are alike."""
    one, coin = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    student.check("win_rate", one, coin, LOG([4.0, 1.0]), 0.0, expected=[0.65, 0.5])
    student.check("win_rate", one, coin, np.array([0.4, 0.0]), 0.5, expected=[0.5, 1.0])


@graded("14.9", points=2, instances=2)
def test_win_rate(student, rng):
    """A policy that leans to what is liked. Against itself it wins half."""
    reward = nearly(rng, rng.permutation([0.0, 0.3, 1.2, 1.4, 3.0]), 0.02)
    ref = probabilities(rng, 5) * np.exp(-0.7 * reward)
    ref = ref / ref.sum()
    pi = ref * np.exp(reward)
    pi = pi / pi.sum()
    student.check("win_rate", pi, ref, reward, 0.5)
    student.claim(abs(student.call("win_rate", pi, pi, reward, 0.5)[0] - 0.5) < 1e-6, "against itself: 1/2")


@graded("14.10", points=1)
def test_best_of_two_and_four(student, rng):
    """Four responses, no two of them worth the same. The bounds are 0.193147 and 0.636294."""
    score = np.array([0.0, 1.0, 2.0, -1.0])
    two, four = (
        [np.array([0.24, 0.39, 0.36, 0.01]), 0.168301],
        [np.array([0.0624, 0.3471, 0.5904, 0.0001]), 0.573092],
    )
    student.check("best_of", REF, score, 2, 1, expected=two, tol=1e-6)
    student.check("best_of", REF, score, 4, 1, expected=four, tol=1e-6)


@graded("14.10", points=1)
def test_who_keeps_all(student, rng):
    """The best three of three, one of them at random: a draw from ref."""
    student.check("best_of", REF, np.array([0.0, 1.0, 1.0, 0.5]), 3, 3, expected=[REF, 0.0])


@graded("14.10", points=3, instances=2)
def test_best_two_of_five(student, rng):
    """Two are worth the same."""
    ref = nearly(rng, REF, 0.02)
    score = rng.permutation([0.0, 1.0, 1.0, 0.5])
    student.check("best_of", ref / ref.sum(), score, 5, 2)


@graded("14.11", points=1)
def test_two_that_disagree(student, rng):
    """What the proxy likes is bad in truth: gold = 1 - proxy / log 3. A nat buys beta of the proxy."""
    log3 = float(LOG(3))
    row = [0.75 * log3, 0.25, float(0.75 * LOG(1.5) + 0.25 * LOG(0.5)), -1 / log3]
    args = np.array([0.5, 0.5]), np.array([log3, 0.0]), np.array([0.0, 1.0]), np.array([1.0])
    student.check("overoptimised", *args, expected=np.array([row]), tol=1e-6)


@graded("14.11", points=3, instances=2)
def test_overoptimised(student, rng):
    """The favourite of the proxy is bad in truth, and rare. Gold rises at first, and falls in the end."""
    ref = nearly(rng, REF, 0.02)
    proxy, gold = nearly(rng, [0.0, 1.0, 1.2, 2.0]), nearly(rng, [0.0, 1.0, 1.5, 0.1])
    betas = np.array([3.0, 0.5, 0.2])
    answer = student.check("overoptimised", ref / ref.sum(), proxy, gold, betas, tol=1e-6)
    student.claim(answer[0][3] > 0 > answer[-1][3], "the next nat helps at first, and harms in the end")


@graded("14.12", points=1)
def test_two_pairs_of_films(student, rng):
    """Two steps beat one, three to one. Two films of one step each look alike; behind one of them stands garbage."""
    first, second = np.array([[[1.0], [1.0]], [[1.0], [9.0]]]), np.array([[[1.0], [5.0]], [[1.0], [2.0]]])
    steps, mu = np.array([[2, 1], [1, 1]]), np.array([1.0, 0.5])
    expected = [float(LOG(4 / 3) + LOG(2)) / 2, np.array([-0.125])]
    student.check("segment_loss", LOG([3.0]), first, second, steps, mu, expected=expected)


@graded("14.12", points=3, instances=2)
def test_segment_loss(student, rng):
    """The last feature is 1 in every step: where films differ in length, a constant a step counts."""
    first, second = rng.normal(size=(2, 6, 4, 3))
    first[..., 2] = second[..., 2] = 1.0
    steps = rng.permutation([[1, 2], [2, 2], [3, 1], [4, 3], [2, 4], [3, 3]])
    mu = rng.permutation([1.0, 1.0, 0.0, 0.0, 0.5, 0.5])
    student.check("segment_loss", nearly(rng, [0.8, -0.6, 0.5]), first, second, steps, mu)
