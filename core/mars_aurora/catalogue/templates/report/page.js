"use strict";
// The rows of the page, the parts of the data beside it, the filters, and the address that holds them.
const PAGE_ROWS = { pictures: 2000, auroras: 100 };
const MOST_LOADED_PARTS = 20; // more are loaded on request
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const pictures = [], auroras = [], named = new Map();
const filters = ["outcome", "mode", "morphology", "brightness", "confidence", "mark", "text"];
const shown = { pictures: [], sightings: [], auroras: [] }; // what passes the filters, in the order of the page
const pages = { pictures: 0, auroras: 0 };
let loaded = 0;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
const url = (path) => path.split("/").map(encodeURIComponent).join("/");
const toObject = (columns, row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]));
const largest = (values) => Math.max(0, ...values.filter((value) => value !== null));

const hasSignal = (sighting) => !sighting.quality_flags.split(" ").includes("no_signal"); // else it is called no aurora

function addRows(part) {
  for (const row of part.pictures) {
    const picture = toObject(data.columns.picture, row);
    picture.sightings = picture.sightings.map((item) => ({ ...toObject(data.columns.sighting, item), picture }));
    picture.auroras = picture.sightings.filter(hasSignal);
    picture.brightness = largest(picture.auroras.map((item) => item.mean_brightness_R));
    picture.confidence = largest(picture.auroras.map((item) => item.confidence));
    picture.first = pictures.length;
    pictures.push(picture);
    named.set(picture.name, picture);
  }
  for (const row of part.auroras) auroras.push(toObject(data.columns.aurora, row));
}

function findSighting([name, detection]) {
  return named.get(name)?.sightings.find((item) => item.detection === detection);
}

// Each part of the data is a script that calls this.
const addPart = addRows;

// Load the parts one after the other, up to a number, and show them.
function loadParts(most) {
  const left = data.total.pictures - pictures.length;
  at("loading").textContent = left ? `${left} pictures are not loaded yet. ` : "";
  if (loaded >= Math.min(most, data.parts.length)) {
    if (loaded < data.parts.length) {
      const load = make("button", { type: "button", textContent: "Load all" });
      load.addEventListener("click", () => loadParts(Infinity));
      at("loading").append(load);
    }
    listChoices();
    update();
    return;
  }
  const script = make("script", { src: url(data.parts[loaded]) });
  script.addEventListener("load", () => { loaded += 1; loadParts(most); });
  script.addEventListener("error", () => {
    at("loading").textContent = `${data.parts[loaded]} is missing: ${left} pictures are not shown. Keep its folder beside this page.`;
  });
  document.head.append(script);
}

function listChoices() {
  const choices = {
    outcome: pictures.map((picture) => picture.outcome),
    mode: pictures.map((picture) => picture.mode),
    morphology: pictures.flatMap((picture) => picture.sightings.map((item) => item.morphology)),
  };
  for (const [id, values] of Object.entries(choices)) {
    const listed = new Set([...at(id).options].map((option) => option.value));
    for (const value of [...new Set(values)].sort())
      if (value && !listed.has(value)) at(id).append(new Option(value.replace("_", " "), value));
  }
}

function passesAsPicture(picture) {
  const is = (id) => at(id).value;
  return (!is("outcome") || picture.outcome === is("outcome")) && (!is("mode") || picture.mode === is("mode"))
    && (!is("mark") || (markOfPicture(picture) || "none") === is("mark"))
    && picture.name.toLowerCase().includes(is("text").toLowerCase());
}

function passesAsSighting(item) {
  const brightness = Number(at("brightness").value), confidence = Number(at("confidence").value);
  return (!at("morphology").value || item.morphology === at("morphology").value)
    && (!brightness || item.mean_brightness_R >= brightness) && (!confidence || item.confidence >= confidence);
}

const hasSightingFilter = () => at("morphology").value || Number(at("brightness").value) || Number(at("confidence").value);

// Apply the filters to everything; the first pages are shown unless `keepPages`.
function update(keepPages = true) {
  if (!keepPages) pages.pictures = pages.auroras = 0;
  const some = hasSightingFilter();
  shown.pictures = pictures.filter((picture) => passesAsPicture(picture) && (!some || picture.sightings.some(passesAsSighting)));
  shown.sightings = shown.pictures.flatMap((picture) => picture.sightings.filter(passesAsSighting));
  const passed = new Set(shown.sightings);
  shown.auroras = auroras.filter((aurora) => aurora.seen.some((key) => passed.has(findSighting(key))));
  sortPictures();
  showPictures();
  showAuroras();
  showMaps();
  writeAddress();
}

function showPager(id, total, change) {
  const rows = PAGE_ROWS[id], last = Math.max(0, Math.ceil(total / rows) - 1);
  pages[id] = Math.min(pages[id], last);
  const pager = at(`${id}-pager`), turn = (step, label, text) => {
    const button = make("button", { type: "button", textContent: text, disabled: pages[id] + step < 0 || pages[id] + step > last });
    button.setAttribute("aria-label", `${label} page of ${id}`);
    button.addEventListener("click", () => { pages[id] += step; change(); writeAddress(); });
    return button;
  };
  pager.hidden = !last;
  pager.replaceChildren(turn(-1, "previous", "←"), `page ${pages[id] + 1} of ${last + 1}`, turn(1, "next", "→"));
  return [pages[id] * rows, (pages[id] + 1) * rows];
}

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  for (const id of [...filters, "sort"]) {
    const field = at(id), value = address.get(id);
    field.value = value ?? (field.tagName === "SELECT" ? field.options[0].value : field.defaultValue);
    if (field.value !== value && value !== null && field.tagName === "SELECT") { // of a part that is not loaded yet, or none
      field.append(new Option(value, value));
      field.value = value;
    }
  }
  for (const id of ["pictures", "auroras"]) pages[id] = Math.max(0, (parseInt(address.get(`${id}-page`), 10) || 1) - 1);
}

function writeAddress() {
  const address = new URLSearchParams();
  for (const id of [...filters, "sort"]) {
    const field = at(id), usual = field.tagName === "SELECT" ? field.options[0].value : field.defaultValue;
    if (field.value !== usual) address.set(id, field.value);
  }
  for (const id of ["pictures", "auroras"]) if (pages[id]) address.set(`${id}-page`, pages[id] + 1);
  if (at("large").open) address.set("picture", openPicture().name);
  history.replaceState(null, "", `#${address}`);
}
