// What the explorer draws and writes with: colours, marks, sharp canvases, numbers. In one scope with explorer.js.

const SCALE = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

const colour = (share) => {
  const at = clamp(share, 0, 1) * (SCALE.length - 1), k = Math.min(Math.floor(at), SCALE.length - 2);
  return SCALE[k].map((c, j) => Math.round(c + (at - k) * (SCALE[k + 1][j] - c)));
};

const paint = (canvas, width, height, share) => {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...colour(share(i)), 255], 4 * i);
  context.putImageData(image, 0, 0);
};

// Corners of the marks, so that they differ without colour too; a circle has none.
const SIDES = [[0, 0], [4, 0.125], [4, 0], [3, 0], [6, 0], [3, 0.5]];
const outlined = (x, y, radius, number) => {
  const [sides, turn] = SIDES[number % SIDES.length], outline = new Path2D();
  const reach = sides === 3 ? radius * 1.3 : sides ? radius * 1.15 : radius;
  if (!sides) outline.arc(x, y, reach, 0, 2 * Math.PI);
  for (let k = 0; k < sides; k++) {
    const angle = 2 * Math.PI * (k / sides + turn - 0.25);
    outline[k ? "lineTo" : "moveTo"](x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  if (sides) outline.closePath();
  return outline;
};

const inked = (context, path, tint, width) => {
  context.lineJoin = "round";
  for (const [strokeStyle, lineWidth] of [["#000", width + 2], [tint, width]]) {
    Object.assign(context, { strokeStyle, lineWidth });
    context.stroke(path);
  }
};

const lettered = (context, x, y, letter, size) => {
  Object.assign(context, { fillStyle: "#fff", font: `bold ${size}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
  context.fillText(letter, x, y + size * 0.07);
};

// A badge, as it stands beside a name.
const mark = (context, x, y, radius, tint, number, letter) => {
  const outline = outlined(x, y, radius, number), [sides, turn] = SIDES[number % SIDES.length];
  context.fillStyle = "rgba(0, 0, 0, 0.72)";
  context.fill(outline);
  inked(context, outline, tint, 2.5);
  lettered(context, x, y + radius * (sides !== 3 ? 0 : turn ? -0.18 : 0.12), letter, radius * 1.15);
};

// The same to aim with: open, so that the ball can be seen through it, a dot in the middle, and the
// letter on the side away from the ball.
const aim = (context, x, y, radius, tint, number, letter, away) => {
  inked(context, outlined(x, y, radius, number), tint, 2.5);
  const tag = [x + 1.9 * radius * Math.cos(away), y + 1.9 * radius * Math.sin(away)];
  context.fillStyle = "rgba(0, 0, 0, 0.8)";
  context.fill(outlined(...tag, 7.5, 0));
  context.fill(outlined(x, y, 3.2, 0));
  context.fillStyle = tint;
  context.fill(outlined(x, y, 2.2, 0));
  lettered(context, ...tag, letter, 11);
};

// A canvas with as many dots as the screen has; returns a context in CSS pixels.
const sharp = (canvas, width, height) => {
  const dots = window.devicePixelRatio || 1, wide = Math.round(width * dots), high = Math.round(height * dots);
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext("2d");
  context.setTransform(wide / width, 0, 0, high / height, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
};

// As many as split a range into tens of parts.
const digitsFor = (low, high) => clamp(1 - Math.floor(Math.log10(high - low || 1)), 2, 5);
const write = (element, number, digits, unit = "") => {
  element.value = number;
  element.textContent = number.toFixed(digits).replace("-", "−") + unit;
};
