import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createLayout, type ParameterLayout, type Slice } from "@latentweave/parameters";
import { type CheckpointSink, type CommitRecord, type RunStore } from "@latentweave/protocol";
import { onTestFinished } from "vitest";
import { createRunStore, type RunStoreOptions } from "../run-store.ts";

const zero = { kind: "constant", value: 0 } as const;

/** Two groups with padding between and after tensors, names whose byte order is not their layout order. */
export const smallLayout = createLayout([
  {
    name: "shared",
    tasks: ["digits", "fashion"],
    tensors: [
      { name: "trunk/0/kernel", shape: [3, 5], initialiser: zero },
      { name: "trunk/0/bias", shape: [5], initialiser: zero },
    ],
  },
  {
    name: "digits",
    tasks: ["digits"],
    tensors: [
      { name: "digits/é", shape: [2, 2, 2], initialiser: zero },
      { name: "digits/10", shape: [1], initialiser: zero },
    ],
  },
]);

/** More than one block in a group. */
export const wideLayout = createLayout([
  {
    name: "wide",
    tasks: ["digits"],
    tensors: [{ name: "wide/kernel", shape: [150, 300], initialiser: zero }],
  },
  { name: "tail", tasks: ["digits"], tensors: [{ name: "tail/bias", shape: [7], initialiser: zero }] },
]);

/** A number that tells where it belongs: section, group and position. Padding gets zero, as everywhere. */
export function groupNumbers(layout: ParameterLayout, section: string, group: number): Float32Array {
  const { tensors, numbers } = layout.groups[group] as ParameterLayout["groups"][number];
  const values = new Float32Array(numbers);
  const salt = Buffer.from(section).reduce((sum, letter) => sum + letter, 0);
  for (const tensor of tensors)
    for (let index = 0; index < tensor.numbers; index++)
      values[tensor.offset + index] = salt / 8 + group * 1000 + tensor.offset + index / 4;
  return values;
}

export function sliceBytes(layout: ParameterLayout, section: string, slice: Slice): Uint8Array {
  const values = groupNumbers(layout, section, slice.group).subarray(
    slice.start,
    slice.start + slice.numbers,
  );
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export function wholeGroups(layout: ParameterLayout): Slice[] {
  return layout.groups.map((group) => ({ group: group.index, start: 0, numbers: group.numbers }));
}

export async function fill(
  sink: CheckpointSink,
  layout: ParameterLayout,
  sections: readonly string[],
): Promise<void> {
  for (const section of sections)
    for (const slice of wholeGroups(layout))
      await sink.write(section, slice, sliceBytes(layout, section, slice));
}

export async function writeCheckpoint(
  store: RunStore,
  layout: ParameterLayout,
  version: number,
  sections: readonly string[] = ["parameters", "m", "v"],
): Promise<{ hash: string }> {
  const sink = await store.beginCheckpoint(version, sections);
  await fill(sink, layout, sections);
  return sink.finish({ updates: { shared: version } });
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-checkpoint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store in a folder of its own, closed after the test, with the lines that it logged. */
export function openStore(options: Partial<RunStoreOptions> = {}): {
  store: RunStore;
  directory: string;
  lines: string[];
} {
  const directory = options.directory ?? path.join(temporaryFolder(), "run-a");
  const lines: string[] = [];
  const store = createRunStore({
    runId: "run-a",
    layout: smallLayout,
    keep: 3,
    log: (line) => lines.push(line),
    ...options,
    directory,
  });
  onTestFinished(async () => {
    await store.close().catch(() => undefined);
  });
  return { store, directory, lines };
}

export function commit(step: number, loss = 1 / (step + 1), timeline = 0): CommitRecord {
  return {
    step,
    version: step + 1,
    timeline,
    phase: "main",
    digest: "",
    shards: 1,
    tasks: [
      {
        ...{ task: "digits", round: 0, slots: 2, samples: 64, metrics: { loss } },
        shards: [{ index: 0, nodes: [[1, 0, "worker-1", "0123456789abcdef"]] }],
      },
    ],
    learningRate: 0.001,
    gradientNorm: null,
    duplicates: 0,
  };
}
