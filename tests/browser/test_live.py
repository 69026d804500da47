"""The studio's side of the page, with a host made by hand: what is asked when, what is late."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from browser import scenes
from browser.watched import Modules

# Jobs wait in `asked` until `answer` or `refuse`; what is told from outside goes through `tell`.
START = """
  const { makeShell } = await load("shell.js");
  const { makeState } = await load("state.js");
  const asked = [];
  const tell = {};
  const job = (kind) => (request, told) => new Promise((resolve, reject) => {
    asked.push({ kind, request, resolve, reject, name: request.method ?? kind });
    told({ job: `j${asked.length}` });
  });
  const host = {
    live: true, thumb: () => null, picture: () => null,
    document: async () => structuredClone(given.start),
    samples: async (start, count) => {
      const rows = structuredClone(given.rows ?? given.start.samples);
      return { total: rows.length, samples: rows.slice(start, start + count) };
    },
    methods: async () => ({ methods: given.methods }),
    layers: async () => ({ layers: [] }),
    map: async (id) => {
      asked.push({ kind: "map", name: id, request: { id } });
      return { document: structuredClone(given.kept[id] ?? null) };
    },
    cancel: async (id) => { asked[Number(id.slice(1)) - 1].cancelled = true; },
    reopenModel: async (id) => { asked.push({ kind: "reopen", request: { id } }); },
    onModel: (listener) => { tell.model = listener; },
    onSamples: (listener) => { tell.samples = listener; },
    onLine: (listener) => { tell.line = listener; },
  };
  for (const kind of ["explain", "predict", "erase", "grade", "path"]) host[kind] = job(kind);
  const app = document.getElementById("main");
  const state = makeState();
  state.set(given.state ?? {});
  const shell = makeShell({ app, host, state, document: null });
  Object.assign(window, { asked, tell, shell, host, state, ctx: shell.context });
  await shell.load();
"""


class Page:
    """A studio's page; `pieces` are what its jobs give, by sample and method."""

    def __init__(self, modules: Modules, whole: dict[str, Any], **given: Any) -> None:
        self.modules, self.page, self.whole = modules, modules.page, whole
        self.ids = {one["name"]: one["id"] for one in whole["methods"]}
        start = {**whole, "maps": [], "methods": [], "predictions": [], "blobs": {}}
        start["models"] = [{**one, "state": "ready"} for one in whole["models"]]
        start["samples"] = [{**one, "inputs": [], "thumb": None} for one in whole["samples"]]
        start |= given.pop("start", {})
        modules.run(START, {"start": start, "methods": DESCRIBED} | given)

    def piece(self, sample: str, *names: str) -> dict[str, Any]:
        """See `piece_of`."""
        return piece_of(self.whole, sample, [self.ids[name] for name in names])

    def run(self, body: str, given: Any = None) -> Any:
        return self.modules.run(body, given)

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(f"() => {condition}", timeout=8000)

    def asked(self) -> list[str]:
        return self.run("return asked.map(({ kind, name }) => name ?? kind);")

    def request(self, number: int) -> dict[str, Any]:
        return self.run("return asked[given].request;", number)

    def expect(self, number: int, name: str) -> dict[str, Any]:
        """Wait for the job of that number, which is this; its request."""
        self.wait(f"asked.length > {number}")
        assert self.asked()[number] == name, self.asked()
        return self.request(number)

    def answer(self, number: int, piece: dict[str, Any]) -> None:
        self.run("asked[given[0]].resolve({ document: given[1] });", [number, piece])
        self.page.wait_for_timeout(60)

    def shown(self) -> dict[str, Any]:
        return self.run(
            """const shown = ctx.live.shown(ctx.book.resolve(state.get()));
            return { sample: shown.sample, method: ctx.book.method(shown.method)?.id,
              target: shown.map?.target.key, map: shown.map?.id,
              pinned: shown.pinned.map((one) => one.id) };"""
        )

    def first(self) -> None:
        """Answer what is asked at first: the prediction, then Grad-CAM."""
        self.expect(0, "predict")
        self.answer(0, self.piece("s0"))
        self.expect(1, "grad_cam")
        self.answer(1, self.piece("s0", "grad_cam"))


def piece_of(whole: dict[str, Any], sample: str, methods: list[str]) -> dict[str, Any]:
    """What an answer holds: these methods' maps of a sample, its pictures, and predictions."""
    own = [one for one in whole["maps"] if one["sample"] == sample]
    return {
        "stamps": [], "notes": [], "models": whole["models"], "blobs": whole["blobs"],
        "methods": [one for one in whole["methods"] if one["id"] in methods],
        "samples": [one for one in whole["samples"] if one["id"] == sample],
        "predictions": whole["predictions"],
        "maps": [one for one in own if one["method"] in methods],
    }  # fmt: skip


def described(name: str, **changes: Any) -> dict[str, Any]:
    """A method as the studio describes it."""
    cost = {"forward": 1, "gradient": 1, "backward": 0, "upper": False}
    return {"name": name, "title": name, "cost": cost, "fields": [], "hindrance": ""} | changes


DESCRIBED = [
    described("grad_cam"),
    described("occlusion", cost={"forward": 400, "gradient": 0, "backward": 0, "upper": False}),
]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return scenes.document(3, methods=("grad_cam", "occlusion", "hires_cam"))


def twin(whole: dict[str, Any]) -> dict[str, Any]:
    """The document in which HiResCAM stands for Grad-CAM at another layer."""
    made = copy.deepcopy(whole)
    for one in made["methods"]:
        if one["name"] == "hires_cam":
            one |= {"name": "grad_cam", "layer": "block2", "settings": {"layer": "block2"}}
            one |= {"title": "Grad-CAM"}
    return made


def test_a_layer_that_was_chosen_is_asked_for_on_every_sample(
    modules: Modules, whole: dict[str, Any]
) -> None:
    page = Page(modules, whole)
    other = page.ids["hires_cam"]
    page.whole = twin(whole)
    page.first()
    page.run("ctx.book.merge(given[0]); state.set({ method: given[1] });",
             [page.piece("s0", "hires_cam"), other])  # fmt: skip
    assert page.shown()["method"] == other
    page.run("state.set({ sample: 's1' });")
    page.expect(2, "grad_cam")
    page.answer(2, page.piece("s1", "grad_cam"))
    request = page.expect(3, "grad_cam")
    assert request["fields"] == {"layer": "block2"}
    assert request["sample"] == "s1"
    page.answer(3, page.piece("s1", "hires_cam"))
    assert page.shown()["method"] == other


def test_a_late_answer_does_not_take_the_stage_from_what_was_chosen_since(
    modules: Modules, whole: dict[str, Any]
) -> None:
    page = Page(modules, whole)
    page.first()
    page.run("void ctx.live.explain(ctx.book.resolve(state.get()), { name: 'occlusion' });")
    page.expect(2, "occlusion")
    page.run("void ctx.live.explain(ctx.book.resolve(state.get()), { name: 'hires_cam' });")
    page.expect(3, "hires_cam")
    page.answer(3, page.piece("s0", "hires_cam"))
    assert page.shown()["method"] == page.ids["hires_cam"]
    page.answer(2, page.piece("s0", "occlusion"))
    assert page.shown()["method"] == page.ids["hires_cam"], "the slow one came last and took over"
    assert page.run("return ctx.book.mapsOf('s0').length;") == 6


def test_a_listing_does_not_take_pictures_away(modules: Modules, whole: dict[str, Any]) -> None:
    page = Page(modules, whole)
    page.first()
    picture = whole["samples"][0]["inputs"][0]["picture"]
    rows = [{**one, "inputs": [], "thumb": None, "truth": "lynx"} for one in whole["samples"]]
    page.run("ctx.book.merge({ samples: given });", rows)
    found = page.run("return ctx.book.sample('s0');")
    assert found["inputs"][0]["picture"] == picture
    assert found["thumb"] is not None
    assert found["truth"] == "lynx"
    assert page.run("return ctx.book.document.models[0].state;") == "ready"


def test_right_classes_come_when_the_model_has_told_its_classes(
    modules: Modules, whole: dict[str, Any]
) -> None:
    bare = [{**one, "truth": None, "inputs": [], "thumb": None} for one in whole["samples"]]
    rows = [{**one, "inputs": [], "thumb": None} for one in whole["samples"]]
    page = Page(modules, whole, start={"samples": bare}, rows=rows)
    page.first()
    page.run("tell.samples({ total: 3, labels: 1 });")
    page.wait("ctx.book.document.samples.every((one) => one.truth !== null)")
    assert page.run("return ctx.book.sample('s0').inputs.length;") == 1


def test_what_comes_of_a_model_that_was_closed_is_dropped(
    modules: Modules, whole: dict[str, Any]
) -> None:
    page = Page(modules, whole)
    page.expect(0, "predict")
    page.run("tell.model({ id: given, state: 'closed' });", whole["models"][0]["id"])
    page.answer(0, page.piece("s0", "grad_cam"))
    assert page.run("return [ctx.book.document.models.length, ctx.book.document.maps.length];") == [
        0, 0,
    ]  # fmt: skip


def test_a_model_that_failed_is_told_once(modules: Modules, whole: dict[str, Any]) -> None:
    page = Page(modules, whole)
    said = {"id": whole["models"][0]["id"], "name": "net.keras", "state": "failed", "error": "no"}
    for _ in range(3):  # the line to the studio was broken, and tells all again
        page.run("tell.model(given);", said)
    assert page.page.locator(".said.failed").count() == 1
    page.run("tell.model({ ...given, state: 'loading', error: '' }); tell.model(given);", said)
    assert page.page.locator(".said.failed").count() == 2


def test_what_is_kept_is_asked_for_before_the_model_is_loaded(
    modules: Modules, whole: dict[str, Any]
) -> None:
    models = [{**one, "state": "loading", "facts": [["Input", "8"]]} for one in whole["models"]]
    page = Page(modules, whole, start={"models": models})
    page.first()
    assert page.shown()["map"] is not None
    unknown = [{**one, "facts": []} for one in models]  # what it takes is not known
    waiting = Page(modules, whole, start={"models": unknown})
    waiting.page.wait_for_timeout(400)
    assert waiting.asked() == []


def test_the_address_brings_back_method_class_and_pins(
    modules: Modules, whole: dict[str, Any]
) -> None:
    of = {one["name"]: one["id"] for one in whole["methods"]}
    own = [one for one in whole["maps"] if one["method"] == of["occlusion"]]
    lynx = next(one for one in own if one["sample"] == "s0" and one["target"]["place"] == 1)
    pin = next(one for one in own if one["sample"] == "s2")
    state = {"sample": "s0", "method": of["occlusion"], "target": lynx["target"]["key"],
             "pins": [pin["id"], "a999"]}  # fmt: skip
    kept = {pin["id"]: piece_of(whole, "s2", [of["occlusion"]])}
    page = Page(modules, whole, state=state, start={"methods": whole["methods"]}, kept=kept)
    page.expect(2, "predict")
    assert page.asked()[:2] == [pin["id"], "a999"]
    page.answer(2, page.piece("s0"))
    page.expect(3, "grad_cam")
    page.answer(3, page.piece("s0", "grad_cam"))
    assert page.expect(4, "occlusion")["target"] == lynx["target"]["index"]
    page.answer(4, page.piece("s0", "occlusion"))
    assert page.shown()["map"] == lynx["id"]
    assert page.shown()["pinned"] == [pin["id"]]


LINE = """
  const lines = [];
  window.EventSource = class extends EventTarget {
    static CLOSED = 2;
    constructor() {
      super();
      this.readyState = 0;
      lines.push(this);
    }
    hear(name, said = {}) {
      this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(said) }));
    }
  };
  window.fetch = async (address, { method = "GET" } = {}) => {
    const said = method === "POST" ? { id: "j1" } : { id: "j1", state: "done", document: "it" };
    return new Response(JSON.stringify(said));
  };
  const { liveHost } = await load("host.js");
  const host = liveHost("/api/");
  const told = [];
  host.onLine((whole) => told.push(whole));
  const answer = host.explain({}, () => {});
  // The page has the line once it has the lock that pages of one browser share.
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
"""


def test_a_line_that_the_browser_gave_up_is_opened_again(modules: Modules) -> None:
    found = modules.run(
        LINE
        + """
        lines[0].hear("open");
        lines[0].hear("error"); // the browser tries again by itself
        lines[0].readyState = 2; // a refusal: it does not
        lines[0].hear("error");
        const start = Date.now();
        while (lines.length < 2 && Date.now() - start < 6000) {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        lines[1].hear("open"); // what ended meanwhile is asked for
        return [lines.length, (await answer).document, told];"""
    )
    assert found == [2, "it", [True, False, True]]


def test_a_job_that_ended_untold_is_asked_about(modules: Modules) -> None:
    """It ended before the line was open, and its name came after: nothing is told of it."""
    found = modules.run(
        LINE
        + """
        lines[0].hear("open");
        await answer;
        const late = host.explain({}, () => {});
        const never = new Promise((resolve) =>
          setTimeout(() => resolve({ document: "waits" }), 8000));
        return (await Promise.race([late, never])).document;"""
    )
    assert found == "it"


def many(whole: dict[str, Any], count: int) -> dict[str, Any]:
    """A start with more samples than one job predicts."""
    bare = {**whole["samples"][0], "inputs": [], "thumb": None}
    return {"samples": [{**bare, "id": f"s{i}", "name": f"{i}.png"} for i in range(count)]}


def test_files_that_cannot_be_read_do_not_end_the_predictions(
    modules: Modules, whole: dict[str, Any]
) -> None:
    page = Page(modules, whole, start=many(whole, 80))
    page.first()
    batches = [page.expect(2, "predict")["samples"]]
    page.run("asked[2].reject(new Error('none of them is a picture'));")
    batches.append(page.expect(3, "predict")["samples"])
    rows = [{**whole["predictions"][0], "sample": one} for one in batches[1][4:]]
    page.answer(3, {**piece_of(whole, "s0", []), "predictions": rows})  # four are left out
    batches.append(page.expect(4, "predict")["samples"])
    rows = [{**whole["predictions"][0], "sample": one} for one in batches[2]]
    page.answer(4, {**piece_of(whole, "s0", []), "predictions": rows})
    page.page.wait_for_timeout(200)
    assert len(page.asked()) == 5  # what cannot be read is asked for once
    asked = [one for batch in batches for one in batch]
    assert len(set(asked)) == len(asked) == 80 - len(whole["samples"])
    assert page.page.locator(".said.failed").count() == 1


def test_a_process_that_died_ends_the_predictions(modules: Modules, whole: dict[str, Any]) -> None:
    page = Page(modules, whole, start=many(whole, 80))
    page.first()
    page.expect(2, "predict")
    page.page.wait_for_timeout(400)  # what is looked at has come to rest
    page.run("asked[2].reject(Object.assign(new Error('killed'), { restart: true }));")
    page.page.wait_for_timeout(300)
    assert len(page.asked()) == 3


def test_a_closed_model_can_be_opened_again(modules: Modules, whole: dict[str, Any]) -> None:
    page = Page(modules, whole)
    page.first()
    model = {"id": whole["models"][0]["id"], "name": "net.keras", "error": ""}
    page.run("tell.model({ ...given, state: 'closed' });", model)
    page.page.locator(".menu > summary").first.click()
    again = page.page.get_by_role("button", name="Open net.keras again")
    again.click()
    page.wait("asked.at(-1).kind === 'reopen'")
    assert page.request(len(page.asked()) - 1) == {"id": model["id"]}
    page.run("tell.model({ ...given, state: 'loading' });", model)
    again.wait_for(state="hidden")
    assert page.run("return ctx.book.document.models.length;") == 1
