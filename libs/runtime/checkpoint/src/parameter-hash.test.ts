import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parameterHash } from "./hash-of-path.ts";
import {
  groupNumbers,
  openStore,
  smallLayout,
  temporaryFolder,
  writeCheckpoint,
} from "./testing/small-run.ts";

/** The definition, word by word, over values that the test makes itself; nothing of the code under test. */
function expectedHash(): string {
  const parts: Buffer[] = [];
  const tensors = smallLayout.groups.flatMap((group) =>
    group.tensors.map((tensor) => ({ ...tensor, group: group.index })),
  );
  tensors.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  for (const { name, shape, group, offset, numbers } of tensors) {
    parts.push(Buffer.from(name), Buffer.from([0]), Buffer.from("F32"), Buffer.from([0]));
    parts.push(Buffer.from(shape.join(",")), Buffer.from([0]));
    const values = groupNumbers(smallLayout, "parameters", group);
    const bytes = Buffer.alloc(numbers * 4);
    for (let index = 0; index < numbers; index++) bytes.writeFloatLE(values[offset + index] ?? 0, index * 4);
    parts.push(bytes);
  }
  return createHash("sha256").update(Buffer.concat(parts)).digest("hex");
}

describe("the hash of the parameters", () => {
  it("is the documented SHA-256, whichever way it is asked for", async () => {
    const { store, directory } = openStore();
    const { hash } = await writeCheckpoint(store, smallLayout, 400);
    const checkpoint = path.join(directory, "checkpoints", "step-00000400");
    expect(hash).toBe(expectedHash());
    expect(await parameterHash(directory)).toBe(hash);
    expect(await parameterHash(checkpoint)).toBe(hash);
    expect(await parameterHash(path.join(checkpoint, "parameters.safetensors"))).toBe(hash);
  });

  it("has not changed since the format was fixed", async () => {
    const { store } = openStore();
    const { hash } = await writeCheckpoint(store, smallLayout, 1);
    expect(hash).toBe("b6ace7978702365b0105a72ff21d0866d0e60892dbb021a62ce19353b4333858");
  });

  it("does not depend on the order of the tensors in the file", async () => {
    const folder = temporaryFolder();
    const write = (name: string, order: readonly string[]): string => {
      const header = Object.fromEntries(
        order.map((tensor, index) => [
          tensor,
          { dtype: "F32", shape: [], data_offsets: [index * 4, index * 4 + 4] },
        ]),
      );
      const json = Buffer.from(JSON.stringify(header));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(json.byteLength));
      const file = path.join(folder, name);
      const data = order.map((tensor) => Buffer.from(new Float32Array([tensor.length]).buffer));
      writeFileSync(file, Buffer.concat([length, json, ...data]));
      return file;
    };
    const one = await parameterHash(write("one.safetensors", ["b", "aa"]));
    const other = await parameterHash(write("other.safetensors", ["aa", "b"]));
    expect(one).toBe(other);
  });

  it("is refused, with the reason, for a file that is not whole", async () => {
    const { store, directory } = openStore();
    await writeCheckpoint(store, smallLayout, 2);
    const file = path.join(directory, "checkpoints", "step-00000002", "parameters.safetensors");
    writeFileSync(file, readFileSync(file).subarray(0, -1));
    await expect(parameterHash(file)).rejects.toThrow(/no whole safetensors file: its tensors end at byte/);
    await expect(parameterHash(directory)).rejects.toThrow(
      /no checkpoint of this run is whole: .*parameters.safetensors has/,
    );
    await expect(parameterHash(path.join(directory, "nothing"))).rejects.toThrow(/no such run or file/);
  });
});
