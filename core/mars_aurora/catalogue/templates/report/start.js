// Fill the page, then load the other parts of its data.
function start() {
  addRows(data);
  listChoices();
  readAddress();
  startMarks();
  startMaps();
  startPictures();
  startLarge();
  const picture = new URLSearchParams(location.hash.slice(1)).get("picture");
  update();
  showMarks();
  for (const id of [...filters, "sort"]) at(id).addEventListener(at(id).tagName === "SELECT" ? "change" : "input", () => update(false));
  at("clear").addEventListener("click", () => { at("filter").reset(); update(false); });
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { readAddress(); update(); });
  at("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = getComputedStyle(root).colorScheme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
  });
  if (named.has(picture)) openLarge(shown.pictures.includes(named.get(picture)) ? shown.pictures : [named.get(picture)], Math.max(0, shown.pictures.indexOf(named.get(picture))));
  requestAnimationFrame(() => setTimeout(() => { // after the page is drawn
    performance.mark("drawn");
    if (data.parts.length) loadParts(MOST_LOADED_PARTS);
  }));
}
start();
