import { chartWidth, colour, figure, placeX, round } from "./frame.ts";
import { html, type Markup } from "./markup.ts";
import { linearScale } from "./scale.ts";

export interface IntervalRow {
  readonly group: string;
  readonly label: string;
  readonly colour: number;
  readonly mean: number;
  /** Null: one repetition, of which no interval is known. */
  readonly interval: readonly [number, number] | null;
}

const rowHeight = 20;
const groupGap = 12;
const titleHeight = 20;

/** Rows of means with their intervals on both sides of 0, the row's group above it. */
export function intervalChart(chart: {
  readonly title: string;
  readonly xLabel: string;
  readonly rows: readonly IntervalRow[];
  readonly note?: string;
}): Markup {
  const groups = [...new Set(chart.rows.map(({ group }) => group))];
  const widest = Math.max(...chart.rows.map(({ label }) => label.length));
  const left = Math.min(170, 18 + widest * 7);
  const height = groups.length * (titleHeight + groupGap) + chart.rows.length * rowHeight + 40;
  const ends = chart.rows
    .flatMap(({ mean, interval }) => [0, mean, ...(interval ?? [])])
    .filter(Number.isFinite);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const margin = (high - low) * 0.06;
  const plot = { left, top: 0, width: chartWidth - left - 16, height: height - 40 };
  const x = linearScale(low - margin, high + margin, 4);
  const place = (value: number): number => placeX({ plot, x }, value);
  let y = 0;
  const drawn: Markup[] = [];
  for (const group of groups) {
    y += titleHeight;
    drawn.push(html`<text class="group" x="0" y="${y - 6}">${group}</text>`);
    for (const row of chart.rows.filter((one) => one.group === group)) {
      const middle = y + rowHeight / 2;
      const stroke = colour(row.colour);
      drawn.push(
        html`<text class="tick" x="${left - 8}" y="${middle + 4}" text-anchor="end">${row.label}</text> ${
            row.interval === null
              ? []
              : html`<line
                  stroke="${stroke}"
                  stroke-width="2"
                  x1="${place(row.interval[0])}"
                  x2="${place(row.interval[1])}"
                  y1="${middle}"
                  y2="${middle}"
                />`
          }
          ${
            Number.isFinite(row.mean)
              ? html`<circle cx="${place(row.mean)}" cy="${middle}" r="4" fill="${stroke}" />`
              : []
          }`,
      );
      y += rowHeight;
    }
    y += groupGap;
  }
  const bottom = round(plot.height);
  const grid = x.ticks.map((tick) => {
    const at = place(tick);
    return html`<line
        class="${Math.abs(tick) < 1e-12 ? "axis" : "grid"}"
        x1="${at}"
        x2="${at}"
        y1="0"
        y2="${bottom}"
      /><text class="tick" x="${at}" y="${bottom + 16}" text-anchor="middle"> ${x.text(tick)} </text>`;
  });
  const label = html`<text class="label" x="${chartWidth}" y="${bottom + 34}" text-anchor="end"
    >${chart.xLabel}</text
  >`;
  return figure(chart.title, height, html`${grid}${drawn}${label}`, {
    description: chart.rows
      .map(({ group, label: name, mean }) => `${group}, ${name}: ${mean.toFixed(1)}`)
      .join("; "),
    ...(chart.note === undefined ? {} : { note: chart.note }),
  });
}
