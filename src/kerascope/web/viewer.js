// Pictures of pages open in large; the arrow keys flip through those of a row. On paper all unfolds.

const viewerPart = (tag, text, parent) => {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
};

const viewerDialog = () => {
  const dialog = viewerPart("dialog", "", document.body);
  dialog.className = "viewer";
  dialog.setAttribute("aria-label", "Picture in large");
  const picture = viewerPart("img", "", dialog);
  const words = viewerPart("p", "", dialog);
  words.setAttribute("aria-live", "polite");
  const tools = viewerPart("div", "", dialog);
  tools.className = "tools";
  const back = viewerPart("button", "\u2190 Previous", tools);
  const shut = viewerPart("button", "Close", tools);
  const next = viewerPart("button", "Next \u2192", tools);
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
  shut.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(place - 1);
    if (event.key === "ArrowRight") show(place + 1);
    event.stopPropagation();
  });
  return (images, index) => {
    row = images;
    show(index);
    dialog.showModal();
  };
};

// Make every picture of the pages (".frame img") a button that shows it in large.
export const enlargePictures = () => {
  const images = document.querySelectorAll(".frame img");
  if (!images.length) return;
  const open = viewerDialog();
  for (const image of images) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-haspopup", "dialog");
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => {
      const group = image.closest(".versus, section, .page") ?? document.body;
      const row = [...group.querySelectorAll(".frame img")];
      open(row, row.indexOf(image));
    });
  }
};

// Unfold all details while the page is printed: on paper nothing can be unfolded.
export const unfoldOnPaper = () => {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
};
