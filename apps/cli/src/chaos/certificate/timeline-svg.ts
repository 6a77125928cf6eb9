import type { Certificate } from "./certificate.ts";
import { escape } from "./escape.ts";

const width = 1080;
const height = 340;
const margin = { left: 48, right: 20, top: 92, bottom: 36 };
/** Labels stand in so many rows above the curve, the next free one each. */
const labelRows = 4;
const labelRadius = 10;

/** Committed steps over time, with a mark where each fault struck. */
export function timelineSvg({ commits, faults, steps, disturbed }: Certificate): string {
  const endMs = Math.max(disturbed.elapsedMs, ...commits.map(({ atMs }) => atMs), 1);
  const x = (atMs: number): number => margin.left + (atMs / endMs) * (width - margin.left - margin.right);
  const y = (step: number): number =>
    height - margin.bottom - (step / Math.max(1, steps)) * (height - margin.top - margin.bottom);
  const versionAt = (atMs: number): number =>
    (commits.findLast((commit) => commit.atMs <= atMs)?.step ?? -1) + 1;
  const path = commits.reduce(
    (text, { step, atMs }) => `${text}H${round(x(atMs))}V${round(y(Math.min(steps, step + 1)))}`,
    `M${round(x(0))} ${round(y(0))}`,
  );
  const taken: number[] = new Array<number>(labelRows).fill(Number.NEGATIVE_INFINITY);
  const marks = faults
    .filter((fault) => fault.atMs !== null)
    .sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))
    .map((fault) => {
      const at = x(fault.atMs ?? 0);
      const row = freeRow(taken, at);
      const top = 20 + row * (2 * labelRadius + 1);
      const bottom = y(Math.min(steps, versionAt(fault.atMs ?? 0)));
      return `<g><title>${fault.number}: ${escape(`${fault.process}, ${fault.what}, step ${fault.step ?? fault.plannedStep}`)}</title><line class="stem" x1="${round(at)}" x2="${round(at)}" y1="${top + labelRadius}" y2="${round(bottom)}"/><circle class="mark" cx="${round(at)}" cy="${round(bottom)}" r="3"/><circle class="mark" cx="${round(at)}" cy="${top}" r="${labelRadius}"/><text class="label" x="${round(at)}" y="${top + 4}">${fault.number}</text></g>`;
    });
  return [
    `<svg class="timeline" viewBox="0 0 ${width} ${height}" role="img" aria-label="Committed steps over time, with faults">`,
    ...ticks(steps, 4).map(
      (step) =>
        `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${round(y(step))}" y2="${round(y(step))}"/><text x="${margin.left - 8}" y="${round(y(step) + 4)}" text-anchor="end">${step}</text>`,
    ),
    ...ticks(endMs / 1000, 8).map(
      (second) =>
        `<text x="${round(x(second * 1000))}" y="${height - 12}" text-anchor="middle">${second} s</text>`,
    ),
    `<path class="steps" d="${path}"/>`,
    ...marks,
    `</svg>`,
  ].join("\n");
}

/** The first row whose last label is far enough away, else the one whose label is farthest. */
function freeRow(taken: number[], at: number): number {
  const free = taken.findIndex((last) => at - last > 2 * labelRadius + 1);
  const row = free >= 0 ? free : taken.indexOf(Math.min(...taken));
  taken[row] = at;
  return row;
}

/** Round numbers from 0 to `most`, about `wanted` of them. */
function ticks(most: number, wanted: number): number[] {
  const rough = most / wanted;
  const size =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].find((each) => each >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / size) + 1 }, (_, index) => index * size);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
