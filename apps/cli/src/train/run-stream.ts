import { setTimeout as wait } from "node:timers/promises";
import type { RunEvent, StreamMessage } from "@latentweave/telemetry";
import { readStream } from "./event-stream.ts";

/** Between attempts to reach a coordinator that is being started again. */
const againMs = 100;
const mostUnread = 1_000;

/** What is told of a run while it goes on: by its coordinators, one after the other, and by its launcher. */
export interface RunStream {
  /** From the launcher itself. */
  say(level: RunEvent["level"], text: string): void;
  /**
   * Begins to listen. What comes of it is everything that is told from now on, and what the launcher has said until now;
   * for one reader, who may come late or never.
   * @param over settles when no coordinator will say anything more
   */
  follow(url: string, token: string | undefined, over: Promise<unknown>): AsyncGenerator<StreamMessage>;
}

/** @param onStep called with each newly committed number of steps, when it is higher than any before */
export function createRunStream(onStep: () => void): RunStream {
  const unread: StreamMessage[] = [];
  let wake: () => void = () => undefined;
  let mostSteps = 0;
  /** Of the newest event that a coordinator has told. */
  let toldUntilMs = Number.NEGATIVE_INFINITY;
  let ended = false;

  const push = (message: StreamMessage): void => {
    unread.push(message);
    if (unread.length > mostUnread) unread.shift();
    wake();
  };

  const take = (message: StreamMessage): void => {
    if (message.kind === "commit" && message.point.step >= mostSteps) {
      mostSteps = message.point.step + 1;
      onStep();
    }
    if (message.kind === "event") toldUntilMs = Math.max(toldUntilMs, message.event.atMs);
    if (message.kind === "snapshot")
      toldUntilMs = Math.max(toldUntilMs, message.snapshot.events.at(-1)?.atMs ?? toldUntilMs);
    push(message);
  };

  const readAll = async (url: string, token: string | undefined, over: Promise<unknown>): Promise<void> => {
    let closed = false;
    const isOver = (): boolean => closed;
    const close = (): void => {
      closed = true;
    };
    const noMore = over.then(close, close);
    for (let lives = 0; !isOver(); lives++) {
      let isFirst = true;
      for await (const message of readStream(url, token)) {
        // What the next coordinator said before it could be listened to is told like all the rest.
        if (lives > 0 && isFirst && message.kind === "snapshot")
          for (const event of message.snapshot.events.filter(({ atMs }) => atMs > toldUntilMs))
            take({ kind: "event", event });
        isFirst = false;
        take(message);
        if (message.kind === "snapshot" && endStates.has(message.snapshot.state)) close();
      }
      if (!isOver()) await Promise.race([wait(againMs), noMore]);
    }
    await noMore;
    ended = true;
    wake();
  };

  return {
    say: (level, text) => push({ kind: "event", event: { atMs: Date.now(), level, text } }),
    follow(url, token, over) {
      void readAll(url, token, over);
      return read();
    },
  };

  async function* read(): AsyncGenerator<StreamMessage> {
    for (;;) {
      const message = unread.shift();
      if (message) yield message;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
}

const endStates: ReadonlySet<string> = new Set(["finished", "interrupted", "failed"]);
