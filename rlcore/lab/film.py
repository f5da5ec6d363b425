"""A film: frames that play in a notebook, on a page without a network, or as a GIF.

Left out: sound, video formats, frames of different sizes.
"""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, field
from html import escape
from pathlib import Path


@dataclass(frozen=True, eq=False)
class Film:
    """Frames to be played: in a notebook as they are, elsewhere as a GIF or an HTML page."""

    frames: tuple[bytes, ...] = field(repr=False)  # a PNG each, all of one size
    seconds: float  # how long a frame is shown
    title: str

    def html(self) -> str:
        """One <div> with pictures, slider, button and script inside it: it plays without a network.

        Where scripts do not run, the last frame is seen.
        """
        urls = ["data:image/png;base64," + base64.b64encode(frame).decode() for frame in self.frames]
        name = "film-" + hashlib.sha256(b"".join(self.frames)).hexdigest()[:12]
        return FILM.format(
            name=name,
            title=escape(self.title, quote=True),
            urls=",".join(f'"{url}"' for url in urls),
            last=urls[-1],
            end=len(urls) - 1,
            milliseconds=round(1000 * self.seconds),
        )

    _repr_html_ = html

    def save_html(self, path: str | Path) -> None:
        """Write a page that plays the film."""
        head = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(self.title)}</title>\n'
        Path(path).write_bytes((head + self.html() + "</html>\n").encode())

    def save_gif(self, path: str | Path) -> None:
        """Write an animated GIF that plays for ever and rests on its last frame."""
        from PIL import Image

        images = [Image.open(io.BytesIO(frame)) for frame in self.frames]
        wait = [round(1000 * self.seconds)] * (len(images) - 1) + [2000]
        images[0].save(path, format="GIF", save_all=True, append_images=images[1:], duration=wait, loop=0)


FILM = """<div data-film="{name}" style="max-width: 60em">
<img src="{last}" alt="{title}, frame by frame" style="max-width: 100%">
<div><button type="button">Play</button>
<input type="range" min="0" max="{end}" value="{end}" aria-label="frame" style="width: 60%">
<span>{end} / {end}</span></div>
<script>
document.querySelectorAll('[data-film="{name}"]').forEach(function (film) {{
  if (film.dataset.ready) return;
  film.dataset.ready = "yes";
  var frames = [{urls}], timer = null;
  var image = film.querySelector("img"), button = film.querySelector("button");
  var slider = film.querySelector("input"), count = film.querySelector("span");
  function show(k) {{
    image.src = frames[k]; slider.value = k; count.textContent = k + " / {end}";
  }}
  function stop() {{ clearInterval(timer); timer = null; button.textContent = "Play"; }}
  function next() {{
    var k = Number(slider.value) + 1;
    if (k > {end}) stop(); else show(k);
  }}
  button.onclick = function () {{
    if (timer) return stop();
    if (Number(slider.value) == {end}) show(0);
    button.textContent = "Pause";
    timer = setInterval(next, {milliseconds});
  }};
  slider.oninput = function () {{ stop(); show(Number(slider.value)); }};
  show(0);
}});
</script></div>
"""
