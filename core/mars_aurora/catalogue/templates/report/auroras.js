// The table of auroras, which is sorted by a click on a column.
const COLUMNS = [ // title, value, number of digits
  ["First seen, UTC", (aurora) => aurora.first_utc], ["Lat., °", (aurora) => aurora.lat_deg, 1], ["Lon., ° E", (aurora) => aurora.lon_deg, 1],
  ["LT, h", (aurora) => aurora.local_time_h, 1], ["SZA, °", (aurora) => aurora.sza_deg, 0],
  ["Area, 10³ km²", (aurora) => (aurora.area_km2 === null ? null : aurora.area_km2 / 1000), 0],
  ["Mean, R", (aurora) => aurora.mean_brightness_R, 1], ["Peak, R", (aurora) => aurora.peak_brightness_R, 1], ["SNR", (aurora) => aurora.snr, 1],
  ["Conf.", (aurora) => aurora.confidence, 2], ["Morphology", (aurora) => aurora.morphology], ["Flags", (aurora) => aurora.quality_flags],
];
let order = { column: 0, down: false };

function compare(a, b) {
  if (a === b) return 0;
  if (a === null) return 1; // unknown ones are last
  if (b === null) return -1;
  return (a < b ? -1 : 1) * (order.down ? -1 : 1);
}

function showAuroras() {
  const value = COLUMNS[order.column][1];
  const sorted = [...shown.auroras].sort((a, b) => compare(value(a), value(b)) || (a.aurora_id < b.aurora_id ? -1 : 1));
  const sightings = sorted.flatMap((aurora) => aurora.seen.map(findSighting).filter(Boolean));
  const places = new Map(sightings.map((item, index) => [item, index]));
  at("shown-auroras").textContent = `${sorted.length} of ${data.total.auroras}`;
  const [start, end] = showPager("auroras", sorted.length, showAuroras);
  at("auroras").tHead.replaceChildren(make("tr", {}, ...COLUMNS.map(makeHead), make("th", { textContent: "Sightings", scope: "col" })));
  at("auroras").tBodies[0].replaceChildren(...sorted.slice(start, end).map((aurora) => makeRow(aurora, sightings, places)));
}

function makeHead([title, , digits], column) {
  const button = make("button", { type: "button", textContent: title }), head = make("th", { scope: "col", className: digits === undefined ? "" : "n" }, button);
  if (column === order.column) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
  button.addEventListener("click", () => {
    order = { column, down: column === order.column ? !order.down : digits !== undefined && column > 4 };
    pages.auroras = 0;
    showAuroras();
    at("auroras").tHead.querySelectorAll("button")[column].focus();
  });
  return head;
}

function makeRow(aurora, sightings, places) {
  const cells = COLUMNS.map(([, value, digits]) => {
    const found = value(aurora), text = found === null ? "–" : digits === undefined ? found.replace("T", " ").replace(/\.000$/, "") : found.toFixed(digits);
    return make("td", { className: digits === undefined ? "" : "n", textContent: text });
  });
  const buttons = aurora.seen.map(findSighting).map((item, number) => {
    const button = make("button", { type: "button", textContent: number + 1, disabled: !item });
    button.setAttribute("aria-label", `open sighting ${number + 1} of ${aurora.aurora_id}`);
    button.addEventListener("click", () => openLarge(sightings, places.get(item)));
    return button;
  });
  return make("tr", {}, ...cells, make("td", {}, ...buttons.flatMap((button) => [button, " "])));
}
