"""The figures of the book: up to date, the same numbers again, legible; and the command that draws them."""

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from rlcore.lab import plots
from tools import figures

SCRIPTS = figures.scripts()
by_name = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def committed(script):
    with np.load(script.with_suffix(".npz")) as data:
        return dict(data)


# ---------------------------------------------------------------- the figures


@by_name
def test_up_to_date(script):
    """If this fails: `python make.py figures`, look at the pictures, commit them."""
    assert figures.why_stale(script, figures.read_manifest()) == ""


@by_name
def test_the_numbers_are_the_committed_ones(script):
    """To 1e-7 of the largest number: room for other linear algebra, none for another result.

    Networks amplify the last bit; a figure of what they learned says by its `check` what must agree.
    """
    figure, expected = figures.load(script), committed(script)
    if hasattr(figure, "check"):
        figure.check(expected)
        return
    data = figure.compute()
    assert set(data) == set(expected)
    for name, array in expected.items():
        assert np.shape(data[name]) == array.shape, name
        np.testing.assert_allclose(
            np.asarray(data[name], float),
            array,
            rtol=0,
            atol=1e-7 * max(1.0, np.abs(array).max()),
            err_msg=name,
        )


@by_name
@plots.house_style()
def test_legible(script):
    """Every text has 11 points or more; axes say what they show; several lines are told apart by name."""
    figure = figures.load(script).draw(committed(script))
    figure.canvas.draw()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() >= plots.SMALL, text.get_text()
    bars = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
    panels = [ax for ax in figure.axes if ax not in bars]
    for ax in bars:
        assert ax.get_ylabel()
    for ax in panels:
        lines = [line for line in ax.lines if not line.get_label().startswith("_")]
        named = {text.get_text() for text in ax.texts}
        legends = [a.get_legend() for a in panels if a.get_legend() is not None]
        named.update(text.get_text() for legend in legends for text in legend.get_texts())
        if len(lines) > 1:
            assert {line.get_label() for line in lines if line.get_label()} <= named
    shape = panels[0].get_subplotspec().get_gridspec()  # panels side by side may share a label
    assert sum(bool(ax.get_xlabel()) for ax in panels) >= shape.ncols
    assert sum(bool(ax.get_ylabel()) for ax in panels) >= shape.nrows


@by_name
def test_files_are_small_and_true_to_their_kind(script):
    assert script.with_suffix(".svg").read_bytes().startswith(b"<?xml")
    with Image.open(script.with_suffix(".png")) as png:
        assert png.width >= 1000
    assert all(path.stat().st_size < 1_000_000 for path in figures.outputs(script))


def test_the_manifest_holds_the_figures_there_are_a_line_each_sorted():
    text = (figures.FIGURES / "manifest.json").read_text(encoding="utf-8")
    names = [line.split('"')[1] for line in text.splitlines()[1:-1]]
    assert names == [script.stem for script in SCRIPTS]


def test_the_film_of_the_readme_moves():
    with Image.open(figures.FIGURES / "fig_readme.gif") as gif:
        assert gif.n_frames >= 20


# ---------------------------------------------------------------- the numbers in them, from elsewhere


def test_small_grid_iterates():
    """Sutton & Barto, Figure 4.1; k = 10 as exact fractions give it."""
    V = committed(figures.FIGURES / "fig_03_1_iterates.py")["V"]
    np.testing.assert_allclose(V[4, 1:4], [-6.137970, -8.352356, -8.967316], atol=5e-7)
    limit = [0, -14, -20, -22, -14, -18, -20, -20, -20, -20, -18, -14, -22, -20, -14, 0]
    np.testing.assert_allclose(V[5], limit, atol=1e-9)


def test_car_rental_needs_four_improvements():
    """Sutton & Barto, Example 4.2; values with untruncated Poisson tails."""
    data = committed(figures.FIGURES / "fig_03_2_car_rental.py")
    assert data["policies"].shape == (5, 21, 21)
    np.testing.assert_allclose(data["V"][[0, 20], [0, 20]], [421.414063, 636.989607], atol=1e-6)


def test_gambler():
    """Bold play at p_h = 0.4: V(25) = 0.16, V(50) = 0.4, V(75) = 0.64; at 50 the only stake is 50."""
    data = committed(figures.FIGURES / "fig_03_5_gambler.py")
    np.testing.assert_allclose(data["V"][1, [25, 50, 75]], [0.16, 0.4, 0.64], atol=1e-12)
    assert np.flatnonzero(data["best"][50]).tolist() == [50]
    assert np.flatnonzero(data["best"][13]).tolist() == [12, 13]


def test_frozen_lake_hugs_the_wall():
    """14/17 from the start; beside the hole at (1, 1) the one best move, and the one safe move, is into the wall."""
    data = committed(figures.FIGURES / "fig_03_4_frozen_lake.py")
    np.testing.assert_allclose(data["V"][0], 14 / 17, atol=1e-12)
    np.testing.assert_array_equal(data["best"][4], [False, False, False, True])
    np.testing.assert_allclose(data["safe"][4], [2 / 3, 2 / 3, 2 / 3, 1], atol=1e-12)


def test_contraction_stays_below_its_bound_and_one_start_reaches_it():
    distance = committed(figures.FIGURES / "fig_02_2_contraction.py")["distance"]
    k = np.arange(distance.shape[-1])
    for gamma, d in zip((0.5, 0.9, 0.99), distance):
        assert (d <= d[:, :1] * gamma**k + 1e-12).all()
        np.testing.assert_allclose(d[0], d[0, 0] * gamma**k, atol=1e-10)


# ---------------------------------------------------------------- the command

SCRIPT = """
import numpy as np
from rlcore.lab import plots

def compute(seeds=()):
    return {"y": np.arange(3.0)}

def draw(data):
    return plots.plot_curves({"a": data["y"]}, xlabel="x", ylabel="y")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fig_09_1_new.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def test_draws_what_is_missing_once(folder, capsys):
    script = folder / "fig_09_1_new.py"
    assert figures.main([], folder) == 0
    assert "drawn in" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert {path.suffix for path in before} == {".py", ".npz", ".svg", ".png", ".json"}
    assert figures.main([], folder) == 0
    assert capsys.readouterr().out.split() == ["fig_09_1_new", "up", "to", "date"]
    assert figures.main(["--all", "09_1"], folder) == 0
    after = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before  # the same bytes
    script.write_text(SCRIPT + "CHANGED = True\n", encoding="utf-8")
    assert figures.main(["--check"], folder) == 1
    assert "out of date: its inputs changed" in capsys.readouterr().out
    assert figures.main(["--check"], folder) == 1  # --check wrote nothing
    script.with_suffix(".svg").unlink()
    capsys.readouterr()
    assert figures.main(["--check"], folder) == 1
    assert "fig_09_1_new.svg is missing" in capsys.readouterr().out


def test_a_figure_that_fails_is_named_and_the_others_are_drawn(folder, capsys):
    (folder / "fig_09_0_broken.py").write_text(
        "def compute(seeds=()):\n    return {'y': 1 / 0}\n", encoding="utf-8"
    )
    assert figures.main([], folder) == 1
    out = capsys.readouterr().out.splitlines()
    assert "failed: ZeroDivisionError" in out[0]
    assert "drawn in" in out[1]
    assert list(figures.read_manifest(folder)) == ["fig_09_1_new"]


def test_animate_gives_a_gif(folder):
    script = folder / "fig_09_1_new.py"
    script.write_text(
        SCRIPT + "\ndef animate(data, path):\n    path.write_bytes(b'GIF89a')\n", encoding="utf-8"
    )
    assert figures.main([], folder) == 0
    assert script.with_suffix(".gif").is_file()
    script.with_suffix(".gif").unlink()
    assert figures.why_stale(script, figures.read_manifest(folder)) == "fig_09_1_new.gif is missing"


def test_a_figure_has_several_names_and_a_chapter_is_all_of_its_figures(folder):
    other = folder / "fig_10_1_other.py"
    other.write_text(SCRIPT, encoding="utf-8")
    new = folder / "fig_09_1_new.py"
    for name in ("fig_09_1_new", "09_1_new", "09_1", "09", "figures/fig_09_1_new.py"):
        assert figures.scripts([name], folder) == [new]
    assert figures.scripts(["10", "09"], folder) == figures.scripts([], folder) == [new, other]


def test_an_unknown_figure_is_one_clear_line(folder, capsys):
    with pytest.raises(SystemExit) as stop:
        figures.main(["nonsense"], folder)
    assert stop.value.code == 2
    assert "no figure is called 'nonsense'; there are fig_09_1_new" in capsys.readouterr().err


def test_the_fingerprint_follows_imports_to_the_end_and_ignores_remarks(tmp_path):
    package = tmp_path / "rlcore"
    package.mkdir()
    (package / "b.py").write_bytes(b"x = 1\n")
    (package / "a.py").write_bytes(b"def f():\n    from rlcore import b\n    return b\n")
    (package / "c.py").write_bytes(b"y = 1\n")
    script = tmp_path / "fig_09_1_new.py"
    script.write_bytes(b"import rlcore.a\n")
    assert {path.stem for path in figures.imported(script, tmp_path)} == {"a", "b"}
    first = figures.fingerprint(script, tmp_path)
    (package / "c.py").write_bytes(b"y = 2\n")
    (package / "b.py").write_bytes(b'"""Words."""\r\n\r\nx = 1  # more words\r\n')
    assert figures.fingerprint(script, tmp_path) == first
    (package / "b.py").write_bytes(b"x = 2\n")
    assert figures.fingerprint(script, tmp_path) != first
