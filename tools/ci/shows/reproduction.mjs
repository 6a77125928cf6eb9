/** An item that is one of examples/reproduce: its command, and its data where they are no part of the project. */
import { existsSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

/**
 * Runs examples/reproduce/NAME and says what it prints.
 * @param {{ say: (line: string) => void, args?: string[], hours?: number }} options
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function reproduce(name, { say, args = [], hours }) {
  const { code, output } = await runCommand(
    ["node", path.join(root, "examples/reproduce", name, "run.mjs"), ...args],
    { timeoutMs: hours && hours * 3_600_000 },
  );
  for (const line of output.trimEnd().split("\n")) say(line);
  return { code, output };
}

/** Where an environment variable says that the data are, or beside the checkout; undefined: they are not here. */
export function findData(variable, name) {
  const places = [process.env[variable], path.join(root, "../shared/data", name)];
  return places.find((place) => place && existsSync(place));
}
