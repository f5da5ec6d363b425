"""A reinforcement-learning textbook that runs.

Import from modules, so that the import line says where to read:

    from rlcore.problems.gridworlds import frozen_lake
    from rlcore.algorithms.dp import solve

The reading order:

    numerics                softmax and its relatives, sampling, finite differences
    problems.env            what an environment is
    problems.mdp            MDP, SparseMDP: the model and its `lookahead`        (problems.doors: what they refuse)
    problems.gridworlds     worlds drawn as text
    problems.chains         problems for paper and pencil
    problems.car_rental     Jack's car rental
    problems.gambler        the gambler's problem
    problems.blackjack      blackjack, by cards and as an exact model
    problems.garnet         random models
    problems.access_control a queue without end: average reward
    problems.cartpole       a pole on a cart, bit for bit Gymnasium's
    problems.mountain_car   a car too weak for its hill, likewise
    problems.pendulum       a rod on a weak motor, likewise: actions are real numbers
    problems.probes         problems so small that a fault in a learner has nowhere to hide
    problems.counterexamples  where linear temporal differences run away
    problems.gym            Gymnasium, both ways        (problems.drawing: what they render)
    exact.values            values by linear algebra: the oracle
    exact.average           the average reward a step, likewise
    algorithms.dp           dynamic programming as streams of iterates, and `solve`
    algorithms.certificate  how far a table of values can be from the truth
    problems.structure      what leads where, and what is never left: needed where gamma = 1
    algorithms.fast_dp      the same answers, fast
    learning.policies       greedy, epsilon-greedy and softmax actions
    learning.lanes          many runs of a learner in lock-step        (learning.progress: a bar while they run)
    problems.bandits        bandits: Gaussian, Bernoulli, drifting
    algorithms.bandits      epsilon-greedy, optimistic, UCB, gradient and Thompson players
    plain.bandits           the same loops, one bandit at a time
    learning.returns        what a walk was worth        (learning.episodes: whole walks, kept until they end)
    algorithms.monte_carlo  returns of whole episodes: prediction, control, importance sampling
    plain.monte_carlo       the same loops, one run at a time
    algorithms.td           temporal differences: TD(0), SARSA, Q-learning and their relatives
    plain.td                the same loops, one run at a time
    algorithms.batch        batch TD and batch Monte Carlo: where they end        (plain.batch: how they get there)
    learning.tapes          walks under a fixed policy, to learn from later        (learning.window: the last n steps)
    algorithms.n_step       n-step methods: prediction, SARSA, tree backup, importance sampling
    plain.n_step            the same loops, one run at a time
    algorithms.traces       eligibility traces: lambda-returns, TD(lambda), SARSA(lambda), Watkins's Q(lambda)
    plain.traces            the same loops, one run at a time
    learning.model          what a learner remembers of the world        (learning.journey: worlds that change)
    algorithms.planning     planning with a learned model: Dyna-Q, Dyna-Q+, prioritized sweeping
    plain.planning          the same loops, one run at a time
    algorithms.tree_search  UCT: plan for the present state alone
    learning.features       what a linear function sees of a state: groups, bases, tiles  (learning.weights: its values)
    exact.linear            what linear learners converge to
    algorithms.linear       gradient Monte Carlo, semi-gradient TD and SARSA, LSTD, average reward
    algorithms.gradient_td  off-policy prediction: what runs away, and TDC, which does not
    plain.linear            the same loops, one run at a time
    nn.layers               layers and networks: forward beside backward        (nn.optim: SGD to Adam)
    nn.attention            causal attention and a transformer of one block, likewise
    learning.rollout        walkers in lock-step, ours and Gymnasium's
    algorithms.dqn          deep Q-networks and double DQN        (learning.replay: their memory)
    exact.gradients         the gradient of performance, natural too, and how far a step can be trusted
    exact.moments           mean and covariance of an estimator, over every trajectory
    exact.one_step          two gradients of one reward, their means and variances; what clipping does to a score
    exact.descent           gradient descent with old gradients and with averaged parameters, to the last digit
    learning.estimators     estimates of that gradient, one a trajectory        (problems.clock: a limit in the state)
    learning.heads          what a policy's network means: discrete and real-valued actions
    learning.kl             how far two policies are apart, exactly and from samples
    learning.value_losses   what a critic minimises                                        (learning.shapes: refusals)
    learning.losses         what a policy minimises: policy gradients, PPO's surrogates
    learning.on_policy      walks under the present policy, whole episodes, flat batches
    algorithms.linear_reinforce  the policy gradient from whole episodes, with linear preferences
    plain.reinforce         the same loop, one run at a time
    algorithms.reinforce    the same with networks: full return, reward-to-go, baselines
    algorithms.actor_critic a policy, and a critic that says how good each step was: A2C
    algorithms.trpo         trust regions: the natural gradient, as far as the divergence allows
    algorithms.ppo          proximal policy optimisation: clip, penalty, with a critic and without
    algorithms.ddpg         deep deterministic policy gradient: actions are real numbers, and nothing is drawn
    algorithms.sharded      regression on shards of data: gradients or parameters averaged
    algorithms.distributed  PPO and A2C on shards of walkers        (learning.shards, learning.workers: who does it)
    algorithms.asynchronous gradients that come late: what not waiting costs
    exact.regularised       the best policy near a reference, and what it is worth; the best of n; soft values
    learning.preferences    losses on what people prefer: Bradley-Terry, DPO, IPO and relatives, rankings
    lm.language             tokens, prompts, responses in rows        (lm.tree: all responses, and the MDP they are)
    lm.models               trie, bigram, network and transformer behind one interface        (lm.sampling: they speak)
    lm.tasks                a hidden preference, addition, brackets, parity        (lm.raters: who is asked)
    lm.evaluate             what a model does, over every response        (lm.population: every pair of them)
    lm.sft                  supervised fine-tuning: by counting and by gradient
    lm.reward_model         what people like, from pairs, rankings, ratings and edits
    lm.rlhf                 PPO and RLOO near a reference        (lm.priced: what a token costs)
    lm.best_of_n            the best of n draws, and fine-tuning on it
    lm.iterated             comparisons, reward model, PPO, and again
    lm.segments             CartPole from preferences between short films        (problems.endless: no early end)
    lm.dpo                  from comparisons to a policy without a reward model: DPO, IPO, SimPO, KTO
    lm.rrhf                 ranked responses, and the likelihood of the best one
    lm.grpo                 groups in the place of a critic: GRPO, Dr. GRPO, DAPO, GSPO, RLOO
    lm.conventions          the same, as papers and programs have it by default
    lm.rambling             an answer and talk behind it: where a loss that divides by lengths leads
    lm.checked              answers that a program checks, and pass@k        (lm.linear: the plainest policy)
    lm.contest              eight entrants, one task, one budget
    lab.plots               pictures of values, policies and convergence        (lab.film: a film of them)
    lab.flow                flow diagrams whose boxes are calls of the code
    lab.experiments         runs over seeds, curves with intervals
    lab.report              a history as one HTML page, or as CSV
    lab.source              shows code of rlcore inside a chapter
"""

__version__ = "0.1.0"
