// What belongs beside a map, such as a reconstruction and its error: pictures with their words.

import { make, setHidden } from "./dom.js";

export function makeBeside({ book }) {
  const element = make("div", { class: "stage-beside", hidden: true });
  let shown = null;
  return {
    element,
    draw(map) {
      const parts = map.beside ?? [];
      setHidden(element, parts.length === 0);
      if (shown === parts || (parts.length === 0 && !shown?.length)) return;
      shown = parts;
      element.replaceChildren(...parts.map(({ words, figure }) => make("figure", {},
        make("img", { src: book.blob(figure), alt: words, decoding: "async" }),
        make("figcaption", {}, words))));
    },
  };
}
