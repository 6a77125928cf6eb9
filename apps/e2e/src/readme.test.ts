import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { resolveJob } from "@latentweave/job";
import { loadJobFile } from "@latentweave/launch";
import { describe, expect, it, onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

describe("the README", () => {
  it("shows a job of ten lines that is a whole and valid one", async () => {
    const code = /```ts\n(import \{ defineJob.*?)```/s.exec(read("README.md"))?.[1] ?? "";
    expect(code.trimEnd().split("\n")).toHaveLength(10);
    const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-readme-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, "job.ts");
    writeFileSync(file, code);
    const job = resolveJob((await loadJobFile(file)).input, file);
    expect(Object.keys(job.tasks)).toEqual(["digits", "fashion"]);
    expect(job.model).toMatchObject({ kind: "shared", latent: { units: 32 } });
  });
});

describe("every page", () => {
  const pages = [
    "README.md",
    ...readdirSync(path.join(root, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
    ...readdirSync(path.join(root, "examples")).map((name) => `examples/${name}/README.md`),
  ];

  it.each(pages)("%s links to files that are there", (page) => {
    const links = read(page).matchAll(/\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"]+)"/g);
    const targets = [...links].map(([, target, source]) => target ?? source ?? "");
    const gone = targets
      .filter((target) => !/^(https?:|#)/.test(target))
      .map((target) => path.join(path.dirname(page), target.replace(/#.*/, "")))
      .filter((file) => !existsSync(path.join(root, file)));
    expect(gone).toEqual([]);
  });
});
