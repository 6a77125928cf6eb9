import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { documentMarkdown } from "./document-markdown.ts";
import { documentPage } from "./document-page.ts";
import { documentJson, type RunDocument } from "./run-document.ts";

/**
 * A name that ends in .html, .md or .json is that one file; any other is a folder that gets all three.
 * @returns the files written
 */
export async function writeDocument(target: string, document: RunDocument): Promise<readonly string[]> {
  const kinds: readonly [extension: string, text: () => string][] = [
    [".html", () => documentPage(document)],
    [".md", () => documentMarkdown(document)],
    [".json", () => `${JSON.stringify(documentJson(document), undefined, 2)}\n`],
  ];
  const own = kinds.filter(([extension]) => path.extname(target) === extension);
  const folder = own.length > 0 ? path.dirname(target) : target;
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [extension, text] of own.length > 0 ? own : kinds) {
    const file = own.length > 0 ? target : path.join(folder, `report${extension}`);
    await writeFile(file, text());
    files.push(file);
  }
  return files;
}
