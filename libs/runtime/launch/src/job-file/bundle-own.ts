import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { type Bundle, bundleEntry, bundleModule } from "./bundle.ts";
import { evaluateBundle } from "./evaluate-bundle.ts";
import { requireFile } from "./require-file.ts";
import { requireLayers } from "./require-layers.ts";

/** The modules that a job names: its own layers, and extensions of others. */
export interface OwnModules {
  /** Path relative to the job's folder. */
  readonly layers: string | undefined;
  /** Paths that begin with a dot or a slash, relative to the job's folder, or names of packages that it finds. */
  readonly extensions: readonly string[];
}

/** What a job's input names, unchecked. */
export function ownModules(input: unknown): OwnModules {
  const { layers, extensions } = (typeof input === "object" && input !== null ? input : {}) as {
    readonly layers?: unknown;
    readonly extensions?: unknown;
  };
  return {
    layers: typeof layers === "string" ? layers : undefined,
    extensions: Array.isArray(extensions) ? extensions.filter((one) => typeof one === "string") : [],
  };
}

/**
 * Bundles all of a job's own code into one module that exports the records `layers`, `losses`, `combiners`,
 * `regularisers` and `datasets`; layers alone are bundled as they are.
 * @returns undefined where the job names none
 * @throws UserError when a module is missing, does not parse, brings nothing, or two bring something of one name
 */
export async function bundleOwn(
  { layers, extensions }: OwnModules,
  directory: string,
): Promise<Pick<Bundle, "text" | "sources"> | undefined> {
  if (layers === undefined && extensions.length === 0) return undefined;
  if (layers !== undefined) await requireFile(path.resolve(directory, layers), layers);
  for (const file of extensions.filter(isPath)) await requireFile(path.resolve(directory, file), file, true);
  if (extensions.length === 0) {
    const file = path.resolve(directory, layers as string);
    const bundle = await bundleModule(file, "types");
    requireLayers(await evaluateBundle(bundle, file), file);
    return { text: bundle.text, sources: bundle.sources };
  }
  const bundle = await bundleEntry(entryOf({ layers, extensions }), directory);
  const exported = await evaluateBundle(bundle, path.join(directory, "extensions"));
  for (const [at, name] of extensions.entries())
    if ((exported.brings as readonly number[])[at] === 0)
      throw new UserError({
        where: `extensions[${at}] (${name})`,
        what: "brings nothing",
        expected: `export const extension = { ${sorts.map((sort) => `${sort}: { ... }`).join(", ")} }, one of these or more`,
        mend: "export a record named `extension`",
      });
  requireLayers(exported, "the job's extensions");
  return { text: bundle.text, sources: bundle.sources };
}

const sorts = ["layers", "losses", "combiners", "regularisers", "datasets"] as const;

function isPath(name: string): boolean {
  return name.startsWith(".") || path.isAbsolute(name);
}

/** The text of a module that puts all of them together. */
function entryOf({ layers, extensions }: OwnModules): string {
  const imports = [
    ...(layers === undefined ? [] : [`import { layers as own } from ${JSON.stringify(relative(layers))};`]),
    ...extensions.map((name, at) => `import * as part${at} from ${JSON.stringify(name)};`),
  ];
  const parts = extensions.map((name, at) => `[${JSON.stringify(name)}, part${at}.extension ?? {}]`);
  if (layers !== undefined) parts.unshift(`[${JSON.stringify(layers)}, { layers: own }]`);
  return [
    ...imports,
    `const parts = [${parts.join(", ")}];`,
    "function merged(sort) {",
    "  const all = {};",
    "  for (const [from, part] of parts)",
    "    for (const [name, one] of Object.entries(part[sort] ?? {})) {",
    '      if (Object.hasOwn(all, name)) throw new Error(`${from} brings "${name}" among its ${sort}, and so does a module before it`);',
    "      all[name] = one;",
    "    }",
    "  return all;",
    "}",
    ...sorts.map((sort) => `export const ${sort} = merged(${JSON.stringify(sort)});`),
    `export const brings = parts.slice(${layers === undefined ? 0 : 1}).map(([, part]) => ${JSON.stringify(sorts)}.reduce((sum, sort) => sum + Object.keys(part[sort] ?? {}).length, 0));`,
  ].join("\n");
}

/** A path without a dot before it would be taken for a package. */
function relative(file: string): string {
  return isPath(file) ? file : `./${file}`;
}
