import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { createLayout, ownership, type Slice } from "@latentweave/parameters";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyCheckpoint } from "./checkpoint-reader.ts";
import {
  fill,
  openStore,
  sliceBytes,
  smallLayout,
  wholeGroups,
  wideLayout,
  writeCheckpoint,
} from "./testing/small-run.ts";

const sections = ["parameters", "m", "v"];
const files = ["manifest.json", "optimizer.safetensors", "parameters.safetensors"];

describe("writing a checkpoint", () => {
  it("gives the same files however the groups are split and in whatever order the slices come", async () => {
    const { store: reference, directory: referenceDirectory } = openStore();
    await writeCheckpoint(reference, smallLayout, 7);
    const expected = readAll(path.join(referenceDirectory, "checkpoints", "step-00000007"));
    const numbers = smallLayout.groups.map((group) => group.numbers);
    const cuts = fc.tuple(
      ...numbers.map((total) => fc.uniqueArray(fc.integer({ min: 1, max: total - 1 }), { maxLength: 6 })),
    );
    const order = fc.array(fc.nat(), { minLength: 60, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(cuts, cuts, cuts), order, async (cutsBySection, keys) => {
        const pieces = sections.flatMap((section, at) =>
          numbers.flatMap((total, group) =>
            split(group, total, cutsBySection[at]?.[group] ?? []).map((slice) => ({ section, slice })),
          ),
        );
        const shuffled = pieces
          .map((piece, index) => ({ piece, key: keys[index % keys.length] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ piece }) => piece);
        const { store, directory } = openStore();
        const sink = await store.beginCheckpoint(7, sections);
        await Promise.all(
          shuffled.map(({ section, slice }) =>
            sink.write(section, slice, sliceBytes(smallLayout, section, slice)),
          ),
        );
        await sink.finish({ updates: { shared: 7 } });
        expect(readAll(path.join(directory, "checkpoints", "step-00000007"))).toEqual(expected);
        await store.close();
      }),
      { numRuns: 40 },
    );
  });

  it("is the same file for file where others have written its numbers in their place", async () => {
    const { store: reference, directory: referenceDirectory } = openStore();
    await writeCheckpoint(reference, smallLayout, 7);
    const expected = readAll(path.join(referenceDirectory, "checkpoints", "step-00000007"));
    const byShards = ownership(smallLayout, 2).flatMap((slices, shard) =>
      sections.flatMap((section) => slices.map((slice) => ({ shard, section, slice }))),
    );
    for (const writers of [[0, 1], [1]]) {
      const { store, directory } = openStore();
      const sink = await store.beginCheckpoint(7, sections);
      const place = sink.place;
      if (!place) throw new Error("no place");
      for (const { shard, section, slice } of byShards) {
        const bytes = sliceBytes(smallLayout, section, slice);
        if (!writers.includes(shard)) {
          await sink.write(section, slice, bytes);
          continue;
        }
        for (const { slice: own, file, position } of place.ranges(section, slice)) {
          const handle = openSync(place.files[file] ?? "", "r+");
          writeSync(handle, bytes, (own.start - slice.start) * 4, own.numbers * 4, position);
          closeSync(handle);
        }
        await place.written(section, slice);
      }
      await sink.finish({ updates: { shared: 7 } });
      expect(readAll(path.join(directory, "checkpoints", "step-00000007"))).toEqual(expected);
      await store.close();
    }
  });

  it("is not finished where a part was neither sent nor said to be in place, and counts none twice", async () => {
    const { store } = openStore();
    const sink = await store.beginCheckpoint(4, ["parameters"]);
    const [first, ...others] = wholeGroups(smallLayout) as [Slice, ...Slice[]];
    await sink.place?.written("parameters", first);
    for (const slice of others.slice(1)) await sink.place?.written("parameters", slice);
    await expect(sink.finish({})).rejects.toThrow("is missing from number 0 on");
    const again = await store.beginCheckpoint(4, ["parameters"]);
    expect(again.place?.id).not.toBe(sink.place?.id);
    await again.place?.written("parameters", first);
    await expect(
      again.write("parameters", first, sliceBytes(smallLayout, "parameters", first)),
    ).rejects.toThrow("came twice");
  });

  it("takes the slices of any number of shards to one and the same Merkle root and hash", async () => {
    const manifests = await Promise.all(
      [1, 2, 3, 5].map(async (shards) => {
        const { store, directory } = openStore({ layout: wideLayout });
        const sink = await store.beginCheckpoint(3, ["parameters"]);
        for (const slice of ownership(wideLayout, shards).flat())
          await sink.write("parameters", slice, sliceBytes(wideLayout, "parameters", slice));
        await sink.finish({});
        return readFileSync(path.join(directory, "checkpoints", "step-00000003", "manifest.json"), "utf8");
      }),
    );
    expect(new Set(manifests).size).toBe(1);
    expect(manifests[0]).toContain(
      '"merkleRoot": "ad2dedbea969a132b649ed39cd588424fb9962ceea3276e92bb80613b1675b49"',
    );
  });

  it("copies each slice, so that the caller may reuse its memory at once", async () => {
    const { store } = openStore({ layout: wideLayout });
    const sink = await store.beginCheckpoint(1, ["parameters"]);
    const writes = wholeGroups(wideLayout).map((slice) => {
      const bytes = Uint8Array.from(sliceBytes(wideLayout, "parameters", slice));
      const written = sink.write("parameters", slice, bytes);
      bytes.fill(255);
      return written;
    });
    await Promise.all(writes);
    await sink.finish({});
    const source = await store.latestCheckpoint();
    for (const slice of wholeGroups(wideLayout))
      expect(await source?.read("parameters", slice)).toEqual(
        Uint8Array.from(sliceBytes(wideLayout, "parameters", slice)),
      );
  });

  it("shows nothing to readers before it is finished, and nothing after it is abandoned", async () => {
    const { store, directory } = openStore();
    const sink = await store.beginCheckpoint(4, sections);
    await fill(sink, smallLayout, sections);
    expect(await store.latestCheckpoint()).toBeUndefined();
    await sink.abandon();
    expect(readdirSync(path.join(directory, "checkpoints"))).toEqual([]);
    await expect(sink.finish({})).rejects.toThrow(/abandoned/);
  });

  it("refuses to finish while a range is missing, and leaves no trace of it", async () => {
    const { store, directory } = openStore();
    const sink = await store.beginCheckpoint(4, sections);
    await fill(sink, smallLayout, ["parameters", "m"]);
    await sink.write("v", { group: 0, start: 0, numbers: 16 }, new Uint8Array(64));
    await expect(sink.finish({})).rejects.toThrow('"v" of group "shared" is missing from number 16 on');
    expect(readdirSync(path.join(directory, "checkpoints"))).toEqual([]);
  });

  it.each([
    ["a range twice", "m", { group: 0, start: 4, numbers: 4 }, 16, /came twice/],
    ["too few bytes", "v", { group: 0, start: 0, numbers: 4 }, 12, /4 numbers were announced, 12 bytes came/],
    ["a slice that leaves its group", "v", { group: 1, start: 30, numbers: 4 }, 16, /no such slice: group 1/],
    ["an unknown group", "v", { group: 9, start: 0, numbers: 4 }, 16, /no such slice: group 9/],
    ["an unknown section", "w", { group: 0, start: 0, numbers: 4 }, 16, /no section "w"/],
  ])("refuses %s", async (_, section, slice, bytes, message) => {
    const { store } = openStore();
    const sink = await store.beginCheckpoint(4, sections);
    await sink.write("m", { group: 0, start: 0, numbers: 8 }, new Uint8Array(32));
    await expect(sink.write(section, slice, new Uint8Array(bytes))).rejects.toThrow(message);
  });

  it("replaces a damaged checkpoint of the same version", async () => {
    const { store, directory } = openStore();
    await writeCheckpoint(store, smallLayout, 5);
    const folder = path.join(directory, "checkpoints", "step-00000005");
    writeFileSync(path.join(folder, "manifest.json"), "{}");
    await writeCheckpoint(store, smallLayout, 5);
    expect(await verifyCheckpoint(folder)).toMatchObject({ kind: "whole" });
    expect(readdirSync(path.dirname(folder))).toEqual(["step-00000005"]);
  });
});

describe("keeping checkpoints", () => {
  it("keeps the newest ones and removes the others", async () => {
    const { store, directory } = openStore({ keep: 2 });
    for (const version of [10, 20, 30, 40]) await writeCheckpoint(store, smallLayout, version);
    expect(readdirSync(path.join(directory, "checkpoints"))).toEqual(["step-00000030", "step-00000040"]);
  });

  it("never removes the one that it has just written, though damaged ones have higher numbers", async () => {
    const { store, directory } = openStore({ keep: 1 });
    await writeCheckpoint(store, smallLayout, 90);
    const newest = path.join(directory, "checkpoints", "step-00000090");
    writeFileSync(path.join(newest, "parameters.safetensors"), "torn");
    await writeCheckpoint(store, smallLayout, 50);
    expect((await store.latestCheckpoint())?.version).toBe(50);
  });

  it("sweeps away what a writer that was killed left behind", async () => {
    const first = openStore();
    const killed = await first.store.beginCheckpoint(4, sections);
    expect(readdirSync(path.join(first.directory, "checkpoints"))).toHaveLength(1);
    const second = openStore({ directory: first.directory });
    await second.store.latestCheckpoint();
    expect(readdirSync(path.join(first.directory, "checkpoints"))).toEqual([]);
    await killed.abandon();
  });
});

describe("reading a checkpoint", () => {
  it("gives back every section by any slice, padding as zeros, and what the run keeps with it", async () => {
    const { store } = openStore();
    await writeCheckpoint(store, smallLayout, 6);
    const source = await store.latestCheckpoint();
    expect(source).toMatchObject({ version: 6, sections, meta: { updates: { shared: 6 } } });
    const slice = { group: 0, start: 9, numbers: 18 };
    for (const section of sections)
      expect(await source?.read(section, slice)).toEqual(
        Uint8Array.from(sliceBytes(smallLayout, section, slice)),
      );
  });

  it("notices a change in any single byte of any file", async () => {
    const { store, directory } = openStore();
    await writeCheckpoint(store, smallLayout, 8);
    const folder = path.join(directory, "checkpoints", "step-00000008");
    const copy = path.join(directory, "copy", "step-00000008");
    mkdirSync(path.dirname(copy));
    cpSync(folder, copy, { recursive: true });
    expect(await verifyCheckpoint(copy)).toMatchObject({ kind: "whole" });
    for (const name of files) {
      const bytes = readFileSync(path.join(folder, name));
      for (let at = 0; at < bytes.byteLength; at++) {
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(path.join(copy, name), changed);
        expect((await verifyCheckpoint(copy)).kind, `${name}, byte ${at}`).toBe("damaged");
      }
      copyFileSync(path.join(folder, name), path.join(copy, name));
    }
  });

  it("passes over torn and damaged ones, says which and why, and takes the one before", async () => {
    const { store, directory, lines } = openStore({ keep: 9 });
    for (const version of [1, 2, 3, 4, 5]) await writeCheckpoint(store, smallLayout, version);
    const at = (version: number, name: string): string =>
      path.join(directory, "checkpoints", `step-0000000${version}`, name);
    rmSync(at(5, "manifest.json"));
    writeFileSync(
      at(4, "optimizer.safetensors"),
      readFileSync(at(4, "optimizer.safetensors")).subarray(0, 100),
    );
    const flipped = readFileSync(at(3, "parameters.safetensors"));
    flipped[flipped.byteLength - 1] = 0x7f;
    writeFileSync(at(3, "parameters.safetensors"), flipped);
    expect((await store.latestCheckpoint())?.version).toBe(2);
    expect(lines).toEqual([
      "checkpoint step-00000005 is passed over: manifest.json is missing",
      expect.stringMatching(
        /^checkpoint step-00000004 is passed over: optimizer.safetensors has 100 bytes, the manifest says \d+$/,
      ),
      expect.stringMatching(
        /^checkpoint step-00000003 is passed over: parameters.safetensors has SHA-256 \w+…, the manifest says/,
      ),
    ]);
  });

  it("does not take a checkpoint that was renamed to another version", async () => {
    const { store, directory } = openStore();
    await writeCheckpoint(store, smallLayout, 1);
    const folder = path.join(directory, "checkpoints", "step-00000001");
    cpSync(folder, path.join(directory, "checkpoints", "step-00000002"), { recursive: true });
    expect((await store.latestCheckpoint())?.version).toBe(1);
  });

  it("says which tensor differs when the checkpoint is that of another model", async () => {
    const first = openStore();
    await writeCheckpoint(first.store, smallLayout, 1);
    await first.store.close();
    const layout = createLayout(
      smallLayout.groups.map((group) => ({
        ...group,
        family: undefined as never,
        tensors: group.tensors.map((tensor) =>
          tensor.name === "digits/10" ? { ...tensor, shape: [2] } : tensor,
        ),
      })),
    );
    const second = openStore({ directory: first.directory, layout });
    await expect(second.store.latestCheckpoint()).rejects.toThrow(
      /belongs to another model: it holds digits\/10 \[1\]\n {2}expected: digits\/10 \[2\]/,
    );
  });
});

function split(group: number, total: number, cuts: readonly number[]): Slice[] {
  const ends = [...cuts].sort((a, b) => a - b).concat(total);
  return ends.map((end, index) => {
    const start = index === 0 ? 0 : (ends[index - 1] ?? 0);
    return { group, start, numbers: end - start };
  });
}

function readAll(folder: string): Record<string, string> {
  expect(existsSync(folder)).toBe(true);
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(path.join(folder, name)).toString("base64")]),
  );
}
