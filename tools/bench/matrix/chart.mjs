/** Parts of plots in SVG: frames, scales and ticks. */
export const plot = { left: 70, top: 40, width: 330, height: 300 };
export const text = (x, y, words, more = "") => `<text x="${x}" y="${y}" ${more}>${words}</text>`;
export const line = (x1, y1, x2, y2, more) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${more}/>`;
const round = (value) => Math.round(value * 10) / 10;

/** Maps [low, high] to the plot by logarithm. */
export const scale = (low, high, from, length) => (value) =>
  round(from + (length * Math.log(value / low)) / Math.log(high / low));

export function frame(left, title, xLabel, yLabel) {
  const middle = left + plot.width / 2;
  const bottom = plot.top + plot.height;
  return [
    `<rect x="${left}" y="${plot.top}" width="${plot.width}" height="${plot.height}" fill="none" stroke="#8888"/>`,
    text(middle, 24, title, 'text-anchor="middle" font-weight="bold"'),
    text(middle, bottom + 38, xLabel, 'text-anchor="middle"'),
    text(
      left - 52,
      plot.top + plot.height / 2,
      yLabel,
      `text-anchor="middle" transform="rotate(-90 ${left - 52} ${plot.top + plot.height / 2})"`,
    ),
  ];
}

export function ticks(values, at, place) {
  return values.map((value) => place(at(value), value >= 1000 ? `${value / 1000}k` : String(value)));
}

export const powers = (low, high) => {
  const from = Math.ceil(Math.log10(low));
  const to = Math.floor(Math.log10(high));
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
};

/** @param {string[]} parts @returns {string} the whole picture */
export const picture = (width, height, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#777">
${parts.join("\n")}
</svg>
`;
