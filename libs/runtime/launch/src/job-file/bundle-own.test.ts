import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleOwn, ownModules } from "./bundle-own.ts";
import { loadOwn } from "./load-job-file.ts";

const example = fileURLToPath(new URL("../../../../../examples/extending/rings-extension", import.meta.url));

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-own-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
  await writeFile(path.join(directory, name), text);
}

const bundled = (layers: string | undefined, ...extensions: readonly string[]) =>
  bundleOwn({ layers, extensions }, directory);

describe("a job's own modules", () => {
  it("are what its input names, and none where it names none", async () => {
    expect(ownModules({ layers: "./a.ts", extensions: ["./b.ts", 3] })).toEqual({
      layers: "./a.ts",
      extensions: ["./b.ts"],
    });
    expect(ownModules(null)).toEqual({ layers: undefined, extensions: [] });
    expect(await bundled(undefined)).toBeUndefined();
  });

  it("may be a package, by its name or its folder, and come to the same", async () => {
    await cp(example, path.join(directory, "node_modules/latentweave-rings"), { recursive: true });
    await cp(example, path.join(directory, "beside"), { recursive: true });
    const [byName, byFolder] = [
      await bundled(undefined, "latentweave-rings"),
      await bundled(undefined, "./beside"),
    ];
    const own = await loadOwn(byName?.text ?? "");
    expect([own.layers, own.losses, own.datasets].map((record) => Object.keys(record))).toEqual([
      ["Gain"],
      ["pseudo-huber"],
      ["rings"],
    ]);
    expect(Object.keys((await loadOwn(byFolder?.text ?? "")).layers)).toEqual(["Gain"]);
    expect(byName?.text).not.toContain(directory);
    expect(byName?.text).not.toMatch(/^import/m);
    expect(byFolder?.sources).toEqual([path.join(directory, "beside/extension.ts")]);
  });

  it("are put together", async () => {
    const layer = "{ outputShape: (shape) => shape, parameters: () => [], apply: ({ input }) => input }";
    await file("layers.ts", `export const layers = { Own: ${layer} };`);
    await file(
      "one.ts",
      `export const extension = { layers: { One: ${layer} }, losses: { a: { apply() {} } } };`,
    );
    await file("two.ts", `export const extension = { layers: { One: ${layer} } };`);
    const both = await loadOwn((await bundled("layers.ts", "./one.ts"))?.text ?? "");
    expect([Object.keys(both.layers), Object.keys(both.losses)]).toEqual([["Own", "One"], ["a"]]);
    await expect(bundled("layers.ts", "./one.ts", "./two.ts")).rejects.toThrow(
      './two.ts brings "One" among its layers, and so does a module before it',
    );
  });

  it("are refused when they cannot be used", async () => {
    await expect(bundled(undefined, "./missing.ts")).rejects.toThrow("no such file");
    await expect(bundled(undefined, "no-such-package-anywhere")).rejects.toThrow("no-such-package-anywhere");
    await file("empty.ts", "export const extensions = {};");
    await expect(bundled(undefined, "./empty.ts")).rejects.toThrow(/extensions\[0\].*brings nothing/s);
    await file("half.ts", "export const extension = { layers: { A: {} } };");
    await expect(bundled(undefined, "./half.ts")).rejects.toThrow(
      'the layer "A" has no function outputShape',
    );
  });
});
