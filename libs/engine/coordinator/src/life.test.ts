import { describe, expect, it } from "vitest";
import { type Life, lifeAfter, type LifeEvent } from "./life.ts";

const lives: Record<Life["state"], Life> = {
  starting: { state: "starting" },
  waiting: { state: "waiting" },
  running: { state: "running" },
  stopping: { state: "stopping", reason: "first", version: 5 },
  finished: { state: "finished" },
  interrupted: { state: "interrupted", reason: "before" },
  failed: { state: "failed", reason: "before" },
};
const events: Record<string, LifeEvent> = {
  "shards ready": { kind: "shards-ready" },
  "first workers": { kind: "quorum", workers: 2 },
  "last worker gone": { kind: "quorum", workers: 0 },
  stop: { kind: "stop", reason: "second" },
  stopped: { kind: "stopped", version: 7, reason: "second" },
  "its checkpoint": { kind: "durable", version: 5, complete: false },
  "an older checkpoint": { kind: "durable", version: 4, complete: false },
  "all done": { kind: "durable", version: 9, complete: true },
  failure: { kind: "fail", reason: "second" },
};

// docs/run-states.md, as a table: a row per event, a column per state that is not over.
const table: Record<string, readonly [starting: string, waiting: string, running: string, stopping: string]> =
  {
    "shards ready": ["waiting", "waiting", "running", "stopping"],
    "first workers": ["starting", "running", "running", "stopping"],
    "last worker gone": ["starting", "waiting", "waiting", "stopping"],
    stop: ["interrupted", "stopping", "stopping", "interrupted"],
    stopped: ["stopping", "stopping", "stopping", "stopping"],
    "its checkpoint": ["starting", "waiting", "running", "interrupted"],
    "an older checkpoint": ["starting", "waiting", "running", "stopping"],
    "all done": ["finished", "finished", "finished", "finished"],
    failure: ["failed", "failed", "failed", "failed"],
  };

describe("the life of a run", () => {
  it.each(Object.entries(table))("goes on as the table says after: %s", (name, expected) => {
    const states = (["starting", "waiting", "running", "stopping"] as const).map(
      (state) => lifeAfter(lives[state], events[name] as LifeEvent).state,
    );
    expect(states).toEqual(expected);
  });

  it.each(["finished", "interrupted", "failed"] as const)("ends once: %s stays", (state) => {
    for (const event of Object.values(events)) expect(lifeAfter(lives[state], event)).toBe(lives[state]);
  });
});
