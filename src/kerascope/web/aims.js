// Targets that name what the studio holds, as it takes them: "like ID", another sample, and
// "CLASS@mask:TEXT", what is painted.

const LIKE = /^like (\S+)(?: by (cosine|dot|distance))?$/;
const REGION = /^(.*)@mask:([\w-]+)$/s;
const USUAL = "cosine";

export const likeWords = (sample, measure) =>
  measure === USUAL ? `like ${sample}` : `like ${sample} by ${measure}`;

// {sample, measure} of such a target; null of others.
export function likeOf(key) {
  const found = LIKE.exec(key ?? "");
  return found === null ? null : { sample: found[1], measure: found[2] ?? USUAL };
}

// kind: the number of a class; "": the one predicted there.
export const regionWords = (kind, text) => `${kind}@mask:${text}`;

// {kind, text} of such a target; null of others.
export function regionOf(key) {
  const found = REGION.exec(key ?? "");
  return found === null ? null : { kind: found[1], text: found[2] };
}

// Whether the key of a target is what it is asked for by, in any sample.
export const isAim = (key) => likeOf(key) !== null || regionOf(key) !== null;
