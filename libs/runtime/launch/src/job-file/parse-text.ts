import { readFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { transform, type TransformFailure } from "esbuild";
import { LineCounter, parseDocument } from "yaml";

/** @throws UserError with file, line and column */
export function parseYaml(text: string, file: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw unreadable(`${file}:${line}:${col}`, problem.message, "YAML");
  }
  return document.toJS({ maxAliasCount: 100 }) as unknown;
}

/** @throws UserError with file, line and column */
export async function parseJson(text: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // JSON.parse does not always say where; the bundler's parser does.
    const failed: unknown = await transform(text, { loader: "json", logLevel: "silent" }).catch(
      (failure: unknown) => failure,
    );
    const first = (failed as Partial<TransformFailure>).errors?.[0];
    const place = first?.location ? `:${first.location.line}:${first.location.column + 1}` : "";
    throw unreadable(`${file}${place}`, first?.text ?? (error as SyntaxError).message, "JSON");
  }
}

/**
 * What a .yaml, .yml or .json file says, unchecked.
 * @throws UserError with file, line and column; or (exit code 2) for another kind of file
 */
export async function readPlainFile(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8");
  switch (path.extname(file)) {
    case ".yaml":
    case ".yml":
      return parseYaml(text, file);
    case ".json":
      return parseJson(text, file);
    default:
      throw new UserError({
        where: file,
        what: `cannot be read: it ends in "${path.extname(file)}"`,
        expected: ".yaml, .yml or .json",
        mend: "rename the file",
        exitCode: 2,
      });
  }
}

function unreadable(where: string, what: string, language: "JSON" | "YAML"): UserError {
  return new UserError({
    where,
    what,
    expected: language,
    mend:
      language === "JSON"
        ? "mend this line, or rename the file to .yaml, which allows comments and unquoted names"
        : "mend this line",
  });
}
