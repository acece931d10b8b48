// Owns the title of the browser's tab: how far the Task at work is, for those who look elsewhere meanwhile.

export class WindowTitle {
  show({ order, tasks }) {
    const current = order.map((id) => tasks[id]).findLast((task) => task.status === "processing" || task.status === "downloading");
    const title = current ? `${current.percentage} % · ${current.filename} · Cesar` : "Cesar";
    if (document.title !== title) document.title = title;
  }
}
