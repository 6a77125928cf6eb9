import { chartWidth, colour, type Axes, axes, figure, placeX, placeY } from "./frame.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { linearScale, scaleFor } from "./scale.ts";

export interface Line {
  readonly label: string;
  /** Number of the colour. */
  readonly colour: number;
  /** Number of the kind of line, for those that a colour alone does not tell apart; 0: whole. */
  readonly dash?: number;
  /** With a dot at every point: for few of them. */
  readonly hasDots?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
  readonly note?: string;
  /** Ends of the y axis; default: those of the values, on a logarithmic axis where they differ by much. */
  readonly yEnds?: readonly [number, number];
  /** Where on the x axis something begins, and what. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

const height = 260;
const plot = { left: 52, top: 24, width: chartWidth - 52 - 14, height: height - 24 - 40 };

const dashes = ["", "5 4", "1.5 3", "9 3 2 3"];

function dashing(dash = 0): Markup {
  const pattern = dashes[dash % dashes.length] ?? "";
  return pattern === "" ? nothing : html`stroke-dasharray="${pattern}"`;
}

/** Curves over steps. Nothing is drawn of numbers that are not finite. */
export function lineChart(chart: LineChart): Markup {
  const lines = chart.lines.map((line) => ({
    ...line,
    points: line.points.filter(([, y]) => Number.isFinite(y)),
  }));
  const all = lines.flatMap(({ points }) => points);
  const lastX = all.reduce((most, [x]) => Math.max(most, x), 1);
  const frame: Axes = {
    plot,
    x: linearScale(0, lastX),
    y: chart.yEnds
      ? linearScale(...chart.yEnds)
      : scaleFor(
          all.map(([, y]) => y),
          { mayBeLog: true },
        ),
    xLabel: chart.xLabel,
    yLabel: chart.yLabel,
  };
  const marks = (chart.marks ?? []).map(({ x, label }) => {
    const at = placeX(frame, x);
    return html`<line
        class="begin"
        x1="${at}"
        x2="${at}"
        y1="${plot.top}"
        y2="${plot.top + plot.height}"
      /><text class="tick" x="${at + 4}" y="${plot.top + 11}">${label}</text>`;
  });
  const drawing = html`${axes(frame)}${marks}${lines.map(
    ({ points, colour: index, dash, hasDots }) =>
      html`<path
          class="line"
          stroke="${colour(index)}"
          ${dashing(dash)}
          d="${points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${placeX(frame, x)} ${placeY(frame, y)}`).join("")}"
        />${
          hasDots === true
            ? points.map(
                ([x, y]) =>
                  html`<circle
                    cx="${placeX(frame, x)}"
                    cy="${placeY(frame, y)}"
                    r="2.6"
                    fill="${colour(index)}"
                  />`,
              )
            : []
        }`,
  )}`;
  const legend = html`<ul class="legend">
    ${lines.map(
      ({ label, colour: index, dash }) =>
        html`<li>
          <svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true">
            <path class="line" stroke="${colour(index)}" ${dashing(dash)} d="M0 4L22 4" />
          </svg>
          ${label}
        </li>`,
    )}
  </ul>`;
  const note = [chart.note ?? "", frame.y.isLog ? "Logarithmic axis." : ""].join(" ").trim();
  const described = `${chart.yLabel} over ${chart.xLabel}: ${lines
    .map(({ label, points }) => `${label} ends at ${points.at(-1)?.[1].toPrecision(3) ?? "nothing"}`)
    .join(", ")}`;
  return figure(chart.title, height, drawing, {
    legend,
    description: described,
    ...(note === "" ? {} : { note }),
  });
}

/** At most so many points of a long series: each the mean of its stretch, so that noise does not hide the course. */
export function thinned(
  points: readonly (readonly [number, number])[],
  most = 240,
): (readonly [number, number])[] {
  if (points.length <= most) return [...points];
  return Array.from({ length: most }, (_, at) => {
    const part = points.slice(
      Math.floor((at * points.length) / most),
      Math.floor(((at + 1) * points.length) / most),
    );
    const mean = (place: 0 | 1): number => part.reduce((sum, point) => sum + point[place], 0) / part.length;
    return [mean(0), mean(1)] as const;
  });
}
