// What the studio says of the files that it was given: what is wrong, what was decided, what waits.

export class Shelf {
  constructor({ fail, redraw, say }) {
    Object.assign(this, { fail, redraw, say, error: "", noted: new Set() });
    this.reading = []; // names of files that a model has yet to read
  }

  // Each thing is told once.
  hear({ error = "", notes = [], reading = [] }) {
    if (error && error !== this.error) this.fail({ message: error });
    for (const note of notes.filter((one) => !this.noted.has(one))) this.say(note);
    Object.assign(this, { error, reading, noted: new Set(notes) });
    this.redraw();
  }
}
