/** Predicted steps over measured ones, and what is predicted of more hosts, as one SVG. */
import { frame, line, picture, plot, powers, scale, text, ticks } from "./chart.mjs";

const gap = 110;

function pointsPlot(points, mostError) {
  const all = points.flatMap(({ ms, predictedMs }) => [ms, predictedMs]);
  const [low, high] = [Math.min(...all) / 1.5, Math.max(...all) * 1.5];
  const x = scale(low, high, plot.left, plot.width);
  const y = scale(low, high, plot.top + plot.height, -plot.height);
  const bottom = plot.top + plot.height;
  const band = [1 + mostError, 1 - mostError];
  const edge = (share) => [
    [low, low * share],
    [high, high * share],
  ];
  const polygon = [...edge(band[0]), ...edge(band[1]).reverse()].map(([a, b]) => `${x(a)},${y(b)}`).join(" ");
  return [
    ...frame(plot.left, "a step, ms", "measured", "predicted"),
    `<clipPath id="plot"><rect x="${plot.left}" y="${plot.top}" width="${plot.width}" height="${plot.height}"/></clipPath>`,
    `<g clip-path="url(#plot)"><polygon points="${polygon}" fill="#4a90d9" opacity="0.15"/>`,
    line(x(low), y(low), x(high), y(high), 'stroke="#4a90d9"'),
    ...points.map(
      ({ ms, predictedMs, bitsPerSecond }) =>
        `<circle cx="${x(ms)}" cy="${y(predictedMs)}" r="4" fill="${bitsPerSecond ? "#d97b2f" : "#2f7d4f"}"/>`,
    ),
    "</g>",
    ...ticks(powers(low, high), x, (at, label) => text(at, bottom + 18, label, 'text-anchor="middle"')),
    ...ticks(powers(low, high), y, (at, label) => text(plot.left - 8, at + 4, label, 'text-anchor="end"')),
    text(plot.left + 12, plot.top + 20, "● one machine", 'fill="#2f7d4f"'),
    text(plot.left + 12, plot.top + 38, "● behind a cable", 'fill="#d97b2f"'),
    text(plot.left + 12, plot.top + 56, `band: ±${100 * mostError} %`, 'fill="#4a90d9"'),
  ];
}

function hostsPlot({ hosts, curves }, error) {
  const left = plot.left + plot.width + gap;
  const bottom = plot.top + plot.height;
  const rates = curves.flatMap(({ steps }) => steps.map(({ samplesPerSecond }) => samplesPerSecond));
  const [low, high] = [Math.min(...rates) / 2, Math.max(...rates) * 2];
  const x = scale(hosts[0] / 1.2, hosts.at(-1) * 1.2, left, plot.width);
  const y = scale(low, high, bottom, -plot.height);
  const drawn = curves.flatMap(({ batch, steps }) => {
    const at = (share) =>
      steps.map(({ hosts: count, samplesPerSecond }) => `${x(count)},${y(samplesPerSecond * share)}`);
    const last = steps.at(-1);
    return [
      `<polygon points="${[...at(1 + error), ...at(1 / (1 + error)).reverse()].join(" ")}" fill="#d97b2f" opacity="0.2"/>`,
      `<polyline points="${at(1).join(" ")}" fill="none" stroke="#d97b2f" stroke-width="2"/>`,
      text(x(last.hosts) - 6, y(last.samplesPerSecond) - 12, `${batch} samples each`, 'text-anchor="end"'),
    ];
  });
  return [
    ...frame(left, "a prediction: samples/s", "hosts, one GPU each", ""),
    ...drawn,
    ...ticks(hosts, x, (at, label) => text(at, bottom + 18, label, 'text-anchor="middle"')),
    ...ticks(powers(low, high), y, (at, label) => text(left - 8, at + 4, label, 'text-anchor="end"')),
  ];
}

export function predictionChart({ points, beyond }, mostError) {
  const error = Math.max(...points.map((point) => Math.abs(point.error)));
  const width = 2 * plot.width + plot.left + gap + 30;
  const height = plot.top + plot.height + 60;
  const parts = [...pointsPlot(points, mostError), ...hostsPlot(beyond, error)];
  return picture(width, height, parts);
}
