// Maps: a point and outlines for each sighting that passes the filters. Points open the pictures.
const BRIGHTNESS_R = [1, 100], SIZES_KM2 = [1e5, 1e6, 4e6], SMALLEST_PX = 3, LARGEST_PX = 11;

function colorOf(brightness) {
  const [low, high] = BRIGHTNESS_R, fraction = Math.log(Math.max(brightness ?? low, low) / low) / Math.log(high / low);
  return data.stops[Math.round((0.3 + 0.7 * Math.min(1, fraction)) * (data.stops.length - 1))]; // the darkest are as dark as the map
}
const sizeOf = (area) => Math.min(LARGEST_PX, Math.max(SMALLEST_PX, 5 * Math.sqrt((area ?? 0) / 1e6)));

const polar = (sign) => (lat, lon) => {
  const distance = 2 * (90 - lat * sign);
  return distance > 100 ? null : [distance * Math.sin(lon * rad), sign * distance * Math.cos(lon * rad)];
};
const maps = {
  longitude: { point: (item) => [item.lon_deg % 360, 90 - item.lat_deg], project: (lat, lon) => [lon, 90 - lat] },
  north: { point: (item) => polar(1)(item.lat_deg, item.lon_deg), project: polar(1) },
  south: { point: (item) => polar(-1)(item.lat_deg, item.lon_deg), project: polar(-1) },
  time: { point: (item) => item.local_time_h === null ? null : [((item.local_time_h + 12) % 24) * 15, 90 - item.lat_deg] },
};

// Divide edges to 3 degrees, which are curves at the poles.
function divide(ring) {
  return ring.flatMap(([lon, lat], index) => {
    if (!index) return [[lat, lon]];
    const [lon0, lat0] = ring[index - 1], steps = Math.ceil(Math.max(Math.abs(lon - lon0), Math.abs(lat - lat0)) / 3) || 1;
    return Array.from({ length: steps }, (_, step) => {
      const part = (step + 1) / steps;
      return [lat0 + part * (lat - lat0), lon0 + part * (lon - lon0)];
    });
  });
}

// Return paths of the area and the edge of a ring. The cut at 0/360 and the line along a pole are no edges.
function drawRing(ring, project, color) {
  const points = divide(ring), isCut = ([lat, lon]) => lon % 360 === 0 || Math.abs(lat) === 90;
  const fill = points.map(([lat, lon]) => project(lat, lon));
  if (fill.every((point) => point === null)) return "";
  const edges = points.map((point, index) => (index && isCut(point) && isCut(points[index - 1]) ? [[NaN, NaN], point] : [point])).flat();
  const edge = toPath(edges, (lat, lon) => (Number.isNaN(lat) ? null : project(lat, lon)));
  const area = fill.filter((point) => point).map((point) => point.map((value) => value.toFixed(1)).join()).join(" ");
  return `<polygon class="fill" fill="${color}" points="${area}"/><path class="edge" stroke="${color}" d="${edge}"/>`;
}

function drawPoint(item, index, position) {
  const signal = hasSignal(item) ? "" : " no-signal";
  const [x, y] = position.map((value) => value.toFixed(1));
  return `<circle class="dot${signal}" data-index="${index}" data-size="${sizeOf(item.area_km2)}" cx="${x}" cy="${y}" r="1" fill="${colorOf(item.mean_brightness_R)}"/>`;
}

function showMaps() {
  at("shown-sightings").textContent = `${shown.sightings.length} sightings`;
  const order = shown.sightings.map((_, index) => index).sort((a, b) => shown.sightings[b].area_km2 - shown.sightings[a].area_km2); // small ones on top
  for (const [key, { point, project }] of Object.entries(maps)) {
    const rings = project ? order.map((index) => shown.sightings[index].rings.map((ring) => drawRing(ring, project, colorOf(shown.sightings[index].mean_brightness_R))).join("")) : [];
    const dots = order.map((index) => {
      const position = point(shown.sightings[index]);
      return position ? drawPoint(shown.sightings[index], index, position) : "";
    });
    at(`map-${key}`).querySelector(".data").innerHTML = rings.join("") + dots.join("");
  }
  sizeDrawings();
}

function describe(item) {
  const known = (value, unit, digits = 1) => (value === null ? "?" : `${value.toFixed(digits)}${unit}`);
  const time = item.time_utc.slice(0, 16).replace("T", " ") || item.picture.name;
  return `${time} · ${known(item.lat_deg, "°")} ${known(item.lon_deg, "° E")} · ${known(item.local_time_h, " h")} · ${known(item.mean_brightness_R, " R")} · `
    + `${known(item.area_km2 === null ? null : item.area_km2 / 1000, " thousand km²", 0)} · ${item.morphology}`;
}

// Text and points have a size in pixels, on a screen of any width.
function sizeDrawings() {
  for (const drawing of document.querySelectorAll("svg[viewBox]")) {
    const width = drawing.clientWidth || drawing.getBoundingClientRect().width;
    if (!width) continue;
    const pixel = drawing.viewBox.baseVal.width / width;
    drawing.style.setProperty("--px", pixel.toFixed(4));
    for (const dot of drawing.querySelectorAll(".dot")) dot.setAttribute("r", (dot.dataset.size * pixel).toFixed(2));
  }
}

function startMaps() {
  for (const name of document.querySelectorAll(".map .region")) {
    if (!name.dataset.lat) continue; // a label of the grid
    const map = maps[name.closest("svg").id.replace("map-", "")], [x, y] = map.project(Number(name.dataset.lat), Number(name.dataset.lon));
    name.setAttribute("x", x.toFixed(1));
    name.setAttribute("y", y.toFixed(1));
  }
  for (const key of Object.keys(maps)) {
    const map = at(`map-${key}`), found = (event) => shown.sightings[event.target.dataset?.index];
    map.addEventListener("pointerover", (event) => { if (found(event)) at("readout").textContent = describe(found(event)); });
    map.addEventListener("click", (event) => { if (found(event)) openLarge(shown.sightings, shown.sightings.indexOf(found(event))); });
  }
  const gradient = (stops) => `linear-gradient(to right, ${stops.join(", ")})`, [low, high] = BRIGHTNESS_R;
  const key = at("color-key");
  key.querySelector(".colors").style.background = gradient(data.stops.slice(Math.round(0.3 * (data.stops.length - 1))));
  key.querySelector(".ticks").append(...[1, 3, 10, 30, 100].map((value) => {
    const tick = make("span", { textContent: value === low ? `≤ ${value}` : value === high ? `≥ ${value}` : value });
    tick.style.left = `${(100 * Math.log(value / low)) / Math.log(high / low)}%`;
    return tick;
  }));
  at("picture-key").querySelector(".colors").style.background = gradient(data.stops);
  at("size-key").innerHTML = SIZES_KM2.map((area) => {
    const side = 2 * sizeOf(area) + 2;
    return `<span><svg width="${side}" height="${side}" aria-hidden="true"><circle cx="${side / 2}" cy="${side / 2}" r="${side / 2 - 1}" fill="none" stroke="currentColor"/></svg>${area / 1e6}</span>`;
  }).join("");
  new ResizeObserver(sizeDrawings).observe(document.body);
}
