// Models, pictures and other samples dropped anywhere on the page.

import { make, setHidden } from "./dom.js";

export function takeDrops(context) {
  const cover = make(
    "div", { class: "drop-cover", hidden: true, "aria-hidden": "true" },
    make("p", {}, "Drop a model (.keras, .h5), pictures, texts (.txt), tables or series (.csv), " +
      "arrays (.npy, .npz)"),
  );
  document.body.append(cover);
  let depth = 0;
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = (change) => {
    depth = Math.max(0, change === 0 ? 0 : depth + change);
    setHidden(cover, depth === 0);
  };
  addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    show(1);
  });
  addEventListener("dragleave", (event) => {
    if (holdsFiles(event)) show(-1);
  });
  addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    show(0);
    context.live.addFiles([...event.dataTransfer.files]);
  });
}
