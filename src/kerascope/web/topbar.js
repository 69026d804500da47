// The actions at the right of the verdict: share, print, keys; in the studio also models and jobs.

import { actionButton, make, setHidden } from "./dom.js";
import { makeOpenModels } from "./openmodels.js";

export function makeTopBar(context) {
  const { host, state, book } = context;
  const models = host.live ? makeOpenModels(context) : null;
  const drawer = actionButton("Data set", () => context.toggleDrawer(), {
    class: "soft", id: "dataset", "aria-expanded": "false", title: "Data set (d)",
  });
  const share = actionButton("Share", () => context.share(), {
    class: "soft", id: "share", title: "One HTML file that keeps working from disk (S)",
  });
  const print = actionButton("Print", () => context.print(), { class: "soft", title: "Print (P)" });
  const help = actionButton("?", () => context.help(), {
    class: "soft round", id: "help",
    "aria-label": "Keys and reading", title: "Keys and reading (?)",
  });
  const element = make(
    "div", { class: "actions" }, models?.element, context.jobs?.element, drawer, share, print, help,
  );
  return {
    element,
    draw(shown) {
      models?.draw(shown);
      setHidden(drawer, !context.hasDrawer(shown));
      drawer.setAttribute("aria-expanded", String(state.get().drawer !== ""));
    },
  };
}
