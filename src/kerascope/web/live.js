// The studio's side of the page: asks the model for what is looked at, quick things first.

import { isAim } from "./aims.js";
import { addFiles, loadAll, loadSamples } from "./arrivals.js";
import { barNamed, isForecast, isPicture, targetAsked, targetName } from "./book.js";
import { isAskable, isReady, Known } from "./known.js";
import { dotsOf } from "./marks.js";
import { Shelf } from "./shelf.js";

const ASK_AFTER = 120; // milliseconds that a sample must stay before anything slow is asked
const FIRST = "grad_cam"; // shown while slower methods are made
const CHEAP = 1; // dots up to which several targets are asked at once
const SEVERAL = 3;
const LOOK = "audit";
const BATCH = 32; // samples predicted by one job

const keyOf = (sample, model, name, fields, target) =>
  JSON.stringify([sample, model, name, fields ?? {}, target ?? null]);

export class Live {
  constructor(context) {
    this.context = context;
    this.known = new Known(context);
    this.refused = new Set(); // what failed is not asked again by looking
    this.pins = new Set(); // those that were looked for
    this.datasets = new Set(); // models whose data set was looked for
    this.told = Promise.resolve(); // lists of samples come one after the other
    this.shelf = new Shelf(context);
    this.suited = new Set(); // methods that suit what is no picture: the studio chose them
    this.labels = 0; // models whose classes were known when the samples were listed
    this.followed = "";
    this.timer = 0;
    this.predicting = false;
    this.tried = new Set(); // what was predicted with others, or could not be
    this.closed = new Map(); // models that can be opened again
    context.host.onModel((said) => this.hearModel(said));
    context.host.onSamples((said) => this.hearSamples(said));
    context.host.onLine((whole) => this.hearLine(whole));
  }

  described(model, name) {
    return this.known.described(model, name);
  }

  describe(model) {
    return this.known.describe(model);
  }

  layers(model) {
    return this.known.layers(model);
  }

  load() {
    this.told = loadAll(this.context);
    return this.told;
  }

  // More samples, or their right classes: models say which classes there are.
  hearSamples({ labels, ...shelf }) {
    this.shelf.hear(shelf);
    this.told = this.told.then(() => {
      const again = labels !== this.labels;
      this.labels = labels;
      return loadSamples(this.context, again);
    });
  }

  addFiles(files) {
    return addFiles(this.context, files);
  }

  // The line to the studio is broken, or whole again.
  hearLine(whole) {
    const { say } = this.context;
    if (!whole) say("The studio does not answer; is it still running?");
    else if (this.whole === false) say("The studio answers again.");
    this.whole = whole;
  }

  hearModel(said) {
    const { book, fail, host, redraw } = this.context;
    const before = book.model(said.id)?.state;
    this.closed.delete(said.id);
    if (said.state === "closed") {
      book.removeModel(said.id);
      this.datasets.delete(said.id);
      this.closed.set(said.id, said);
      this.tried.clear();
    } else book.merge({ models: [{ facts: [], sha256: "", ...said }] });
    if (said.state === "ready") this.known.learnMethods(said.id);
    if (said.state === "failed" && before !== "failed") {
      fail({ message: said.error, restart: true }, () => host.reopenModel(said.id).catch(fail));
    }
    redraw();
  }

  async closeModel(model) {
    const { book, fail, host, redraw } = this.context;
    try {
      await host.closeModel(model.id);
      book.removeModel(model.id);
      redraw();
    } catch (problem) {
      fail(problem);
    }
  }

  reopenModel(id) {
    const { fail, host } = this.context;
    return Promise.resolve(host.reopenModel(id)).catch(fail);
  }

  // The job that makes a method's map of the sample shown, or null.
  pending(shown, method) {
    const start = JSON.stringify([shown.sample, shown.model, method.name]).slice(0, -1);
    return this.context.jobs.running().find((job) => job.key.startsWith(start)) ?? null;
  }

  // Asks for one thing once; its answer is in the book then. null where there is none.
  //
  // failed: told why, in place of the person.
  async ask(words, request, { kind = "explain", auto = false, failed = null } = {}) {
    const { book, fail, host, jobs, redraw } = this.context;
    const { sample, model, method, fields, target } = request;
    const key = keyOf(sample ?? request.samples?.[0], model, method ?? kind, fields, target);
    if (jobs.running().some((job) => job.key === key && !job.cancelled)) return null;
    if (auto && this.refused.has(key)) return null;
    try {
      const answer = await jobs.run(words, (told) => host[kind](request, told), { key, auto });
      if (book.model(model) === null) return null; // closed meanwhile
      book.merge(answer.document);
      redraw();
      return answer;
    } catch (problem) {
      if (!problem.cancelled) this.refused.add(key);
      const again = () => {
        this.refused.delete(key);
        this.ask(words, request, { kind });
      };
      if (failed === null) fail(problem, again);
      else failed(problem, again);
      return null;
    }
  }

  // Several targets where they cost little: then the bars answer at once.
  targetFor({ model, prediction, map }, name) {
    const bars = prediction?.outputs.length === 1 ? prediction.outputs[0].bars : [];
    const cheap = dotsOf(this.described(model, name)?.cost) <= CHEAP;
    const target = this.classLookedAt(bars, map);
    const first = bars.slice(0, SEVERAL);
    const among = target === null || first.some((bar) => (bar.ask ?? bar.index) === target);
    return cheap && bars.length > 1 && among && !isForecast(bars) ? `top-${first.length}` : target;
  }

  // The class on the stage, or, before there is a map, the one that the address names.
  classLookedAt(bars, map) {
    if (map !== null) return targetAsked(map.target);
    const { target } = this.context.state.get();
    if (isAim(target)) return target;
    const bar = barNamed(bars, target);
    return bar ? targetAsked({ index: bar.index, ask: bar.ask }) : null;
  }

  // Without a name, the method that suits the sample: the studio knows it.
  async askSuited(shown) {
    const who = this.context.book.sample(shown.sample)?.name ?? "";
    const request = { sample: shown.sample, model: shown.model };
    const answer = await this.ask(`Explanation of ${who}`, request, { auto: true });
    for (const { id } of answer?.document.methods ?? []) this.suited.add(id);
  }

  askMap(shown, { name, fields, target }, options) {
    const title = this.described(shown.model, name)?.title ?? name;
    const who = this.context.book.sample(shown.sample)?.name ?? "";
    return this.ask(`${title} of ${who}`, {
      sample: shown.sample, model: shown.model, method: name, fields,
      target: target ?? this.targetFor(shown, name),
    }, options);
  }

  // Asked for by a person: what comes is shown, where nothing else was chosen meanwhile.
  async explain(shown, request) {
    const wanted = this.wish();
    const answer = await this.askMap(shown, request);
    const made = answer?.document.methods.at(-1);
    if (made && wanted()) this.context.state.set({ method: made.id });
  }

  // Return what tells whether the last wish is still this one, and nothing else was chosen since.
  wish() {
    const { state } = this.context;
    const number = (this.wishes = (this.wishes ?? 0) + 1);
    const chosen = () => {
      const { sample, model, method, target, epoch, input } = state.get();
      return [sample, model, method, target, epoch, input].join();
    };
    const before = chosen();
    return () => number === this.wishes && before === chosen();
  }

  explainBar(shown, { index, ask }, output) {
    return this.explainTarget(shown, targetAsked({ output, index, ask }));
  }

  // By the method on the stage.
  async explainTarget(shown, target) {
    const method = this.context.book.method(shown.wanted ?? shown.method);
    const wanted = this.wish();
    const answer = await this.askMap(shown, {
      name: method?.name ?? FIRST, fields: method?.settings, target,
    });
    const map = answer?.document.maps.at(-1);
    if (map && wanted()) {
      this.context.state.set({ target: targetName(map.target), method: map.method, versus: "" });
    }
  }

  // All pictures at once: what the drawer shows. The job of it that runs, or null.
  looking(model) {
    const key = keyOf(null, model, LOOK);
    return this.context.jobs.running().find((job) => job.key === key) ?? null;
  }

  lookAtAll(model) {
    return this.ask("Look at all pictures", { model }, { kind: LOOK });
  }

  // What was made of them since the studio was started; asked for once.
  async findDataset(model) {
    const { book, host, redraw } = this.context;
    if (this.datasets.has(model) || book.dataset(model) !== null) return;
    this.datasets.add(model);
    const { document: piece } = await host.dataset(model).catch(() => ({ document: null }));
    if (piece === null || book.model(model) === null) return;
    book.merge(piece);
    redraw();
  }

  grade(shown) {
    const method = this.context.book.method(shown.method);
    return this.ask(`Grade of ${method.title}`, {
      sample: shown.sample, model: shown.model, method: method.name, fields: method.settings,
      target: targetAsked(shown.map.target),
    }, { kind: "grade" });
  }

  // While a slow method runs, the quick one's map is on the stage.
  shown(wanted) {
    const { book, state } = this.context;
    if (wanted.map !== null || !wanted.sample) return { ...wanted, wanted: wanted.method };
    const quick = book.document.methods.find(
      (method) => method.model === wanted.model &&
        (this.suited.has(method.id) || method.name === FIRST),
    );
    const found = quick ? book.resolve({ ...state.get(), method: quick.id }) : wanted;
    return { ...(found.map === null ? wanted : found), wanted: wanted.method };
  }

  isShown({ sample }) {
    return this.context.book.resolve(this.context.state.get()).sample === sample;
  }

  // Asks for what is looked at and not there. Leaving a sample cancels what it was waiting for.
  follow(wanted) {
    const { book, jobs, state } = this.context;
    const model = book.model(wanted.model);
    this.findPins(wanted.pins);
    const aim = isAim(state.get().target) ? state.get().target : "";
    const key = [wanted.sample, wanted.model, wanted.method, aim, isAskable(model)].join();
    if (key === this.followed) return;
    this.followed = key;
    clearTimeout(this.timer);
    for (const job of jobs.running()) {
      if (job.auto && !job.key.startsWith(`["${wanted.sample}"`)) jobs.cancel(job);
    }
    if (!wanted.sample || !isAskable(model)) return;
    this.timer = setTimeout(() => this.askMissing(wanted), ASK_AFTER);
  }

  async askMissing(wanted) {
    const { book, state } = this.context;
    await this.known.methodsCame(wanted.model);
    if (wanted.prediction === null) {
      const who = book.sample(wanted.sample)?.name ?? "";
      const request = { samples: [wanted.sample], model: wanted.model };
      await this.ask(`Prediction of ${who}`, request, { kind: "predict", auto: true });
    }
    if (this.isShown(wanted)) await this.askMaps(book.resolve(state.get()));
    if (this.isShown(wanted)) this.predictRest(wanted.model);
  }

  // A quick map first; then that of the method which was chosen, as it was set.
  async askMaps(wanted) {
    const { book, state } = this.context;
    if (this.shown(wanted).map === null && !isPicture(book.sample(wanted.sample))) {
      await this.askSuited(wanted);
    } else if (this.shown(wanted).map === null) {
      await this.askMap(wanted, { name: this.known.quickest(wanted.model, FIRST) }, { auto: true });
    }
    const now = book.resolve(state.get());
    const chosen = book.method(now.method);
    const { target } = state.get();
    const aim = isAim(target) && now.map?.target.key !== target ? target : null;
    if (chosen !== null && (now.map === null || aim !== null) && this.isShown(wanted)) {
      const request = { name: chosen.name, fields: chosen.settings, target: aim };
      await this.askMap(now, request, { auto: true });
    }
  }

  // Pins of an address may be of samples that were not looked at: the studio knows what made them.
  async findPins(pins) {
    const { book, host, redraw } = this.context;
    if (book.document.samples.length === 0) return;
    const unknown = pins.filter((id) => book.map(id) === null && !this.pins.has(id));
    for (const id of unknown) {
      this.pins.add(id);
      const { document: piece } = await host.map(id).catch(() => ({ document: null }));
      if (piece === null || !piece.maps.every(({ model }) => book.model(model))) continue;
      book.merge(piece);
      redraw();
    }
  }

  // The filters need every prediction: made in small jobs, after what is looked at.
  async predictRest(model) {
    const { book } = this.context;
    if (this.predicting) return;
    this.predicting = true;
    let [over, said] = [false, false];
    const failed = (problem, again) => {
      over = problem.cancelled || problem.restart || problem.code > 0;
      if (!said || over) this.context.fail(problem, again);
      said = true; // files that cannot be read: the others are predicted all the same
    };
    while (!over && isReady(book.model(model))) {
      const rest = book.document.samples
        .filter(({ id }) => !this.tried.has(`${model} ${id}`))
        .filter(({ id }) => book.prediction(id, model) === null)
        .filter(({ id }) => !this.refused.has(keyOf(id, model, "predict")))
        .slice(0, BATCH)
        .map(({ id }) => id);
      if (rest.length === 0) break;
      await this.ask("Predictions", { samples: rest, model }, { kind: "predict", failed });
      if (!over) for (const id of rest) this.tried.add(`${model} ${id}`);
    }
    this.predicting = false;
  }
}
