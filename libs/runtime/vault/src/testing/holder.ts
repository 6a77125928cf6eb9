import { spawn } from "node:child_process";
import { loadArithmetic } from "@latentweave/arithmetic";
import { openVault } from "../open-vault.ts";

/**
 * A process that keeps memory in a vault, as its one argument (JSON) says. Prints one line of JSON when it has
 * adopted; then it does what `then` names.
 */
export interface HolderOrder {
  readonly directories: readonly string[];
  readonly name: string;
  readonly identity: string;
  readonly pages: number;
  readonly then:
    | "end"
    /** Writes 1, 2, 3, ... to the first number and to the last, one after the other, until it is killed. */
    | "count"
    /** Grows the memory, writes `finalWord` everywhere, and kills itself before anything else can run. */
    | "write-and-die"
    /** Starts a process that lives on, and waits to be killed. */
    | "fork"
    | "wait"
    | "discard";
}

export interface HolderAnswer {
  readonly adoption: string;
  readonly file: string | undefined;
  readonly first: number;
  readonly last: number;
  /** How many numbers differ from the first. */
  readonly different: number;
  readonly said: readonly string[];
  readonly childPid: number | undefined;
}

export const finalWord = 0x5eed_cafe;
const pageBytes = 65_536;

function main(order: HolderOrder): void {
  const said: string[] = [];
  const arithmetic = loadArithmetic();
  const vault = openVault({ ...order, log: (line) => said.push(line) });
  arithmetic.allocate(1_000);
  const pointer = arithmetic.allocatePages(order.pages);
  const words = (): Uint32Array => {
    const { buffer } = arithmetic.u8(pointer, 1);
    return new Uint32Array(buffer, pointer, (order.pages * pageBytes) / 4);
  };
  const adoption = vault.adopt(arithmetic.u8(pointer, order.pages * pageBytes));
  const found = words();
  const answer: HolderAnswer = {
    adoption,
    file: vault.file,
    first: found[0] ?? 0,
    last: found.at(-1) ?? 0,
    different: found.reduce((sum, word) => sum + (word === found[0] ? 0 : 1), 0),
    said,
    childPid: order.then === "fork" ? spawn("sleep", ["600"], { stdio: "ignore" }).pid : undefined,
  };
  const answered = new Promise<void>((resolve) => {
    process.stdout.write(`${JSON.stringify(answer)}\n`, () => resolve());
  });
  const last = found.length - 1;
  switch (order.then) {
    case "end":
      return;
    case "discard":
      vault.discard();
      return;
    case "count":
      void answered.then(() => {
        const counter = words();
        for (let count = (counter[0] ?? 0) + 1; ; count++) {
          Atomics.store(counter, 0, count);
          Atomics.store(counter, last, count);
        }
      });
      return;
    case "write-and-die":
      void answered.then(() => {
        // Past the largest single growth, so that the engine is asked several times.
        for (let block = 0; block < 5; block++) arithmetic.allocate(50_000_000);
        if (!vault.holds(arithmetic.u8(pointer, order.pages * pageBytes)))
          throw new Error("the memory moved");
        words().fill(finalWord);
        process.kill(process.pid, "SIGKILL");
      });
      return;
    default:
      setInterval(() => undefined, 1_000);
  }
}

const [text] = process.argv.slice(2);
if (text !== undefined) main(JSON.parse(text) as HolderOrder);
