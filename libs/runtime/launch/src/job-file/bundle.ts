import path from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "@latentweave/protocol";
import { build, type BuildFailure, type BuildOptions, type Message, type Plugin } from "esbuild";
import { jobApiModule } from "./job-api.ts";

export interface Bundle {
  /** One self-contained module, ESM. */
  readonly text: string;
  /** Source map as JSON. */
  readonly map: string;
  /** Absolute paths of the files that went into it, sorted. */
  readonly sources: readonly string[];
}

/**
 * Bundles a TypeScript or JavaScript module with all that it imports.
 * @param latentweave `api`: imports of "latentweave" get the functions for job files; `types`: they may import types only
 * @throws UserError with file, line and column when a file cannot be read or parsed.
 */
export async function bundleModule(file: string, latentweave: "api" | "types"): Promise<Bundle> {
  return await bundle({ entryPoints: [file] }, file, latentweave);
}

/**
 * Bundles a module that is there as text alone; what it imports is looked for from `directory` on.
 * @throws UserError as `bundleModule`
 */
export async function bundleEntry(contents: string, directory: string): Promise<Bundle> {
  const entry = { contents, resolveDir: directory, sourcefile: entryFile, loader: "js" } as const;
  return await bundle({ stdin: entry }, path.join(directory, entryFile), "types");
}

const entryFile = "extensions-of-the-job.js";

async function bundle(
  from: Pick<BuildOptions, "entryPoints" | "stdin">,
  file: string,
  latentweave: "api" | "types",
): Promise<Bundle> {
  const directory = path.dirname(file);
  try {
    const result = await build({
      ...from,
      absWorkingDir: directory,
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: latentweave === "api" ? "node" : "neutral",
      mainFields: ["module", "main"],
      target: "node20",
      sourcemap: "external",
      outfile: "bundle.js",
      charset: "utf8",
      logLevel: "silent",
      // What a file is told of its own place would otherwise be that of the bundle.
      define: {
        "import.meta.url": JSON.stringify(pathToFileURL(file).href),
        "import.meta.dirname": JSON.stringify(directory),
        "import.meta.filename": JSON.stringify(file),
      },
      // A stray tsconfig.json near the job shall not change what it means.
      tsconfigRaw: {},
      plugins: [latentweavePlugin(latentweave)],
    });
    const [map, code] = [".map", ".js"].map(
      (end) => result.outputFiles.find((output) => output.path.endsWith(end))?.text,
    );
    const sources = Object.keys(result.metafile.inputs)
      .filter((input) => !input.startsWith(`${namespace}:`) && input !== entryFile)
      .map((input) => path.resolve(directory, input));
    return { text: code ?? "", map: map ?? "{}", sources: sources.sort() };
  } catch (error) {
    const failures = (error as Partial<BuildFailure>).errors;
    const first = failures?.[0];
    if (!first) throw error;
    throw cannotBundle(file, first, failures.length - 1);
  }
}

const namespace = "latentweave";

function latentweavePlugin(kind: "api" | "types"): Plugin {
  return {
    name: "latentweave",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^latentweave$/ }, () =>
        kind === "api"
          ? { path: "latentweave", namespace }
          : {
              errors: [
                { text: 'a module of layers, or an extension, may import only types from "latentweave"' },
              ],
            },
      );
      esbuild.onLoad({ filter: /.*/, namespace }, () => ({ contents: jobApiModule(), loader: "js" }));
    },
  };
}

function cannotBundle(file: string, { text, location }: Message, others: number): UserError {
  const where = location
    ? `${path.resolve(path.dirname(file), location.file)}:${location.line}:${location.column + 1}`
    : file;
  return new UserError({
    where,
    what: `${text}${others > 0 ? ` (and ${others} more)` : ""}`,
    ...(location?.lineText
      ? { expected: `JavaScript or TypeScript, but found: ${location.lineText.trim()}` }
      : {}),
    mend: "mend this line",
  });
}
