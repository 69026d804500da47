"""Examine one class: hypotheses in order, each decided on what the ones before do not explain."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from kerascope.audit.hypotheses.faint import faint_mark
from kerascope.audit.hypotheses.patches import Sticker, stickers
from kerascope.audit.hypotheses.regions import regions
from kerascope.audit.hypotheses.same_pixels import shared_pixels
from kerascope.audit.hypotheses.traits import (
    LEAST_Z,
    Standing,
    edits_of,
    families,
    nearest_controls,
    standing,
)
from kerascope.audit.interventions import edits
from kerascope.audit.interventions.effect import Effect
from kerascope.audit.interventions.objects import without_objects
from kerascope.audit.interventions.trial import Edit, Trials
from kerascope.audit.masked import Masked
from kerascope.audit.panel import Panel
from kerascope.audit.tested import FAINT, LEAST_FAINT, Tested
from kerascope.types import Array

_FEWEST = 4  # donors that decide
_EXPLAINS = 0.1  # effect from which carriers of a cue are no donors any more
_LAYOUT = "layout"  # of colours: tells files apart, and is no trait that an edit could give
_PARTLY = 0.5  # share of an overlay's area from which a file may carry it, damaged
FEWEST_FILES = 8  # of a class and half, below which little is tried


class Examination:
    """The hypotheses about one class."""

    def __init__(
        self, panel: Panel, label: int, generator: np.random.Generator,
        stop: threading.Event | None = None,
    ) -> None:  # fmt: skip
        self.stop = stop
        self.panel, self.label = panel, label
        self.trials = Trials(panel, label, generator)
        self.explained = np.zeros(len(panel), bool)
        self.masked = Masked(self.trials)

    def run(self) -> list[Tested]:
        """Return all that was tested."""
        found: list[Tested] = []
        for stage in (
            self.overlays,
            self.faint,
            self.stickers,
            self.traits,
            self.places,
            self.ways,
            self.objects,
        ):
            if self.stop is not None and self.stop.is_set():
                break
            found += stage()
        return found

    # --- same pixels ---------------------------------------------------------------------------

    def overlays(self) -> Iterator[Tested]:
        """Paste what files of the class share at one place."""
        pixels = self.panel.pixels
        for shared in shared_pixels(pixels[self._own(False)], pixels[self._others(False)]):
            carriers = shared.carried(pixels)
            where = ndimage.binary_dilation(shared.area)
            effect = self.trials.run(
                self._pasting(where), self._donors(carriers), self._others(True, carriers)
            )
            if effect is not None:
                self._explain(effect, shared.share(pixels) >= _PARTLY)
                yield self._tested(
                    "overlay", "same place", effect, carriers=carriers, area=shared.area,
                    finds=shared.carried,
                    undo=lambda rows, w=where: self._wiped(rows, np.stack([w] * len(rows))),
                )  # fmt: skip

    def _pasting(self, where: Array) -> Edit:
        """Return the edit that pastes an area of the donors."""
        pixels = self.trials.pixels
        return lambda r, d: edits.paste(pixels(r), pixels(d), where)

    def faint(self) -> Iterator[Tested]:
        """Paste the place where files of the class share a mark that shines through."""
        pixels = self.panel.pixels
        mark = faint_mark(pixels[self._own(False)], pixels[self._others(False)])
        if mark is None:
            return
        carriers = mark.carried(pixels)
        where = ndimage.binary_dilation(mark.area, iterations=2)
        effect = self.trials.run(
            self._pasting(where), self._donors(carriers), self._others(True, carriers)
        )
        if effect is not None:
            if effect.effect >= LEAST_FAINT:
                self.explained |= carriers
            yield self._tested(
                "overlay", FAINT, effect, carriers=carriers, area=mark.area,
                finds=mark.carried,
                undo=lambda rows: self._wiped(rows, np.stack([where] * len(rows))),
            )  # fmt: skip

    def stickers(self) -> Iterator[Tested]:
        """Paste what files of the class share at any place."""
        own = self._own(False)
        if len(own) < FEWEST_FILES:
            return
        ordered = own[np.argsort(-self.trials.margin[own], kind="stable")]
        for sticker in stickers(self.panel.search, ordered, self._others(False)):
            effect = self.trials.run(
                functools.partial(self._stuck, sticker=sticker),
                self._donors(sticker.carriers), self._others(True, sticker.carriers),
            )  # fmt: skip
            if effect is not None:
                self._explain(effect, sticker.likely)
                yield self._tested(
                    "sticker", "any place", effect, carriers=sticker.carriers,
                    finds=sticker.found_in,
                    undo=lambda rows, s=sticker: self._wiped(rows, self._stuck_where(rows, s)),
                )  # fmt: skip

    def _stuck(self, receivers: Array, donors: Array, sticker: Sticker) -> Array:
        """Return receivers with the sticker's area of each donor, where that donor has it."""
        where = self._stuck_where(donors, sticker)
        return edits.paste(self.trials.pixels(receivers), self.trials.pixels(donors), where)

    def _stuck_where(self, donors: Array, sticker: Sticker) -> Array:
        """Return bool (picture, y, x): where donors have the sticker."""
        side = self.panel.search.side
        wide = np.zeros((len(donors), *(n + 2 * side for n in self.panel.size)), bool)
        area = ndimage.binary_dilation(sticker.shared.area)
        for i, (y, x) in enumerate(sticker.corners[donors]):
            wide[i, y : y + 3 * side, x : x + 3 * side] = area
        return wide[:, side:-side, side:-side]

    def _wiped(self, rows: Array, where: Array) -> tuple[Array, Array]:
        """Return pictures with an area filled in from around it, and with one half a picture on."""
        pixels = self.trials.pixels(rows)
        height, width = self.panel.size
        elsewhere = np.roll(where, (height // 2, width // 2), axis=(1, 2))
        return without_objects(pixels, where), without_objects(pixels, elsewhere)

    # --- traits of the whole picture -----------------------------------------------------------

    def traits(self) -> Iterator[Tested]:
        """Give pictures of other classes the tone, colour or detail of files of this one."""
        own, mine = self._own(False), self._own(True)
        if min(len(own), len(mine)) < FEWEST_FILES:
            return
        for stands in self._standings:
            if stands.family != _LAYOUT and stands.z >= LEAST_Z:
                yield from self._family(stands)

    def _family(self, stands: Standing) -> Iterator[Tested]:
        donors = self._donors(stands.carried())
        if len(donors) < _FEWEST:
            return
        controls = nearest_controls(stands, self._others(True), len(donors))
        for name, edit in edits_of(stands.family, self.trials):
            effect = self.trials.run(edit, donors, controls)
            if effect is None:
                continue
            cut = stands.widest(self.panel.labels, self.label)
            yield self._tested(
                stands.family, name, effect, carriers=stands.score >= cut,
                finds=functools.partial(stands.beyond, cut=cut),
                undo=lambda rows, e=edit, s=stands: self._evened(rows, e, s),
            )  # fmt: skip
            if effect.effect >= _EXPLAINS and self.masked.enough:
                yield from self._parts(stands.family, name, edit, donors, controls)

    def _evened(self, rows: Array, edit: Edit, stands: Standing) -> tuple[Array, Array] | None:
        """Return pictures with the trait of other classes', and with that of other carriers."""
        plain = self._others(True, stands.carried())
        same = self._own(True)[stands.carried()[self._own(True)]]
        draw = self.trials.generator
        if not len(plain) or not len(same):
            return None
        return tuple(  # type: ignore[return-value]
            edit(rows, np.resize(draw.permutation(donors), len(rows))) for donors in (plain, same)
        )

    def _parts(
        self, family: str, name: str, edit: Edit, donors: Array, controls: Array
    ) -> Iterator[Tested]:
        """Apply an edit to the background alone, beside all of the same pictures."""
        masked = self.masked
        for where, effect in (
            ("whole", masked.whole(edit, donors, controls)),
            ("background", masked.background_alone(edit, donors, controls)),
        ):
            if effect is not None:
                yield self._tested(family, name, effect, part=where)

    # --- places --------------------------------------------------------------------------------

    def places(self) -> Iterator[Tested]:
        """Paste whole regions of files of the class: of any, and of those that stand out in it."""
        donors = self._donors()
        if min(len(donors), len(self._own(False))) < FEWEST_FILES:
            return
        yield from self._regions(donors, self._others(True), None)
        stands = max(self._standings, key=lambda s: s.z)
        few = self._donors(stands.carried())
        # Others of the same class as controls: what is the class itself cancels.
        rest = self._own(True)[~stands.carried()[self._own(True)]]
        if stands.z >= LEAST_Z and min(len(few), len(rest)) >= _FEWEST:
            yield from self._regions(few, rest, stands.carried())

    @functools.cached_property
    def _standings(self) -> list[Standing]:
        """Return how files stand in every family, once same pixels are explained."""
        known = {**families(self.panel.traits), _LAYOUT: self.panel.traits.layout}
        own, others = self._own(False), self._others(False)
        return [standing(family, values, own, others) for family, values in known.items()]

    def _regions(self, donors: Array, controls: Array, carriers: Array | None) -> Iterator[Tested]:
        for name, area in regions(*self.panel.size).items():
            effect = self.trials.run(self._pasting(area), donors, controls)
            if effect is not None:
                family = "region" if carriers is None else "region of some"
                yield self._tested(family, name, effect, carriers=carriers, area=area)

    def ways(self) -> Iterator[Tested]:
        """Paste where the evidence of one strategy lies, beside other files of the same class."""
        for number, way in enumerate(self.panel.ways.get(self.label, ()), start=1):
            own = self._own(True)
            donors, rest = own[way.rows[own]], own[~way.rows[own]]
            if min(len(donors), len(rest)) < _FEWEST or not way.area.any():
                continue
            effect = self.trials.run(self._pasting(way.area), donors, rest)
            if effect is not None:
                yield self._tested(
                    "strategy", f"strategy {number}", effect, carriers=way.rows, area=way.area
                )

    # --- objects and backgrounds, where masks tell them apart ------------------------------------

    def objects(self) -> Iterator[Tested]:
        """Swap backgrounds, enlarge objects, and look for what stands beside them."""
        self.masked.leave_out(self.explained)
        if not self.masked.enough:
            return
        for family, name, trial in (
            ("background", "swap", self.masked.background),
            ("object", "object", self.masked.object),
            ("size", "size", self.masked.size),
            ("companion", "window", self.masked.companion),
        ):
            effect = trial()
            if effect is not None:
                yield self._tested(family, name, effect)

    # --- rows ----------------------------------------------------------------------------------

    def _own(self, decides: bool) -> Array:
        rows = self.panel.of(self.label, decides=decides)
        return rows[~self.explained[rows]]

    def _others(self, decides: bool, without: Array | None = None) -> Array:
        rows = self.panel.others(self.label, decides=decides)
        return rows if without is None else rows[~without[rows]]

    def _donors(self, carriers: Array | None = None) -> Array:
        rows = self._own(True)
        rows = rows if carriers is None else rows[carriers[rows]]
        return rows if len(rows) >= _FEWEST else rows[:0]

    def _explain(self, effect: Effect, carriers: Array) -> None:
        if effect.effect >= _EXPLAINS:
            self.explained |= carriers

    def _tested(self, family: str, name: str, effect: Effect, **more: Any) -> Tested:
        turned = tuple(self.trials.turned)
        return Tested(
            label=self.label, family=family, name=name, effect=effect, turned=turned, **more
        )
