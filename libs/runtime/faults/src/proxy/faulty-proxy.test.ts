import { afterEach, describe, expect, it } from "vitest";
import { Opened, startExchange, wasDamaged } from "../testing/exchange.ts";
import type { ProxyFault } from "./fault.ts";

const opened = new Opened();
afterEach(() => opened.close());

const count = 20;
const all = Array.from({ length: count }, (_, i) => i);
const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);

describe("a proxy without faults", () => {
  it("lets everything through, in order, over one connection", async () => {
    const exchange = await startExchange(opened, count);
    await exchange.done;
    expect(exchange.received).toEqual({ up: all, down: all });
    expect(exchange.connections()).toBe(1);
    expect(Object.values(exchange.proxy.counts()).every((times) => times === 0)).toBe(true);
  });

  it("lets HTTP through", async () => {
    const exchange = await startExchange(opened, 1);
    const answer = await fetch(`http://127.0.0.1:${exchange.proxy.port}/nothing`);
    expect(answer.status).toBe(404);
  });
});

const harm = [
  { kind: "corrupt" },
  { kind: "corrupt", where: "framing" },
  { kind: "truncate" },
  { kind: "truncate", framing: "kept" },
  { kind: "duplicate" },
  { kind: "reorder" },
  { kind: "cut" },
] as const;

describe.each(harm.map((fault) => [Object.values(fault).join(", "), fault] as const))(
  "what comes of %s",
  (_, fault) => {
    it.each(["up", "down", "both"] as const)(
      "(%s): a new connection, and nothing is missing",
      async (direction) => {
        const exchange = await startExchange(opened, count, {
          faults: [{ ...fault, direction, message: 5 }],
        });
        await exchange.done;
        expect(exchange.proxy.counts()[fault.kind]).toBe(direction === "both" ? 2 : 1);
        expect(exchange.connections()).toBeGreaterThan(1);
        expect({ up: unique(exchange.received.up), down: unique(exchange.received.down) }).toEqual({
          up: all,
          down: all,
        });
      },
    );
  },
);

describe("damage", () => {
  it.each<ProxyFault>([
    { kind: "corrupt", direction: "up", message: 5 },
    { kind: "truncate", direction: "up", message: 5 },
    { kind: "duplicate", direction: "up", message: 5 },
    { kind: "reorder", direction: "up", message: 5 },
  ])("by $kind is called so: the connection, not the peer, is to blame", async (fault) => {
    const exchange = await startExchange(opened, count, { faults: [fault] });
    await exchange.done;
    expect(exchange.ends).toEqual([wasDamaged]);
  });

  it("that comes again and again is overcome all the same", async () => {
    const exchange = await startExchange(opened, count, {
      faults: [
        { kind: "corrupt", direction: "both", every: 29 },
        { kind: "cut", direction: "up", every: 37 },
      ],
    });
    await exchange.done;
    expect(exchange.proxy.counts().corrupt).toBeGreaterThan(1);
    expect(exchange.proxy.counts().cut).toBeGreaterThan(0);
    expect(unique(exchange.received.up)).toEqual(all);
  });
});

describe("a slow way", () => {
  it.each<ProxyFault>([
    { kind: "delay", direction: "both", every: 1, ms: 60 },
    { kind: "throttle", direction: "both", bytesPerSecond: 5_000_000 },
  ])("($kind) costs time only", async (fault) => {
    const exchange = await startExchange(opened, count, { faults: [fault] });
    await exchange.done;
    expect(exchange.received).toEqual({ up: all, down: all });
    expect(exchange.connections()).toBe(1);
    expect(exchange.proxy.counts()[fault.kind]).toBeGreaterThan(2 * count);
  });
});

describe("a partition", () => {
  it("loses the connection, holds new ones up, and all is well when it is lifted", async () => {
    const exchange = await startExchange(opened, count, {
      faults: [{ kind: "delay", direction: "both", every: 1, ms: 30 }],
    });
    const partition = exchange.proxy.add({ kind: "blackhole", direction: "both" });
    // The peers notice by themselves that nothing comes any more.
    while (exchange.ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(exchange.received).toEqual({ up: [], down: [] });
    expect(partition.applied).toBeGreaterThan(0);
    partition.lift();
    await exchange.done;
    expect(unique(exchange.received.up)).toEqual(all);
    expect(unique(exchange.received.down)).toEqual(all);
  });

  it("of one direction is noticed too", async () => {
    const exchange = await startExchange(opened, count);
    await exchange.done;
    const partition = exchange.proxy.add({ kind: "blackhole", direction: "down" });
    while (exchange.ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    partition.lift();
    while (exchange.connections() < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

describe("a fault that is lifted", () => {
  it("befalls nothing any more, and was counted", async () => {
    const exchange = await startExchange(opened, count, {
      faults: [{ kind: "delay", direction: "both", every: 1, ms: 20 }],
    });
    const fault = exchange.proxy.add({ kind: "cut", direction: "up", every: 1 });
    while (exchange.ends.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    fault.lift();
    const { cut } = exchange.proxy.counts();
    expect(cut).toBe(fault.applied);
    await exchange.done;
    expect(exchange.proxy.counts().cut).toBe(cut);
  });
});
