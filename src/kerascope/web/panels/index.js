// The panels, one for a kind of input. A map that no panel draws shows the figure made of it.

import { attentionPanel } from "./attention.js";
import { figurePanel } from "./figure.js";
import { foundPanel } from "./found.js";
import { picturePanel } from "./picture.js";
import { seriesPanel } from "./series.js";
import { severalPanel } from "./several.js";
import { tablePanel } from "./table.js";
import { textPanel } from "./text.js";
import { videoPanel } from "./video.js";
import { volumePanel } from "./volume.js";

export const PANELS = [
  severalPanel, attentionPanel, foundPanel, picturePanel, textPanel, tablePanel, seriesPanel,
  volumePanel, videoPanel, figurePanel,
];

// Return the panel of a map; book and shown: where several inputs may have maps of their own.
export function panelFor(map, book = null, shown = null) {
  return PANELS.find((panel) => panel.applies(map, book, shown));
}
