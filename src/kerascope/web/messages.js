// What the page says: aloud for those who listen, on a card for what matters, with a way on.

import { actionButton, make, setText } from "./dom.js";

const STAYS = 4000; // milliseconds
const MOST_CARDS = 4;

export function makeMessages() {
  const aloud = make("p", { class: "unseen", "aria-live": "polite", id: "aloud" });
  const cards = make("div", { class: "cards-said" });
  const show = (card) => {
    cards.append(card);
    while (cards.children.length > MOST_CARDS) cards.firstElementChild.remove();
    return card;
  };
  return {
    element: make("div", { class: "messages" }, aloud, cards),
    // quiet: only aloud.
    say(words, { quiet = false } = {}) {
      setText(aloud, words);
      if (quiet) return;
      const card = show(make("p", { class: "said" }, words));
      setTimeout(() => card.remove(), STAYS);
    },
    // again: what to do once more.
    fail(problem, again = null) {
      if (problem.cancelled) return;
      const words = make("p", {}, problem.message);
      const card = make("div", { class: "said failed", role: "alert" }, words);
      const run = () => {
        card.remove();
        again();
      };
      if (again !== null) {
        const label = problem.restart ? "Restart" : "Try again";
        card.append(actionButton(label, run, { class: "soft" }));
      }
      card.append(actionButton("Dismiss", () => card.remove(), { class: "link" }));
      show(card);
    },
  };
}
