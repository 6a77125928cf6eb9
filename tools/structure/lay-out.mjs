/**
 * Places packages: a band per layer, inside it a row per depth. A line that passes rows on its way gets a place of its
 * own in each (a "pass"), so that it runs between boxes and not behind them.
 *
 * Each row is put in order of where its neighbours are (Sugiyama's barycentres), and then as near to there as boxes
 * that may not overlap can be: the least squares solution by pooling (isotonic regression).
 */

const width = 1640;
const margin = 24;
const box = { width: 132, height: 44 };
const gapBetweenItems = 14;
const passWidth = 10;
const rowGap = 48;
const band = { gap: 36, top: 46, bottom: 26 };
const sweeps = 60;

/** What stands beside what, from the top; algorithm and runtime are equals that never meet. */
const bands = [
  [
    { layer: "app", share: 0.84 },
    { layer: "testing", share: 0.16 },
  ],
  [{ layer: "engine", share: 1 }],
  [
    { layer: "algorithm", share: 0.47 },
    { layer: "runtime", share: 0.53 },
  ],
  [{ layer: "foundation", share: 1 }],
];

/**
 * @param {import("./read-imports.mjs").Package[]} packages
 * @param {{ from: string, to: string }[]} lines
 * @returns {{ nodes: Map<string, object>, areas: object[], routes: { from: object, to: object, passes: object[] }[],
 *   width: number, height: number, box: { width: number, height: number } }} places are of upper left corners; a
 *   pass has its middle in `x`, and `y` is the upper edge of its row
 */
export function layOut(packages, lines) {
  const nodes = new Map(packages.map((each) => [each.folder, { ...each, width: box.width }]));
  const areas = [];
  const rows = [];
  let y = margin;
  for (const members of bands) {
    const depths = members.map(({ layer }) =>
      rowsByDepth([...nodes.values()].filter((node) => node.layer === layer)),
    );
    const count = Math.max(...depths.map((each) => each.length));
    const height = band.top + count * box.height + (count - 1) * rowGap + band.bottom;
    let x = margin;
    members.forEach(({ layer, share }, i) => {
      const area = { layer, x, y, width: (width - (members.length + 1) * margin) * share, height };
      x += area.width + margin;
      areas.push(area);
      depths[i].flat().forEach((node) => (node.area = area));
    });
    for (let r = 0; r < count; r++) {
      const row = {
        y: y + band.top + r * (box.height + rowGap),
        areas: areas.slice(-members.length),
        items: [],
      };
      for (const node of depths.flatMap((each) => each[r] ?? [])) {
        Object.assign(node, { y: row.y, row: rows.length });
        row.items.push(node);
      }
      rows.push(row);
    }
    y += height + band.gap;
  }
  const routes = lines.map(({ from, to }) => route(nodes.get(from), nodes.get(to), rows));
  settle(rows, routes);
  return { nodes, areas, routes, width, height: y - band.gap + margin, box };
}

/** Those that nobody of the same layer imports come first; each import inside a layer goes at least a row down. */
function rowsByDepth(members) {
  const inside = new Set(members.map(({ folder }) => folder));
  const depth = new Map(members.map(({ folder }) => [folder, 0]));
  for (let pass = 0; pass < members.length; pass++)
    for (const { folder, imports } of members)
      for (const target of imports)
        if (inside.has(target)) depth.set(target, Math.max(depth.get(target), depth.get(folder) + 1));
  const rows = [];
  for (const node of members) (rows[depth.get(node.folder)] ??= []).push(node);
  return rows;
}

function route(from, to, rows) {
  const passes = [];
  for (let r = from.row + 1; r < to.row; r++) {
    const pass = { folder: `${from.folder}>${to.folder}`, width: passWidth, y: rows[r].y, row: r };
    rows[r].items.push(pass);
    passes.push(pass);
  }
  return { from, to, passes };
}

function settle(rows, routes) {
  const near = new Map(rows.flatMap(({ items }) => items.map((item) => [item, []])));
  for (const { from, to, passes } of routes) {
    const chain = [from, ...passes, to];
    for (let i = 1; i < chain.length; i++) {
      near.get(chain[i - 1]).push(chain[i]);
      near.get(chain[i]).push(chain[i - 1]);
    }
  }
  for (const row of rows)
    row.items.forEach((item, i) => {
      const area = item.area ?? { x: margin, width: width - 2 * margin };
      item.middle = area.x + (area.width * (i + 0.5)) / row.items.length;
    });
  for (let sweep = 0; sweep < sweeps; sweep++)
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      for (const item of row.items) item.wish = wishOf(item, near.get(item));
      for (const area of row.areas)
        placeApart(
          row.items.filter((item) => areaOf(item, row) === area),
          area,
        );
    }
  for (const { items } of rows) for (const item of items) item.x = item.middle - item.width / 2;
}

/** A pass would rather go straight than stay near either end; a box keeps a little of the place it has. */
function wishOf(item, neighbours) {
  if (neighbours.length === 0) return item.middle;
  const mean = neighbours.reduce((sum, each) => sum + each.middle, 0) / neighbours.length;
  return item.area === undefined ? mean : 0.8 * mean + 0.2 * item.middle;
}

function areaOf(item, { areas }) {
  return item.area ?? areas.find((area) => item.wish < area.x + area.width + margin / 2) ?? areas.at(-1);
}

function placeApart(items, area) {
  items.sort((a, b) => a.wish - b.wish || (a.folder < b.folder ? -1 : 1));
  const widths = items.reduce((sum, item) => sum + item.width, 0);
  const gap = Math.min(gapBetweenItems, (area.width - 16 - widths) / Math.max(1, items.length - 1));
  let used = 0;
  const offsets = items.map((item, i) => {
    if (i > 0) used += (items[i - 1].width + item.width) / 2 + gap;
    return used;
  });
  const pools = [];
  items.forEach((item, i) => {
    pools.push({ sum: item.wish - offsets[i], count: 1 });
    const mean = (pool) => pool.sum / pool.count;
    while (pools.length > 1 && mean(pools.at(-2)) > mean(pools.at(-1))) {
      const last = pools.pop();
      pools.at(-1).sum += last.sum;
      pools.at(-1).count += last.count;
    }
  });
  const lowest = area.x + 8 + (items[0]?.width ?? 0) / 2;
  const highest = area.x + area.width - 8 - (items.at(-1)?.width ?? 0) / 2 - used;
  const starts = pools.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count));
  items.forEach((item, i) => {
    item.middle = Math.max(lowest, Math.min(highest, starts[i])) + offsets[i];
  });
}
