"""The grading tests of chapter 13."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("13.1", "episode", 1, "read a response as an episode"),
    Exercise(
        "13.2", "response_logp", 1, "add up the log-probabilities of what was chosen, and of nothing else"
    ),
    Exercise("13.3", "two_losses", 1, "tell two means apart, and compute a perplexity"),
    Exercise("13.4", "speak", 2, "draw a response at a temperature"),
    Exercise("13.5", "fit_bigram", 2, "learn a language model by counting"),
    Exercise("13.6", "sft_gradient", 2, "learn it by its gradient"),
    Exercise("13.7", "kl_estimates", 2, "estimate a divergence, with its sign and its direction"),
    Exercise("13.8", "estimator_moments", 2, "say which estimator is biased, and which is calm where"),
    Exercise("13.9", "gradients_in_the_loss", 3, "tell an estimator's mean from the mean of its gradient"),
    Exercise("13.10", "response_kl", 3, "add up a divergence along the responses"),
]

PAD = 2  # behind K


@graded("13.1", points=1)
def test_three_responses_of_ab(student, rng):
    """Letters a and b, so K = 2: "ba." ends in the last place, "b." before it, "bab" without an end.

    A score may be 0.
    """
    b, ba = 2, 2 * 2 + 0 + 1  # the numbers of "b" and of "ba"
    rows = {
        (1, 0, 2): [[0, b, ba], [1, 0, 2], [0.0, 0.0, 1.0], [False, False, True]],
        (1, 2, 4): [[0, b], [1, 2], [0.0, 1.0], [False, True]],
        (1, 0, 1): [[0, b, ba], [1, 0, 1], [0.0, 0.0, 1.0], [False, False, True]],
    }
    for row, (prefix, token, reward, terminated) in rows.items():
        for score in (1.5, 0.0):
            paid = np.array(reward) * score
            expected = [np.array(prefix), np.array(token), paid, np.array(terminated)]
            student.check("episode", np.array(row), score, 2, expected=expected)


@graded("13.1", points=1, instances=2)
def test_episode(student, rng):
    K = 4
    for n, ends in ((3, True), (5, False), (1, True)):
        row = np.full(5, K + PAD)
        row[:n] = rng.integers(K, size=n)
        row[n : n + ends] = K
        student.check("episode", row, float(rng.uniform(1, 2)), K)


def responses(rng, K, L, lengths):
    """Random letters; a response that is shorter than L ends with EOS, and pads follow.   -> (B, L)"""
    rows = np.full((len(lengths), L), K + PAD)
    for row, n in zip(rows, lengths):
        row[:n] = rng.integers(K, size=n)
        if n < L:
            row[n] = K
    return rows


@graded("13.2", points=1)
def test_two_responses_by_hand(student, rng):
    """One letter and the end. "a." has 1/2 and 1/4, "." has 1/5 and then nothing more."""
    z = np.log([[[1.0, 1.0], [3.0, 1.0]], [[4.0, 1.0], [7.0, 9.0]]])
    args = z, np.array([[0, 1], [1, 3]]), 1
    student.check("response_logp", *args, expected=np.log([1 / 8, 1 / 5]))


@graded("13.2", points=1, instances=2)
def test_response_logp(student, rng):
    student.check("response_logp", rng.normal(size=(4, 5, 4)) + 1, responses(rng, 3, 5, [0, 2, 4, 5]), 3)


@graded("13.3", points=1)
def test_losses_by_hand(student, rng):
    """A response of one token of probability 1/2, one of three of 1/4: 7 log 2 in all, 2 responses, 4 tokens."""
    logp = np.log([[0.5, 0.9, 0.1], [0.25, 0.25, 0.25]])
    counts = np.array([[True, False, False], [True, True, True]])
    log2 = float(np.log(2))
    student.check("two_losses", logp, counts, expected=[3.5 * log2, 1.75 * log2, 2**1.75])


@graded("13.3", points=1, instances=2)
def test_losses(student, rng):
    """Short responses surprise more, a token."""
    counts = np.arange(6) < np.array([1, 2, 4, 6])[:, None]
    logp = -rng.uniform(0.2, 0.8, size=(4, 6)) - np.array([2.0, 1.0, 0.2, 0.0])[:, None]
    student.check("two_losses", logp, counts)


def numbers_for(theta, temperature, response):
    """Random numbers from which `speak` makes this response: the middle of each token's interval."""
    K, u, before = len(theta) - 1, [], len(theta) - 1
    for token in response:
        p = np.exp(theta[before] / temperature)
        p /= p.sum()
        u.append(p[: token + 1].sum() - p[token] / 2)
        before = min(int(token), K)
    return np.array(u)


@graded("13.4", points=1)
def test_speaks_by_hand(student, rng):
    """First a with 3/4, else the end; behind an a both alike. At temperature 1/2: 9/10 and 1/10."""
    theta = np.log([[1.0, 1.0], [3.0, 1.0]])
    log = {p: float(np.log(p)) for p in (0.75, 0.5, 0.9)}
    u = np.array([0.8, 0.6, 0.1])
    student.check(
        "speak", theta, u, 1.0, expected=[np.array([1, 3, 3]), np.array([float(np.log(0.25)), 0, 0])]
    )
    expected = [np.array([0, 1, 3]), np.array([log[0.9], log[0.5], 0])]
    student.check("speak", theta, u, 0.5, expected=expected)


@graded("13.4", points=2, instances=2)
def test_speak(student, rng):
    """One response that ends in the middle of the row, and one that fills it. Both begin with an unlikely letter."""
    theta = rng.permuted([[0.0, 0.7, 1.5, 2.2]] * 4, axis=1) + rng.uniform(-0.1, 0.1, (4, 4))
    theta[3, :3] = rng.permutation([-1.0, 0.5, 1.5])
    first = int(theta[3, :3].argmin())
    for temperature in (0.6, 1.7):
        for rest in ([1, 3, 0, 2], [0, 2, 1, 1]):
            u = numbers_for(theta, temperature, [first, *rest])
            student.check("speak", theta, u, temperature)


@graded("13.5", points=1)
def test_bigram_by_hand(student, rng):
    """ "aa." of weight 1, "b." of weight 3: first a with 1/4; behind an a another a or the end, 1/2 each."""
    response = np.array([[0, 0, 2], [1, 2, 4]])
    expected = np.array([[0.5, 0, 0.5], [0, 0, 1], [0.25, 0.75, 0]])
    student.check("fit_bigram", response, np.array([1.0, 3.0]), 2, expected=expected)
    unseen = np.array([[0, 0, 1], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]])
    student.check("fit_bigram", np.array([[0, 2, 4]]), np.array([2.0]), 2, expected=unseen)


DEMOS = np.array([[0, 0, 1, 4, 6], [0, 1, 0, 2, 4], [2, 4, 6, 6, 6], [1, 0, 0, 0, 3], [4, 6, 6, 6, 6]])


@graded("13.5", points=2, instances=2)
def test_bigram(student, rng):
    """Nothing ever follows the letter d."""
    student.check("fit_bigram", DEMOS, rng.permutation([0.5, 1.0, 2.0, 4.0, 7.0]) + rng.uniform(0, 0.2, 5), 4)


@graded("13.6", points=1)
def test_gradient_by_hand(student, rng):
    """One letter, probabilities 1/2. "a." and ".": the row of first tokens is read twice, the other one once."""
    args = np.zeros((2, 2)), np.array([[0, 1], [1, 3]]), 1
    student.check("sft_gradient", *args, expected=np.array([[0.25, -0.25], [0.0, 0.0]]))


@graded("13.6", points=2, instances=2)
def test_gradient(student, rng):
    student.check("sft_gradient", rng.normal(size=(5, 5)), DEMOS, 4)


@graded("13.7", points=1)
def test_ten_actions(student, rng):
    """pi = (0.9, 0.1), ref = (1/2, 1/2): ten actions in their proportions, so k1 and k3 are KL itself."""
    pi = np.array([0.9] * 9 + [0.1])
    kl = float(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    two = float(0.9 * np.log(1.8) ** 2 + 0.1 * np.log(0.2) ** 2) / 2
    student.check("kl_estimates", np.log(pi), np.log(np.full(10, 0.5)), expected=[kl, two, kl])


@graded("13.7", points=1, instances=2)
def test_estimates(student, rng):
    """Two batches; one of them happened to hold what ref likes better."""
    logp = np.log(rng.uniform(0.2, 0.5, 12))
    log_ratio = np.tile([0.9, 0.3, -0.5], 4) + rng.uniform(-0.05, 0.05, 12)
    student.check("kl_estimates", logp, logp - log_ratio)
    student.check("kl_estimates", logp, logp + log_ratio)  # the mean of k1 is below 0 here


@graded("13.8", points=1)
def test_two_actions(student, rng):
    """pi = (1/2, 1/2), ref = (1/5, 4/5): log 2.5 and -log 1.6."""
    x, y = float(np.log(2.5)), -float(np.log(1.6))
    k = [(x, y), (x * x / 2, y * y / 2), (0.4 - 1 + x, 1.6 - 1 + y)]
    expected = np.array([[(a + b) / 2, (a - b) ** 2 / 4] for a, b in k])
    student.check("estimator_moments", np.array([0.5, 0.5]), np.array([0.2, 0.8]), expected=expected)


@graded("13.8", points=2, instances=2)
def test_moments(student, rng):
    """Near ref, where k3 is calm, and far from it, where it is not."""
    pi = np.array([0.25, 0.25, 0.4, 0.1]) + rng.uniform(-0.02, 0.02, 4)
    ref = np.array([0.4, 0.3, 0.2, 0.1]) + rng.uniform(-0.02, 0.02, 4)
    student.check("estimator_moments", pi / pi.sum(), ref / ref.sum())
    rare, common = rng.uniform(0.01, 0.03), rng.uniform(0.6, 0.7)
    student.check("estimator_moments", np.array([1 - rare, rare]), np.array([1 - common, common]))


@graded("13.9", points=1)
def test_three_actions(student, rng):
    """pi = (0.6, 0.3, 0.1), ref = (0.2, 0.3, 0.5): nothing, the gradient of KL(pi || ref), and pi - ref."""
    pi, ref = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    log_ratio = np.log(pi / ref)
    expected = np.array([np.zeros(3), pi * (log_ratio - pi @ log_ratio), [0.4, 0.0, -0.4]])
    student.check("gradients_in_the_loss", np.log(pi), np.log(ref), expected=expected)


@graded("13.9", points=3, instances=2)
def test_pushes(student, rng):
    logits = rng.permutation([-1.0, 0.0, 0.5, 1.5]) + rng.uniform(-0.2, 0.2, 4)
    logits_ref = np.roll(logits, 1) + rng.uniform(-0.2, 0.2, 4)
    student.check("gradients_in_the_loss", logits, logits_ref)


@graded("13.10", points=1)
def test_one_letter(student, rng):
    """pi says the letter with 1/3 or ends, ref with 1/2, whatever stood before. Three tokens at most.

    The first one always counts, the second one once in 3 responses, the third one once in 9.
    """
    one = (float(np.log(2 / 3)) + 2 * float(np.log(4 / 3))) / 3
    theta, theta_ref = np.log([[1.0, 2.0], [1.0, 2.0]]), np.zeros((2, 2))
    student.check("response_kl", theta, theta_ref, 3, expected=13 / 9 * one)


@graded("13.10", points=3, instances=2)
def test_response_kl(student, rng):
    """pi likes to go on where it differs from ref, ref likes to end."""
    theta = rng.uniform(-0.3, 0.3, (4, 4))
    theta[3] = np.array([2.0, 0.0, 0.0, 0.0]) + rng.uniform(-0.1, 0.1, 4)
    theta[0, 0] += 1.5
    theta_ref = rng.uniform(-0.3, 0.3, (4, 4))
    theta_ref[3] = np.array([0.0, 1.0, 0.0, 1.0]) + rng.uniform(-0.1, 0.1, 4)
    student.check("response_kl", theta, theta_ref, 4)
