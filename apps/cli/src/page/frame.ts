import { html, type Markup } from "./markup.ts";
import type { Scale } from "./scale.ts";

/** Charts are drawn this wide in their own units: at that size letters have 13 px, on a phone still 11. */
export const chartWidth = 420;

/** The rectangle that is drawn in, in a chart's own units. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Axes {
  readonly plot: Plot;
  readonly x: Scale;
  readonly y: Scale;
  /** With unit. */
  readonly xLabel: string;
  readonly yLabel: string;
}

export const placeX = ({ plot, x }: Pick<Axes, "plot" | "x">, value: number): number =>
  round(plot.left + x.share(value) * plot.width);

export const placeY = ({ plot, y }: Pick<Axes, "plot" | "y">, value: number): number =>
  round(plot.top + (1 - y.share(value)) * plot.height);

/** A tenth of a pixel is finer than anybody sees. */
export const round = (value: number): number => Math.round(value * 10) / 10;

/** Grid, numbers and names of both axes. The y axis' name stands above it, where it can be read without turning. */
export function axes(frame: Axes): Markup {
  const { plot, x, y, xLabel, yLabel } = frame;
  const bottom = plot.top + plot.height;
  return html`${y.ticks.map((tick) => {
      const at = placeY(frame, tick);
      return html`<line
          class="grid"
          x1="${plot.left}"
          x2="${plot.left + plot.width}"
          y1="${at}"
          y2="${at}"
        /><text class="tick" x="${plot.left - 6}" y="${at + 4}" text-anchor="end"> ${y.text(tick)} </text>`;
    })}${x.ticks.map((tick) => {
      const at = placeX(frame, tick);
      return html`<line class="mark" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}" /><text
          class="tick"
          x="${at}"
          y="${bottom + 17}"
          text-anchor="middle"
        >
          ${x.text(tick)}
        </text>`;
    })}
    <line class="axis" x1="${plot.left}" x2="${plot.left + plot.width}" y1="${bottom}" y2="${bottom}" />
    <text class="label" x="${plot.left + plot.width}" y="${bottom + 34}" text-anchor="end">${xLabel}</text>
    <text class="label" x="0" y="12">${yLabel}</text>`;
}

/** A figure of the page: caption, drawing, and what else belongs to it. */
export function figure(
  title: string,
  height: number,
  drawing: Markup,
  more: { readonly note?: string; readonly legend?: Markup; readonly description: string },
): Markup {
  return html`<figure>
    <figcaption>${title}</figcaption>
    ${more.legend ?? []}<svg
      viewBox="0 0 ${chartWidth} ${round(height)}"
      role="img"
      aria-label="${more.description}"
    >
      ${drawing}
    </svg>
    ${more.note === undefined ? [] : html`<p class="note">${more.note}</p>`}
  </figure>`;
}

/** Colours of the page by number; the ninth is the first again. */
export const colour = (index: number): string => `var(--task-${index % 8})`;
