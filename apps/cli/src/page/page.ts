import { html, type Markup } from "./markup.ts";
import { pageStyle } from "./page-style.ts";

export interface PageTable {
  readonly header: readonly string[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly string[])[];
}

/** A page of its own: nothing is loaded from elsewhere, and no script runs. */
export function page(title: string, about: string, body: readonly Markup[]): string {
  const { markup } = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title}</title>
      <style>
        ${{ markup: pageStyle }}
      </style>
    </head>
    <body>
      <header>
        <h1>${title}</h1>
        <p class="muted">${about}</p>
      </header>
      <main>${body}</main>
    </body>
  </html>`;
  return `<!doctype html>\n${markup}\n`;
}

export function section(title: string, parts: readonly Markup[]): Markup {
  return html`<section>
    <h2>${title}</h2>
    ${parts}
  </section>`;
}

/** Figures side by side where there is room. */
export function gallery(figures: readonly Markup[]): Markup {
  return html`<div class="gallery">${figures}</div>`;
}

/** Wide tables scroll in themselves, never the page. */
export function table({ header, rows }: PageTable): Markup {
  const isNumeric = header.map((_, column) =>
    rows.every((row) => /^([−+-]?[\d.,]|–|$)/.test(row[column] ?? "")),
  );
  const kind = (column: number): string => (isNumeric[column] === true ? "number" : "text");
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${header.map((cell, column) => html`<th scope="col" class="${kind(column)}">${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, column) =>
                column === 0
                  ? html`<th scope="row">${cell}</th>`
                  : html`<td class="${kind(column)}">${cell}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export function paragraphs(lines: readonly string[], className = "said"): Markup {
  return html`${lines.map((line) => html`<p class="${className}">${line}</p>`)}`;
}
