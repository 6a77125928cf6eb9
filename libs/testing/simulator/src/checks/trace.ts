import type { Clock } from "@latentweave/protocol";
import type { Outgoing } from "../world/connection.ts";

/** Follows a run: a digest of all that happened, and its newest lines for people. */
export interface Trace {
  sent(outgoing: Outgoing): void;
  passed(process: string, moment: string, step: number): void;
  digest(): string;
  lines(): readonly string[];
}

const keptLines = 4_000;

export function createTrace(clock: Pick<Clock, "nowMs">, keep: boolean): Trace {
  let high = 0x811c9dc5;
  let low = 0x1234567;
  const lines: string[] = [];
  const note = (text: string): void => {
    for (let at = 0; at < text.length; at++) {
      high = Math.imul(high ^ text.charCodeAt(at), 0x01000193);
      low = Math.imul(low ^ text.charCodeAt(at), 0x85ebca6b) + high;
    }
    if (!keep) return;
    lines.push(text);
    if (lines.length > 2 * keptLines) lines.splice(0, keptLines);
  };
  const time = (): string => clock.nowMs().toFixed(3);
  return {
    sent({ from, to, message, slices }) {
      const { type, runId: _, ...fields } = message;
      const text = keep
        ? JSON.stringify(fields).slice(0, 2_000)
        : "step" in message
          ? String(message.step)
          : "version" in message
            ? String(message.version)
            : "";
      note(`${time()} ${from} > ${to} ${type} ${text} ${slices.length}`);
    },
    passed: (process, moment, step) => note(`${time()} ${process} @ ${moment} ${step}`),
    digest: () => `${(high >>> 0).toString(16).padStart(8, "0")}${(low >>> 0).toString(16).padStart(8, "0")}`,
    lines: () => lines.slice(-keptLines),
  };
}
