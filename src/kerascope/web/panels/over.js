// What lays something over the picture's panel, or beside it: all else is as the picture has it.

import { picturePanel } from "./picture.js";

export class OverPicture {
  constructor(context) {
    this.context = context;
    this.picture = picturePanel.make(context);
  }

  get redraws() {
    return this.picture.redraws;
  }

  get view() {
    return this.picture.view;
  }

  get place() {
    return this.picture.place;
  }

  get layer() {
    return this.picture.layer;
  }

  get legend() {
    return this.picture.legend;
  }

  get numbers() {
    return this.picture.numbers;
  }

  get size() {
    return this.picture.size;
  }

  alt() {
    return this.picture.alt();
  }

  mark(at) {
    this.picture.mark(at);
  }

  tell(words) {
    this.picture.tell(words);
  }

  placeOf(event) {
    return this.picture.placeOf(event);
  }

  valueAt(at) {
    return this.picture.valueAt(at);
  }

  fail(problem) {
    this.picture.fail(problem);
  }
}
