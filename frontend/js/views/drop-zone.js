// Owns every way a file comes to the page: dropped anywhere, pasted, or chosen.

/** `files(list)` gets the files, `address(text)` a link that was dropped or pasted. */
export class DropZone {
  #depth = 0;

  constructor({ scope, curtain, input, choose, files, address }) {
    this.curtain = curtain;
    this.files = files;
    this.address = address;
    scope.listen(choose, "click", () => input.click());
    scope.listen(input, "change", () => this.#chosen(input));
    scope.listen(window, "dragenter", (event) => this.#entered(event));
    scope.listen(window, "dragover", (event) => holdsGoods(event) && event.preventDefault());
    scope.listen(window, "dragleave", (event) => holdsGoods(event) && this.#moved(-1));
    scope.listen(window, "drop", (event) => this.#dropped(event));
    scope.listen(window, "paste", (event) => this.#pasted(event));
  }

  #chosen(input) {
    this.files([...input.files]);
    input.value = "";
  }

  #entered(event) {
    if (!holdsGoods(event)) return;
    event.preventDefault();
    this.#moved(1);
  }

  /** A drag enters and leaves every element on its way; only the balance tells whether it is over the page. */
  #moved(step) {
    this.#depth = Math.max(0, this.#depth + step);
    this.curtain.hidden = this.#depth === 0;
  }

  #dropped(event) {
    if (!holdsGoods(event)) return;
    event.preventDefault();
    this.#depth = 0;
    this.curtain.hidden = true;
    this.#take(event.dataTransfer, "text/uri-list");
  }

  #pasted(event) {
    if (event.target.closest("input, textarea, select")) return;
    this.#take(event.clipboardData, "text/plain");
  }

  #take(goods, kind) {
    const text = goods.getData(kind).trim();
    if (goods.files.length > 0) this.files([...goods.files]);
    else if (/^https?:\/\/\S+$/i.test(text)) this.address(text);
  }
}

const holdsGoods = ({ dataTransfer }) => dataTransfer.types.includes("Files") || dataTransfer.types.includes("text/uri-list");
