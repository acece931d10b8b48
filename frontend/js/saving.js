// Owns handing content to the browser's downloads under a name of our choice.

const HELD_FOR = 10_000;

export function save(content, filename) {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), HELD_FOR);
}
