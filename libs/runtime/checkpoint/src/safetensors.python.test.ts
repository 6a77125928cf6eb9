import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { cacheDirectory } from "@latentweave/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { parameterHash } from "./hash-of-path.ts";
import { groupNumbers, openStore, smallLayout, writeCheckpoint } from "./testing/small-run.ts";

/** The format's own reader, kept in the cache folder between runs. */
const pinned = ["safetensors==0.8.0", "numpy==2.3.5"];
const environment = path.join(cacheDirectory(), "test-python", pinned.join("_").replaceAll("==", "-"));
const python = path.join(environment, "bin", "python");

beforeAll(() => {
  if (existsSync(path.join(environment, "ready"))) return;
  try {
    execFileSync("python3", ["-m", "venv", environment], { stdio: "pipe" });
    execFileSync(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...pinned], {
      stdio: "pipe",
    });
    execFileSync("touch", [path.join(environment, "ready")]);
  } catch (cause) {
    throw new Error("this test needs python3 with venv and pip, and a package index that pip can reach", {
      cause,
    });
  }
}, 300_000);

const script = `
import sys, json, hashlib
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
folder = sys.argv[1]
out = {}
for name in ("parameters", "optimizer"):
    tensors = load_file(f"{folder}/{name}.safetensors")
    out[name] = {key: [str(value.dtype), list(value.shape), value.flatten().tolist()] for key, value in tensors.items()}
with safe_open(f"{folder}/parameters.safetensors", framework="np") as file:
    out["metadata"] = file.metadata()
save_file(load_file(f"{folder}/parameters.safetensors"), f"{folder}/rewritten.safetensors")
print(json.dumps(out))
`;

describe("Python's safetensors", () => {
  it("opens the files and finds every tensor with its shape and numbers", async () => {
    const { store, directory } = openStore();
    await writeCheckpoint(store, smallLayout, 12);
    const folder = path.join(directory, "checkpoints", "step-00000012");
    const found = JSON.parse(execFileSync(python, ["-c", script, folder], { encoding: "utf8" })) as Record<
      string,
      unknown
    >;
    const expected = (section: string): [string, unknown][] =>
      smallLayout.groups.flatMap((group) => {
        const numbers = groupNumbers(smallLayout, section, group.index);
        return group.tensors.map((tensor): [string, unknown] => [
          section === "parameters" ? tensor.name : `${tensor.name}#${section}`,
          ["float32", tensor.shape, [...numbers.subarray(tensor.offset, tensor.offset + tensor.numbers)]],
        ]);
      });
    expect(found.parameters).toEqual(Object.fromEntries(expected("parameters")));
    expect(found.optimizer).toEqual(Object.fromEntries([...expected("m"), ...expected("v")]));
    expect(found.metadata).toEqual({ runId: "run-a", version: "12" });
  });

  it("gives the same hash by the few lines of Python that the documentation shows", async () => {
    const { store, directory } = openStore();
    const { hash } = await writeCheckpoint(store, smallLayout, 12);
    const page = readFileSync(new URL("../../../../docs/checkpoints.md", import.meta.url), "utf8");
    const documented = /```python\n([^]*?)```/.exec(page)?.[1] ?? "";
    const folder = path.join(directory, "checkpoints", "step-00000012");
    expect(execFileSync(python, ["-c", documented], { cwd: folder, encoding: "utf8" }).trim()).toBe(hash);
  });

  it("writes files whose hash is the same, though it orders tensors in its own way", async () => {
    const { store, directory } = openStore();
    const { hash } = await writeCheckpoint(store, smallLayout, 12);
    const folder = path.join(directory, "checkpoints", "step-00000012");
    execFileSync(python, ["-c", script, folder]);
    expect(await parameterHash(path.join(folder, "rewritten.safetensors"))).toBe(hash);
  });
});
