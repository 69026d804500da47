// Targets that name what the studio holds, as it takes them: "like ID", another sample.

const LIKE = /^like (\S+)(?: by (cosine|dot|distance))?$/;
const USUAL = "cosine";

export const likeWords = (sample, measure) =>
  measure === USUAL ? `like ${sample}` : `like ${sample} by ${measure}`;

// {sample, measure} of such a target; null of others.
export function likeOf(key) {
  const found = LIKE.exec(key ?? "");
  return found === null ? null : { sample: found[1], measure: found[2] ?? USUAL };
}

// Whether the key of a target is what it is asked for by, in any sample.
export const isAim = (key) => likeOf(key) !== null;
