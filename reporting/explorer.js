// The explorer: one ball, several networks. Everything shown is looked up in maps; nothing is computed
// here but distances. Runs for every `[data-explorer]` in the page that has not been started yet, in one
// scope of its own with explorer_marks.js.

const STEPS = 65535; // as in explorer_data.py
const FURTHER = 5; // steps of an arrow key with Shift
const START = [0.75, 0.25]; // of the places on which read-outs were fitted
const TAP_PX = 12; // a finger that moves further was scrolling
const SAY_AFTER_MS = 400; // quiet before the live text speaks
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Numbers of one map, unpacked when asked for.
const unpacked = ({ low, high, data }) => {
  const steps = new Uint16Array(bytes(data).buffer);
  return Object.assign((i) => low + ((high - low) * steps[i]) / STEPS, { low, high });
};

const start = (root, number) => {
  const $ = (name, of = root) => of.querySelector(`[data-${name}]`);
  const scene = JSON.parse($("explorer-maps").textContent);
  const [stepX, stepY] = scene.step, [originX, originY] = scene.origin, [pixelX, pixelY] = scene.pixel;
  const ball = { width: scene.ball.shape[0].length, height: scene.ball.shape.length, fill: `rgb(${scene.ball.colour})` };
  const field = $("field"), handle = $("ball"), picture = $("picture");
  const state = { v: 0, column: 0, row: 0, quantity: "value", moved: false };

  const networks = scene.networks.map((given, k) => {
    const panel = root.querySelectorAll("[data-network]")[k];
    const network = { ...given, panel, response: unpacked(given.response), decoded: given.decoded.map(unpacked) };
    if (given.outputs) Object.assign(network, { outputs: unpacked(given.outputs), best: bytes(given.action) });
    if (given.map) network.cells = bytes(given.map.data);
    network.chip = root.querySelectorAll("[data-chip]")[k];
    network.shown = () => $("shown", panel).checked;
    return network;
  });
  const actions = scene.actions.length;

  // From a place to its line in the maps, and back.
  const grid = () => scene.velocities[state.v];
  const place = (v = grid(), column = state.column, row = state.row) => [v.left + column * stepX, v.top + row * stepY];
  const line = () => grid().first + state.row * grid().columns + state.column;
  const value = (network, i) => network.outputs(i * actions + network.best[i]);
  const distance = (network, i, [x, y]) => Math.hypot(network.decoded[0](i) - x, network.decoded[1](i) - y);

  const QUANTITIES = {
    value: { of: (n, i) => value(n, i), range: (n) => n.value_range },
    response: { of: (n, i) => n.response(i), range: (n) => [0, n.response.high] },
    distance: { of: (n, i, at) => distance(n, i, at), range: () => [0, furthest], digits: 0, unit: " px" },
  };
  const everyPlace = (visit) => scene.velocities.forEach((v) => {
    for (let k = 0; k < v.columns * v.rows; k++) visit(v.first + k, place(v, k % v.columns, Math.floor(k / v.columns)));
  });
  let furthest = 0; // one scale for all networks, so that they can be compared
  everyPlace((i, at) => networks.forEach((n) => { furthest = Math.max(furthest, distance(n, i, at)); }));

  // Drawing -------------------------------------------------------------------------------------
  const image = new Image();
  image.src = `data:image/png;base64,${scene.picture}`;

  const drawPicture = () => {
    const { clientWidth: width, clientHeight: height } = field;
    if (!width) return;
    const scale = width / scene.picture_size[0], context = sharp(picture, width, height);
    const atX = (x) => (x - originX) * pixelX * scale, atY = (y) => (y - originY) * pixelY * scale;
    const middle = ([x, y]) => [atX(x) + (ball.width * scale) / 2, atY(y) + (ball.height * scale) / 2];
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, width, height);
    const [x, y] = place(), v = grid(), [[fitX, fitY], [toX, toY]] = scene.fitted;
    context.lineWidth = 1;
    for (const [dash, alpha, left, top, right, bottom] of [
      [[], 0.3, v.left, v.top, ...place(v, v.columns - 1, v.rows - 1)],
      [[5, 5], 0.6, fitX, fitY, toX, toY],
    ]) {
      context.setLineDash(dash);
      context.strokeStyle = `rgba(255, 255, 255, ${alpha})`;
      context.strokeRect(atX(left), atY(top), atX(right) - atX(left) + ball.width * scale, atY(bottom) - atY(top) + ball.height * scale);
    }
    context.setLineDash([]);
    const sprite = (left, top) => scene.ball.shape.forEach((dots, r) => [...dots].forEach((dot, c) => {
      if (dot === "#") context.fillRect(atX(left) + c * scale, atY(top) + r * scale, scale + 0.3, scale + 0.3);
    }));
    context.fillStyle = ball.fill;
    v.trail.forEach(([dx, dy], k) => {
      context.globalAlpha = k === v.trail.length - 1 ? 1 : 0.12 + (0.45 * k) / v.trail.length;
      sprite(x + dx, y + dy);
    });
    const here = middle([x, y]), i = line(), on = networks.filter((n) => n.shown());
    const ends = on.map((n) => {
      const [a, b] = middle([n.decoded[0](i), n.decoded[1](i)]);
      return [clamp(a, 14, width - 14), clamp(b, 14, height - 14)];
    });
    for (const [casing, thick] of [[true, 4], [false, 2]]) on.forEach((n, k) => {
      Object.assign(context, { strokeStyle: casing ? "rgba(0, 0, 0, 0.55)" : n.colour, lineWidth: thick });
      context.beginPath();
      context.moveTo(...here);
      context.lineTo(...ends[k]);
      context.stroke();
    });
    on.forEach((n, k) => {
      const away = Math.atan2(ends[k][1] - here[1], ends[k][0] - here[0]);
      aim(context, ...ends[k], 9, n.colour, networks.indexOf(n), n.letter, away);
    });
    Object.assign(handle.style, { left: `${here[0]}px`, top: `${here[1]}px` });
  };

  const drawHeat = (network) => {
    const { panel } = network, v = grid(), at = QUANTITIES[network.outputs ? state.quantity : state.quantity === "value" ? "distance" : state.quantity];
    const [low, high] = at.range(network), digits = at.digits ?? digitsFor(low, high);
    paint($("map", panel), v.columns, v.rows, (k) => {
      const here = place(v, k % v.columns, Math.floor(k / v.columns));
      return (at.of(network, v.first + k, here) - low) / (high - low || 1);
    });
    $("map", panel).style.aspectRatio = `${v.columns * stepX * pixelX} / ${v.rows * stepY * pixelY}`;
    const percent = at === QUANTITIES.response;
    write($("low", panel), percent ? 100 * low : low, percent ? 1 : digits, percent ? " %" : "");
    write($("high", panel), percent ? 100 * high : high, percent ? 1 : digits, percent ? " %" : at.unit);
  };

  const drawTile = (network) => {
    const v = grid(), [every, lines] = scene.map_every, { side } = network.map;
    const kept = (count, step) => Math.ceil((count - Math.min(step >> 1, count - 1)) / step);
    let first = 0;
    scene.velocities.slice(0, state.v).forEach((u) => { first += kept(u.columns, every) * kept(u.rows, lines); });
    const across = kept(v.columns, every), down = kept(v.rows, lines);
    const tile = first + Math.min(Math.floor(state.row / lines), down - 1) * across + Math.min(Math.floor(state.column / every), across - 1);
    paint($("tile", network.panel), side, side, (k) => network.cells[tile * side * side + k] / 255);
  };

  const fill = (network) => {
    const { panel } = network, i = line(), v = grid(), [x, y] = place();
    write($("distance", panel), distance(network, i, [x, y]), 0);
    write($("off", network.chip), distance(network, i, [x, y]), 0, " px");
    const [[fitX, fitY], [toX, toY]] = scene.fitted;
    panel.classList.toggle("explorer-guesses", x < fitX || x > toX || y < fitY || y > toY);
    write($("decoded-x", panel), network.decoded[0](i), 0);
    write($("decoded-y", panel), network.decoded[1](i), 0);
    const response = network.response(i);
    write($("response", panel), 100 * response, 1, " %");
    write($("response-low", panel), 0, 0);
    write($("response-high", panel), 100 * network.response.high, 1, " %");
    $("response-at", panel).style.width = `${(100 * response) / (network.response.high || 1)}%`;
    $("here", panel).style.left = `${(100 * (state.column + 0.5)) / v.columns}%`;
    $("here", panel).style.top = `${(100 * (state.row + 0.5)) / v.rows}%`;
    if (network.cells) drawTile(network);
    if (!network.outputs) return;
    const [low, high] = network.value_range, digits = digitsFor(low, high), best = network.best[i];
    write($("value", panel), value(network, i), digits);
    write($("value-low", panel), low, digits);
    write($("value-high", panel), high, digits);
    $("value-at", panel).style.left = `${(100 * clamp(value(network, i) - low, 0, high - low)) / (high - low || 1)}%`;
    Object.assign($("action", panel), { value: best, textContent: scene.actions[best].name });
    if ($("does", panel)) $("does", panel).textContent = scene.actions[best].does;
    $("would", network.chip).textContent = scene.actions[best].name;
    const all = scene.actions.map((_, a) => network.outputs(i * actions + a)), worst = Math.min(...all);
    panel.querySelectorAll("[data-q]").forEach((rowElement, a) => {
      rowElement.classList.toggle("explorer-best", a === best);
      rowElement.querySelector("i").style.width = `${Math.min(100, (100 * (all[a] - worst)) / (network.spread || 1))}%`;
      write(rowElement.querySelector("data"), all[a], digits);
    });
  };

  // Saying --------------------------------------------------------------------------------------
  let speaking = 0;
  const say = () => {
    const at = place().map(Math.round), limit = grid();
    write($("x"), at[0], 0);
    write($("y"), at[1], 0);
    handle.setAttribute("aria-valuetext", `${at[0]} across, ${at[1]} down`);
    handle.setAttribute("aria-valuemax", String(limit.columns * limit.rows - 1));
    handle.setAttribute("aria-valuenow", String(line() - limit.first));
    clearTimeout(speaking);
    if (!state.moved) return;
    speaking = setTimeout(() => {
      const told = networks.map((n) => {
        const text = (name) => $(name, n.panel).textContent;
        const plays = n.outputs ? `value ${text("value")}, prefers ${text("action")}, ` : "";
        return `${n.letter}, ${n.name}: ${plays}read-out off by ${text("distance")} pixels, response ${text("response")} of at most ${text("response-high")}.`;
      });
      $("live").textContent = `Ball at ${at[0]} across, ${at[1]} down. ${told.join(" ")}`;
    }, SAY_AFTER_MS);
  };

  // Moving --------------------------------------------------------------------------------------
  let due = 0;
  const show = () => {
    due = 0;
    drawPicture();
    networks.forEach(fill);
    say();
  };
  const soon = () => { due ||= requestAnimationFrame(show); };
  const goTo = (column, row) => {
    const v = grid();
    state.column = clamp(Math.round(column), 0, v.columns - 1);
    state.row = clamp(Math.round(row), 0, v.rows - 1);
    soon();
  };
  const goToPlace = (x, y) => goTo((x - grid().left) / stepX, (y - grid().top) / stepY);
  const touched = () => {
    state.moved = true;
    $("invitation").hidden = true;
    $("invitation").style.display = "none";
  };
  const goToPointer = (event, element, toPlace, [gripX, gripY] = [0, 0]) => {
    const box = element.getBoundingClientRect();
    touched();
    toPlace((event.clientX - gripX - box.left) / box.width, (event.clientY - gripY - box.top) / box.height);
  };
  const onField = (shareX, shareY) => goToPlace(
    originX + (shareX * scene.picture_size[0] - ball.width / 2) / pixelX,
    originY + (shareY * scene.picture_size[1] - ball.height / 2) / pixelY,
  );
  const onMap = (shareX, shareY) => goTo(shareX * grid().columns - 0.5, shareY * grid().rows - 0.5);

  // A finger drags the ball itself and taps elsewhere, so that the page can still be scrolled.
  const draggable = (element, toPlace) => {
    let dragging = null, tapping = null, grip = [0, 0]; // where the ball was taken, from its middle
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      if (event.pointerType === "touch" && event.target !== handle) {
        tapping = [event.clientX, event.clientY];
        return;
      }
      dragging = event.pointerId;
      element.setPointerCapture(dragging);
      element.classList.add("explorer-dragging");
      grip = [0, 0];
      if (event.target === handle) {
        const box = handle.getBoundingClientRect();
        grip = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
      } else goToPointer(event, element, toPlace);
      if (element === field) { handle.focus({ preventScroll: true }); event.preventDefault(); }
    });
    element.addEventListener("pointermove", (event) => {
      if (event.pointerId === dragging) goToPointer(event, element, toPlace, grip);
    });
    element.addEventListener("pointerup", (event) => {
      if (tapping && Math.hypot(event.clientX - tapping[0], event.clientY - tapping[1]) < TAP_PX) goToPointer(event, element, toPlace);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(end, () => {
      dragging = tapping = null;
      element.classList.remove("explorer-dragging");
    });
  };
  draggable(field, onField);
  networks.forEach((n) => draggable($("heat", n.panel).firstElementChild, onMap));

  const middle = () => goTo((grid().columns - 1) / 2, (grid().rows - 1) / 2);
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  handle.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = KEYS[event.key], far = event.shiftKey ? FURTHER : 1;
    if (!by && event.key !== "Home") return;
    event.preventDefault();
    touched();
    if (by) goTo(state.column + by[0] * far, state.row + by[1] * far);
    else middle();
  });

  // Choosing ------------------------------------------------------------------------------------
  const choice = (name, chosen) => $(name).querySelectorAll("input").forEach((input) => {
    input.name = `explorer-${number}-${name}`;
    input.addEventListener("change", () => chosen(input.value));
  });
  choice("velocities", (value) => {
    const at = place();
    state.v = Number(value);
    goToPlace(...at);
    networks.forEach(drawHeat);
  });
  choice("quantities", (value) => {
    state.quantity = value;
    networks.forEach(drawHeat);
  });
  root.querySelectorAll("[data-shown]").forEach((box) => box.addEventListener("change", soon));
  root.querySelectorAll("[data-arrow]").forEach((arrow, k) => {
    const v = scene.velocities[k];
    arrow.firstElementChild.setAttribute("transform", `rotate(${(Math.atan2(v.y * pixelY, v.x * pixelX) * 180) / Math.PI})`);
  });
  const plays = networks.some((n) => n.outputs);
  if (!plays) $("for").hidden = true;
  const check = (name, value) => { $(name).querySelector(`[value="${value}"]`).checked = true; };
  state.quantity = plays ? "value" : "distance";
  check("velocities", "0");
  check("quantities", state.quantity);
  networks.forEach((n, k) => mark(sharp($("mark", n.panel), 30, 30), 15, 16, 10, n.colour, k, n.letter));
  // Not in the middle, where who knows nothing of the place guesses best.
  const [[fitX, fitY], [toX, toY]] = scene.fitted;
  goToPlace(fitX + START[0] * (toX - fitX), fitY + START[1] * (toY - fitY));
  networks.forEach(drawHeat);
  image.decode().then(soon);
  new ResizeObserver(soon).observe(field);
  root.dataset.ready = "";
};

document.querySelectorAll("[data-explorer]:not([data-ready])").forEach((root) => {
  start(root, document.querySelectorAll("[data-explorer][data-ready]").length);
});
