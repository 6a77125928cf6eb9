import { type Channel, ChannelRefused, type Clock, closeCodes, type Dialer } from "@latentweave/protocol";
import { backoffMs, longestDelayMs, longestLocalDelayMs } from "./backoff.ts";
import { isLoopbackHost } from "./host-identity.ts";

/*
 * Owns: when to dial again. Does not own: what is said on a channel (onChannel's business), or the channel's life.
 *
 * States: dialing → connected → waiting → dialing ..., and ended from each of them. The loop below is that machine:
 * each state lives in one part of its body and leaves nothing behind.
 *
 * Invariants:
 * 1. At most one channel is open at any time.
 * 2. A close code that no further attempt can change ends the loop, as a value; `replaced` is one unless `mayReturn`.
 * 3. `onWaiting` is called when its reason changes, not at every attempt.
 * 4. After the signal the loop ends at once; an open channel is closed with `goingAway`.
 */

/** A connection that lived this long was a good one: the next failure starts a new row of attempts. */
export const goodAfterMs = 10_000;

/**
 * No other attempt by the same process would fare better. `replaced` is among them because this loop has one channel:
 * its successor is not ours, and two processes of one identity would throw each other out for ever.
 */
const fatalCodes: ReadonlySet<number> = new Set([
  closeCodes.wrongVersion,
  closeCodes.wrongToken,
  closeCodes.wrongRun,
  closeCodes.wrongClass,
  closeCodes.replaced,
]);

/** Before it connects again to a peer that took an older process's word for a newer one's: long enough for that to be over. */
const replacedMs = 250;

/** What is used of an `AbortSignal`. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface KeepConnectedOptions {
  readonly dialer: Dialer;
  readonly url: string;
  readonly clock: Clock;
  /** Uniform in [0, 1); for jitter alone. */
  readonly random: () => number;
  /** Called for each new channel, before anything was read from it. */
  readonly onChannel: (channel: Channel) => void;
  /** The connection is gone or cannot be made, and it will be tried again after `delayMs`. */
  readonly onWaiting: (reason: string, delayMs: number, attempt: number) => void;
  /**
   * `replaced` is not the end: word of an older process of this identity may come late, and whoever really is replaced
   * hears of it elsewhere, by `signal`.
   */
  readonly mayReturn?: boolean;
  readonly signal: StopSignal;
}

export type ConnectionEnd =
  | { readonly kind: "aborted" }
  /** The peer closed with `done`. */
  | { readonly kind: "done"; readonly reason: string }
  | { readonly kind: "fatal"; readonly code: number; readonly reason: string };

type Attempt =
  | { readonly kind: "ended"; readonly end: ConnectionEnd }
  | { readonly kind: "retry"; readonly reason: string; readonly livedMs: number };

/**
 * Keeps one connection up until the peer is done with it, refuses for good, or the signal is given.
 *
 * @throws what `dial` throws other than ChannelRefused (an address that is none).
 */
export async function keepConnected(options: KeepConnectedOptions): Promise<ConnectionEnd> {
  const { clock, random, onWaiting, signal } = options;
  const isLocal = URL.canParse(options.url) && isLoopbackHost(new URL(options.url).hostname);
  const longestMs = isLocal ? longestLocalDelayMs : longestDelayMs;
  let attempt = 0;
  let toldReason: string | undefined;
  for (;;) {
    const result = await connectOnce(options);
    if (result.kind === "ended") {
      const { end } = result;
      if (!options.mayReturn || end.kind !== "fatal" || end.code !== closeCodes.replaced) return end;
      attempt = 0;
      toldReason = undefined;
      await pause(clock, replacedMs, signal);
      continue;
    }
    if (result.livedMs >= goodAfterMs) {
      attempt = 0;
      toldReason = undefined;
    }
    const delayMs = backoffMs(attempt, random(), longestMs);
    attempt += 1;
    if (result.reason !== toldReason) onWaiting(result.reason, delayMs, attempt);
    toldReason = result.reason;
    await pause(clock, delayMs, signal);
    if (signal.aborted) return { kind: "aborted" };
  }
}

async function connectOnce(options: KeepConnectedOptions): Promise<Attempt> {
  const { dialer, url, clock, onChannel, signal } = options;
  if (signal.aborted) return { kind: "ended", end: { kind: "aborted" } };
  let channel: Channel | undefined;
  try {
    channel = await dialUntil(dialer, url, signal);
  } catch (error) {
    if (!(error instanceof ChannelRefused)) throw error;
    return afterClose(error.code, error.message, 0, signal);
  }
  if (channel === undefined) return { kind: "ended", end: { kind: "aborted" } };
  const opened = channel;
  const openedMs = clock.nowMs();
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    opened.onClose((code, reason) => resolve({ code, reason }));
  });
  const leave = (): void => opened.close(closeCodes.goingAway, "this process is stopping");
  signal.addEventListener("abort", leave, { once: true });
  onChannel(opened);
  const { code, reason } = await closed;
  signal.removeEventListener("abort", leave);
  return afterClose(code, reason, clock.nowMs() - openedMs, signal);
}

/** @returns undefined when the signal came first; a channel that opens later is closed again. */
function dialUntil(dialer: Dialer, url: string, signal: StopSignal): Promise<Channel | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    dialer
      .dial(url)
      .then((channel) => {
        if (signal.aborted) channel.close(closeCodes.goingAway, "this process is stopping");
        else resolve(channel);
      }, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

function afterClose(code: number | undefined, reason: string, livedMs: number, signal: StopSignal): Attempt {
  if (signal.aborted) return { kind: "ended", end: { kind: "aborted" } };
  if (code === closeCodes.done) return { kind: "ended", end: { kind: "done", reason } };
  if (code !== undefined && fatalCodes.has(code))
    return { kind: "ended", end: { kind: "fatal", code, reason } };
  return { kind: "retry", reason: reason === "" ? `closed with ${code}` : reason, livedMs };
}

function pause(clock: Clock, delayMs: number, signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted) finish();
  });
}
