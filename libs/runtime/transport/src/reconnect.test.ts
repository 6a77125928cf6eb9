import { describe, expect, it } from "vitest";
import { type Channel, ChannelRefused, type Clock, closeCodes, type CloseCode } from "@latentweave/protocol";
import { backoffMs, longestLocalDelayMs } from "./backoff.ts";
import { goodAfterMs, keepConnected } from "./reconnect.ts";

/** Time that moves when told to. */
class TestClock implements Clock {
  now = 0;
  timers: { readonly at: number; readonly run: () => void }[] = [];
  nowMs(): number {
    return this.now;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.now + delayMs, run };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((each) => each !== timer));
  }
  /** Moves to the next timer and runs it. */
  next(): void {
    const [first] = this.timers.sort((a, b) => a.at - b.at);
    if (first === undefined) throw new Error("nothing waits");
    this.timers = this.timers.filter((each) => each !== first);
    this.now = first.at;
    first.run();
  }
}

class ScriptedChannel implements Channel {
  readonly remote = "peer";
  readonly local = false;
  readonly bufferedBytes = 0;
  #handlers: ((code: number, reason: string) => void)[] = [];
  send(): void {}
  sendCopy(): void {}
  stage(): undefined {}
  drained(): Promise<void> {
    return Promise.resolve();
  }
  onMessage(): void {}
  onClose(handler: (code: number, reason: string) => void): void {
    this.#handlers.push(handler);
  }
  close(code: CloseCode | 1006, reason: string): void {
    for (const handler of this.#handlers.splice(0)) handler(code, reason);
  }
}

/** Each dial does what the script says next: refuse with an error, or open and live for so long. */
type Script =
  { readonly refuse: string; readonly code?: number } | { readonly code: number; readonly livesMs: number };

function start(script: readonly Script[], url = "ws://x", mayReturn = false) {
  const clock = new TestClock();
  const abort = new AbortController();
  const waits: string[] = [];
  const channels: ScriptedChannel[] = [];
  const steps = [...script];
  const end = keepConnected({
    clock,
    url,
    mayReturn,
    random: () => 0.5,
    signal: abort.signal,
    onWaiting: (reason, delayMs, attempt) => waits.push(`${attempt}: ${reason} (${delayMs})`),
    onChannel: () => undefined,
    dialer: {
      dial: (url) => {
        const step = steps.shift();
        if (step === undefined) return new Promise(() => undefined);
        if ("refuse" in step) return Promise.reject(new ChannelRefused(url, step.refuse, step.code));
        const channel = new ScriptedChannel();
        channels.push(channel);
        clock.after(step.livesMs, () => channel.close(step.code as CloseCode, `closed ${step.code}`));
        return Promise.resolve(channel);
      },
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const run = async (timers: number) => {
    for (let i = 0; i < timers; i++) {
      await settle();
      clock.next();
    }
    await settle();
  };
  return { clock, abort, waits, channels, end, run };
}

const refused = { refuse: "connection refused" };

describe("a connection that is lost", () => {
  it("is made again, with delays that grow", async () => {
    const { clock, run, channels } = start([refused, refused, refused, { code: 1006, livesMs: 1 }]);
    await run(3);
    expect(channels.length).toBe(1);
    expect(clock.now).toBe(backoffMs(0, 0.5) + backoffMs(1, 0.5) + backoffMs(2, 0.5));
  });

  it.each(["ws://127.0.0.1:7070/v1/shard", "ws://[::1]:7070", "ws://localhost:7070"])(
    "on this host, %s, is tried often: what was started again is found at once",
    async (url) => {
      const { clock, run } = start(
        Array.from({ length: 50 }, () => refused),
        url,
      );
      await run(50);
      expect(clock.now).toBeLessThanOrEqual(50 * longestLocalDelayMs);
    },
  );

  it("says why it waits when the reason changes, not at every attempt", async () => {
    const { waits, run } = start([refused, refused, refused, { refuse: "no route" }, refused]);
    await run(5);
    expect(waits).toEqual([
      `1: ws://x: connection refused (${backoffMs(0, 0.5)})`,
      `4: ws://x: no route (${backoffMs(3, 0.5)})`,
      `5: ws://x: connection refused (${backoffMs(4, 0.5)})`,
    ]);
  });

  it("starts with short delays again after it has lived for a while, and not before", async () => {
    const brief = { code: 1006, livesMs: goodAfterMs - 1 };
    const good = { code: 1006, livesMs: goodAfterMs };
    const { clock, run } = start([brief, brief, good, refused]);
    await run(6);
    expect(clock.now).toBe(2 * (goodAfterMs - 1) + goodAfterMs + 2 * backoffMs(0, 0.5) + backoffMs(1, 0.5));
  });
});

describe("a connection that is over for good", () => {
  it.each([
    closeCodes.wrongVersion,
    closeCodes.wrongToken,
    closeCodes.wrongRun,
    closeCodes.wrongClass,
    closeCodes.replaced,
  ])("ends the loop with close code %s as a value", async (code) => {
    const { end, run } = start([refused, { code, livesMs: 5 }]);
    await run(2);
    expect(await end).toEqual({ kind: "fatal", code, reason: `closed ${code}` });
  });

  it("is none where it was replaced, if it may return: it is made again, as for the first time", async () => {
    const replaced = { code: closeCodes.replaced, livesMs: 5 };
    const script = [refused, replaced, { refuse: "replaced", code: closeCodes.replaced }, refused];
    const { clock, run, waits, channels, end } = start(
      [...script, { code: closeCodes.done, livesMs: 5 }],
      "ws://x",
      true,
    );
    await run(6);
    expect(await end).toEqual({ kind: "done", reason: "closed 1000" });
    expect(channels.length).toBe(2);
    const told = `1: ws://x: connection refused (${backoffMs(0, 0.5)})`;
    expect(waits).toEqual([told, told]);
    expect(clock.now).toBe(2 * backoffMs(0, 0.5) + 2 * 5 + 2 * 250);
  });

  it("ends the loop when already the handshake says so", async () => {
    const { end } = start([{ refuse: "wrong token", code: closeCodes.wrongToken }]);
    expect(await end).toMatchObject({ kind: "fatal", code: closeCodes.wrongToken });
  });

  it("ends the loop when the peer is done", async () => {
    const { end, run } = start([{ code: closeCodes.done, livesMs: 5 }]);
    await run(1);
    expect(await end).toEqual({ kind: "done", reason: "closed 1000" });
  });
});

describe("the signal", () => {
  it("ends a wait at once and leaves no timer", async () => {
    const { end, abort, clock } = start([refused]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.timers.length).toBe(1);
    abort.abort();
    expect(await end).toEqual({ kind: "aborted" });
    expect(clock.timers).toEqual([]);
  });

  it("ends a dial that never answers", async () => {
    const { end, abort } = start([]);
    abort.abort();
    expect(await end).toEqual({ kind: "aborted" });
  });

  it("closes an open channel", async () => {
    const { end, abort, channels } = start([{ code: 1006, livesMs: 1000 }]);
    await new Promise((resolve) => setImmediate(resolve));
    const gone = new Promise<number>((resolve) => channels[0]?.onClose((code) => resolve(code)));
    abort.abort();
    expect(await gone).toBe(closeCodes.goingAway);
    expect(await end).toEqual({ kind: "aborted" });
  });
});
