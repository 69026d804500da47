// What comes to the studio's page: the document at the start, samples as they are listed, files.

const PAGE = 1000; // samples asked for at once
const MOST_LISTED = 20000;
const MODEL_FILE = /\.(keras|h5|hdf5)$/i;
const DATA_FILE = /\.(txt|csv|tsv|npy|npz)$/i;

export async function loadAll(context) {
  const { book, host } = context;
  try {
    const answer = await host.document();
    // What the events have told meanwhile is newer.
    const models = answer.models
      .filter(({ state }) => state !== "closed")
      .map((model) => ({ ...model, ...book.model(model.id) }));
    book.merge({ ...answer, models });
    for (const model of answer.models) {
      if (model.state === "closed") context.live.closed.set(model.id, model);
    }
    context.live.labels = answer.studio?.labels ?? 0;
    context.live.shelf.hear(answer.studio ?? {});
    context.redraw();
    await loadSamples(context);
  } catch (problem) {
    context.fail(problem, () => loadAll(context));
  }
}

// Those that are not known yet, or, again, all.
export async function loadSamples(context, again = false) {
  const { book, host } = context;
  let start = again ? 0 : book.document.samples.length;
  try {
    for (;;) {
      const page = await host.samples(start, PAGE);
      start += page.samples.length;
      if (page.samples.length > 0) {
        book.merge({ samples: page.samples });
        context.redraw();
      }
      if (page.samples.length === 0 || start >= Math.min(page.total, MOST_LISTED)) return;
    }
  } catch (problem) {
    context.fail(problem, () => loadSamples(context, again));
  }
}

export async function addFiles(context, files) {
  const { redraw, fail } = context;
  const models = files.filter((file) => MODEL_FILE.test(file.name));
  const others = files.filter((file) => !MODEL_FILE.test(file.name));
  try {
    for (const file of models) await addModel(context, file);
    if (others.length > 0) await addSamples(context, others);
  } catch (problem) {
    fail(problem);
  }
  redraw();
}

async function addModel({ host, state, say }, file) {
  say(`Opening ${file.name} …`);
  const { id } = await host.addModel([file]);
  state.set({ model: id });
}

// Texts, tables and series are read by the model on the stage, which may have to be loaded first.
async function addSamples({ book, host, state, say, fail }, files) {
  if (files.some(({ name }) => DATA_FILE.test(name))) say(`Reading ${files[0].name} …`);
  const answer = await host.addSamples(files, book.resolve(state.get()).model);
  book.merge({ samples: answer.samples });
  for (const { name, error } of answer.refused ?? []) fail({ message: `${name}: ${error}` });
  if (answer.samples.length > 0) state.set({ sample: answer.samples[0].id });
}
