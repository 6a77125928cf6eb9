/** Tests of projects, by way of Nx: one line for each project as it finishes; what failed, and why, is in the result. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { plain, runCommand } from "./run-command.mjs";
import { projectsWithTests, readReport } from "./suites.mjs";

const pollMs = 500;
/** One for each of the smallest machine's cores. */
const parallel = 2;
const tailLines = 25;

/** @typedef {{ name: string, folder: string, report: string }} Suite `report`: the name of what its Vitest writes */
/** @typedef {{ passed: number, failed: number, problems: string[] }} Outcome `problems`: what failed and why, for a reader */

/**
 * Every project's own tests.
 * @param {{ only?: string[], print?: (line: string) => void }} [options] `only`: names of projects
 * @returns {Promise<Outcome>}
 */
export async function runUnitTests({ only = [], print = console.log } = {}) {
  const all = projectsWithTests();
  const unknown = only.filter((name) => !all.some((project) => project.name === name));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(", ");
    const problems = [`✗ no tests in ${unknown.join(", ")}. Projects with tests: ${known}.`];
    return { passed: 0, failed: unknown.length, problems };
  }
  const projects = only.length > 0 ? all.filter(({ name }) => only.includes(name)) : all;
  return await runSuites({ target: "test", suites: projects, print });
}

/**
 * The suites on real processes and real clusters, each test announced as it ends, for they take minutes.
 * @param {{ print?: (line: string) => void }} [options]
 * @returns {Promise<Outcome>}
 */
export async function runEndToEnd({ print = console.log } = {}) {
  let rest = "";
  const onOutput = (text) => {
    const lines = plain(rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const ended = /([✓×] .*)$/.exec(line)?.[1];
      if (ended !== undefined) print(`  ${ended}`);
    }
  };
  const suites = [{ name: "e2e-app", folder: "apps/e2e", report: "e2e" }];
  return await runSuites({ target: "e2e", suites, print, onOutput });
}

/** @param {{ target: string, suites: Suite[], print: (line: string) => void, onOutput?: (text: string) => void }} input */
async function runSuites({ target, suites, print, onOutput }) {
  const reports = mkdtempSync(path.join(os.tmpdir(), "latentweave-reports-"));
  const seen = new Map();
  const look = () => {
    for (const { name, report: file } of suites) {
      if (seen.has(name)) continue;
      const report = readReport(path.join(reports, `${file}.json`));
      if (report === undefined) continue;
      seen.set(name, report);
      print(describe(name, report));
    }
  };
  const timer = setInterval(look, pollMs);
  try {
    const names = suites.map(({ name }) => name).join(",");
    const command = ["nx", "run-many", "-t", target, "-p", names, `--parallel=${parallel}`];
    const { code, output } = await runCommand([...command, "--nxBail=false", "--outputStyle=stream"], {
      env: { NX_DAEMON: "false", NX_TUI: "false", NX_NO_CLOUD: "true", LATENTWEAVE_REPORTS: reports },
      ...(onOutput === undefined ? {} : { onOutput }),
    });
    look();
    return summarise(suites, seen, code, plain(output));
  } finally {
    clearInterval(timer);
    rmSync(reports, { recursive: true, force: true });
  }
}

function summarise(suites, seen, code, output) {
  const problems = [];
  let passed = 0;
  let failed = 0;
  for (const { name, folder } of suites) {
    const report = seen.get(name);
    if (report === undefined) {
      failed++;
      const end = tailOf(name, output);
      problems.push(`✗ ${name}: its tests left no report (${folder}); the end of what was said:\n${end}`);
      continue;
    }
    passed += report.passed;
    failed += report.failures.length;
    for (const { title, file, message } of report.failures)
      problems.push(`✗ ${name} › ${title}\n  ${file}\n${indent(message)}`);
  }
  if (code !== 0 && failed === 0) {
    failed++;
    problems.push(`✗ nx ended with exit code ${code} though every test passed:\n${tail(output)}`);
  }
  return { passed, failed, problems };
}

function describe(name, { passed, skipped, failures, seconds }) {
  const mark = failures.length > 0 ? "✗" : "✓";
  const extra = [
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${mark} ${name}: ${[`${passed} passed`, ...extra].join(", ")} (${seconds.toFixed(1)} s)`;
}

/** Nx writes a project's name before each of its lines. */
function tailOf(name, output) {
  const own = output.split("\n").filter((line) => line.startsWith(`${name}:`) || line.startsWith(`${name} `));
  return tail(own.length > 0 ? own.join("\n") : output);
}

function tail(text) {
  return indent(text.trim().split("\n").slice(-tailLines).join("\n"));
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}
