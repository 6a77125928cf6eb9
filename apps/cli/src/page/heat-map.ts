import { chartWidth, figure, round } from "./frame.ts";
import { html, type Markup } from "./markup.ts";

export interface HeatMap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** By row, then column; null: not known. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Value of the full colour on either side of 0; what lies beyond has it too. */
  readonly full: number;
  readonly text: (value: number) => string;
  /** More is worse: what is above 0 has the colour of what is below. */
  readonly moreIsWorse?: boolean;
  /** What rows and columns are. */
  readonly rowLabel: string;
  readonly columnLabel: string;
  readonly note?: string;
}

const letter = 7;

/** Blue above 0, orange below, which everybody can tell apart; every cell says its number too, where there is room. */
export function heatMap(map: HeatMap): Markup {
  const longest = Math.max(...map.rows.map((name) => name.length));
  const left = Math.min(130, 10 + longest * letter);
  const name = Math.max(...map.columns.map((one) => one.length)) * letter;
  const slanted = name > Math.min(64, (chartWidth - left) / map.columns.length) - 4;
  // The last of the slanted names reaches beyond its column.
  const beyond = slanted ? Math.min(80, name * 0.7) / 2 : 0;
  const cell = Math.min(64, (chartWidth - left - beyond) / map.columns.length);
  const rowHeight = Math.max(24, Math.min(40, cell));
  const top = 22 + (slanted ? 12 + Math.min(80, name * 0.7) : 16);
  const height = top + map.rows.length * rowHeight + 4;
  const shownText = (text: string): boolean => text.length * letter < cell;
  const columns = map.columns.map((name, column) => {
    const x = round(left + (column + 0.5) * cell);
    return slanted
      ? html`<text class="tick" transform="translate(${x} ${top - 6}) rotate(-45)">${name}</text>`
      : html`<text class="tick" x="${x}" y="${top - 6}" text-anchor="middle">${name}</text>`;
  });
  const rows = map.rows.map((name, row) => {
    const y = round(top + row * rowHeight);
    const cells = map.columns.map((column, at) => {
      const value = map.values[row]?.[at] ?? null;
      const x = round(left + at * cell);
      const size = html`x="${x}" y="${y}" width="${round(cell - 2)}" height="${rowHeight - 2}"`;
      if (value === null || !Number.isFinite(value)) return html`<rect class="unknown" ${size} rx="3" />`;
      const share = Math.min(1, Math.abs(value) / map.full);
      const text = map.text(value);
      return html`<g
        ><title>${name}, ${column}: ${text}</title
        ><rect
          class="${value < 0 || map.moreIsWorse === true ? "below" : "above"}"
          ${size}
          rx="3"
          fill-opacity="${share.toFixed(3)}"
        />${
          shownText(text)
            ? html`<text
                class="${share > 0.55 ? "cell strong" : "cell"}"
                x="${round(x + (cell - 2) / 2)}"
                y="${y + rowHeight / 2 + 3}"
                text-anchor="middle"
                >${text}</text
              >`
            : []
        }</g
      >`;
    });
    return html`<text class="tick" x="${left - 8}" y="${y + rowHeight / 2 + 3}" text-anchor="end"
        >${name}</text
      >${cells}`;
  });
  const labels = html`<text class="label" x="0" y="12">${map.rowLabel} ↓ &#160; ${map.columnLabel} →</text>`;
  return figure(map.title, height, html`${labels}${columns}${rows}`, {
    description: map.rows
      .flatMap((row, at) =>
        map.columns.map((column, place) => {
          const value = map.values[at]?.[place] ?? null;
          return `${row}, ${column}: ${value === null ? "not known" : map.text(value)}`;
        }),
      )
      .join("; "),
    ...(map.note === undefined ? {} : { note: map.note }),
  });
}
