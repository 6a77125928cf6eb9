import type { Clock, Message } from "@latentweave/protocol";
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
  const lines: string[] = [];
  let high = 0x811c9dc5;
  let low = 0x1234567;
  const mix = (word: number): void => {
    high = Math.imul(high ^ word, 0x01000193);
    high ^= high >>> 15;
    low = Math.imul(low ^ word, 0x85ebca6b) + high;
    low ^= low >>> 13;
  };
  const mixTime = (): void => {
    const us = Math.round(clock.nowMs() * 1000);
    mix(us | 0);
    mix(Math.floor(us / 0x1_0000_0000));
  };
  const keepLine = (text: string): void => {
    lines.push(`${clock.nowMs().toFixed(3)} ${text}`);
    if (lines.length > 2 * keptLines) lines.splice(0, keptLines);
  };
  return {
    sent({ from, to, message, slices }) {
      mixTime();
      mix(wordOf(from));
      mix(wordOf(to));
      mix(wordOf(message.type));
      mix(placeOf(message));
      mix(slices.length);
      if (!keep) return;
      const { type, runId: _, ...fields } = message;
      keepLine(`${from} > ${to} ${type} ${JSON.stringify(fields).slice(0, 2_000)} ${slices.length}`);
    },
    passed(process, moment, step) {
      mixTime();
      mix(wordOf(process));
      mix(wordOf(moment));
      mix(step);
      if (keep) keepLine(`${process} @ ${moment} ${step}`);
    },
    digest: () => `${(high >>> 0).toString(16).padStart(8, "0")}${(low >>> 0).toString(16).padStart(8, "0")}`,
    lines: () => lines.slice(-keptLines),
  };
}

function placeOf(message: Message): number {
  return "step" in message ? message.step : "version" in message ? (message.version ?? -2) : -1;
}

/** A few dozen names are told a thousand times in every run. */
const words = new Map<string, number>();

/** FNV-1a of a name. */
function wordOf(name: string): number {
  let word = words.get(name);
  if (word === undefined) {
    word = 0x811c9dc5;
    for (let at = 0; at < name.length; at++) word = Math.imul(word ^ name.charCodeAt(at), 0x01000193);
    words.set(name, word);
  }
  return word;
}
