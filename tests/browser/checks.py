"""What every page must keep to, whatever it shows: access, focus, room, words, pixels."""

from __future__ import annotations

import functools
from typing import Any

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def _axe() -> str:
    from axe_playwright_python.base import AXE_SCRIPT

    return AXE_SCRIPT


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong on the page as it stands: "rule: element" each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found = page.evaluate(
        """async (tags) => {
          const options = {runOnly: tags, resultTypes: ["violations"], preload: false};
          const { violations } = await axe.run(document, options);
          return violations.flatMap((one) => one.nodes.map((node) =>
            `${one.id}: ${node.html.slice(0, 160)} (${(node.any[0] || node.all[0] ||
              node.none[0] || {}).message || one.help})`));
        }""",
        _TAGS,
    )
    return list(found)


_LOOK = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = (element) => {
    const s = getComputedStyle(element);
    const line = s.outlineStyle === "none" || parseFloat(s.outlineWidth) === 0
      ? "" : `${s.outlineStyle} ${s.outlineWidth} ${s.outlineColor}`;
    return [line, s.boxShadow, s.borderColor, s.backgroundColor, s.textDecoration].join("|");
  };
  window.walked = window.walked || [];
  const again = window.walked.indexOf(one);
  const parents = [one, one.parentElement, one.closest("label"), one.nextElementSibling];
  const now = parents.filter(Boolean).map(style).join("||");
  const box = one.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  window.walked.push(one);
  window.looks = window.looks || new Map();
  window.looks.set(one, { parents: parents.filter(Boolean), style, now, inside,
    size: [box.width, box.height] });
  return again;
}"""

_LOOKS = """() => {
  document.activeElement.blur();
  const told = [];
  for (const [one, look] of window.looks) {
    const name = one.outerHTML.slice(0, 120);
    const after = look.parents.map(look.style).join("||");
    if (after === look.now) told.push(`focus does not show: ${name}`);
    if (!look.inside) told.push(`focus out of sight: ${name}`);
    if (Math.min(...look.size) < 1) told.push(`focus on nothing: ${name}`);
  }
  const count = window.looks.size;
  window.walked = window.looks = undefined;
  return [count, told];
}"""


def walk(page: Any, *, most: int = 400) -> tuple[int, list[str]]:
    """Tab through the page; return how many stops there are, and what is wrong with any."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(most):
        page.keyboard.press("Tab")
        again = page.evaluate(_LOOK)
        if again is None or again == 0:
            break
        if again > 0:
            trap = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
            return page.evaluate(_LOOKS)[0], [f"focus comes back too early, to: {trap}"]
    else:
        return page.evaluate(_LOOKS)[0], [f"more than {most} stops"]
    count, told = page.evaluate(_LOOKS)
    return count, told


_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  const told = [];
  if (document.documentElement.scrollWidth > room) told.push(
    `the page is ${document.documentElement.scrollWidth} px wide, the window ${room}`);
  if (!told.length) return told;
  const scrolls = (element) => {
    for (let e = element.parentElement; e; e = e.parentElement) {
      if (getComputedStyle(e).overflowX !== "visible") return true;
    }
    return false;
  };
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect();
    if (box.width && box.right > room + 1 && !scrolls(one)) {
      told.push(`${Math.round(box.right)} px: ${one.outerHTML.slice(0, 120)}`);
    }
  }
  return told;
}"""


def too_wide(page: Any) -> list[str]:
    """Return what makes the page scroll sideways."""
    return list(page.evaluate(_WIDE))


_CLIPPED = """() => {
  const told = [];
  for (const one of document.querySelectorAll("body *")) {
    const text = [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!text || !one.getClientRects().length || !one.checkVisibility({
      opacityProperty: true, visibilityProperty: true })) continue;
    const s = getComputedStyle(one);
    const hidden = one.clientWidth <= 1 || one.clientHeight <= 1;
    const cuts = ["hidden", "clip"];
    if (hidden) continue;
    const wide = cuts.includes(s.overflowX) && one.scrollWidth > one.clientWidth + 1;
    const tall = cuts.includes(s.overflowY) && one.scrollHeight > one.clientHeight + 1;
    const told_by = one.title || one.getAttribute("aria-label") || one.closest("[title]");
    if ((wide && !(s.textOverflow === "ellipsis" && told_by)) || (tall && !told_by)) {
      told.push(`${one.className || one.tagName}: ${one.textContent.trim().slice(0, 60)}`);
    }
  }
  return told;
}"""


def clipped(page: Any) -> list[str]:
    """Return texts that are cut off and whose whole is told nowhere (title, label)."""
    return list(page.evaluate(_CLIPPED))


_CONTRAST = """() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].map((v, i) => i === 3 ? v / 255 : v);
  };
  const light = (c) => c.slice(0, 3)
    .map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const s = getComputedStyle(e);
      if (s.backgroundImage !== "none") return null;
      const c = rgb(s.backgroundColor);
      layers.push(c);
      if (c[3] > 0.99) break;
    }
    return layers.reverse().reduce((under, c) =>
      under.map((v, i) => v * (1 - c[3]) + c[i] * c[3]), [255, 255, 255]);
  };
  let worst = 21, where = "";
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (e.matches(":disabled, :disabled *, [aria-disabled=true]")) continue;
    const under = ground(e);
    if (under === null) continue;
    const ink = rgb(getComputedStyle(e).color);
    const over = under.map((v, i) => v * (1 - ink[3]) + ink[i] * ink[3]);
    const [a, b] = [light(over), light(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst) { worst = ratio; where = e.outerHTML.slice(0, 100); }
  }
  return [worst, where];
}"""


def least_contrast(page: Any) -> tuple[float, str]:
    """Return the smallest contrast of any text against its ground, and where that is."""
    worst, where = page.evaluate(_CONTRAST)
    return worst, where


_PIXELS = """async (selector) => {
  const made = [];
  for (const one of document.querySelectorAll(selector)) {
    if (!one.getClientRects().length || !one.width || !one.height) continue;
    const copy = new OffscreenCanvas(one.width, one.height).getContext("2d");
    copy.drawImage(one, 0, 0);
    const bytes = copy.getImageData(0, 0, one.width, one.height).data;
    const hash = await crypto.subtle?.digest("SHA-256", bytes);
    let sum = 2166136261;
    if (!hash) for (const byte of bytes) sum = Math.imul(sum ^ byte, 16777619);
    const name = hash ? [...new Uint8Array(hash)].map((b) => b.toString(16)).join("") : `${sum}`;
    made.push(`${one.width}×${one.height}:${name}`);
  }
  return made;
}"""


def pixels(page: Any, selector: str = "canvas") -> list[str]:
    """Return a hash of the pixels of every canvas in sight, with its size."""
    return list(page.evaluate(_PIXELS, selector))


def settle(page: Any, selector: str = "canvas", *, most: int = 60) -> list[str]:
    """Wait until canvases stay the same over three frames; return their hashes."""
    before: list[str] = []
    same = 0
    for _ in range(most):
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 16)))")
        now = pixels(page, selector)
        same = same + 1 if now and now == before else 0
        if same == 3:
            return now
        before = now
    raise AssertionError(f"canvases '{selector}' never came to rest: {before[:2]}")
