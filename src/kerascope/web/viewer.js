// Every picture opens in large; the arrow keys flip through the pictures of its row in place.
"use strict";
(() => {
  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };

  const dialog = make("dialog", "", document.body);
  dialog.className = "viewer";
  dialog.setAttribute("aria-label", "Picture in large");
  const picture = make("img", "", dialog);
  const words = make("p", "", dialog);
  words.setAttribute("aria-live", "polite");
  const tools = make("div", "", dialog);
  tools.className = "tools";
  const back = make("button", "\u2190 Previous", tools);
  const close = make("button", "Close", tools);
  const next = make("button", "Next \u2192", tools);

  let row = [];
  let place = 0;

  const show = (index) => {
    place = (index + row.length) % row.length;
    const image = row[place];
    picture.src = image.src;
    picture.alt = image.alt;
    words.textContent = image.alt;
    back.hidden = next.hidden = row.length < 2;
  };

  back.addEventListener("click", () => show(place - 1));
  next.addEventListener("click", () => show(place + 1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(place - 1);
    if (event.key === "ArrowRight") show(place + 1);
  });

  for (const image of document.querySelectorAll(".frame img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-haspopup", "dialog");
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => {
      const group = image.closest(".sample, .versus") ?? document.body;
      row = [...group.querySelectorAll(".frame img")];
      show(row.indexOf(image));
      dialog.showModal();
    });
  }

  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
})();
