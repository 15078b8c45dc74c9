// What the explorer draws with: colours, marks, sharp canvases. In one scope with explorer.js.

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
const mark = (context, x, y, radius, tint, number, letter) => {
  const [sides, turn] = SIDES[number % SIDES.length];
  const outline = new Path2D();
  if (!sides) outline.arc(x, y, radius, 0, 2 * Math.PI);
  for (let k = 0; k < sides; k++) {
    const angle = 2 * Math.PI * (k / sides + turn - 0.25), r = radius * (sides === 3 ? 1.3 : 1.15);
    outline[k ? "lineTo" : "moveTo"](x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  if (sides) outline.closePath();
  context.lineJoin = "round";
  context.fillStyle = "rgba(0, 0, 0, 0.72)";
  context.fill(outline);
  for (const [style, width] of [["#000", 4.5], [tint, 2.5]]) {
    Object.assign(context, { strokeStyle: style, lineWidth: width });
    context.stroke(outline);
  }
  Object.assign(context, { fillStyle: "#fff", font: `bold ${radius * 1.15}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
  context.fillText(letter, x, y + radius * (sides === 3 ? (turn ? -0.1 : 0.2) : 0.08));
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
