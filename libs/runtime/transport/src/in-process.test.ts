import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Channel, closeCodes, type Dialer, type Message, ProtocolError } from "@latentweave/protocol";
import { channelPair, createInProcess } from "./in-process.ts";
import { note, noteOf } from "./test-peers.ts";

interface Received {
  readonly note: string;
  readonly slices: readonly Uint8Array[];
}

/** What comes, copied: slices are lent for the call alone. */
function listen(channel: Channel): Received[] {
  const got: Received[] = [];
  channel.onMessage((message, slices) => {
    got.push({ note: noteOf(message), slices: slices.map((slice) => slice.slice()) });
  });
  return got;
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const filled = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff);

describe("a channel between two parts of a process", () => {
  it("delivers everything in order, whatever was sent, staged or lent, and what is overwritten after it was staged or lent too", async () => {
    const frames = fc.array(
      fc.record({
        how: fc.constantFrom("send", "stage", "sendCopy"),
        lengths: fc.array(fc.nat(3_000), { maxLength: 4 }),
        pauses: fc.boolean(),
      }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (list, apart) => {
        const [here, there] = channelPair(apart);
        const got = listen(there);
        const scratch = new Uint8Array(4 * 3_000);
        for (const [i, { how, lengths, pauses }] of list.entries()) {
          const slices = lengths.map((length, k) => filled(length, i + k));
          if (how !== "send") {
            let at = 0;
            const views = slices.map((slice) => {
              scratch.set(slice, at);
              at += slice.length;
              return scratch.subarray(at - slice.length, at);
            });
            if (how === "stage") {
              const leave = here.stage(note(`frame ${i}`), views);
              scratch.fill(0);
              leave?.();
            } else here.sendCopy(note(`frame ${i}`), views);
            scratch.fill(0);
          } else here.send(note(`frame ${i}`), slices);
          if (pauses) await soon();
        }
        await here.drained();
        expect(got.map(({ note: text }) => text)).toEqual(list.map((_, i) => `frame ${i}`));
        for (const [i, { lengths }] of list.entries())
          for (const [k, length] of lengths.entries())
            expect(Buffer.compare(got[i]?.slices[k] ?? new Uint8Array(), filled(length, i + k))).toBe(0);
      }),
    );
  });

  it("delivers nothing while somebody sends", async () => {
    const [here, there] = channelPair();
    const order: string[] = [];
    there.onMessage((message) => {
      order.push(noteOf(message));
      there.send(note("answer"));
      order.push("answered");
    });
    here.onMessage((message) => order.push(noteOf(message)));
    here.send(note("question"));
    order.push("asked");
    await soon();
    expect(order).toEqual(["asked", "question", "answered", "answer"]);
  });

  it("delivers what is lent within the call, without a copy, to a listener that is apart and at rest", async () => {
    const [here, there] = channelPair(true);
    const order: string[] = [];
    const lent = filled(100, 1);
    there.onMessage((message, [slice]) => {
      order.push(`${noteOf(message)}${slice === lent ? ", itself" : ""}`);
      there.send(note("answer"));
    });
    here.onMessage((message) => order.push(noteOf(message)));
    here.sendCopy(note("question"), [lent]);
    order.push("asked");
    // Now an answer waits on this side, which is nothing to the other.
    here.sendCopy(note("another"), [lent]);
    await soon();
    here.send(note("first"));
    here.sendCopy(note("second"), [lent]);
    order.push("both");
    await soon();
    expect(order).toEqual([
      ...["question, itself", "asked", "another, itself", "answer", "answer"],
      ...["both", "first", "second", "answer", "answer"],
    ]);
  });

  it("delivers what is lent later, and copied, to a listener that may allocate where it lies", async () => {
    const [here, there] = channelPair();
    const got = listen(there);
    const lent = filled(100, 1);
    here.sendCopy(note("question"), [lent]);
    expect(got).toEqual([]);
    lent.fill(0);
    await soon();
    expect(got.map(({ slices }) => slices[0])).toEqual([filled(100, 1)]);
  });

  it("delivers what is lent later to a side that is at work", async () => {
    const [here, there] = channelPair(true);
    const order: string[] = [];
    there.onMessage((message) => {
      if (order.push(noteOf(message)) === 1) here.sendCopy(note("inner"), [filled(10, 1)]);
      order.push(`${noteOf(message)} taken`);
    });
    here.sendCopy(note("outer"), []);
    await soon();
    expect(order).toEqual(["outer", "outer taken", "inner", "inner taken"]);
  });

  it("tells whoever lends nothing of what goes wrong on the other side", async () => {
    const [here, there] = channelPair(true);
    there.onMessage(() => {
      throw new ProtocolError("not now");
    });
    const end = new Promise((resolve) => here.onClose((code, reason) => resolve([code, reason])));
    here.sendCopy(note("wrong"), []);
    expect(await end).toEqual([closeCodes.protocolError, "not now"]);
  });

  it("keeps what comes before there is a handler", async () => {
    const [here, there] = channelPair();
    here.send(note("early"));
    await soon();
    const got = listen(there);
    await soon();
    expect(got.map(({ note: text }) => text)).toEqual(["early"]);
  });

  it("tells both sides of its end once, after what was sent before, and nothing is delivered afterwards", async () => {
    const [here, there] = channelPair();
    const ends: string[] = [];
    here.onClose((code, reason) => ends.push(`here ${code} ${reason}`));
    there.onClose((code, reason) => ends.push(`there ${code} ${reason}`));
    const got = listen(there);
    const lost = listen(here);
    here.send(note("last"));
    there.send(note("too late"));
    here.close(closeCodes.goingAway, "leaving");
    here.send(note("never"));
    expect(here.stage(note("never"), [])).toBeUndefined();
    await soon();
    there.send(note("never"));
    there.close(closeCodes.done, "again");
    await soon();
    expect(got.map(({ note: text }) => text)).toEqual(["last"]);
    expect(lost).toEqual([]);
    expect(ends.sort()).toEqual(["here 1001 leaving", "there 1001 leaving"]);
    await there.drained();
    const late: number[] = [];
    there.onClose((code) => late.push(code));
    await soon();
    expect(late).toEqual([closeCodes.goingAway]);
  });

  it("closes where the receiver finds a message wrong", async () => {
    const [here, there] = channelPair();
    there.onMessage(() => {
      throw new ProtocolError("not now");
    });
    const end = new Promise((resolve) => here.onClose((code, reason) => resolve([code, reason])));
    here.send(note("wrong"));
    expect(await end).toEqual([closeCodes.protocolError, "not now"]);
  });

  it("uses its memory again", async () => {
    const [here, there] = channelPair();
    const seen = new Set<ArrayBufferLike>();
    there.onMessage((_, slices) => void seen.add((slices[0] as Uint8Array).buffer));
    for (let i = 0; i < 10; i++) {
      here.stage(note("one"), [filled(5_000, i)])?.();
      here.stage(note("two"), [filled(5_000, i)])?.();
      await soon();
    }
    expect(seen.size).toBe(2);
  });
});

describe("a dialer of a process", () => {
  const beyond = (dialled: string[]): Dialer => ({
    dial(url) {
      dialled.push(url);
      return Promise.resolve(channelPair()[0]);
    },
  });

  it("reaches who listens in it without a socket, and others through another dialer", async () => {
    const inProcess = createInProcess();
    const accepted: Channel[] = [];
    inProcess.listen(7, (channel) => accepted.push(channel));
    const dialled: string[] = [];
    const dialer = inProcess.dialer(beyond(dialled));
    const channel = await dialer.dial("ws://127.0.0.1:7/v1/shard");
    expect(accepted).toHaveLength(1);
    const said = new Promise<Message>((resolve) => (accepted[0] as Channel).onMessage(resolve));
    channel.send(note("hello"));
    expect(noteOf(await said)).toBe("hello");
    await dialer.dial("ws://127.0.0.1:8/v1/shard");
    await dialer.dial("ws://elsewhere:7/v1/shard");
    expect(dialled).toEqual(["ws://127.0.0.1:8/v1/shard", "ws://elsewhere:7/v1/shard"]);
  });
});
