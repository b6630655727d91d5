// The large view: a picture with boxes, outlines, limb, grid and terminator, its facts, and the marks.
let list = [], place = 0; // pictures or sightings through which the arrows step

function openLarge(items, index) {
  list = items;
  place = index;
  if (!at("large").open) at("large").showModal();
  showLarge();
  sizeDrawings();
}

const openPicture = () => list[place].picture ?? list[place];

function showLarge() {
  const picture = openPicture(), chosen = list[place].picture ? list[place] : null;
  at("large-name").textContent = picture.name;
  at("large-position").textContent = `${place + 1} of ${list.length}`;
  at("large-image").src = url(picture.src);
  at("large-image").alt = `Heatmap of ${picture.name}`;
  at("large-overlay").innerHTML = drawGrid(picture) + drawSightings(picture, chosen);
  showLayers();
  at("large-side").replaceChildren(...listFacts(picture), makeMarks(picture, null), make("ol", {}, ...picture.sightings.map((sighting) => makeSighting(picture, sighting, chosen))));
  at("large-side").querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  writeAddress();
}

function drawGrid(picture) {
  const { x, y, radius } = data.disk;
  let drawing = `<circle class="limb" cx="${x}" cy="${y}" r="${radius}"/>`;
  if (picture.perspective) {
    const project = seenFrom(picture.perspective), range = (from, to, step) => Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step);
    const lines = [
      ...range(-60, 60, 30).map((lat) => range(0, 360, 3).map((lon) => [lat, lon])),
      ...range(0, 330, 30).map((lon) => range(-90, 90, 3).map((lat) => [lat, lon])),
    ];
    drawing += `<path class="grid" fill="none" d="${lines.map((line) => toPath(line, project)).join("")}"/>`;
    drawing += `<path class="terminator" d="${toPath(circleAround(picture.perspective[3], picture.perspective[4], 90), project)}"/>`;
    drawing += labelGrid(picture.perspective, project);
  }
  return `<g data-layer="grid">${drawing}</g>`;
}

// Label the parallels on the meridian, and the meridians on the parallel, nearest to the middle of the disk.
function labelGrid([lat, lon], project) {
  const nearLon = Math.round(lon / 30) * 30, nearLat = Math.max(-60, Math.min(60, Math.round(lat / 30) * 30));
  const parallels = [-60, -30, 0, 30, 60].map((value) => [value, nearLon, value ? `${Math.abs(value)}° ${value > 0 ? "N" : "S"}` : "0°"]);
  const meridians = [-60, -30, 30, 60].map((step) => [nearLat, nearLon + step, `${(nearLon + step + 360) % 360}° E`]);
  return [...parallels, ...meridians].map(([a, b, text]) => {
    const point = project(a, b);
    return point ? `<text class="grid-label" x="${point[0] + 2}" y="${point[1] - 2}">${text}</text>` : "";
  }).join("");
}

function drawSightings(picture, chosen) {
  const outlines = picture.sightings.map((item) => item.outlines.map((line) => `<polyline class="outline${item === chosen ? " chosen" : ""}" points="${line.join(" ")}"/>`).join(""));
  const boxes = picture.sightings.map((item) => {
    const [x0, y0, x1, y1] = item.box;
    return `<rect class="box${item === chosen ? " chosen" : ""}" x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}"/><text class="number" x="${x0}" y="${y0 - 3}">${item.detection}</text>`;
  });
  return `<g data-layer="outlines">${outlines.join("")}</g><g data-layer="boxes">${boxes.join("")}</g>`;
}

function showLayers() {
  for (const box of document.querySelectorAll("input[data-layer]"))
    at("large-overlay").querySelector(`[data-layer=${box.dataset.layer}]`).style.display = box.checked ? "" : "none";
}

function makeFacts(facts) {
  return make("dl", {}, ...facts.filter(([, value]) => value).flatMap(([term, value]) => [make("dt", { textContent: term }), make("dd", {}, value)]));
}

const withUnit = (value, unit, digits = 1) => (value === null || value === undefined ? "" : `${value.toFixed(digits)} ${unit}`);
const withError = (value, error, unit, digits = 1) => (value === null ? "" : `${value.toFixed(digits)}${error === null ? "" : ` ± ${error.toFixed(digits)}`} ${unit}`);
const position = (lat, lon) => (lat === null || lon === null ? "" : `${lat.toFixed(1)}° ${lon.toFixed(1)}° E`);
const thousands = (area) => (area === null ? null : area / 1000);

function listFacts(picture) {
  const from = picture.perspective, link = (path, textContent) => make("a", { href: url(path), textContent, target: "_blank", rel: "noopener" });
  return [makeFacts([
    ["Outcome", picture.outcome.replace("_", " ") + (picture.reason ? `: ${picture.reason}` : "")], ["Start, UTC", picture.start.replace("T", " ")], ["Mode", picture.mode],
    ["Objects", picture.objects === null ? "" : String(picture.objects)], ["File flags", picture.flags],
    ["Night searched", withUnit(thousands(picture.night_area_km2), "thousand km²", 0)], ["Limit there", withUnit(picture.limit_R, "R")],
    ["Spacecraft at", from && `${position(from[0], from[1])}, ${from[2].toFixed(0)} km`], ["Sun at", from && position(from[3], from[4])],
    ["Files", make("span", {}, link(picture.src, "picture"), ...(picture.set ? [" · ", link(picture.set, "whole observation set")] : []))],
  ])];
}

function makeSighting(picture, item, chosen) {
  const facts = makeFacts([
    ["Mean", withError(item.mean_brightness_R, item.mean_random_error_R, "R")], ["Peak", withUnit(item.peak_brightness_R, "R")],
    ["Area", withError(thousands(item.area_km2), thousands(item.area_error_km2), "thousand km²", 0)], ["Centroid", position(item.lat_deg, item.lon_deg)],
    ["Local time", withUnit(item.local_time_h, "h")], ["SZA, emission", [withUnit(item.sza_deg, "°", 0), withUnit(item.emission_angle_deg, "°", 0)].filter(Boolean).join(", ")],
    ["SNR", withUnit(item.snr, "")], ["Confidence", withUnit(item.confidence, "", 2)], ["Flags", item.quality_flags], ["Time, UTC", item.time_utc.replace("T", " ")], ["Aurora", item.aurora_id],
  ]);
  const title = make("h4", { textContent: `${item.detection}: ${item.morphology}` });
  const parts = item.morphology === "diffuse" ? [title, facts] : [title, facts, makeMarks(picture, item)];
  return make("li", { className: item === chosen ? "chosen" : "" }, ...parts);
}

function makeMarks(picture, sighting) {
  const what = sighting ? `box ${sighting.detection}` : "picture", own = markOf(picture, sighting);
  const buttons = MARKS.map((mark) => {
    const button = make("button", { type: "button", textContent: mark });
    button.dataset.mark = mark;
    button.setAttribute("aria-pressed", String(own === mark));
    button.setAttribute("aria-label", `${mark}: ${what}`);
    button.addEventListener("click", () => changeMark(picture, sighting, mark));
    return button;
  });
  const label = sighting ? "Box" : boxesOf(picture).length ? "All boxes" : "Picture";
  const group = make("div", { className: "marks" }, make("span", { className: "dim", textContent: label }), ...buttons);
  group.dataset.of = sighting ? sighting.detection : "picture";
  return group;
}

function changeMark(picture, sighting, mark) {
  setMark(picture, sighting, mark);
  showLarge();
  at("large-side").querySelector(`[data-of="${sighting ? sighting.detection : "picture"}"] [data-mark=${mark}]`).focus();
}

function step(by) {
  if (!list.length) return;
  place = (place + by + list.length) % list.length;
  showLarge();
}

function pressKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const mark = MARKS.find((name) => name[0] === event.key);
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    step(event.key === "ArrowLeft" ? -1 : 1);
  } else if (mark) {
    setMark(openPicture(), null, mark);
    showLarge();
  }
}

function startLarge() {
  at("previous").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  at("close").addEventListener("click", () => at("large").close());
  at("large").addEventListener("close", () => { if (at("mark").value) update(); else writeAddress(); });
  at("large").addEventListener("keydown", pressKey);
  for (const box of document.querySelectorAll("input[data-layer]")) box.addEventListener("change", showLayers);
}
