/** What setup tells a person while it works; `line` stays, `live` replaces the last live text. */
export interface Progress {
  line(text: string): void;
  live(text: string): void;
}

/** Live text reaches a log no more often than this; a terminal gets every change. */
const quietMs = 5_000;

/** Progress on standard error: one rewritten line in a terminal, a line every few seconds elsewhere. */
export function stderrProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let liveShown = false;
  let lastLiveMs = Date.now();
  return {
    line(text) {
      stream.write(`${liveShown && stream.isTTY ? "\r\u001b[K" : ""}${text}\n`);
      liveShown = false;
      lastLiveMs = Date.now();
    },
    live(text) {
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${text}`);
        liveShown = true;
      } else if (Date.now() - lastLiveMs >= quietMs) {
        stream.write(`${text}\n`);
        lastLiveMs = Date.now();
      }
    },
  };
}

/** 1,234,567 bytes as "1.2 MB", decimal as disks and networks count. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** Seconds since `startMs` (of performance.now) with one digit. */
export function secondsSince(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}
