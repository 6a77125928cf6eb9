import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";

/**
 * Fetches one exact version of a package with the user's own npm client (their registry, proxy and cache) without
 * installing it or running any of its scripts.
 * @param spec `name@version`
 * @returns the path of the archive in `directory`
 * @throws Error with npm's own words when it fails
 */
export async function packNpmPackage(spec: string, directory: string, signal?: AbortSignal): Promise<string> {
  const options = [
    "--ignore-scripts",
    "--prefer-offline",
    "--loglevel=error",
    "--pack-destination",
    directory,
  ];
  const said = await new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    const child = spawn("npm", ["pack", spec, ...options], {
      stdio: ["ignore", "ignore", "pipe"],
      // npm is a .cmd file on Windows, which only a shell starts.
      shell: process.platform === "win32",
      ...(signal ? { signal } : {}),
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
  const archive = (await readdir(directory)).find((file) => file.endsWith(".tgz"));
  if (said.code !== 0 || !archive) {
    const reason = said.stderr
      .split("\n")
      .find((line) => line.startsWith("npm error") && !line.endsWith("A complete log"));
    throw new Error(`npm pack ${spec}: ${reason ?? `exit code ${said.code}`}`);
  }
  return path.join(directory, archive);
}
