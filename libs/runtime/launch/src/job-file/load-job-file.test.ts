import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { resolveJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadJobFile, loadOwn } from "./load-job-file.ts";

let directory = "";
beforeAll(async () => {
  // Outside any checkout: there is no package "latentweave" to be found from here.
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-job-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const target = path.join(directory, name);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
  return target;
}

async function failure(name: string, text: string): Promise<string> {
  const target = await file(name, text);
  const error: unknown = await loadJobFile(target).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).not.toMatch(/^\s+at /m);
  return message;
}

const typescript = `
import { defineJob, dense } from "latentweave";
import { width } from "./width.ts";

interface Nothing { readonly a: number }

export default defineJob({
  name: "small",
  tasks: {
    digits: {
      data: { dataset: "mnist" },
      encoder: [dense(width, "relu")],
      decoder: [dense(784, "sigmoid")],
    },
  },
  steps: 5,
});
`;

const yaml = `
steps: 5
name: small # a comment
tasks:
  digits:
    data: { dataset: mnist }
    encoder: [{ kind: dense, units: 7, activation: relu }]
    decoder: [{ kind: dense, units: 784, activation: sigmoid }]
`;

describe("a job file", () => {
  it("in TypeScript runs with what it imports, latentweave included, installed or not", async () => {
    const width = await file("width.ts", "export const width: number = 7;\n");
    const job = await file("job.ts", typescript);
    const loaded = await loadJobFile(job);
    expect(loaded.directory).toBe(directory);
    expect(loaded.sources).toEqual([job, width]);
    expect(loaded.userModule).toBeUndefined();
    expect(resolveJob(loaded.input).tasks.digits?.encoder[0]).toMatchObject({ units: 7, activation: "relu" });
  });

  it("says the same in TypeScript, JavaScript, YAML and JSON, and has the same hash", async () => {
    await file("width.ts", "export const width: number = 7;\n");
    const first = await loadJobFile(await file("job.ts", typescript));
    const others = await Promise.all([
      file("job.mjs", typescript.replace(/interface.*\n/, "")).then(loadJobFile),
      file("job.yaml", yaml).then(loadJobFile),
      file("job.json", JSON.stringify(first.input)).then(loadJobFile),
    ]);
    for (const other of others) {
      expect(other.input).toEqual(first.input);
      expect(other.hash).toBe(first.hash);
    }
    const changed = await loadJobFile(await file("changed.yaml", yaml.replace("units: 7", "units: 8")));
    expect(changed.hash).not.toBe(first.hash);
  });

  it("is run anew when it has changed", async () => {
    const job = await file("again.ts", "export default { steps: 1 };");
    expect((await loadJobFile(job)).input).toEqual({ steps: 1 });
    await file("again.ts", "export default { steps: 2 };");
    expect((await loadJobFile(job)).input).toEqual({ steps: 2 });
  });

  it("knows where it lies", async () => {
    const job = await file("where.mjs", "export default { name: import.meta.dirname };");
    expect((await loadJobFile(job)).input).toEqual({ name: directory });
  });
});

describe("a job's own layers", () => {
  const module = `
import type { UserLayer } from "latentweave";
import { twice } from "./twice.ts";
export const layers: Record<string, UserLayer> = {
  Double: {
    outputShape: ([n]) => [twice(n!)],
    parameters: () => [],
    apply: ({ tf, input }) => (tf as any).concat([input, input], 1),
  },
};
`;

  it("are bundled into one module that needs nothing else", async () => {
    const twice = await file("twice.ts", "export const twice = (n: number): number => n * 2;\n");
    const layers = await file("layers.ts", module);
    const job = await file("with-layers.yaml", `${yaml}layers: ./layers.ts\n`);
    const loaded = await loadJobFile(job);
    expect(loaded.sources).toEqual([job, layers, twice]);
    expect(loaded.userModule).not.toMatch(/^import/m);
    expect(loaded.userModule).not.toContain(directory);
    const { Double } = (await loadOwn(loaded.userModule ?? "")).layers;
    expect(Double?.outputShape([3], {})).toEqual([6]);
    const plain = await loadJobFile(await file("plain.yaml", yaml));
    expect(loaded.hash).not.toBe(plain.hash);
  });

  it.each([
    ["export const layer = {};", "exports no layers"],
    ["export const layers = { A: { apply() {} } };", 'the layer "A" has no function outputShape'],
    ['import { dense } from "latentweave"; export const layers = { dense };', "only types"],
    ['import fs from "node:fs"; export const layers = { fs };', "node:fs"],
    ["export const layers = {", "bad-layers.ts:1:"],
  ])("are refused when they cannot be used: %s", async (text, expected) => {
    await file("bad-layers.ts", text);
    expect(await failure("bad.yaml", `${yaml}layers: ./bad-layers.ts\n`)).toContain(expected);
  });

  it("are missed by name", async () => {
    expect(await failure("missing.yaml", `${yaml}layers: ./none.ts\n`)).toContain(
      "./none.ts: there is no such file",
    );
  });
});

describe("a bad job file", () => {
  it.each([
    ["syntax.ts", "const a = 1;\nexport default { a: ,};\n", "syntax.ts:2:21: Unexpected"],
    [
      "import.ts",
      'import { x } from "./nowhere.ts";\nexport default x;\n',
      "import.ts:1:19: Could not resolve",
    ],
    [
      "name.ts",
      'import { dens } from "latentweave";\nexport default dens;\n',
      "name.ts:1:10: No matching export",
    ],
    [
      "throws.ts",
      "interface A { b: number }\n\nconst job: A = { b: 1 };\nthrow new RangeError(`no ${job.b}`);\n",
      "throws.ts:4:7: the file failed while it ran: RangeError: no 1",
    ],
    ["rejects.mjs", "await Promise.reject(new Error('late'));\nexport default 1;", "Error: late"],
    ["string.mjs", "throw 'words';", "string.mjs: the file failed while it ran: words"],
    ["none.ts", "export const job = {};\n", "exports no job"],
    ["colon.yaml", "name: x\nsteps: 5: 6\n", "colon.yaml:2:"],
    ["twice.yaml", "steps: 5\nsteps: 6\n", "twice.yaml:2:1: Map keys must be unique"],
    ["open.json", '{\n  "steps": 5,\n  "seed": }\n', "open.json:3:"],
    ["comment.json", '{ "steps": 5 # five\n}', "rename the file to .yaml"],
    ["job.toml", "steps = 5", 'ends in ".toml"'],
  ])("%s says where and what, without a stack", async (name, text, expected) => {
    expect(await failure(name, text)).toContain(expected);
  });

  it("that is not there, or is a folder, says so", async () => {
    await expect(loadJobFile(path.join(directory, "nowhere.ts"))).rejects.toThrow("there is no such file");
    await expect(loadJobFile(directory)).rejects.toThrow("is a folder");
  });
});
