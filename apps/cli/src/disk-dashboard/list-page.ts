import path from "node:path";
import type { RunDescription } from "../runs/describe-run.ts";
import { formatCount, formatLoss } from "../show/numbers.ts";

/** The page that lists the runs of a folder; each name leads to the run's own page. */
export function listPage(runsDirectory: string, runs: readonly RunDescription[]): string {
  const rows = runs.map((run) => {
    const losses = Object.entries(run.loss).map(([task, value]) => `${task} ${formatLoss(value)}`);
    const total = run.totalSteps === null ? "" : ` of ${formatCount(run.totalSteps)}`;
    return `<tr><td><a href="runs/${encodeURIComponent(path.basename(run.directory))}/">${text(run.runId)}</a></td><td>${text(run.state)}</td><td>${formatCount(run.step)}${total}</td><td>${text(losses.join(", "))}</td><td>${text(run.name)}</td></tr>`;
  });
  const body =
    rows.length === 0
      ? "<p>No runs here yet. Start one: <code>latentweave train JOB</code></p>"
      : `<table><thead><tr><th>run</th><th>state</th><th>step</th><th>loss</th><th>job</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Latentweave runs</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884 }
</style></head>
<body><main><h1>Runs</h1><p><code>${text(runsDirectory)}</code></p>
${body}
</main></body></html>
`;
}

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
