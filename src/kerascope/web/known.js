// What the studio tells of models: their methods as forms, and their layers; asked for once.

const AGAIN_AFTER = 2000; // milliseconds after which what was refused is asked again
const PATIENCE = 5000; // milliseconds that the list of methods may take

export const isReady = (model) =>
  model !== null && (model.state === undefined || model.state === "ready");

// What was made of a model before is kept: it may be asked for while the model is being loaded.
export const isAskable = (model) =>
  isReady(model) || (model?.state === "loading" && model.facts.length > 0);

export class Known {
  constructor(context) {
    this.context = context;
    this.methods = new Map(); // model → descriptions; null while they are on their way
    this.places = new Map(); // model → its layers
  }

  // What is known of a model, or null; asked for once, and again where it was refused.
  lookUp(table, model, fetchAll) {
    if (!model || this.context.book.model(model) === null) return null;
    if (!table.has(model)) {
      table.set(model, null);
      fetchAll(model).then((found) => {
        table.set(model, found);
        this.context.redraw();
      }, () => setTimeout(() => {
        table.delete(model);
        this.context.redraw();
      }, AGAIN_AFTER));
    }
    return table.get(model);
  }

  describe(model) {
    return this.lookUp(this.methods, model, async (id) =>
      (await this.context.host.methods(id)).methods);
  }

  described(model, name) {
    return this.describe(model)?.find((method) => method.name === name) ?? null;
  }

  // Which methods a model hinders is known when it is open.
  async learnMethods(model) {
    const found = await this.context.host.methods(model).catch(() => null);
    if (found !== null) this.methods.set(model, found.methods);
    this.context.redraw();
  }

  async methodsCame(model) {
    this.describe(model);
    for (const start = Date.now(); !this.methods.get(model); ) {
      if (Date.now() - start > PATIENCE) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  // The method of that name, or the cheapest that the model does not hinder.
  quickest(model, name) {
    const known = (this.describe(model) ?? []).filter((method) => !method.hindrance);
    return (known.find((method) => method.name === name) ?? known[0])?.name ?? name;
  }

  layers(model) {
    if (!isReady(this.context.book.model(model))) return [];
    const found = this.lookUp(this.places, model, async (id) =>
      (await this.context.host.layers(id)).layers);
    return (found ?? [])
      .filter((layer) => layer.map !== null)
      .map(({ layer, map }) => ({ name: layer, words: `${layer} (${map.join(" × ")})` }));
  }
}
