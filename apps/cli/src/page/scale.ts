/** From values to places on an axis. */
export interface Scale {
  readonly ticks: readonly number[];
  readonly isLog: boolean;
  /** 0 at the axis' beginning, 1 at its end. */
  share(value: number): number;
  /** A tick's number with as many digits as tell it from its neighbours. */
  text(value: number): string;
}

/** With round ticks, about so many, at or within the ends. @param from may equal `to` */
export function linearScale(from: number, to: number, about = 5): Scale {
  const [low, high] = from === to ? [from - Math.abs(from || 1) / 2, to + Math.abs(to || 1) / 2] : [from, to];
  const step = roundStep((high - low) / about);
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9) + 0; index * step <= high + step * 1e-9; index++)
    ticks.push(index * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    ticks,
    isLog: false,
    share: (value) => (value - low) / (high - low),
    text: (value) =>
      digits > 5
        ? value.toExponential(1)
        : (Math.round(value / step) * step || 0)
            .toLocaleString("en-US", {
              minimumFractionDigits: digits,
              maximumFractionDigits: digits,
            })
            .replace(/^-/, "−"),
  };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  const factor = [1, 2, 5, 10].find((one) => one * power >= wanted * 0.999) ?? 10;
  return factor * power;
}

/** Powers of ten, with 2 and 5 between them where there are few. @param from above 0 */
export function logScale(from: number, to: number): Scale {
  const [low, high] = [Math.log10(from), Math.log10(to)];
  const ticks: number[] = [];
  const between = high - low < 2.5 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((high - low) / 8));
  for (let power = Math.floor(low); power <= Math.ceil(high); power += every)
    for (const factor of between) {
      const tick = factor * 10 ** power;
      if (Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9) ticks.push(tick);
    }
  return {
    ticks,
    isLog: true,
    share: (value) => (Math.log10(value) - low) / (high - low || 1),
    text: (value) =>
      value >= 1e-4 && value < 1e5 ? String(Number(value.toPrecision(1))) : value.toExponential(0),
  };
}

/** Where values that are all above 0 differ by so much that small ones would lie on the axis. */
export function scaleFor(values: readonly number[], options: { readonly mayBeLog: boolean }): Scale {
  const known = values.filter(Number.isFinite);
  const low = known.reduce((least, value) => Math.min(least, value), Infinity);
  const high = known.reduce((most, value) => Math.max(most, value), -Infinity);
  if (known.length === 0) return linearScale(0, 1);
  if (options.mayBeLog && low > 0 && high / low > 8) return logScale(low / 1.05, high * 1.05);
  const margin = (high - low) * 0.04;
  return linearScale(low >= 0 && low - margin < 0 ? 0 : low - margin, high + margin);
}
