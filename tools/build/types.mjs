/**
 * Declarations for users' job files: TypeScript's own output for apps/cli/src/index.ts and all that it reaches, with
 * imports between internal packages turned into relative ones. Packages from npm (zod) stay imports.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/** @param {string} root @returns {Promise<Map<string, string>>} texts by name below dist */
export async function buildTypes(root) {
  const entry = path.join(root, "apps/cli/src/index.ts");
  const config = ts.readConfigFile(path.join(root, "tsconfig.base.json"), ts.sys.readFile).config;
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const packages = internalPackages(root);
  const program = ts.createProgram([entry], {
    ...options,
    // Found by path and not through node_modules, whose files TypeScript would not write declarations for.
    paths: Object.fromEntries([...packages].map(([name, { source }]) => [name, [source]])),
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: path.join(root, "out"),
  });
  const files = new Map();
  const emitted = program.emit(undefined, (file, text) =>
    files.set(path.relative(path.join(root, "out"), file), text),
  );
  if (emitted.diagnostics.length > 0) {
    const format = {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => "\n",
    };
    throw new Error(ts.formatDiagnostics(emitted.diagnostics.slice(0, 5), format));
  }
  const result = new Map([["index.d.ts", 'export * from "./types/apps/cli/src/index.js";\n']]);
  for (const [name, text] of files) {
    const folder = path.posix.dirname(toPosix(name));
    result.set(`types/${toPosix(name)}`, rewriteImports(text, folder, packages));
  }
  return result;
}

const toPosix = (name) => name.split(path.sep).join("/");

/** Where each internal package's index lies, from its own manifest. */
function internalPackages(root) {
  const found = new Map();
  const paths = ts.sys.readDirectory(
    root,
    ["package.json"],
    ["**/node_modules", "**/dist"],
    ["libs/*/*/package.json"],
  );
  for (const file of paths) {
    const { name } = JSON.parse(readFileSync(file, "utf8"));
    const folder = path.dirname(file);
    if (existsSync(path.join(folder, "src/index.ts")))
      found.set(name, {
        source: path.join(folder, "src/index.ts"),
        emitted: `${toPosix(path.relative(root, folder))}/src/index.js`,
      });
  }
  return found;
}

function rewriteImports(text, folder, packages) {
  const rewrite = (specifier) => {
    if (specifier.startsWith(".")) return specifier.replace(/\.ts$/, ".js");
    const target = packages.get(specifier);
    if (target === undefined) return specifier;
    const relative = path.posix.relative(folder, target.emitted);
    return relative.startsWith(".") ? relative : `./${relative}`;
  };
  return text.replace(
    /(\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\bdeclare module\s+)"([^"]+)"/g,
    (_all, before, specifier) => `${before}"${rewrite(specifier)}"`,
  );
}
