// Owns the connection's state in the corner of the page: always there, in words, with the time of the last event.

import { connectionPhrase, timeOfDay } from "../phrasing.js";
import { setText } from "./dom.js";

const MEANING = {
  connecting: "",
  live: "Every step is shown as it happens.",
  reconnecting: "Nothing is lost: the server goes on by itself.",
  polling: "The live connection is blocked, so this page asks the server instead.",
  offline: "Nothing is lost: this page goes on when the server is back.",
};

export class ConnectionView {
  #connection;

  constructor({ element, retry }) {
    this.element = element;
    this.phrase = element.querySelector("[data-part=phrase]");
    this.last = element.querySelector("[data-part=last]");
    this.again = element.querySelector("[data-part=again]");
    this.again.addEventListener("click", retry);
  }

  show({ connection }) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.element.dataset.state = connection.state;
    this.element.title = connection.reason ?? MEANING[connection.state];
    this.again.hidden = connection.retryAt === null;
    setText(this.last, connection.lastEventAt ? `last heard ${timeOfDay(connection.lastEventAt)}` : "");
    this.tick(Date.now());
  }

  tick(now) {
    setText(this.phrase, connectionPhrase(this.#connection, now));
  }
}
