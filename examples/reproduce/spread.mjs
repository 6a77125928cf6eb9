/** What a figure is over seeds, or other repetitions. */

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of a sample, divided by n − 1; 0 for one value. */
export function deviation(values) {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1));
}

/** As tables have it. */
export const withDeviation = (values) => `${mean(values).toFixed(2)} ± ${deviation(values).toFixed(2)}`;
