import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const page = readFileSync(path.join(root, "docs/dependencies.md"), "utf8");
const named = new Set(
  [...page.matchAll(/^- \*\*(.+?)\*\*/gm)].flatMap(([, names]) => (names ?? "").split(", ")),
);

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const folders = ["apps", ...readdirSync(path.join(root, "libs")).map((layer) => `libs/${layer}`)].flatMap(
  (parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`),
);
const manifests = ["", ...folders]
  .map((folder) => path.join(root, folder, "package.json"))
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, "utf8")) as Manifest);
const wanted = manifests.flatMap(({ dependencies, devDependencies }) =>
  Object.entries({ ...dependencies, ...devDependencies }),
);

test("docs/dependencies.md says of every dependency why it is there", () => {
  const missing = wanted
    .map(([name]) => name)
    .filter((name) => !named.has(name) && !named.has(name.replace(/^@tensorflow\//, "")));
  expect([...new Set(missing)]).toEqual([]);
});

test("every dependency is pinned to one version", () => {
  expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("Nx and all of its parts are of one version", () => {
  const versions = wanted
    .filter(([name]) => name === "nx" || name.startsWith("@nx/"))
    .map(([, version]) => version);
  expect(new Set(versions).size).toBe(1);
});
