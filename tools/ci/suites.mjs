/** Which projects have tests, and what their reports say. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { plain, root } from "./run-command.mjs";

/** Lines of a failure's message that are worth a reader's time in a summary. */
const messageLines = 14;

/**
 * Every project of the workspace that has test files; one whose tests leave no report is a failure, not a silence.
 * @returns {import("./run-suites.mjs").Suite[]}
 */
export function projectsWithTests() {
  const folders = [
    ...readdirSync(path.join(root, "apps")).map((name) => path.join("apps", name)),
    ...readdirSync(path.join(root, "libs")).flatMap((layer) =>
      readdirSync(path.join(root, "libs", layer)).map((name) => path.join("libs", layer, name)),
    ),
  ];
  return folders.flatMap((folder) => {
    const manifest = path.join(root, folder, "package.json");
    const source = path.join(root, folder, "src");
    if (!existsSync(manifest) || !existsSync(source)) return [];
    const hasTests = readdirSync(source, { recursive: true }).some(
      (file) => file.endsWith(".test.ts") && !file.endsWith(".e2e.test.ts"),
    );
    const { name } = JSON.parse(readFileSync(manifest, "utf8")).nx;
    return hasTests ? [{ name, folder, report: name }] : [];
  });
}

/**
 * @param {string} file a JSON report of Vitest
 * @returns {{ passed: number, skipped: number, failures: { title: string, file: string, message: string }[],
 *   seconds: number } | undefined} nothing where the report is missing or only half written
 */
export function readReport(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  const failures = [];
  let passed = 0;
  let skipped = 0;
  let endMs = report.startTime;
  for (const suite of report.testResults) {
    const name = path.relative(root, suite.name);
    endMs = Math.max(endMs, suite.endTime ?? 0);
    const failedBefore = failures.length;
    for (const test of suite.assertionResults) {
      if (test.status === "passed") passed++;
      else if (test.status === "failed")
        failures.push({ title: test.fullName.trim(), file: name, message: shorten(test.failureMessages) });
      else skipped++;
    }
    // A file that cannot even be loaded has no tests to fail; it is one failure itself.
    if (suite.status === "failed" && failures.length === failedBefore)
      failures.push({
        title: "the file's tests could not run",
        file: name,
        message: shorten([suite.message]),
      });
  }
  // Errors outside any test (an unhandled rejection, say) make a run unsuccessful with every test passed.
  if (report.success === false && failures.length === 0)
    failures.push({ title: "an error outside any test", file: "", message: "see the project's own output" });
  return { passed, skipped, failures, seconds: (endMs - report.startTime) / 1000 };
}

function shorten(messages) {
  const lines = plain(messages.join("\n")).split("\n");
  const own = lines.filter((line) => !/^\s+at .*(node_modules|node:)/.test(line));
  const short = own.slice(0, messageLines);
  if (own.length > short.length) short.push(`... ${own.length - short.length} lines more`);
  return short.join("\n");
}
