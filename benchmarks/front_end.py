"""What the page costs: frames of the stage, opening, scrolling, a fast method in the studio.

    python benchmarks/front_end.py [--frames 60] [--only frames opening scrolling studio]

Headless Chromium without a graphics card, one page at a time; a table is printed and nothing kept.

- frames: two pictures of 1024 × 1024 with a coarse map (14 × 14) and a fine one (1024 × 1024); for
  every view and blend the opacity (or contrast) changes once a frame. "draw" is what the page's own
  script takes in a frame, "frame" the time from one frame to the next, which painting by the
  processor is part of.
- opening: a report of 50 pictures and 5 methods: its size, and the time from asking for the file to
  the first map on the stage, in a page that has never been open.
- scrolling: 10,000 samples, the filmstrip scrolled by one height of the window a frame; a frame is
  dropped where the next one comes more than 1.5 frames of 60 a second later.
- studio: `kerascope studio` with a bundled net; from asking for a map to having it, each time
  for another sample.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import scenes  # noqa: E402
from kerascope.report.page import page_of  # noqa: E402
from kerascope.web.bundle import script  # noqa: E402

DEMO = ROOT / "src" / "kerascope" / "demo" / "data"
FRAME = 1000 / 60
PAINTED = ("frames", "scrolling")
SIDE = 1024
VIEWS = {
    "stage, tint": "", "stage, cover": "blend=cover", "stage, alone": "blend=alone",
    "contrast, opacity moved": "contrast=0.5", "contrast moved": "", "contours": "contours=1",
    "side by side": "view=side",
    "split": "view=split", "difference": "view=difference", "flicker": "view=flicker",
    "all methods": "view=sheet",
}  # fmt: skip
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# The state is in the address: what arrives there is drawn in the next frame. Callbacks of a frame
# run in the order in which they were asked for, so two of ours stand around those of the page.
DRIVE = """async ([base, key, frames]) => {
  const draws = [], gaps = [];
  let last = 0;
  for (let i = 0; i < frames; i += 1) {
    let began = 0;
    requestAnimationFrame(() => { began = performance.now(); });
    const moved = `${base}&${key}=${(0.4 + 0.4 * (i % 25) / 25).toFixed(3)}`;
    history.replaceState(null, "", moved);
    dispatchEvent(new PopStateEvent("popstate"));
    const now = await new Promise((done) => requestAnimationFrame((time) => {
      draws.push(performance.now() - began);
      done(time);
    }));
    if (last) gaps.push(now - last);
    last = now;
  }
  return [draws, gaps];
}"""

FIRST = """
for (const name of ["putImageData", "drawImage"]) {
  const own = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    if (this.canvas.isConnected) window.firstDraw ??= performance.now();
    window.puts = (window.puts ?? 0) + (name === "putImageData");
    return own.apply(this, given);
  };
}
"""

SCROLL = """async ([selector, frames]) => {
  const strip = document.querySelector(selector);
  const gaps = [];
  let last = 0, most = 0;
  for (let i = 0; i < frames; i += 1) {
    strip.scrollTop += strip.clientHeight;
    const now = await new Promise((done) => requestAnimationFrame(done));
    if (last) gaps.push(now - last);
    last = now;
    most = Math.max(most, document.querySelectorAll("*").length);
  }
  return [gaps, most, strip.scrollTop];
}"""

ASK = """async ([model, method, samples]) => {
  HOST
  const host = module$host.liveHost("/api/");
  const times = [];
  for (const sample of samples) {
    const began = performance.now();
    const found = await host.explain({ sample, model, method, fields: {}, target: null });
    if (!found.document.maps.length) throw new Error("no map came");
    times.push(performance.now() - began);
  }
  return times;
}"""


def row(times: list[float]) -> tuple[str, str]:
    """Return median and 95th percentile in milliseconds."""
    ordered = sorted(times)
    return f"{statistics.median(ordered):.1f}", f"{ordered[int(0.95 * (len(ordered) - 1))]:.1f}"


def large() -> dict[str, Any]:
    """A document of two pictures of 1024 × 1024 with a coarse and a fine map of two classes."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    smooth = np.sin(9 * x) * np.cos(7 * y)
    pictures = [np.uint8(np.stack([255 * y, 128 + 127 * smooth, 255 * x], -1))] * 2
    fine = (smooth + rng.normal(0, 0.3, (2, 2, SIDE, SIDE))).astype(np.float32)
    coarse = rng.normal(0, 1, (2, 2, 14, 14)).astype(np.float32)
    inputs = np.stack(pictures).astype(np.float32) / 255
    given = {"count": 2, "inputs": inputs, "display": tuple(pictures)}
    axes = ("sample", "target", "y", "x")
    found = [
        scenes.result("hires_cam", values=np.maximum(coarse, 0), axes=axes,
                      extras={"signed": coarse}, **given),
        scenes.result("integrated_gradients", values=fine, axes=axes, **given),
    ]  # fmt: skip
    return scenes.document_of(found, title="Frames", longest=SIDE)


def frames(browser: Any, folder: Path, count: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for every view and blend, of the fine map compared with the coarse one."""
    made = large()
    place = folder / "frames.html"
    place.write_text(page_of(made), encoding="utf-8")
    coarse, fine = (
        next(m for m in made["maps"] if m["method"] == k["id"]) for k in made["methods"]
    )
    page = browser.new_page(viewport={"width": 1800, "height": 1300})
    page.add_init_script(FIRST)
    page.goto(place.as_uri())
    shown = f"#sample={fine['sample']}&method={fine['method']}&pins={coarse['id']},{fine['id']}"
    versus = made["maps"][1]["target"]["key"]
    for name, state in VIEWS.items():
        contrast = name.startswith("contrast")
        base = f"{shown}&{state}" + (f"&versus={versus}" if contrast else "")
        key = "contrast" if name == "contrast moved" else "opacity"
        page.evaluate(DRIVE, [base, key, 10])
        before = page.evaluate("window.puts")
        draws, gaps = page.evaluate(DRIVE, [base, key, count])
        times = (page.evaluate("window.puts") - before) / count
        yield (f"{name} ({times:.1f} canvases a frame)", *row(draws), *row(gaps))
    page.close()


def opening(browser: Any, folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield size and opening time of a report of 50 pictures and 5 methods."""
    place = folder / "report.html"
    place.write_text(page_of(scenes.document(50)), encoding="utf-8")
    times = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(FIRST)
        page = context.new_page()
        page.goto(place.as_uri())
        page.wait_for_function("() => window.firstDraw")
        times.append(page.evaluate("window.firstDraw"))
        context.close()
    size = place.stat().st_size / 1e6
    yield (f"report of 50 × 5 opens ({size:.1f} MB)", *row(times))


def scrolling(browser: Any, folder: Path, count: int) -> Iterator[tuple[str, ...]]:
    """Yield the frames of a filmstrip of 10,000 samples that is scrolled."""
    place = folder / "many.html"
    place.write_text(page_of(scenes.many(10_000)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(place.as_uri())
    page.wait_for_selector(STRIP)
    gaps, nodes, far = page.evaluate(SCROLL, [STRIP, 2 * count])
    dropped = sum(gap > 1.5 * FRAME for gap in gaps)
    words = f"scrolling 10,000: {dropped} of {len(gaps)} dropped, {nodes} nodes, {far:.0f} px"
    yield (words, "", "", *row(gaps))
    page.close()


STRIP = "#samples"


@contextmanager
def studio(folder: Path) -> Iterator[str]:
    """A studio with a bundled net, not the first one ever; yields the address that it printed."""
    for file in DEMO.glob("scene_*.png"):
        shutil.copy(file, folder)
    model = next(DEMO.glob("sky_net*"))
    command = [sys.executable, "-m", "kerascope", "studio", model, folder, "--no-open", "--port=0"]
    os.environ["KERASCOPE_CACHE"] = str(folder.parent / "cache")
    script()  # kept there
    running = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert running.stdout is not None
        for line in running.stdout:
            if (found := re.search(r"http://\S+", line)) is not None:
                yield found[0]
                return
        raise SystemExit("the studio printed no address")
    finally:
        running.terminate()
        running.wait(20)


def fast(browser: Any, folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield the time of a fast method in the studio, the first time and warm."""
    inside = folder / "pictures"
    inside.mkdir()
    with studio(inside) as address:
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("#app *")
        shown = 1000 * (time.perf_counter() - began)
        page.evaluate("fetch('/api/document').then((answer) => answer.json())")
        model, samples = page.evaluate(
            """async () => {
              const json = async (what) => (await fetch(`/api/${what}`)).json();
              let known;
              do { known = await json("document"); } while (!known.models.length);
              const { samples } = await json("samples?start=0&count=50");
              return [known.models[0].id, samples.map((one) => one.id)];
            }"""
        )
        first, *warm = page.evaluate(
            ASK.replace("HOST", script(start="host.js")), [model, "grad_cam", samples]
        )
        page.close()
    yield ("page shown", f"{shown:.0f}", "")
    yield ("Grad-CAM, first", f"{first:.0f}", "")
    yield (f"Grad-CAM, warm, {len(warm)} samples", *row(warm))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    asked.add_argument("--frames", type=int, default=60)
    parts = ("frames", "opening", "scrolling", "studio")
    asked.add_argument("--only", nargs="+", choices=parts, default=parts)
    given = asked.parse_args()
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if found is None:
        raise SystemExit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        made = {
            "frames": lambda: frames(browser, folder, given.frames),
            "opening": lambda: opening(browser, folder),
            "scrolling": lambda: scrolling(browser, folder, given.frames),
            "studio": lambda: fast(browser, folder),
        }
        for part in given.only:
            heads = ("draw ms", "p95", "frame ms", "p95") if part in PAINTED else ("ms", "p95")
            table = Table(f"{part} ({SIDE}²)" if part == "frames" else part, *heads)
            for line in made[part]():
                table.add_row(*line[: 1 + len(heads)])
            Console().print(table)
        browser.close()


if __name__ == "__main__":
    main()
