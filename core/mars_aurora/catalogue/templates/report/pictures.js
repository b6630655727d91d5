// Pictures as cards: those that pass the filters, and the sample of the discarded ones.
function makeCard(picture) {
  const image = make("img", { loading: "lazy", decoding: "async", alt: "", width: 640, height: 480, src: url(picture.src) });
  const name = make("span", { textContent: picture.name.split("/").pop() });
  const facts = make("span", { className: picture.auroras.length ? "facts aurora" : "facts", textContent: describePicture(picture) });
  const card = make("button", { type: "button", className: "card", title: picture.name }, image, name, facts);
  card.dataset.name = picture.name;
  return card;
}

function describePicture(picture) {
  const outcome = picture.outcome.replace("_", " "), number = picture.auroras.length;
  if (!number) return `${outcome} · ${picture.objects ?? "?"} object${picture.objects === 1 ? "" : "s"}`;
  return `${number} aurora${number === 1 ? "" : "s"} · ${picture.brightness} R${picture.confidence ? ` · ${picture.confidence}` : ""}`;
}

function sortPictures() {
  const by = at("sort").value, up = ["first", "name", "start"].includes(by);
  shown.pictures.sort((a, b) => (a[by] === b[by] ? 0 : (a[by] < b[by]) === up ? -1 : 1) || (a.name < b.name ? -1 : 1));
}

function showPictures() {
  const [start, end] = showPager("pictures", shown.pictures.length, showPictures);
  at("cards").replaceChildren(...shown.pictures.slice(start, end).map((picture) => (picture.item ??= make("li", {}, makeCard(picture)))));
  at("shown").textContent = `${shown.pictures.length} of ${data.total.pictures}`;
  showMarksOfCards();
}

function startPictures() {
  const listSample = () => data.sample.map((name) => named.get(name)).filter(Boolean);
  at("cards").addEventListener("click", (event) => openCard(event, shown.pictures));
  at("sample").addEventListener("click", (event) => openCard(event, listSample()));
  at("sample").replaceChildren(...listSample().map((picture) => make("li", {}, makeCard(picture))));
}

function openCard(event, list) {
  const card = event.target.closest(".card");
  if (card) openLarge(list, list.indexOf(named.get(card.dataset.name)));
}
