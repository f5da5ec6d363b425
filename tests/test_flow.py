"""Flow diagrams: the boxes stand where they are put, arrows end at their edges, the order is that of the source."""

import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from rlcore.lab import flow, plots

CALLS = {"walk": ("the policy walks", 0.0, 1.0), "adam.step": ("it becomes new", 1.0, 0.0)}


def test_boxes_say_the_call_and_what_it_does_in_their_middle():
    _, ax = plots.canvas()
    flow.boxes(ax, CALLS)
    frames = [patch.get_bbox().bounds for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    np.testing.assert_allclose(frames, [(-0.43, 0.67, 0.86, 0.66), (0.57, -0.33, 0.86, 0.66)])
    assert [t.get_text() for t in ax.texts] == ["walk", "the policy walks", "adam.step", "it becomes new"]
    assert [t.get_position()[0] for t in ax.texts] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(("start", "end", "at"), [(2.0, 1.0, (1.67, 1.33)), (0.0, 2.0, (0.33, 1.67))])
def test_an_upright_arrow_runs_from_edge_to_edge(start, end, at):
    _, ax = plots.canvas()
    flow.upright(ax, (1.0, start), (1.0, end))
    (arrow,) = ax.texts
    assert (arrow.xyann, arrow.xy) == ((1.0, pytest.approx(at[0])), (1.0, pytest.approx(at[1])))


def test_an_arrow_has_its_head_on_the_last_piece():
    _, ax = plots.canvas()
    flow.arrow(ax, [(0.0, 0.0), (0.0, 1.0), (2.0, 1.0)])
    (arrow,) = ax.texts
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [(0.0, 0.0), (0.0, 1.0)])
    assert (arrow.xyann, arrow.xy) == ((0.0, 1.0), (2.0, 1.0))


def test_a_frame_lies_behind_the_boxes():
    _, ax = plots.canvas()
    flow.frame(ax, -0.5, -0.5, 2.0, 3.0)
    flow.boxes(ax, CALLS)
    back, *front = ax.patches
    assert back.get_bbox().bounds == (-0.5, -0.5, 2.0, 3.0)
    assert all(box.get_zorder() > back.get_zorder() for box in front)


def test_order_is_that_of_the_first_calls_and_takes_whole_names():
    text = "rewalk(x); adam.step(g); madam.step(g)\nwalk(y); adam.step(g)"
    np.testing.assert_array_equal(flow.order(text, ["walk", "adam.step", "rewalk"]), [2, 1, 0])


def test_order_refuses_a_call_that_is_not_there():
    with pytest.raises(ValueError, match="calls names 'step', which the text does not call"):
        flow.order("adam.step(g)", ["step"])
