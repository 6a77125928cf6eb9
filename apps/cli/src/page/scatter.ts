import { type Axes, axes, chartWidth, colour, figure, placeX, placeY } from "./frame.ts";
import { html, type Markup } from "./markup.ts";
import { scaleFor } from "./scale.ts";

export interface PointGroup {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const height = 340;
const plot = { left: 48, top: 24, width: chartWidth - 48 - 12, height: height - 24 - 40 };

/** Signs that differ where colours come again or cannot be told apart. */
const signs: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${x - 2.4} ${y}a2.4 2.4 0 1 0 4.8 0a2.4 2.4 0 1 0 -4.8 0`,
  (x, y) => `M${x - 2.2} ${y - 2.2}h4.4v4.4h-4.4z`,
  (x, y) => `M${x} ${y - 2.9}l2.9 5h-5.8z`,
  (x, y) => `M${x} ${y - 3}l3 3l-3 3l-3 -3z`,
];

/** A cloud of points per group. */
export function scatter(chart: {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly groups: readonly PointGroup[];
  readonly note?: string;
}): Markup {
  const all = chart.groups.flatMap(({ points }) => points);
  const scale = (place: 0 | 1): Axes["x"] =>
    scaleFor(
      all.map((point) => point[place]),
      { mayBeLog: false },
    );
  const frame: Axes = { plot, x: scale(0), y: scale(1), xLabel: chart.xLabel, yLabel: chart.yLabel };
  const sign = (index: number): ((x: number, y: number) => string) =>
    signs[(index + Math.floor(index / 8)) % signs.length] as (x: number, y: number) => string;
  const drawing = html`${axes(frame)}${chart.groups.map(
    ({ points }, index) =>
      html`<path
        fill="${colour(index)}"
        fill-opacity="0.7"
        d="${points.map(([x, y]) => sign(index)(placeX(frame, x), placeY(frame, y))).join("")}"
      />`,
  )}`;
  const legend = html`<ul class="legend">
    ${chart.groups.map(
      ({ label }, index) =>
        html`<li>
          <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
            <path
              fill="${colour(index)}"
              d="${sign(index)(6, 6)}"
              transform="translate(-3 -3) scale(1.5)"
            /></svg
          >${label}
        </li>`,
    )}
  </ul>`;
  return figure(chart.title, height, drawing, {
    legend,
    description: `${all.length} points of ${chart.groups.map(({ label }) => label).join(", ")}`,
    ...(chart.note === undefined ? {} : { note: chart.note }),
  });
}
