"""The toy language model's exact figures, recomputed: an independent prototype enumerated every response.

Responses of up to 3 tokens (85) and 4 tokens (341), prompts A, B, C; and the stages of alignment that have exact
answers: demonstrations, reward models, best-of-n, the gradient of J, DPO on all pairs, over-optimisation.
"""

from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

from rlcore.exact.regularised import (
    best_of_n,
    best_of_n_bound,
    divergence,
    kl_optimal_policy,
    kl_ref_optimal_policy,
    regularised_performance,
)
from rlcore.learning.kl import d_k2, d_k3, k1, k3
from rlcore.learning.preferences import bradley_terry, dpo
from rlcore.lm.dpo import DPOConfig, train_dpo_on_all_pairs
from rlcore.lm.evaluate import (
    as_trie,
    entropy,
    expectation,
    near_reference,
    performance_gradient,
    responses,
    win_rate,
)
from rlcore.lm.models import bigram, sequence_logp, token_logp, trie
from rlcore.lm.population import accuracy, bayes_loss, fisher_information, pair_weights, population_loss
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import maximum_likelihood
from rlcore.lm.sampling import sample
from rlcore.lm.sft import fit_by_counting, sequence_nll, token_nll
from rlcore.lm.tasks import WEIGHTS, coarse_features, features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.optim import Adam


@cache
def toy(length):
    """The task with its tables: reward and log pi_ref, (X, N) each."""
    task = preference_task(length)
    tree = Tree(task.language)
    ref = reference(task.language)
    return SimpleNamespace(
        task=task,
        language=task.language,
        tree=tree,
        ref=ref,
        reward=task.table(tree),
        log_ref=responses(ref, tree),
    )


def table(toy, f):
    """Features of everything.   -> (X, N, F)"""
    return f(*toy.tree.everything()).reshape(3, toy.tree.n_responses, -1)


def reference_trie(toy):
    """The reference as a model that can become anything."""
    return as_trie(toy.ref, toy.tree)


# ---------------------------------------- the reference

REFERENCE = {
    3: {
        "reward": [0.5939232403017911, 0.5299386442114077, 0.4676751677335273],
        "entropy": [3.6803746434762745, 3.710358560096101, 3.7368797073624487],
        "length": [2.4645865227005053, 2.457753264265756, 2.451039047756087],
        "largest": 1.9,
    },
    4: {
        "reward": [0.6501906276186051, 0.5847376665882646, 0.5199096960578131],
        "entropy": [4.306665239877193, 4.334216923313266, 4.358001667228202],
        "length": [2.8846460887491676, 2.8733583230608897, 2.8621861899681673],
        "largest": 2.1,
    },
}


@pytest.mark.parametrize("length", [3, 4])
def test_the_reference(length):
    t, want = toy(length), REFERENCE[length]
    assert (t.tree.n_responses, t.tree.n_prefixes) == {3: (85, 21), 4: (341, 85)}[length]
    np.testing.assert_allclose(expectation(t.log_ref, t.reward), want["reward"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(entropy(t.log_ref), want["entropy"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(expectation(t.log_ref, t.tree.length), want["length"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(t.reward.max(axis=1), want["largest"], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("length", "best"),
    [(3, ({"aa."}, {"bb."}, {"cc."})), (4, ("aba. aca. ada.", "bab. bcb. bdb.", "cac. cbc. cdc."))],
)
def test_the_best_responses(length, best):
    """Of four tokens, any other letter between the two saves a repeat; "aa." is worth 1.9 as before."""
    t = toy(length)
    for x in range(3):
        winners = np.flatnonzero(t.reward[x] > t.reward[x].max() - 1e-9)
        want = best[x] if isinstance(best[x], set) else set(best[x].split())
        assert set(t.language.texts(t.tree.response[winners])) == want


# ---------------------------------------- the optimum near it

GIBBS = {  # (length, beta): V, E r, KL, win rate, mean length, a number a prompt
    (3, 1.0): (
        [0.8561288549718982, 0.803387280362712, 0.7508379568111299],
        [1.0796829671618617, 1.037825089232785, 0.9950735113160455],
        [0.22355411218996393, 0.23443780887007282, 0.24423555450491563],
        [0.5990510328976898, 0.6027882150838981, 0.6060215423253412],
        [2.4925062131526445, 2.475853102851529, 2.458136264218695],
    ),
    (3, 0.5): (
        [1.0460162686480534, 1.003498421557473, 0.9605217238550804],
        [1.3633793389223368, 1.3393638567319388, 1.3143405026632284],
        [0.6347261405485675, 0.6717308703489321, 0.7076375576162965],
        [0.6579922932826804, 0.6649144688735449, 0.6712687445136849],
        [2.5553411729302855, 2.5398232041383237, 2.5229768289093135],
    ),
    (3, 0.2): (
        [1.345977839567943, 1.3205598795342508, 1.2948288378646335],
        [1.6592639984187096, 1.6492961954600391, 1.6394896229813247],
        [1.5664307942538314, 1.6436815796289452, 1.723303925583459],
        [0.7171271846791618, 0.7261221951451375, 0.7347612956756409],
        [2.7049385202323646, 2.690247796746692, 2.674742689468387],
    ),
    (3, 0.1): (
        [1.5513443113102947, 1.5348518129392643, 1.5182379539633717],
        [1.8291352331945538, 1.8243124116052092, 1.819467415183625],
        [2.7779092188425976, 2.8946059866594576, 3.012294612202528],
        [0.7482552724344939, 0.7574374523857164, 0.7662133932672411],
        [2.9194153638164027, 2.9122800871832375, 2.9045380644157603],
    ),
    (4, 1.0): (
        [0.912558643646614, 0.860568929527493, 0.8079590116201052],
        [1.137028590991559, 1.096546527665119, 1.054719458291113],
        [0.2244699473449453, 0.23597759813762556, 0.2467604466710075],
        [0.5985611936510216, 0.6027300869853733, 0.6065147287455869],
        [2.9170870943765856, 2.893899877744635, 2.868128968243554],
    ),
    (4, 0.5): (
        [1.108338657154949, 1.0663810993294471, 1.0234300752555505],
        [1.4492822244828365, 1.4245762806885143, 1.3986263276817474],
        [0.6818871346557759, 0.7163903627181334, 0.7503925048523933],
        [0.6619992645373934, 0.6687134341041503, 0.6750517395141277],
        [3.0231530092833205, 3.004002611421638, 2.9813586796365703],
    ),
    (4, 0.2): (
        [1.474931287273265, 1.4503794650163606, 1.42482599326692],
        [1.9068891958255725, 1.9019136263024599, 1.896060193883791],
        [2.159789542761542, 2.2576708064304962, 2.3561710030843495],
        [0.7498598559058252, 0.7587325766348425, 0.7672293869270597],
        [3.4705784877126575, 3.466476127900844, 3.4590478378278244],
    ),
    (4, 0.1): (
        [1.7454561131113857, 1.7328543476436467, 1.7194911440206722],
        [2.0686388469001855, 2.069509052513224, 2.070120036976506],
        [3.231827337888016, 3.3665470486958093, 3.506288929558316],
        [0.7789186108129558, 0.788103358653558, 0.7969728577987452],
        [3.8628150003980695, 3.867895835584755, 3.8717862971747907],
    ),
}


@pytest.mark.parametrize(("length", "beta"), GIBBS)
def test_the_optimum(length, beta):
    t = toy(length)
    best, V = kl_optimal_policy(t.log_ref, t.reward, beta)
    got = (
        V,
        expectation(best, t.reward),
        divergence(best, t.log_ref),
        win_rate(best, t.log_ref, t.reward),
        expectation(best, t.tree.length),
    )
    for name, ours, want in zip(
        ["V", "reward", "KL", "wins", "length"], got, GIBBS[length, beta], strict=True
    ):
        np.testing.assert_allclose(ours, want, rtol=0, atol=1e-11, err_msg=name)


BEST_OF_N = {  # (length, n): E r, KL
    (3, 2): (
        [1.020548141202376, 0.9637841351538343, 0.9072610924854513],
        [0.18936100548005982, 0.1892811581190033, 0.1891973481740067],
    ),
    (3, 4): (
        [1.3421781083184638, 1.2952289123692053, 1.2462737012226792],
        [0.6249009328310628, 0.6246818195336638, 0.624342472411768],
    ),
    (3, 16): (
        [1.6736804628127913, 1.6518297438579603, 1.6294546618811152],
        [1.7655138541127897, 1.7705025513321453, 1.7752488162597797],
    ),
    (3, 64): (
        [1.8376670712710248, 1.818683997658056, 1.7983121259787256],
        [2.961795722629333, 2.9722027868456338, 2.9824950010985094],
    ),
    (4, 2): (
        [1.082500913281035, 1.0279628584896228, 0.9724246367975398],
        [0.19074563200953012, 0.1907013705050306, 0.19063945490377324],
    ),
    (4, 4): (
        [1.3931334358990564, 1.3493803614773527, 1.3036868689609142],
        [0.6264372521818667, 0.6269667457142614, 0.627221891557476],
    ),
    (4, 16): (
        [1.781415026202226, 1.7493889026988807, 1.716523471619348],
        [1.7255222442488152, 1.7328457841111011, 1.7414027384297406],
    ),
    (4, 64): (
        [2.04528593645596, 2.0281546139710414, 2.0067351164620977],
        [3.0250039155571136, 3.0228005030684204, 3.0115120591405735],
    ),
}


@pytest.mark.parametrize(("length", "n"), BEST_OF_N)
def test_best_of_n(length, n):
    t, (reward, kl) = toy(length), BEST_OF_N[length, n]
    best = best_of_n(t.log_ref, t.reward, n)
    np.testing.assert_allclose(expectation(best, t.reward), reward, rtol=0, atol=1e-11)
    np.testing.assert_allclose(divergence(best, t.log_ref), kl, rtol=0, atol=1e-11)
    bound = {2: 0.1931471805599453, 4: 0.6362943611198906, 16: 1.8350887222397811, 64: 3.1745080833596715}[n]
    assert best_of_n_bound(n) == pytest.approx(bound, abs=1e-14)
    assert (divergence(best, t.log_ref) < bound).all()


def test_the_bound_of_best_of_n_is_no_estimate():
    """n = 1024 of 341 responses: 3.68 to 3.93, which is -log of ref's mass on the best ones, against 5.93."""
    t = toy(4)
    best = best_of_n(t.log_ref, t.reward, 1024)
    kl = divergence(best, t.log_ref)
    assert best_of_n_bound(1024) == pytest.approx(5.93, abs=5e-3)
    assert kl.min() == pytest.approx(3.68, abs=0.01)
    assert kl.max() == pytest.approx(3.93, abs=0.01)
    top = np.where(t.reward > 2.1 - 1e-9, np.exp(t.log_ref), 0).sum(axis=1)
    np.testing.assert_allclose(kl, -np.log(top), atol=0.02)


@pytest.mark.parametrize(
    ("length", "beta", "want"),
    [
        (3, 0.5, [(1.4267059483830318, 1.1452764889470164), (1.4213717635970113, 1.2962053155529587),
                  (1.4170822488866, 1.4580203057892849)]),
        (3, 0.2, [(1.7062763036672104, 2.404846793268715), (1.7051678173182536, 2.5930777853763702),
                  (1.7042512892033104, 2.785100476863611)]),
        (4, 0.5, [(1.622683363706462, 1.4592028024099666), (1.6195032786161652, 1.5911898088127707),
                  (1.616661710417969, 1.730301905019005)]),
        (4, 0.2, [(1.9061575886762692, 2.579702794058443), (1.90540991511536, 2.7172284942870455),
                  (1.9047146114807387, 2.8616693346726985)]),
    ],
)  # fmt: skip
def test_where_k3_in_the_loss_ends(length, beta, want):
    t = toy(length)
    log_pi = kl_ref_optimal_policy(t.log_ref, t.reward, beta)
    got = np.stack([expectation(log_pi, t.reward), divergence(log_pi, t.log_ref)], axis=1)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
    if (length, beta) == (3, 0.2):
        J = regularised_performance(log_pi, t.log_ref, t.reward, beta).mean()
        np.testing.assert_allclose([*got.mean(axis=0), J], [1.7052, 2.594, 1.1864], rtol=0, atol=6e-4)


PERTURBED = {
    3: ([0.14238158220186387, 0.17722636589035162, 0.38877298391641685],
        [0.2689933861679756, 0.3230170756108723, 0.7832534827312561]),
    4: ([0.1817539702087285, 0.2580628573492179, 0.12990492479106572],
        [0.34403338040239867, 0.5294932380931202, 0.2614977292649455]),
}  # fmt: skip


@pytest.mark.parametrize("length", [3, 4])
def test_divergences_of_a_perturbed_policy(length):
    """Noise of .5 on every row, in the order of prefixes: KL, by k1 and k3 of sequences and of tokens; var k1."""
    t, (kl, variance) = toy(length), PERTURBED[length]
    model = reference_trie(t)
    model.params["theta"] += np.random.default_rng(0).normal(0, 0.5, model.params["theta"].shape)
    log_pi = responses(model, t.tree)
    x, y = t.tree.everything()
    per_token = k3(token_logp(model, x, y)[0], token_logp(t.ref, x, y)[0]).sum(axis=1).reshape(log_pi.shape)
    one = k1(log_pi, t.log_ref)
    np.testing.assert_allclose(divergence(log_pi, t.log_ref), kl, rtol=0, atol=1e-12)
    for estimate in (one, k3(log_pi, t.log_ref), per_token):
        np.testing.assert_allclose(expectation(log_pi, estimate), kl, rtol=0, atol=1e-12)
    spread = expectation(log_pi, (one - expectation(log_pi, one)[:, None]) ** 2)
    np.testing.assert_allclose(spread, variance, rtol=0, atol=1e-11)


# ---------------------------------------- raters and reward models


@pytest.mark.parametrize(
    ("length", "nll", "hits"),
    [(3, 0.5832735750109989, 0.6833952985880986), (4, 0.5823506975502307, 0.6872779542950006)],
)
def test_what_raters_leave_open(length, nll, hits):
    t = toy(length)
    weight = pair_weights(t.log_ref, t.reward)
    assert bayes_loss(weight, t.reward) == pytest.approx(nll, abs=1e-12)
    assert accuracy(weight, t.reward) == pytest.approx(hits, abs=1e-12)


REWARD_MODELS = {  # (length, case): w, loss
    (3, "well specified"): ([1, -0.4, -0.6, 0.5], 0.5832735750109986),
    (3, "flips"): ([0.73163002, -0.28727030, -0.42076686, 0.37097799], 0.6259210399165415),
    (3, "coarse"): ([0.61544646, -0.57076947], 0.6000714145976241),
    (4, "well specified"): ([1, -0.4, -0.6, 0.5], 0.5823506975502307),
    (4, "flips"): ([0.72976279, -0.28747275, -0.42710933, 0.36694994], 0.6254802017264038),
    (4, "coarse"): ([0.56564078, -0.48243739], 0.6102625622909689),
}


@pytest.mark.parametrize(("length", "case"), REWARD_MODELS)
def test_reward_models_of_infinitely_many_pairs(length, case):
    """Well specified: the truth. 10 % flips, unnoticed: shrunk. Without repeats and ends: another reward."""
    t, (want, loss) = toy(length), REWARD_MODELS[length, case]
    phi = table(t, coarse_features if case == "coarse" else features)
    weight = pair_weights(t.log_ref, t.reward, noise=0.1 if case == "flips" else 0.0)
    w = maximum_likelihood((phi[:, :, None] - phi[:, None]).reshape(-1, phi.shape[-1]), weight.ravel())
    np.testing.assert_allclose(w, want, rtol=0, atol=2e-8)
    assert population_loss(bradley_terry, weight, phi @ w)[0] == pytest.approx(loss, abs=1e-12)


def test_how_well_ten_thousand_pairs_tell_the_weights():
    """Fisher errors .0301, .0219, .0412, .0589; and a sample within 4 of them (one seed in 4,000 is not)."""
    t = toy(4)
    information = fisher_information(pair_weights(t.log_ref, t.reward), table(t, features), WEIGHTS)
    error = np.sqrt(np.diag(np.linalg.inv(information)) / 10_000)
    np.testing.assert_allclose(error, [0.0301, 0.0219, 0.0412, 0.0589], rtol=0, atol=6e-5)
    pairs = compare(t.ref, t.task.reward, np.arange(10_000) % 3, np.random.default_rng(0))
    w = maximum_likelihood(features(pairs.prompt, pairs.chosen) - features(pairs.prompt, pairs.rejected))
    assert (np.abs(w - WEIGHTS) <= 4 * error).all()


# ---------------------------------------- demonstrations


def demonstrations():
    """What Gibbs(r, .5) over the uniform bigram says, of three tokens."""
    t = toy(3)
    base = responses(bigram(t.language), t.tree)
    assert expectation(base, t.reward).mean() == pytest.approx(-0.034, abs=5e-4)
    demo, _ = kl_optimal_policy(base, t.reward, 0.5)
    return t, demo, np.exp(demo).ravel() / 3


def test_fine_tuning_by_counting():
    t, demo, share = demonstrations()
    model, (x, y) = bigram(t.language), t.tree.everything()
    fit_by_counting(model, x, y, share)
    log_pi, counts = responses(model, t.tree), t.language.counts(y)
    nll, d = sequence_nll(token_logp(model, x, y)[0], counts, share)
    assert entropy(demo).mean() == pytest.approx(2.960324, abs=6e-7)
    assert nll == pytest.approx(2.996979, abs=6e-7)
    assert divergence(demo, log_pi).mean() == pytest.approx(0.036656, abs=6e-7)
    assert expectation(log_pi, t.reward).mean() == pytest.approx(1.064, abs=5e-4)
    assert np.abs(token_logp(model, x, y)[1](d)["theta"]).max() < 1e-15


def test_a_sequence_and_a_token_have_two_losses():
    """2.9970 a response, 1.2327 a token: the first over the mean length."""
    t, _, share = demonstrations()
    model, (x, y) = bigram(t.language), t.tree.everything()
    fit_by_counting(model, x, y, share)
    counts = t.language.counts(y)
    nll, _ = sequence_nll(token_logp(model, x, y)[0], counts, share)
    assert nll == pytest.approx(2.9970, abs=6e-5)
    assert nll / (share @ counts.sum(axis=1)) == pytest.approx(1.2327, abs=6e-5)
    drawn, _ = sample(model, np.arange(30_000) % 3, np.random.default_rng(0))
    logp, _ = token_logp(model, np.arange(30_000) % 3, drawn)
    assert token_nll(logp, t.language.counts(drawn))[0] == pytest.approx(1.2327, abs=0.05)


@pytest.mark.parametrize(("n", "kl"), [(50, 0.215), (500, 0.061), (5000, 0.039)])
def test_fine_tuning_on_few_demonstrations(n, kl):
    """KL(demonstrator || pi), n demonstrations a prompt, half a count added: the mean of 10 seeds, within 15 %."""
    t, demo, share = demonstrations()
    speaker, x = trie(t.language), np.repeat(np.arange(3), n)
    fit_by_counting(speaker, *t.tree.everything(), share)
    far = []
    for seed in range(10):
        model = bigram(t.language)
        fit_by_counting(model, x, sample(speaker, x, np.random.default_rng(seed))[0], add=0.5)
        far.append(divergence(demo, responses(model, t.tree)).mean())
    assert np.mean(far) == pytest.approx(kl, rel=0.15)


# ---------------------------------------- stages: beta .2, three tokens


def summary(t, log_pi, beta=0.2):
    """E r, KL(pi || ref), what is missing of V, KL(pi || pi*): means over prompts."""
    best, V = kl_optimal_policy(t.log_ref, t.reward, beta)
    J = regularised_performance(log_pi, t.log_ref, t.reward, beta)
    parts = expectation(log_pi, t.reward), divergence(log_pi, t.log_ref), V - J, divergence(log_pi, best)
    return [float(x.mean()) for x in parts]


def test_where_it_starts_and_where_it_should_end():
    t = toy(3)
    best, V = kl_optimal_policy(t.log_ref, t.reward, 0.2)
    np.testing.assert_allclose(summary(t, best), [1.6494, 1.6445, 0, 0], rtol=0, atol=6e-5)
    assert V.mean() == pytest.approx(1.3205, abs=6e-5)
    assert expectation(t.log_ref, t.reward).mean() == pytest.approx(0.5305, abs=6e-5)


def test_the_exact_policy_gradient():
    """600 steps of Adam, lr .05."""
    t = toy(3)
    model, adam = reference_trie(t), Adam(0.05)
    for _ in range(600):
        _, grads = performance_gradient(model, t.tree, t.log_ref, t.reward, 0.2)
        adam.step(model.params, {"theta": -grads["theta"]})
    want = [1.6487, 1.6416, 0.0001, 0.0006]
    np.testing.assert_allclose(summary(t, responses(model, t.tree)), want, rtol=0, atol=6e-5)


@pytest.mark.parametrize(
    ("n", "reward", "kl", "gap"), [(4, 1.2946, 0.6246, 0.151), (16, 1.6517, 1.7704, 0.0229)]
)
def test_best_of_n_beside_the_optimum(n, reward, kl, gap):
    t = toy(3)
    got = summary(t, best_of_n(t.log_ref, t.reward, n))
    np.testing.assert_allclose(got[:2], [reward, kl], rtol=0, atol=6e-5)
    assert got[2] == pytest.approx(gap, abs=6e-4)


def test_fine_tuning_on_the_best_of_four():
    """900 steps of Adam on the exact mean of the loss: the policy that took four draws now needs one."""
    t = toy(3)
    target = best_of_n(t.log_ref, t.reward, 4)
    model, adam, (x, y) = reference_trie(t), Adam(0.05), t.tree.everything()
    for _ in range(900):
        logp, back = token_logp(model, x, y)
        adam.step(model.params, back(sequence_nll(logp, t.language.counts(y), np.exp(target).ravel() / 3)[1]))
    log_pi = responses(model, t.tree)
    assert expectation(log_pi, t.reward).mean() == pytest.approx(1.2945, abs=2e-4)
    assert divergence(target, log_pi).mean() < 4e-5


def where_it_flows(t, d_k, per_token, steps, beta=0.2):
    """The exact mean of reward and of an estimator of the divergence, put into the loss; Adam, lr .05, then .005.

    d_k: the estimator's slope. By itself it is differentiated through logp alone: the samples stay.
    """
    model, (x, y) = reference_trie(t), t.tree.everything()
    ref = token_logp(t.ref, x, y)[0] if per_token else sequence_logp(t.ref, x, y)[0]
    reward, counts = t.reward.ravel(), t.language.counts(y)
    for lr in (0.05, 0.005):
        adam = Adam(lr)
        for _ in range(steps):
            logp, back = token_logp(model, x, y)
            whole = logp.sum(axis=1)
            slope = d_k(logp, ref) if per_token else d_k(whole, ref)[:, None]
            push = np.exp(whole)[:, None] * (reward[:, None] - beta * slope) / 3
            adam.step(model.params, back(-push * counts))
    return responses(model, t.tree)


def test_k3_of_responses_in_the_loss_has_an_optimum_of_its_own():
    """It is the one with a price on KL(ref || pi), not pi*."""
    t = toy(3)
    log_pi = where_it_flows(t, d_k3, per_token=False, steps=800)
    np.testing.assert_allclose(summary(t, log_pi)[:2], [1.7052, 2.594], rtol=0, atol=1e-3)
    np.testing.assert_allclose(log_pi, kl_ref_optimal_policy(t.log_ref, t.reward, 0.2), rtol=0, atol=1e-2)


def test_that_optimum_stands_still():
    """Of beta ref / (lam - r) the exact mean of reward and k3 in the loss has the gradient 0."""
    t = toy(3)
    model, (x, y) = trie(t.language), t.tree.everything()
    best = kl_ref_optimal_policy(t.log_ref, t.reward, 0.2)
    fit_by_counting(model, x, y, np.exp(best).ravel())
    logp, back = sequence_logp(model, x, y)
    np.testing.assert_allclose(logp, best.ravel(), rtol=0, atol=1e-12)
    slope = d_k3(logp, t.log_ref.ravel())
    assert np.abs(back(np.exp(logp) * (t.reward.ravel() - 0.2 * slope))["theta"]).max() < 6e-13
    assert np.abs(back(np.exp(logp) * (t.reward.ravel() - 0.3 * slope))["theta"]).max() > 1e-3


@pytest.mark.parametrize(
    ("d_k", "per_token", "gap"),
    [(d_k2, True, 0.015), (d_k3, True, 0.061), (d_k2, False, 0.0)],
    ids=["k2 of tokens", "k3 of tokens", "k2 of responses"],
)
def test_an_estimator_of_tokens_in_the_loss_misses_the_optimum(d_k, per_token, gap):
    """A token's estimate does not know of the divergence that comes later; k2 of whole responses does."""
    t = toy(3)
    got = summary(t, where_it_flows(t, d_k, per_token, steps=500))
    assert got[2] == pytest.approx(gap, abs=6e-4)
    if d_k is d_k3:
        assert got[0] == pytest.approx(1.526, abs=6e-4)


def all_pairs_dpo(t, steps):
    """DPO on every pair, Adam .02: a row before each step of (loss, E logp chosen, rejected, KL(pi || pi*))."""
    judge = near_reference(t.tree, t.log_ref, t.reward, 0.2)
    cfg = DPOConfig(steps=steps + 1, lr=0.02, every=1)
    weight, model = pair_weights(t.log_ref, t.reward), reference_trie(t)
    distance, said = [judge(model)["distance"]], ("loss", "logp_chosen", "logp_rejected")
    history = train_dpo_on_all_pairs(model, t.ref, t.tree, weight, cfg, judge)
    distance += [row["distance"] for row in history[:-1]]
    return np.array([[*(row[key] for key in said), d] for row, d in zip(history, distance, strict=True)])


def test_dpo_on_all_pairs_lowers_what_was_chosen():
    """It comes to the optimum of reinforcement, and both log-probabilities fall on the way."""
    rows = all_pairs_dpo(toy(3), 500)[[0, 50, 200, 500]]
    np.testing.assert_allclose(rows[:, 1], [-3.50, -3.86, -5.74, -6.18], rtol=0, atol=6e-3)
    np.testing.assert_allclose(rows[:, 2], [-3.92, -5.14, -8.32, -9.05], rtol=0, atol=6e-3)
    assert rows[0, 0] == pytest.approx(np.log(2), abs=1e-12)
    assert rows[-1, 0] == pytest.approx(0.58337, abs=6e-6)
    assert rows[0, 3] == pytest.approx(3.95, abs=6e-3)
    assert rows[-1, 3] == pytest.approx(0.00026, abs=6e-6)


def test_dpo_on_all_pairs_arrives():
    """After 1,500 steps: E r 1.6494 and KL 1.6445, those of pi*; the loss is the raters' own, and not below."""
    t = toy(3)
    model, weight = reference_trie(t), pair_weights(t.log_ref, t.reward)
    cfg = DPOConfig(steps=1500, lr=0.02, every=1500)
    (row,) = train_dpo_on_all_pairs(model, t.ref, t.tree, weight, cfg)
    np.testing.assert_allclose(
        summary(t, responses(model, t.tree)), [1.6494, 1.6445, 0, 0], rtol=0, atol=6e-5
    )
    assert summary(t, responses(model, t.tree))[3] < 1e-5
    assert row["loss"] == pytest.approx(0.5832735750109989, abs=2e-8)


@pytest.mark.parametrize(("length", "floor"), [(3, 0.5832735750109989), (4, 0.5823506975502307)])
def test_the_least_loss_is_the_same_for_every_beta(length, floor):
    """At the optimum of each beta, which are as far apart as 1.08 and 2.07 of reward: beta is not in the loss."""
    t = toy(length)
    weight = pair_weights(t.log_ref, t.reward)
    for beta in (1.0, 0.2, 0.1):
        best, _ = kl_optimal_policy(t.log_ref, t.reward, beta)
        value, slope = population_loss(partial(dpo, beta=beta), weight, best, t.log_ref)
        assert value == pytest.approx(floor, abs=1e-12)
        assert np.abs(slope).max() < 1e-14


# ---------------------------------------- a policy that cannot be everything: bigrams, four tokens


def bigram_optimum(t, loss):
    """loss(model) -> value, grads; by L-BFGS from the reference.   -> log pi (X, N)"""
    model = t.ref.frozen()
    theta = model.params["theta"]

    def flat(x):
        theta[...] = x.reshape(theta.shape)
        value, grads = loss(model)
        return value, grads["theta"].ravel()

    flat(
        minimize(
            flat,
            theta.ravel().copy(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-7},
        ).x
    )
    return responses(model, t.tree)


@pytest.mark.parametrize(
    ("beta", "want", "V"),
    [
        (0.5, 1.01423, 1.0660),
        (0.2, 1.28123, 1.4500),
        (0.1, 1.42785, 1.7326),
    ],
)
def test_the_best_bigram(beta, want, V):
    t = toy(4)

    def loss(model):
        J, grads = performance_gradient(model, t.tree, t.log_ref, t.reward, beta)
        return -J, {"theta": -grads["theta"]}

    J = regularised_performance(bigram_optimum(t, loss), t.log_ref, t.reward, beta).mean()
    assert J == pytest.approx(want, abs=6e-6)
    assert kl_optimal_policy(t.log_ref, t.reward, beta)[1].mean() == pytest.approx(V, abs=6e-5)


@pytest.mark.parametrize(("beta", "want"), [(0.5, 1.01307), (0.2, 1.27536), (0.1, 1.40399)])
def test_the_bigram_that_dpo_finds_is_another(beta, want):
    t = toy(4)
    weight, (x, y) = pair_weights(t.log_ref, t.reward), t.tree.everything()

    def loss(model):
        logp, back = sequence_logp(model, x, y)
        value, d = population_loss(partial(dpo, beta=beta), weight, logp.reshape(3, -1), t.log_ref)
        return value, back(d.ravel())

    J = regularised_performance(bigram_optimum(t, loss), t.log_ref, t.reward, beta).mean()
    assert J == pytest.approx(want, abs=6e-5)


# ---------------------------------------- too much of a good thing: a coarse reward model, four tokens

COARSE = np.array([0.5656407845899848, -0.4824373924608199])


@pytest.mark.parametrize(
    ("beta", "kl", "model", "gold"),
    [
        (2.0, 0.0526, 0.105, 0.793),
        (1.0, 0.2098, 0.314, 0.951),
        (0.5, 0.9025, 0.772, 1.092),
        (0.3, 2.786, 1.477, 0.867),
        (0.2, 5.094, 2.050, 0.436),
        (0.05, 6.415, 2.263, 0.200),
    ],
)
def test_optimising_the_reward_model(beta, kl, model, gold):
    t = toy(4)
    score = table(t, coarse_features) @ COARSE
    best, _ = kl_optimal_policy(t.log_ref, score, beta)
    got = [
        float(x.mean())
        for x in (divergence(best, t.log_ref), expectation(best, score), expectation(best, t.reward))
    ]
    np.testing.assert_allclose(got, [kl, model, gold], rtol=0, atol=6e-4)


@pytest.mark.parametrize(
    ("n", "kl", "model", "gold"),
    [
        (2, 0.190, 0.255, 0.995),
        (4, 0.627, 0.540, 1.253),
        (8, 1.181, 0.785, 1.363),
        (16, 1.791, 1.009, 1.317),
        (64, 3.059, 1.385, 0.940),
        (4096, 6.390, 2.260, 0.204),
    ],
)
def test_taking_the_best_by_the_reward_model(n, kl, model, gold):
    t = toy(4)
    score = table(t, coarse_features) @ COARSE
    best = best_of_n(t.log_ref, score, n)
    got = [
        float(x.mean())
        for x in (divergence(best, t.log_ref), expectation(best, score), expectation(best, t.reward))
    ]
    np.testing.assert_allclose(got, [kl, model, gold], rtol=0, atol=6e-4)


def test_gold_rises_and_falls_below_where_it_began():
    """The model's favourite is "aaaa", worth .2; ref has .5849. With the true reward there is no fall."""
    t = toy(4)
    score = table(t, coarse_features) @ COARSE
    assert t.language.texts(t.tree.response[score[0].argmax()][None]) == ["aaaa"]
    assert t.reward[0, score[0].argmax()] == pytest.approx(0.2, abs=1e-12)
    assert expectation(t.log_ref, t.reward).mean() == pytest.approx(0.5849, abs=6e-5)
    betas = [20, 2, 1, 0.5, 0.3, 0.2, 0.1, 0.05]
    by_model = [kl_optimal_policy(t.log_ref, score, beta)[0] for beta in betas]
    proxy = [expectation(p, score).mean() for p in by_model]
    gold = [expectation(p, t.reward).mean() for p in by_model]
    true = [expectation(kl_optimal_policy(t.log_ref, t.reward, beta)[0], t.reward).mean() for beta in betas]
    assert (np.diff(proxy) > 0).all()
    peak = int(np.argmax(gold))
    assert 0 < peak < len(betas) - 1
    assert (np.diff(gold[: peak + 1]) > 0).all()
    assert (np.diff(gold[peak:]) < 0).all()
    assert gold[-1] < expectation(t.log_ref, t.reward).mean() - 0.3
    assert (np.diff(true) > 0).all()
    wins = [win_rate(p, t.log_ref, t.reward).mean() for p in by_model]
    assert max(wins) == pytest.approx(0.6015, abs=6e-5)
    assert wins[-1] == pytest.approx(0.4124, abs=6e-5)


def test_the_best_of_n_goes_further_before_it_falls():
    """Its gold peaks at n = 8, higher than any beta's, at a KL near that one's; it wins .657 there and .41 at last."""
    t = toy(4)
    score = table(t, coarse_features) @ COARSE
    drawn = [best_of_n(t.log_ref, score, 2**k) for k in range(13)]
    learned = [kl_optimal_policy(t.log_ref, score, beta)[0] for beta in np.geomspace(4, 0.05, 60)]

    def along(policies, f):
        return np.array([f(p).mean() for p in policies])

    proxy, gold = (
        along(drawn, lambda p: expectation(p, score)),
        along(drawn, lambda p: expectation(p, t.reward)),
    )
    assert (np.diff(proxy) > 0).all()
    assert gold.argmax() == 3
    assert (np.diff(gold[:4]) > 0).all()
    assert (np.diff(gold[3:]) < 0).all()
    assert gold[-1] < expectation(t.log_ref, t.reward).mean() - 0.3
    by_beta = along(learned, lambda p: expectation(p, t.reward))
    assert gold.max() > by_beta.max() + 0.25
    at = [
        along(p, lambda p: divergence(p, t.log_ref))[g.argmax()]
        for p, g in ((drawn, gold), (learned, by_beta))
    ]
    assert at[0] == pytest.approx(at[1], abs=0.4)
    wins = along(drawn, lambda p: win_rate(p, t.log_ref, t.reward))
    assert wins.max() == pytest.approx(0.657, abs=6e-4)
    assert wins[-1] == pytest.approx(0.41, abs=6e-3)


# ---------------------------------------- what may be done to a reward, and what not


def test_a_constant_a_prompt_is_harmless_and_one_spread_for_all_prompts_is_not():
    """c(x): the same pi*, the same pairs. Divided by the spread over all prompts: another price, so another pi*."""
    t = toy(3)
    best, V = kl_optimal_policy(t.log_ref, t.reward, 0.2)
    c = np.array([[3.0], [-1.0], [0.5]])
    again, V_c = kl_optimal_policy(t.log_ref, t.reward + c, 0.2)
    np.testing.assert_allclose(again, best, rtol=0, atol=1e-12)
    np.testing.assert_allclose(V_c, V + c[:, 0], rtol=0, atol=1e-12)
    weight = pair_weights(t.log_ref, t.reward)
    np.testing.assert_allclose(pair_weights(t.log_ref, t.reward + c), weight, rtol=0, atol=1e-15)
    mean = expectation(t.log_ref, t.reward).mean()
    spread = np.sqrt(expectation(t.log_ref, (t.reward - mean) ** 2).mean())
    white, _ = kl_optimal_policy(t.log_ref, (t.reward - mean) / spread, 0.2)
    assert divergence(white, best).min() > 0.01
    same, _ = kl_optimal_policy(
        t.log_ref, t.reward, 0.2 * spread
    )  # the mean did nothing, the spread is a price
    np.testing.assert_allclose(white, same, rtol=0, atol=1e-12)


def test_a_constant_a_token_pays_for_length():
    """-.5 a token, as when rewards of tokens are shifted to mean 0: shorter responses, and J falls by .1 and more."""
    t = toy(3)
    best, V = kl_optimal_policy(t.log_ref, t.reward, 0.2)
    shifted, _ = kl_optimal_policy(t.log_ref, t.reward - 0.5 * t.tree.length, 0.2)
    assert (expectation(shifted, t.tree.length) < expectation(best, t.tree.length) - 0.3).all()
    assert (regularised_performance(shifted, t.log_ref, t.reward, 0.2) < V - 0.1).all()
