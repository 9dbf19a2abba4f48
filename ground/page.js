// Tables sort when a head is pressed: numbers as numbers, words as words, empty cells last; a second press turns the order.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.number !== undefined ? Number(cell.dataset.number) : cell.textContent.trim();
  };
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    const empty = (value) => value === "" || value === "-" || Number.isNaN(value);
    rows.sort(([a], [b]) => {
      if (empty(a) || empty(b)) return empty(a) - empty(b);
      if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    });
    body.append(...rows.map(([, row]) => row));
  }));
}
// A picture that the page makes smaller is shown as large as it is when pressed, and scrolls; a second press takes it back.
for (const picture of document.querySelectorAll("figure > img")) {
  picture.addEventListener("click", () => picture.parentElement.classList.toggle("whole"));
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
