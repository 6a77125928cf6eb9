import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { FaultOf } from "@latentweave/faults";

const run = promisify(execFile);

/** What the kernel itself can do to a cable; everything else is left to proxies. */
export type CableFault = FaultOf<"partition" | "delay" | "loss" | "bandwidth">;

/** A host of its own as far as sockets are concerned: a network namespace, and one cable between it and here. */
export interface Namespace {
  /** Our end of the cable, the only address that can be reached from there. */
  readonly outside: string;
  /** Prefix of a command line that runs there. */
  readonly prefix: readonly string[];
  /** @returns ends it; undefined where this kernel cannot do it */
  strike(fault: CableFault): Promise<(() => Promise<void>) | undefined>;
  remove(): Promise<void>;
}

/** @param index of the host within the drill, from 0. @throws where the kernel or the container forbids it */
export async function createNamespace(index: number): Promise<Namespace> {
  const tag = `lw${process.pid % 100_000}c${index}`;
  const [here, there] = [`${tag}h`, `${tag}t`];
  // A range for every drill, so that two of them on one machine do not meet.
  const subnet = `10.${200 + (process.pid % 50)}.${(Math.floor(process.pid / 50) + index) % 250}`;
  await run("ip", ["netns", "add", tag]);
  const remove = async (): Promise<void> => {
    await run("ip", ["netns", "del", tag]);
  };
  const inside = (...args: string[]): Promise<unknown> => run("ip", ["-n", tag, ...args]);
  try {
    await run("ip", ["link", "add", here, "type", "veth", "peer", "name", there, "netns", tag]);
    await run("ip", ["addr", "add", `${subnet}.1/24`, "dev", here]);
    await run("ip", ["link", "set", here, "up"]);
    await inside("addr", "add", `${subnet}.2/24`, "dev", there);
    await inside("link", "set", "lo", "up");
    await inside("link", "set", there, "up");
  } catch (error) {
    await remove();
    throw error;
  }
  const shape = async (discipline: readonly string[]): Promise<(() => Promise<void>) | undefined> => {
    const ends = [
      ["-n", tag, "qdisc", "replace", "dev", there],
      ["qdisc", "replace", "dev", here],
    ];
    const restore = async (): Promise<void> => {
      for (const end of ends) await run("tc", [...end.map(deleting), "root"]).catch(() => undefined);
    };
    try {
      for (const end of ends) await run("tc", [...end, "root", ...discipline]);
      return restore;
    } catch {
      await restore();
      return undefined;
    }
  };
  return {
    outside: `${subnet}.1`,
    prefix: ["ip", "netns", "exec", tag],
    async strike(fault) {
      switch (fault.do) {
        case "partition":
          // The far end: what is sent from here goes into the cable and nowhere else.
          await inside("link", "set", there, "down");
          return async () => {
            await inside("link", "set", there, "up");
          };
        case "bandwidth":
          return shape(["tbf", "rate", `${fault.mbitPerSecond}mbit`, "burst", "32kbit", "latency", "400ms"]);
        case "delay":
          return shape(["netem", "delay", `${fault.ms}ms`]);
        case "loss":
          return shape(["netem", "loss", `${fault.share * 100}%`]);
      }
    },
    remove,
  };
}

function deleting(word: string): string {
  return word === "replace" ? "del" : word;
}
