(function () {
  "use strict";
  const sheet = document.getElementById("sheet");
  const cards = sheet ? Array.from(sheet.children) : [];
  const cardOf = new Map(cards.map((card) => [card.dataset.name, card]));

  // --------------------------------------------------------------- filters and order
  const filters = document.getElementById("filters");
  const byNumber = (key, sign) => (a, b) => sign * (a.dataset[key] - b.dataset[key]);
  const best = new Map(cards.map((card, place) => [card, place]));
  const orders = {
    best: (a, b) => best.get(a) - best.get(b),
    capture: byNumber("order", 1),
    score: byNumber("score", -1),
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, {numeric: true}),
  };

  // As `Card.search_text`: an accent may be written in one piece or in two.
  const asText = (typed) => typed.normalize("NFC").toLowerCase();

  function fits(card, wanted) {
    const words = asText(wanted.get("words")).trim().split(/\s+/);
    return (
      (!wanted.get("state") || card.dataset.state === wanted.get("state")) &&
      (!wanted.get("reason") || card.dataset.kind === wanted.get("reason")) &&
      words.every((word) => card.dataset.text.includes(word))
    );
  }

  function arrange() {
    const wanted = new FormData(filters);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !fits(card, wanted);
      shown += card.hidden ? 0 : 1;
    }
    sheet.append(...cards.slice().sort(orders[wanted.get("order")]));
    document.getElementById("nothing").hidden = shown > 0;
    document.getElementById("shown-count").textContent = shown + " of " + cards.length + " frames";
  }

  if (filters) {
    filters.reset();
    filters.hidden = false;
    filters.addEventListener("input", arrange);
    filters.addEventListener("submit", (event) => event.preventDefault());
    arrange();
  }

  // ------------------------------------------------------------ a frame and its camera
  const plot = document.getElementById("cameras-3d");
  let places = new Map();
  let shownName = null;

  async function show(name) {
    const card = cardOf.get(name);
    if (!card) return;
    shownName = name;
    const picture = document.getElementById("shown-picture");
    const thumbnail = card.querySelector("img");
    picture.hidden = !thumbnail;
    if (thumbnail) picture.src = thumbnail.src;
    picture.alt = name;
    document.getElementById("shown-words").replaceChildren(
      ...Array.from(card.querySelector(".words").children, (line) => line.cloneNode(true))
    );
    document.getElementById("shown-link").href = "#" + card.id;
    document.getElementById("shown-hint").hidden = true;
    document.getElementById("shown-frame").hidden = false;
    for (const other of cards) other.classList.toggle("current", other === card);
    await drawn();
    document.getElementById("shown-unposed").hidden = !plot || places.has(name);
    mark(name);
  }

  // While a button is held, plotly reports a click with every picture that it draws, and
  // marking a camera draws one: without this the two would call each other for ever.
  function clicked(name) {
    if (name === undefined || String(name) === shownName) return;
    setTimeout(() => show(String(name)), 0);
  }

  function mark(name) {
    if (!plot) return;
    const at = places.get(name) || [null, null, null];
    Plotly.restyle(plot, {x: [[at[0]]], y: [[at[1]]], z: [[at[2]]]}, [plot.data.length - 1]);
  }

  for (const card of cards) {
    card.querySelector(".picture").addEventListener("click", () => {
      show(card.dataset.name);
      document.getElementById("space").scrollIntoView({behavior: "smooth"});
    });
  }

  // -------------------------------------------------------------------------- the plot
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function paint() {
    const ink = dark.matches ? "#c5ccd4" : "#3d444d";
    const line = dark.matches ? "#39424c" : "#d8dee4";
    const change = {"font.color": ink};
    for (const axis of ["x", "y", "z"]) {
      change["scene." + axis + "axis.gridcolor"] = line;
      change["scene." + axis + "axis.zerolinecolor"] = line;
    }
    Plotly.relayout(plot, change);
    Plotly.restyle(plot, {"marker.color": dark.matches ? "#ffffff" : "#000000"}, [plot.data.length - 1]);
  }

  // plotly is five megabytes of code: it is started when its place comes near.
  let drawing = null;
  function drawn() {
    if (plot && !drawing) drawing = draw();
    return drawing;
  }

  async function draw() {
    const code = document.createElement("script");
    code.textContent = document.getElementById("plotly-code").textContent;
    document.head.append(code);
    const figure = JSON.parse(document.getElementById("cameras-data").textContent);
    figure.data.push({
      type: "scatter3d", mode: "markers", x: [null], y: [null], z: [null],
      marker: {symbol: "circle-open", size: 16, line: {width: 4}},
      hoverinfo: "skip", showlegend: false, name: "the frame that is shown",
    });
    if (plot.clientWidth < 600) {
      const eye = figure.layout.scene.camera.eye;  // step back, so that all cameras fit
      for (const axis of ["x", "y", "z"]) eye[axis] *= 1.45;
    }
    await Plotly.newPlot(plot, figure.data, figure.layout, {responsive: true, displaylogo: false});
    for (const trace of plot.data) {
      (trace.customdata || []).forEach((name, row) => {
        places.set(name, [trace.x, trace.y, trace.z].map((column) => at(column, row)));
      });
    }
    paint();
    dark.addEventListener("change", paint);
    plot.on("plotly_click", (event) => {
      clicked(event.points[0].customdata);
    });
    plot.dataset.ready = "yes";
  }

  // plotly keeps a column as it came: a list, or numbers packed into base64.
  function at(column, row) {
    if (Array.isArray(column) || ArrayBuffer.isView(column)) return column[row];
    const kinds = {f8: Float64Array, f4: Float32Array};
    const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
    return new kinds[column.dtype](bytes.buffer)[row];
  }

  if (plot) {
    const nearby = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        nearby.disconnect();
        drawn();
      }
    }, {rootMargin: "600px"});
    nearby.observe(plot);
  }
})();
