import { loadAddon } from "./page-map.ts";

/**
 * The calling thread, and those that it starts from now on, wait for a processor when they wake, in place of taking it
 * from whoever runs (Linux: SCHED_BATCH). For what is always busy or never in a hurry: a shard that has told one worker
 * to begin would else lose its processor to that one before it has told the next.
 * @returns false where there is no addon, or the system has no such word
 */
export function interruptNobody(env: NodeJS.ProcessEnv = process.env): boolean {
  const addon = loadAddon(env);
  return typeof addon !== "string" && addon.schedule(0);
}

/**
 * The calling thread asks for short turns, and is given a processor the sooner for it (Linux from 6.12 on). For what has
 * little to do and somebody waiting for it. Threads that it starts from now on inherit this.
 * @returns false where there is no addon, or the system has no such word
 */
export function answerAtOnce(env: NodeJS.ProcessEnv = process.env): boolean {
  const addon = loadAddon(env);
  return typeof addon !== "string" && addon.schedule(1);
}
