/** Numbers as people read them; figures keep their width while they change. */
const thin = "\u202f";

/** 12 345; whole numbers with thin spaces. */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, thin);
}

/** 837 k, 3.31 M: for counts whose last digits say nothing. */
export function short(value: number): string {
  if (value < 10_000) return whole(value);
  if (value < 1e6) return `${threeDigits(value / 1e3)}${thin}k`;
  return `${threeDigits(value / 1e6)}${thin}M`;
}

function threeDigits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** A loss or another measured number with four significant digits; an en dash for none. */
export function measured(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : value.toPrecision(4);
}

/** A share, such as accuracy. */
export function percent(value: number | null | undefined): string {
  return value === undefined || value === null || !Number.isFinite(value)
    ? "–"
    : `${(value * 100).toFixed(1)}${thin}%`;
}

export function milliseconds(value: number): string {
  if (!(value > 0)) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)}${thin}s`;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}${thin}ms`;
}

/** 9 s, 4 min 05 s, 2 h 07 min. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}${thin}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${thin}min ${pad(seconds % 60)}${thin}s`;
  return `${Math.floor(minutes / 60)}${thin}h ${pad(minutes % 60)}${thin}min`;
}

export function bytes(value: number): string {
  if (!(value > 0)) return "–";
  const mebibytes = value / (1 << 20);
  return mebibytes < 1024
    ? `${mebibytes.toFixed(0)}${thin}MiB`
    : `${(mebibytes / 1024).toFixed(1)}${thin}GiB`;
}

/** Hours, minutes and seconds of the reader's own clock. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(":");
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
