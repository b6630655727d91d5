// Marks of boxes and pictures: good, bad or fix. They are kept by the browser, under the name of the run, and saved as COCO.
const MARKS = ["good", "bad", "fix"], STORE = `mars-aurora marks ${data.run}`, FORMAT = "mars-aurora marks 1";
let marks = new Map();

// A mark belongs to a box at its place, so that it does not pass to another box when the run is made again.
const keyOf = (picture, sighting) => JSON.stringify(sighting ? [picture.name, sighting.detection, sighting.box] : [picture.name]);
const markOf = (picture, sighting) => marks.get(keyOf(picture, sighting));

// The mark that holds for a box: its own, or that of its picture.
const effectiveMark = (picture, sighting) => markOf(picture, sighting) ?? markOf(picture);

// A picture is good if all of its boxes are marked good or bad, and none is missing; fix if anything has to be drawn again.
function markOfPicture(picture) {
  const own = markOf(picture), boxes = boxesOf(picture).map((item) => effectiveMark(picture, item));
  if (own === "fix" || boxes.includes("fix")) return "fix";
  if (!boxes.length) return own === "bad" ? "fix" : own; // an aurora is missing
  if (boxes.includes(undefined)) return undefined;
  return boxes.every((mark) => mark === "bad") ? "bad" : "good";
}

// A diffuse aurora has no box that can be learned.
const boxesOf = (picture) => picture.sightings.filter((item) => item.morphology !== "diffuse");

function setMark(picture, sighting, mark) {
  const key = keyOf(picture, sighting);
  if (marks.get(key) === mark) marks.delete(key); else marks.set(key, mark);
  keepMarks();
}

function keepMarks() {
  try {
    localStorage.setItem(STORE, JSON.stringify([...marks]));
  } catch {
    at("marks-status").textContent = "This browser does not keep marks: save them before the page is closed.";
  }
  showMarks();
}

function showMarks() {
  const number = Object.fromEntries(MARKS.map((mark) => [mark, [...marks.values()].filter((value) => value === mark).length]));
  at("marked").textContent = marks.size ? `Marks: ${MARKS.map((mark) => `${number[mark]} ${mark}`).join(", ")}.` : "No marks.";
  at("save-marks").disabled = at("clear-marks").disabled = !marks.size;
  showMarksOfCards();
}

function showMarksOfCards() {
  for (const card of document.querySelectorAll(".card")) {
    const mark = markOfPicture(named.get(card.dataset.name));
    if (mark) card.dataset.mark = mark; else delete card.dataset.mark;
    card.querySelector(".mark")?.remove();
    if (mark) card.querySelector(".facts").append(make("b", { className: "mark", textContent: ` · ${mark}` }));
  }
}

// COCO of the pictures that are marked completely, with their good boxes and that of Mars; and all marks, to load them again.
function describeMarks() {
  const done = pictures.filter((picture) => ["good", "bad"].includes(markOfPicture(picture)));
  const annotations = [], add = (image, label, [x0, y0, x1, y1]) => {
    const width = Number((x1 - x0).toFixed(1)), height = Number((y1 - y0).toFixed(1)), category = data.categories.find(({ name }) => name === label);
    annotations.push({ id: annotations.length + 1, image_id: image, category_id: category.id, bbox: [x0, y0, width, height], area: width * height, iscrowd: 0 });
  };
  done.forEach((picture, index) => {
    if (picture.mars_box) add(index + 1, "mars", picture.mars_box);
    for (const item of boxesOf(picture)) if (effectiveMark(picture, item) === "good") add(index + 1, "aurora", item.box);
  });
  const images = done.map((picture, index) => ({ id: index + 1, file_name: `images/${picture.label}.png`, width: 640, height: 480 }));
  const info = { description: FORMAT, run_id: data.run, run_created_utc: data.created, date_created: new Date().toISOString() };
  const listed = [...marks].map(([key, mark]) => {
    const [name, detection, box] = JSON.parse(key);
    return detection ? { name, detection, box, mark } : { name, mark };
  });
  return { info, images, annotations, categories: data.categories, marks: listed };
}

function saveMarks() {
  const file = new Blob([JSON.stringify(describeMarks(), null, 1)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(file), download: `${data.run}.marks.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function loadMarks(file) {
  try {
    const read = JSON.parse(await file.text());
    if (read.info.description !== FORMAT) throw new Error("it has another format");
    for (const { name, detection, box, mark } of read.marks) if (MARKS.includes(mark)) marks.set(JSON.stringify(detection ? [name, detection, box] : [name]), mark);
    const other = read.info.run_id === data.run ? "" : `, of the run ${read.info.run_id}`;
    at("marks-status").textContent = `${read.marks.length} marks were loaded from ${file.name}${other}.`;
    keepMarks();
  } catch (error) {
    at("marks-status").textContent = `${file.name} is not a file of marks: ${error.message}`;
  }
}

function startMarks() {
  try {
    marks = new Map(JSON.parse(localStorage.getItem(STORE) ?? "[]"));
  } catch {
    marks = new Map(); // storage is not allowed, or of another version
  }
  at("save-marks").addEventListener("click", saveMarks);
  at("load-marks").addEventListener("change", (event) => { if (event.target.files[0]) loadMarks(event.target.files[0]); });
  at("clear-marks").addEventListener("click", () => {
    if (confirm("Delete all marks of this run?")) { marks.clear(); keepMarks(); }
  });
}
