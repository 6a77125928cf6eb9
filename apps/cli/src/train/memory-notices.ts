import { memoryLines } from "@latentweave/protocol";

/** Who switched it off knows. */
const wanted = /LATENTWEAVE_(SHARED_MEMORY|VAULT)=off/;

/**
 * Passes on what processes say of memory between them that is short or forbidden, as in a container with a small
 * /dev/shm: the run goes on another way, to the same bits, and the person at the terminal learns why it is slower.
 * @param say told once of each kind, however many processes and connections there are
 * @returns takes every line that a process of that name says
 */
export function createMemoryNotices(say: (text: string) => void): (name: string, line: string) => void {
  const told = new Set<string>();
  return (name, line) => {
    const kind = Object.values(memoryLines).find((part) => line.includes(part));
    if (kind === undefined || told.has(kind) || wanted.test(line)) return;
    told.add(kind);
    // Without the connection or the shard that it begins with.
    const text = line.slice(Math.max(line.indexOf("tensors go"), line.indexOf("this shard's"), 0));
    say(`${name}: ${text}`);
  };
}
