/** Samples/s beside the number of workers, a line for each way of training, as one SVG. */
import { frame, line, picture, plot, text, ticks } from "./chart.mjs";

const colours = ["#2f7d4f", "#4a90d9", "#d97b2f"];
const marginRight = 90;
const labelHeight = 15;

/** @param series names of rows without the number of workers at their end. @param cores of the machine that was measured */
export function scalingChart({ rows }, { series, counts, cores }) {
  const rateOf = (name, count) => rows.find((row) => row.name === `${name} ${count}`)?.perSecond;
  const measured = series.filter((name) => counts.some((count) => rateOf(name, count)));
  const most = Math.max(...rows.map(({ perSecond }) => perSecond.best));
  const step = 10 ** Math.floor(Math.log10(most / 2));
  const top = Math.ceil((1.05 * most) / step) * step;
  const bottom = plot.top + plot.height;
  const x = (count) => plot.left + (plot.width * count) / (counts.at(-1) + 0.5);
  const y = (rate) => bottom - (plot.height * rate) / top;
  const round = (value) => Math.round(10 * value) / 10;
  const lines = measured.flatMap((name, index) => {
    const colour = colours[index % colours.length];
    const points = counts.flatMap((count) => {
      const rate = rateOf(name, count);
      return rate ? [{ count, ...rate }] : [];
    });
    const path = points.map(({ count, median }) => `${round(x(count))},${round(y(median))}`).join(" ");
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(({ count, worst, best }) =>
        line(
          round(x(count)),
          round(y(worst)),
          round(x(count)),
          round(y(best)),
          `stroke="${colour}" stroke-width="4" opacity="0.4"`,
        ),
      ),
    ];
  });
  // Each where its line ends, and no nearer to the one above than it can be read.
  let lowest = 0;
  const labels = measured
    .map((name, index) => ({ name, index, at: y(rateOf(name, counts.at(-1))?.median ?? 0) }))
    .sort((a, b) => a.at - b.at)
    .map(({ name, index, at }) => {
      lowest = Math.max(at, lowest + labelHeight);
      return text(
        plot.left + plot.width + 8,
        round(lowest) + 4,
        name,
        `fill="${colours[index % colours.length]}"`,
      );
    });
  const parts = [
    ...frame(plot.left, "samples/s on one machine", `workers (${cores} cores)`, "samples/s"),
    ...lines,
    ...labels,
    ...ticks(counts, x, (at, label) => text(round(at), bottom + 18, label, 'text-anchor="middle"')),
    ...ticks(
      Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step),
      y,
      (at, label) => text(plot.left - 8, round(at) + 4, label, 'text-anchor="end"'),
    ),
  ];
  return picture(plot.left + plot.width + marginRight, bottom + 60, parts);
}
