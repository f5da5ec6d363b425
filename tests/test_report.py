"""The dashboard: what the page holds, that it needs no network, CSV there and back, the doors."""

import base64
import math
import re
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest

from rlcore.algorithms.ppo import PPOConfig, ppo
from rlcore.lab.report import columns, picture, read_csv, report, write_csv
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import td
from rlcore.learning.policies import Policy, Value
from rlcore.learning.returns import gae
from rlcore.nn.layers import mlp, mlp_params
from rlcore.problems.probes import PROBES

nan = math.nan
ROWS = [
    {"step": 32.0, "score": nan, "kl": 0.01, "beta": nan},
    {"step": 64.0, "score": 21.5, "kl": 1 / 3, "beta": nan},
    {"step": 96.0, "score": nan, "kl": 1e-17, "beta": nan},
    {"step": 128.0, "score": 40.0, "kl": 0.002, "beta": nan},
]


class Parts(HTMLParser):
    """What a browser would see: the cells of the tables, the headings, the pictures."""

    def __init__(self, html):
        super().__init__()
        self.cells, self.headings, self.images, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.cells.append([])
        if tag == "img":
            self.images.append(dict(attrs))
        self.open.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1].append(data)
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)

    def handle_endtag(self, tag):
        self.open.append("")


def test_the_table_says_where_each_column_began_and_ended():
    parts = Parts(report(ROWS, title="a run").html())
    assert parts.cells == [
        ["column", "first", "last", "least", "most", "rows"],
        ["score", "21.5", "40", "21.5", "40", "2"],
        ["kl", "0.01", "0.002", "1e-17", "0.3333", "4"],
    ]
    assert parts.headings == ["a run", "score", "kl", "beta"]
    assert [image["alt"] for image in parts.images] == ["score over step", "kl over step"]


def test_the_page_needs_no_network_and_its_pictures_are_in_it():
    html = report(ROWS, title="a <run> & more").html()
    assert "<title>a &lt;run&gt; &amp; more</title>" in html
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    for image in Parts(html).images:
        svg = base64.b64decode(image["src"].partition("base64,")[2]).decode()
        assert svg.rstrip().endswith("</svg>")
        assert "<path" in svg
    assert "http" not in re.sub(r'"data:[^"]*"', "", html)


def test_the_same_history_gives_the_same_page(tmp_path):
    for name in ("a.html", "b.html"):
        report(ROWS, title="twice").save(tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_settings_are_written_in_words():
    cfg = PPOConfig(lr=0.5, normalise=np.tanh)
    cells = dict(c for c in Parts(report(ROWS, title="t", settings=cfg).html()).cells if len(c) == 2)
    assert cells["lr"] == "0.5"
    assert cells["surrogate"] == "PPOClip(clip=0.2)"
    assert cells["lr_schedule"] == "linear"
    assert cells["normalise"] == "tanh"

    from rlcore.algorithms.actor_critic import ActorCriticConfig

    cfg = ActorCriticConfig(advantage=partial(gae, lam=0.5), target=td)
    cells = dict(c for c in Parts(report(ROWS, title="t", settings=cfg).html()).cells if len(c) == 2)
    assert cells["advantage"] == "partial(gae, lam=0.5)"
    assert cells["target"] == "td"


def test_runs_side_by_side_also_where_one_has_a_column_more():
    short = [{"step": 5.0, "kl": 0.5}]
    parts = Parts(report({"clip": ROWS, "penalty": short}, title="two").html())
    assert parts.cells[0] == ["run", "column", "first", "last", "least", "most", "rows"]
    assert ["penalty", "kl", "0.5", "0.5", "0.5", "0.5", "1"] in parts.cells
    assert [row[1] for row in parts.cells if row[0] == "penalty"] == ["kl"]


def test_a_single_row_is_a_dot_and_more_are_a_line():
    one, three = np.array([1.0]), np.arange(3.0)
    drawn = picture({"a": (one, one), "b": (three, three)}, "zero_gradient", "step").axes[0]
    assert [line.get_marker() for line in drawn.lines] == ["o", ""]
    assert drawn.get_ylabel() == "zero gradient"


def test_the_history_of_ppo_becomes_a_page():
    env, rng = PROBES["one_choice"](), np.random.default_rng(0)
    policy = Policy(mlp_params([env.n_features, 2], rng), mlp, Categorical())
    value = Value(mlp_params([env.n_features, 1], rng), mlp)
    cfg = PPOConfig(steps=256, walkers=4, T=8, minibatch=16, eval_episodes=5)
    history = ppo(env, policy, value, cfg, rng)
    headings = Parts(report(history, title="a probe", settings=cfg).html()).headings
    assert headings[1:] == [name for name in history[0] if name != "step"]


def test_csv_there_and_back_to_the_last_bit(tmp_path):
    path = tmp_path / "history.csv"
    write_csv(ROWS, path)
    back = read_csv(path)
    assert [list(row) for row in back] == [list(row) for row in ROWS]
    np.testing.assert_array_equal([list(row.values()) for row in back], [list(row.values()) for row in ROWS])
    assert path.read_text().splitlines()[:3] == [
        "step,score,kl,beta",
        "32,nan,0.01,nan",
        "64,21.5,0.3333333333333333,nan",
    ]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history is empty; it needs at least one row"),
        (
            [{"step": 1.0}, {"loss": 1.0}],
            r"history\[1\] is .*; it must be a dict with the names of row 0: \['step'\]",
        ),
        ([{"step": 1.0}, 7], r"history\[1\] is 7; it must be a dict"),
        ([{"step": "x"}], r"history\[0\]\['step'\] is 'x'; it must be a number"),
        ([{"step": True}], r"history\[0\]\['step'\] is True; it must be a number"),
        ([{"loss": 1.0}], "x is 'step'; it must be a column of finite numbers of the history"),
        ([{"step": nan, "loss": 1.0}], "x is 'step'; it must be a column of finite numbers"),
        ({}, "histories is empty; give at least one run"),
        ({"a": ROWS, "b": []}, r"histories\['b'\] is empty"),
    ],
)
def test_histories_that_are_none_are_refused(history, message):
    with pytest.raises(ValueError, match=message):
        report(history, title="t")


def test_settings_that_are_no_configuration_are_refused():
    with pytest.raises(ValueError, match="settings is 3; it must be a configuration"):
        report(ROWS, title="t", settings=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 lines; it must have a line of names and at least one of numbers"),
        ("step,kl\n", "has 1 lines"),
        ("step,kl\n1,2\n3\n", "line 3: 1 entries; it must have 2, as line 1 has"),
        ("step,kl\n1,two\n", "line 2: could not convert string to float: 'two'"),
    ],
)
def test_files_that_are_no_history_are_refused(tmp_path, text, message):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_csv(path)


def test_columns_are_arrays():
    run = columns(ROWS)
    assert list(run) == ["step", "score", "kl", "beta"]
    np.testing.assert_array_equal(run["step"], [32, 64, 96, 128])
