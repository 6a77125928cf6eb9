/** Who imports whom, read from the code: tests and what only tests use are left out. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/** @typedef {{ name: string, folder: string, layer: string, description: string, imports: string[] }} Package */

/**
 * @param {string} root the checkout
 * @returns {Package[]} by folder; `imports` are folders too
 */
export function readPackages(root) {
  const folders = ["apps", ...readdirSync(path.join(root, "libs")).map((layer) => `libs/${layer}`)].flatMap(
    (parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`),
  );
  const packages = folders
    .filter((folder) => existsSync(path.join(root, folder, "package.json")))
    .sort()
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
      const layer = manifest.nx.tags.find((tag) => tag.startsWith("layer:"))?.slice("layer:".length);
      return { name: manifest.name, folder, layer, description: manifest.description ?? "" };
    });
  const folderOf = new Map(packages.map(({ name, folder }) => [name, folder]));
  return packages.map((each) => ({ ...each, imports: importsOf(root, each.folder, folderOf) }));
}

function importsOf(root, folder, folderOf) {
  const source = path.join(root, folder, "src");
  if (!existsSync(source)) return [];
  const found = new Set();
  for (const name of readdirSync(source, { recursive: true }).sort()) {
    const isTest = name.endsWith(".test.ts") || name.split(path.sep).includes("testing");
    if (!name.endsWith(".ts") || isTest) continue;
    const text = readFileSync(path.join(source, name), "utf8");
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const target = folderOf.get(fileName);
      if (target !== undefined && target !== folder) found.add(target);
    }
  }
  return [...found].sort();
}

/** Imports that do not already follow from the others: what is worth a line in a drawing. */
export function withoutImplied(packages) {
  const direct = new Map(packages.map(({ folder, imports }) => [folder, imports]));
  const reach = new Map();
  const reachOf = (folder) => {
    if (!reach.has(folder)) {
      reach.set(folder, new Set());
      for (const next of direct.get(folder) ?? [])
        for (const each of [next, ...reachOf(next)]) reach.get(folder).add(each);
    }
    return reach.get(folder);
  };
  return packages.flatMap(({ folder, imports }) =>
    imports
      .filter((target) => !imports.some((other) => other !== target && reachOf(other).has(target)))
      .map((target) => ({ from: folder, to: target })),
  );
}
