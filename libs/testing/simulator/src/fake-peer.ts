import type { Channel, CloseCode, Message, MessageOf } from "@latentweave/protocol";
import { createChannelPair } from "./sim-channel.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One end of a connection in the hands of a test: says what it is told to, keeps what it hears. */
export interface FakePeer {
  readonly heard: readonly { readonly message: Message; readonly slices: readonly Uint8Array[] }[];
  /** How the other side, or this one, closed the connection. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  all<Type extends Message["type"]>(type: Type): MessageOf<Type>[];
  /** The newest message of a type. @throws when none was heard. */
  last<Type extends Message["type"]>(type: Type): MessageOf<Type>;
  /** Sends, and lets virtual time pass until everything has settled. */
  say(message: Message, slices?: readonly Uint8Array[]): Promise<void>;
  /** Closes with a word, as the other side's peer does. */
  close(code: CloseCode, reason: string): Promise<void>;
  /** Breaks the connection without a word. */
  cut(): Promise<void>;
}

/** Connects a scripted peer: `accept` gets the other end, as an engine's `accept` or `join` does. */
export function createFakePeer(
  clock: VirtualClock,
  name: string,
  accept: (channel: Channel) => void,
): FakePeer {
  const pair = createChannelPair(clock, () => 1, [name, "engine"]);
  const [mine, theirs] = pair;
  const heard: { message: Message; slices: readonly Uint8Array[] }[] = [];
  let closed: FakePeer["closed"];
  mine.onMessage((message, slices) => heard.push({ message, slices: slices.map((slice) => slice.slice()) }));
  mine.onClose((code, reason) => {
    closed = { code, reason };
  });
  accept(theirs);
  const all = <Type extends Message["type"]>(type: Type): MessageOf<Type>[] =>
    heard.flatMap(({ message }) => (message.type === type ? [message as MessageOf<Type>] : []));
  // Long enough for every answer to an answer, too short for the 20 s that first workers are waited for.
  const settle = async (): Promise<void> => {
    await clock.run(() => false, clock.nowMs() + 1_000);
  };
  return {
    heard,
    get closed() {
      return closed;
    },
    all,
    last(type) {
      const found = all(type).at(-1);
      if (!found)
        throw new Error(
          `${name} heard no "${type}", but ${heard.map(({ message }) => message.type).join(", ") || "nothing"}`,
        );
      return found;
    },
    async say(message, slices = []) {
      mine.send(message, slices);
      await settle();
    },
    async close(code, reason) {
      mine.close(code, reason);
      await settle();
    },
    async cut() {
      pair.cut("cut by the test");
      await settle();
    },
  };
}
