// The words of what is on the stage: of a map as it came, or as it was mixed here.

// Whether the stage shows a map as it came: only then its words and its grade hold.
export function asCame(shown) {
  return (
    (shown.versusMap === null || shown.contrast === 0) &&
    (shown.path === 1 || !shown.map?.path) &&
    shown.view !== "difference"
  );
}

const RESTS = 250; // milliseconds without a change
const READ_AFTER = 500; // milliseconds that a map must stay before it is read aloud

export function makeWords(context) {
  const known = { map: "", words: "", asked: "" };
  let spoken = "";
  let timer = 0;
  let resting = 0;

  // Words of a map mixed here cost a sort of all its numbers: made when the slider rests.
  const find = async (shown, key) => {
    const found = await context.stage.words(shown).catch(() => "");
    if (known.asked !== key) return;
    Object.assign(known, { map: shown.map.id, words: found });
    context.redraw();
  };
  const words = (shown) => {
    if (asCame(shown) || context.stage.words === undefined) return shown.map.caption ?? "";
    const key = [
      shown.map.id, shown.versus, shown.contrast, shown.path, shown.view, shown.pins,
    ].join();
    if (key !== known.asked) {
      known.asked = key;
      clearTimeout(resting);
      resting = setTimeout(() => find(shown, key), RESTS);
    }
    // While a slider moves, the last words stay; those of another map never do.
    return known.map === shown.map.id ? known.words : "";
  };
  // Read aloud what has come to the stage, when it has stayed.
  words.announce = (shown) => {
    if (shown.map === null) return;
    const text = shown.prediction ? `${shown.prediction.verdict}. ${alt(shown)}` : alt(shown);
    if (text === spoken) return;
    const first = spoken === "";
    spoken = text;
    clearTimeout(timer);
    if (!first) timer = setTimeout(() => context.say(text, { quiet: true }), READ_AFTER);
  };
  const alt = (shown) => (asCame(shown) ? shown.map.alt : words(shown));
  return words;
}
