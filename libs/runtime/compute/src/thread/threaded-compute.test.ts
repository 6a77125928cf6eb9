import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { UserLayer } from "@latentweave/model";
import { UserError } from "@latentweave/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import { importUserModule } from "../layers/user-module.ts";
import { canaryDigest } from "../model/canary.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import { inputNumbers, sharedModel, userModel } from "../testing/models.ts";
import { ComputeThreadError, createThreadedCompute, type ThreadedCompute } from "./threaded-compute.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "latentweave-thread-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
const open: ThreadedCompute[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((compute) => compute.close()));
});

const model = sharedModel();
const batch = someBatch({ task: "one", samples: 4 }, inputNumbers);

async function start(): Promise<ThreadedCompute> {
  const compute = await createThreadedCompute({ backend: { name: "cpu" } });
  open.push(compute);
  return compute;
}

async function loaded(): Promise<ThreadedCompute> {
  const compute = await start();
  await compute.load(model);
  await compute.setParameters(someParameters(model));
  return compute;
}

describe("compute in a thread of its own", () => {
  it("gives the bits that the same backend gives on this thread", async () => {
    const backend = await loadBackend({ name: "cpu" });
    const inline = createInlineCompute(backend);
    await inline.load(model);
    await inline.setParameters(someParameters(model));
    const threaded = await loaded();
    expect(threaded.backend).toBe("cpu");
    expect(threaded.determinismClass).toEqual(backend.determinismClass);
    expect(bytes(await threaded.run(batch))).toBe(bytes(await inline.run(batch)));
    const question = { phase: 0, task: "one", output: "latent", samples: 4, x: batch.x };
    expect(await threaded.infer(question)).toEqual(await inline.infer(question));
    await inline.close();
  });

  it("leaves the caller its arrays, and gives results to keep", async () => {
    const compute = await loaded();
    const first = await compute.run(batch);
    expect(batch.x).toHaveLength(4 * inputNumbers);
    const before = bytes(first);
    await compute.run(someBatch({ task: "one", samples: 4, step: 6 }, inputNumbers));
    expect(bytes(first)).toBe(before);
  });

  it("uses new parameters for later calls and old ones for calls already made", async () => {
    const compute = await loaded();
    const old = bytes(await compute.run(batch));
    const shifted = someParameters(model).map((slice) => ({
      ...slice,
      values: slice.values.map((value) => value + 0.125),
    }));
    const pending = compute.run(batch);
    const written = compute.setParameters(shifted);
    for (const { values } of shifted) values.fill(NaN);
    const after = compute.run(batch);
    expect(bytes(await pending)).toBe(old);
    await written;
    const changed = bytes(await after);
    expect(changed).not.toBe(old);
    expect((await compute.run(batch)).metrics.every(Number.isFinite)).toBe(true);
    expect(bytes(await compute.run(batch))).toBe(changed);
    await compute.setParameters(someParameters(model));
    expect(bytes(await compute.run(batch))).toBe(old);
  });

  it("rejects a call that fails, with the message, and carries on", async () => {
    const compute = await loaded();
    await expect(compute.run({ ...batch, task: "three" })).rejects.toThrow(/no task "three" in phase 0/);
    await expect(
      compute.setParameters([{ group: 99, start: 0, values: new Float32Array(1) }]),
    ).rejects.toThrow(/parameter group 99/);
    expect((await compute.run(batch)).metrics[0]).toBe(4);
  });

  it("refuses every call after closing, and closing twice is closing once", async () => {
    const compute = await loaded();
    await Promise.all([compute.close(), compute.close()]);
    await expect(compute.run(batch)).rejects.toThrow(/closed/);
    await compute.close();
  });
});

describe("a job's own layer in the thread", () => {
  const text = (factor: string): string => `export const layers = {
    scaled: {
      outputShape: (shape) => shape,
      parameters: (shape) => [{ role: "gain", shape }],
      apply: ({ tf, input, parameters }) => tf.mul(tf.mul(input, parameters.gain), ${factor}),
    },
  };`;
  const run = async (factor: string): Promise<string> => {
    const { scaled } = (await importUserModule(text(factor))).layers;
    const own = userModel(text(factor), "scaled", scaled as UserLayer);
    const compute = await start();
    await compute.load(own);
    await compute.setParameters(someParameters(own));
    return bytes(await compute.run(batch));
  };

  it("is computed there, and refused there for drawing without a key", async () => {
    expect(await run("2")).toBe(await run("2"));
    expect(await run("2")).not.toBe(await run("3"));
    await expect(run("Math.random()")).rejects.toMatchObject({
      name: "UnkeyedRandomError",
      message: expect.stringContaining("Math.random") as string,
    });
  });
});

describe("a compute thread that fails", () => {
  const readyThen = async (name: string, body: string): Promise<string> => {
    const file = path.join(folder, `${name}.mjs`);
    const ready = { kind: "ready", ready: { name: "cpu", determinismClass: {}, notes: [] } };
    await writeFile(
      file,
      `import { parentPort } from "node:worker_threads";
       parentPort.postMessage(${JSON.stringify(ready)});
       parentPort.on("message", () => { ${body} });`,
    );
    return file;
  };

  for (const [name, body, message] of [
    ["throws", 'throw new Error("out of luck");', /the compute thread failed: out of luck/],
    ["exits", "process.exit(7);", /the compute thread ended with code 7/],
  ] as const)
    it(`and ${name} rejects every waiting call, reports once, and refuses later calls`, async () => {
      const reports: Error[] = [];
      const compute = await createThreadedCompute({
        entry: await readyThen(name, body),
        onFailure: (error) => reports.push(error),
      });
      open.push(compute);
      const waiting = await Promise.allSettled([compute.load(model), compute.run(batch)]);
      for (const outcome of waiting) {
        expect(outcome.status).toBe("rejected");
        expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(ComputeThreadError);
        expect(outcome.status === "rejected" && String(outcome.reason)).toMatch(message);
      }
      await expect(compute.run(batch)).rejects.toThrow(message);
      expect(reports).toHaveLength(1);
    });

  it("before it has a backend rejects the start with what a user can do", async () => {
    const refused = createThreadedCompute({ backend: { name: "webgpu" } });
    await expect(refused).rejects.toBeInstanceOf(UserError);
    await expect(refused).rejects.toThrow(/"webgpu" backend is not available/);
    const missing = createThreadedCompute({ entry: path.join(folder, "nowhere.mjs") });
    await expect(missing).rejects.toBeInstanceOf(ComputeThreadError);
  });
});

describe("the canary's digest", () => {
  it("is the same in a thread and inline, and again", async () => {
    const inline = createInlineCompute(await loadBackend({ name: "cpu" }));
    const digest = await canaryDigest(inline, model);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await canaryDigest(await start(), model)).toBe(digest);
    expect(await canaryDigest(inline, model)).toBe(digest);
    expect(await canaryDigest(inline, { ...model, seed: model.seed + 1 })).not.toBe(digest);
    expect(await canaryDigest(inline, model, () => 3)).not.toBe(digest);
    await inline.close();
  });

  it("sees a device whose arithmetic differs in one last bit", async () => {
    const backend = await loadBackend({ name: "cpu" });
    const honest = createInlineCompute(backend);
    const digest = await canaryDigest(honest, model);
    const other = {
      ...honest,
      run: async (each: typeof batch) => {
        const result = await honest.run(each);
        const bits =
          result.gradients[0] && new Uint32Array(result.gradients[0].buffer, result.gradients[0].byteOffset);
        if (bits) bits[0] = (bits[0] ?? 0) ^ 1;
        return result;
      },
    };
    expect(await canaryDigest(other, model)).not.toBe(digest);
    await honest.close();
  });
});
