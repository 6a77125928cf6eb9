/** The drawing itself, on a ground of its own so that it reads in light and in dark pages. */

const colours = {
  app: { fill: "#fdf0e3", line: "#c46a12" },
  testing: { fill: "#f3f3f3", line: "#8a8a8a" },
  engine: { fill: "#fbe9ee", line: "#b8325e" },
  algorithm: { fill: "#e8f3ea", line: "#2f7d42" },
  runtime: { fill: "#e7f0fa", line: "#2163a8" },
  foundation: { fill: "#efecf8", line: "#5c48a5" },
};
const captions = {
  app: "apps · flags, signals, wiring",
  testing: "libs/testing",
  engine: "libs/engine · what a process does; engines meet through the protocol only",
  algorithm: "libs/algorithm · pure: no clock, no files, no sockets",
  runtime: "libs/runtime · the outside world",
  foundation: "libs/foundation · what everybody speaks",
};

/** @param {ReturnType<typeof import("./lay-out.mjs").layOut>} layout */
export function drawSvg({ nodes, areas, routes, width, height, box }) {
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Helvetica, Arial, sans-serif">`,
    `<title>Folders, layers and imports</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<defs>`,
    ...Object.entries(colours).map(
      ([layer, { line }]) =>
        `<marker id="to-${layer}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.5 8 4 0 7.5z" fill="${line}"/></marker>`,
    ),
    `</defs>`,
  ];
  for (const { layer, x, y, width: w, height: h } of areas) {
    out.push(
      `<rect x="${at(x)}" y="${at(y)}" width="${at(w)}" height="${at(h)}" rx="10" fill="${colours[layer].fill}"/>`,
      `<text x="${at(x + 12)}" y="${at(y + 20)}" font-size="13" fill="${colours[layer].line}">${captions[layer]}</text>`,
    );
  }
  const ports = portsOf(nodes, routes, box);
  for (const each of routes) {
    const { layer } = each.from;
    out.push(
      `<path d="${pathOf(each, ports.get(each), box)}" fill="none" stroke="${colours[layer].line}" stroke-width="1.4" stroke-opacity="0.8" marker-end="url(#to-${layer})"/>`,
    );
  }
  for (const { folder, layer, x, y } of nodes.values()) {
    const [, name] = /([^/]+)$/.exec(folder);
    out.push(
      `<rect x="${at(x)}" y="${at(y)}" width="${box.width}" height="${box.height}" rx="7" fill="#ffffff" stroke="${colours[layer].line}" stroke-width="1.5"/>`,
      `<text x="${at(x + box.width / 2)}" y="${at(y + box.height / 2 + 5)}" font-size="14.5" text-anchor="middle" fill="#222222">${name}</text>`,
    );
  }
  out.push("</svg>");
  return `${out.join("\n")}\n`;
}

/** Down through the passes: straight beside boxes, bending between rows. */
function pathOf({ passes }, { start, end }, box) {
  let [x, y] = start;
  let d = `M${at(x)} ${at(y)}`;
  const bendTo = (nextX, nextY) => {
    const bend = (nextY - y) / 2;
    d += `C${at(x)} ${at(y + bend)} ${at(nextX)} ${at(nextY - bend)} ${at(nextX)} ${at(nextY)}`;
    [x, y] = [nextX, nextY];
  };
  for (const pass of passes) {
    bendTo(pass.middle, pass.y);
    y += box.height;
    d += `V${at(y)}`;
  }
  bendTo(...end);
  return d;
}

/** Lines leave below and arrive above, side by side in the order of where they go next. */
function portsOf(nodes, routes, box) {
  const ports = new Map(routes.map((each) => [each, {}]));
  const place = (own, node, key, next, dy) => {
    own.sort((a, b) => next(a).middle - next(b).middle);
    own.forEach((each, i) => {
      ports.get(each)[key] = [node.x + (box.width * (i + 1)) / (own.length + 1), node.y + dy];
    });
  };
  for (const node of nodes.values()) {
    const leaving = routes.filter(({ from }) => from === node);
    place(leaving, node, "start", ({ passes, to }) => passes[0] ?? to, box.height);
    const arriving = routes.filter(({ to }) => to === node);
    place(arriving, node, "end", ({ passes, from }) => passes.at(-1) ?? from, 0);
  }
  return ports;
}

function at(value) {
  return String(Math.round(value * 10) / 10);
}
