"""Pictures: what is drawn is what was given, nothing leaks, files are the same twice, the doors."""

import io
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from PIL import Image

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import GridWorld, cliff, frozen_lake, walk, windy

GRID = GridWorld("S.# .HG", gamma=0.9)
V = np.array([-1.25, 2.0, 0.0, 3.14, 0.0, 0.0])
RIGHT_AND_DOWN = np.tile([False, True, True, False], (6, 1))


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def arrows(figure):
    """(column, row, x, y) of each arrow: the cell where it stands and the way it points."""
    found = []
    for collection in figure.axes[0].collections:
        if isinstance(collection, PolyCollection) and collection.get_zorder() == 3:
            for path in collection.get_paths():
                corners = path.vertices[:-1]
                middle, tip = corners.mean(axis=0), corners[len(corners) // 2]
                way = np.where(np.abs(tip - middle) > 0.05, np.sign(tip - middle), 0)
                found.append((*np.rint(middle).astype(int).tolist(), *way.astype(int).tolist()))
    return sorted(found)


# ---------------------------------------------------------------- what is drawn


def test_values_show_numbers_landmarks_and_the_colours_of_the_floor():
    figure = plots.plot_values(GRID, V)
    assert sorted(texts(figure)) == sorted(["\u22121.2", "2.0", "3.1", "S", "H", "G"])
    faces = figure.axes[0].collections[0].get_facecolor()
    viridis = matplotlib.colormaps["viridis"]
    np.testing.assert_allclose(faces[[0, 3]], [viridis(0.0), viridis(1.0)])  # walls and ends set no limit
    np.testing.assert_allclose(faces[2], matplotlib.colors.to_rgba(plots.WALL))
    assert figure.axes[1].get_ylabel() == "value"


def test_no_minus_zero():
    assert "0.0" in texts(plots.plot_values(GRID, np.full(6, -0.001)))


@pytest.mark.parametrize("decimals", [1, None])
def test_all_optimal_actions_are_arrows_and_ends_have_none(decimals):
    right, down = (1, 0), (0, 1)
    expected = sorted((x, y, *move) for x, y in [(0, 0), (1, 0), (0, 1)] for move in (right, down))
    assert arrows(plots.plot_values(GRID, V, policy=RIGHT_AND_DOWN, decimals=decimals)) == expected


def test_a_policy_of_integers_points_one_way_in_each_cell():
    figure = plots.plot_policy(GRID, np.array([0, 3, 0, 2, 0, 0]))
    assert arrows(figure) == sorted([(0, 0, 0, -1), (1, 0, -1, 0), (0, 1, 0, 1)])


def test_likelier_actions_have_longer_arrows():
    figure = plots.plot_policy(GRID, np.tile([0.1, 0.6, 0.3, 0.0], (6, 1)))
    sizes = [np.ptp(p.vertices, axis=0).max() for p in figure.axes[0].collections[1].get_paths()[:3]]
    np.testing.assert_allclose(np.array(sizes) / sizes[1], [1 / 6, 1, 1 / 2])


def test_king_moves_have_diagonal_arrows():
    grid = windy(king=True)
    figure = plots.plot_policy(grid, np.full(grid.n_states, 4))  # up and to the right
    assert {arrow[2:] for arrow in arrows(figure)} == {(1, -1)}


def test_numbers_are_legible_on_every_colour():
    """Contrast of at least 4.5 to 1, the web guidelines' demand, for black or white as chosen."""
    for rgba in matplotlib.colormaps["viridis"](np.linspace(0, 1, 256)):
        channel = np.where(rgba[:3] <= 0.04045, rgba[:3] / 12.92, ((rgba[:3] + 0.055) / 1.055) ** 2.4)
        light = channel @ [0.2126, 0.7152, 0.0722]
        contrast = (light + 0.05) / 0.05 if plots._ink(rgba) == "black" else 1.05 / (light + 0.05)
        assert contrast >= 4.5


def test_q_has_a_triangle_a_move_and_marks_all_best():
    grid = GridWorld("..", gamma=0.9)
    Q = np.array([[1.0, 2.0, 2.0, -1.0], [0.0, 0.0, 0.0, 5.0]])
    figure = plots.plot_q(grid, Q)
    ax = figure.axes[0]
    triangles = [p.vertices[:3] for p in ax.collections[1].get_paths()]
    assert len(triangles) == 8
    middle = np.array([t.mean(axis=0) for t in triangles])
    np.testing.assert_allclose(middle[:4], np.array([(0, -1), (1, 0), (0, 1), (-1, 0)]) / 3)
    bold = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert sorted(bold) == ["2.0", "2.0", "5.0"]
    assert len(ax.lines) == 3  # their dots


def test_a_walk_visits_the_cells_of_its_states_in_order():
    grid = walk()
    states = [0, 1, 1, 7, 1, 2]
    x, y = plots.plot_walk(grid, states).axes[0].lines[0].get_data()
    np.testing.assert_array_equal(np.rint(y).astype(int) * 6 + np.rint(x).astype(int), states)
    assert len(set(zip(x, y))) == len(states)  # no visit hides another


def test_a_table_of_whole_numbers_is_labelled_once_a_number_inside_its_region():
    table = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [-2, -2, -2, 1]])
    ax = plots.plot_table(table, xlabel="x", ylabel="y").axes[0]
    assert sorted(int(t.get_text()) for t in ax.texts) == [-2, 0, 1]
    for t in ax.texts:
        x, y = t.get_position()
        assert table[y, x] == int(t.get_text())


def test_a_table_of_real_numbers_has_a_bar():
    figure = plots.plot_table([[0.5, 1.5]], xlabel="x", ylabel="y", label="credit")
    assert figure.axes[1].get_ylabel() == "credit"


def test_curves_are_named_at_their_ends_and_names_do_not_overlap():
    ends = {"a": [0.0, 1.0], "b": [0.0, 1.001], "c": [0.0, 0.999], "d": [0.0, 0.0]}
    figure = plots.plot_curves(ends, xlabel="k", ylabel="v")
    figure.canvas.draw()
    boxes = {t.get_text(): t.get_window_extent() for t in figure.axes[0].texts}
    assert sorted(boxes, key=lambda name: boxes[name].y0) == ["d", "c", "a", "b"]
    assert all(a is b or not a.overlaps(b) for a in boxes.values() for b in boxes.values())


def test_curves_of_seeds_show_the_interval():
    curve = Curve([0.0, 1.0], [[0.0, 1.0], [1.0, 2.0], [2.0, 6.0]])
    ax = plots.plot_curves({"q": curve}, xlabel="k", ylabel="v").axes[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), curve.mean)
    band = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(
        [band[:, 1].min(), band[:, 1].max()], [curve.interval.min(), curve.interval.max()]
    )


def test_curves_may_have_a_legend_instead():
    figure = plots.plot_curves({"a": [1.0], "b": [2.0]}, xlabel="k", ylabel="v", legend="best")
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["a", "b"]
    assert not figure.axes[0].texts


def test_contraction_starts_at_one_beside_gamma_to_the_k():
    ax = plots.plot_contraction({"from 0": [8.0, 4.0, 1.0]}, 0.5).axes[0]
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines], [[1, 0.5, 0.125], [1, 0.5, 0.25]])
    assert ax.get_yscale() == "log"


# ---------------------------------------------------------------- films


@pytest.fixture(scope="module")
def film():
    iterates = (k * V for k in range(1, 100))
    return plots.animate(GRID, iterates, frames=3, title="a < b")


def test_a_film_has_as_many_frames_as_asked_for_all_of_one_size(film):
    sizes = {Image.open(io.BytesIO(frame)).size for frame in film.frames}
    assert len(film.frames) == 3
    assert len(sizes) == 1
    assert len(set(film.frames)) == 3


def test_colours_mean_the_same_in_all_frames(film):
    images = [np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")) for frame in film.frames]
    bars = [image[:, -image.shape[1] // 5 :] for image in images]  # the colour bar stands on the right
    assert len(np.unique(bars[0].reshape(-1, 3), axis=0)) > 20
    np.testing.assert_array_equal(bars[0], bars[1])
    np.testing.assert_array_equal(bars[0], bars[2])


def test_html_plays_without_a_network(film):
    html = film._repr_html_()
    assert not re.search(r"https?:|//cdn|@import|<link|src=\"(?!data:)", html)
    assert html.count("data:image/png;base64,") == 3 + 1  # and the one seen where scripts do not run
    assert "a &lt; b" in html
    assert html.count("{") == html.count("}")


def test_films_on_one_page_do_not_share_a_name(film):
    other = plots.animate(GRID, [V], frames=1)
    name = re.compile(r'data-film="(film-\w+)"')
    assert name.search(film.html())[1] != name.search(other.html())[1]


def test_film_files(film, tmp_path):
    film.save_gif(tmp_path / "a.gif")
    film.save_html(tmp_path / "a.html")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 3
        assert gif.info["loop"] == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert film.html() in page


def test_arrows_of_a_film_are_the_greedy_actions():
    """From V = 0 all actions tie but at the goal; the first frame differs from one without arrows."""
    grid = GridWorld("..G", gamma=0.9, step_reward=0.0, enter={"G": 1.0})
    with_arrows = plots.animate(grid, [np.zeros(3)], frames=1)
    without = plots.animate(grid, [np.zeros(3)], frames=1, arrows=False)
    assert with_arrows.frames != without.frames


# ---------------------------------------------------------------- files and state


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_same_picture_is_the_same_file(tmp_path, suffix):
    for name in "ab":
        plots.save(plots.plot_values(GRID, V), tmp_path / f"{name}{suffix}")
    once, twice = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert once == twice
    assert b"matplotlib v" not in once.lower()


def test_nothing_leaks():
    """No pyplot, no changed settings, no file."""
    script = """
import sys, matplotlib
from rlcore.lab import plots
from rlcore.problems.gridworlds import walk
settings = lambda: {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}
before = settings()
plots.plot_values(walk(), range(36))._repr_png_()
print("matplotlib.pyplot" in sys.modules, settings() == before)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "True"]


def test_a_notebook_sees_a_png():
    png, size = plots.plot_values(GRID, V)._repr_png_()
    assert Image.open(io.BytesIO(png)).format == "PNG"
    assert set(size) == {"width", "height"}


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_values(GRID, V, ax=ax),
        lambda ax: plots.plot_policy(GRID, RIGHT_AND_DOWN, ax=ax),
        lambda ax: plots.plot_q(GRID, np.zeros((6, 4)), ax=ax),
        lambda ax: plots.plot_walk(GRID, [0, 1], ax=ax),
        lambda ax: plots.plot_walk(GRID, [0, 1], V=V, ax=ax),
        lambda ax: plots.plot_table([[1, 2]], xlabel="x", ylabel="y", ax=ax),
        lambda ax: plots.plot_curves({"a": [1.0]}, xlabel="x", ylabel="y", ax=ax),
        lambda ax: plots.plot_contraction({"a": [1.0]}, 0.5, ax=ax),
    ],
)
def test_drawing_on_given_axes_returns_their_figure(draw):
    figure, (_, ax) = plots.canvas(columns=2)
    assert draw(ax) is figure
    assert ax.has_data()
    assert ax.get_xlabel()
    assert ax.get_ylabel()


# ---------------------------------------------------------------- the doors

NAN = np.where(np.arange(6) == 2, np.nan, V)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_values(frozen_lake().dense(), V), "grid is of type .*; a GridWorld is asked for"),
        (lambda: plots.plot_policy("S.G", [0]), "grid is of type str; a GridWorld is asked for"),
        (lambda: plots.plot_q(None, V), "grid is of type NoneType"),
        (lambda: plots.plot_walk(None, [0]), "grid is of type NoneType"),
        (lambda: plots.animate(None, [V]), "grid is of type NoneType"),
        (lambda: plots.plot_values(GRID, V.reshape(2, 3)), r"V has shape \(2, 3\); it must be \(6,\)"),
        (lambda: plots.plot_values(GRID, NAN), r"V\[2\] is nan, not a finite number"),
        (lambda: plots.plot_values(GRID, list("abcdef")), "V is <U1; it must be real numbers"),
        (lambda: plots.plot_values(GRID, V, limits=(1, 1)), r"limits is \(1, 1\)"),
        (
            lambda: plots.plot_values(GRID, V, policy=[0.5] * 6),
            r"policy is float64 \(6,\); it must be int \(6,\)",
        ),
        (lambda: plots.plot_values(GRID, V, policy=[0, 0, 0, 4, 0, 0]), r"policy\[3\] is 4, not an action"),
        (lambda: plots.plot_policy(GRID, -np.eye(6, 4)), r"policy\[0, 0\] is -1.0, a negative probability"),
        (lambda: plots.plot_q(GRID, np.zeros((6, 5))), r"Q has shape \(6, 5\); it must be \(6, 4\)"),
        (lambda: plots.plot_q(GRID, np.full((6, 4), np.inf)), r"Q\[0, 0\] is inf"),
        (lambda: plots.plot_walk(GRID, [0, 6]), r"states\[1\] is 6, not a state"),
        (lambda: plots.plot_walk(GRID, [0.0, 1.0]), r"states is float64 \(2,\); it must be integer"),
        (lambda: plots.plot_walk(GRID, []), r"states is float64 \(0,\)"),
        (
            lambda: plots.plot_table([1, 2], xlabel="", ylabel=""),
            r"table has shape \(2,\); it must have 2 axes",
        ),
        (lambda: plots.plot_table([[np.nan]], xlabel="", ylabel=""), r"table\[0, 0\] is nan"),
        (lambda: plots.plot_curves({}, xlabel="", ylabel=""), "lines is empty"),
        (lambda: plots.plot_curves({"a": [1, np.nan]}, xlabel="", ylabel=""), r"lines\['a'\]\[1\] is nan"),
        (
            lambda: plots.plot_curves({"a": ([1], [1, 2])}, xlabel="", ylabel=""),
            r"x of lines\['a'\] has shape",
        ),
        (
            lambda: plots.plot_curves({"a": [0.0]}, xlabel="", ylabel="", log=True),
            r"lines\['a'\] has no positive",
        ),
        (lambda: plots.plot_contraction({"a": [0.0, 1.0]}, 0.9), r"distance\['a'\] starts at 0.0"),
        (lambda: plots.plot_contraction({}, 0.9), "lines is empty"),
        (lambda: plots.animate(GRID, []), "iterates is empty"),
        (lambda: plots.animate(GRID, [V, V[:3]]), r"iterates\[1\] has shape \(3,\)"),
        (lambda: plots.animate(GRID, [V], frames=0), "frames is 0"),
        (lambda: plots.save(plots.Picture(), "a.bmp"), "path ends on 'bmp'"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arrows_need_four_or_eight_moves():
    grid = GridWorld("..G", gamma=0.9, moves=((0, 1), (0, -1)))
    with pytest.raises(ValueError, match="4 or 8 moves, and this grid has 2 actions"):
        plots.plot_policy(grid, [0, 0, 0])


def test_long_thin_and_single_cell_maps_are_drawn():
    for grid in (cliff(), GridWorld("G", gamma=0.9, start={"G": 1.0}), GridWorld(["."] * 30, gamma=0.9)):
        figure = plots.plot_values(grid, np.zeros(grid.n_states))
        assert figure._repr_png_()[0].startswith(b"\x89PNG")
