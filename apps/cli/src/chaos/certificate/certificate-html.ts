import { formatCount, formatDuration } from "../../show/numbers.ts";
import type { Certificate, FaultReport } from "./certificate.ts";
import { duration, remark } from "./certificate-text.ts";
import { escape } from "./escape.ts";
import { pageStyle } from "./page-style.ts";
import { timelineSvg } from "./timeline-svg.ts";

/** The certificate as one self-contained page. */
export function certificateHtml(certificate: Certificate): string {
  const { green, disturbed, undisturbed, samples, totals, faults, problems } = certificate;
  const struck = faults.filter(({ outcome }) => outcome === "struck").length;
  const isEqual = disturbed.hash !== null && disturbed.hash === undisturbed.hash;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(disturbed.runId)}: ${green ? "green" : "not green"}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<p class="kind">Chaos certificate</p>
<h1>${green ? "The same bits, and every sample once" : "Not green"}</h1>
<p class="lead">${escape(certificate.job)} for ${formatCount(certificate.steps)} steps on ${count(certificate.workers, "worker")} and ${count(certificate.shards, "parameter-server shard")}: undisturbed, then under ${count(struck, "fault")} (${escape(certificate.plan)}).</p>
${problems.length === 0 ? "" : `<ul class="problems">${problems.map((problem) => `<li>${escape(problem)}</li>`).join("")}</ul>`}
</header>
<section class="figures">
${figure(formatCount(samples.lost), "samples lost", samples.lost === 0)}
${figure(formatCount(samples.appliedTwice), "samples applied twice", samples.appliedTwice === 0)}
${figure(isEqual ? "equal" : "differ", "hashes", isEqual)}
${figure(String(struck), `of ${faults.length} faults struck`)}
${figure(formatCount(totals.recomputed), "micro-batches computed again")}
${figure(formatCount(totals.duplicates), "duplicates dropped")}
${figure(formatCount(totals.undoneSteps), "commits made again")}
${figure(formatCount(totals.takenUp), "times taken up with --resume")}
</section>
<section>
<h2>Steps over time</h2>
${timelineSvg(certificate)}
<p class="note">The line rises with every committed step. A number marks a fault where it struck; the table has the same numbers.</p>
</section>
<section>
<h2>Faults</h2>
<div class="scroll">
<table>
<thead><tr><th></th><th>Process</th><th>What</th><th class="number">Step</th><th>Moment</th><th class="number">Detected</th><th class="number">Next commit</th><th class="number">Computed again</th><th class="number">Duplicates</th><th></th></tr></thead>
<tbody>
${faults.map(row).join("\n")}
</tbody>
</table>
</div>
${certificate.means.map((text) => `<p class="note">${escape(capital(text))}.</p>`).join("")}
</section>
<section>
<h2>Hashes</h2>
<dl class="hashes">
<dt>undisturbed</dt><dd><code>${escape(undisturbed.hash ?? "none")}</code> <span>${formatDuration(undisturbed.elapsedMs)}</span></dd>
<dt>under faults</dt><dd><code class="${isEqual ? "same" : "other"}">${escape(disturbed.hash ?? "none")}</code> <span>${formatDuration(disturbed.elapsedMs)}</span></dd>
</dl>
<p class="note">SHA-256 of the parameters, computed from the last checkpoint of each run (${escape(undisturbed.runId)}, ${escape(disturbed.runId)}); <code>latentweave hash RUN</code> prints it again. Of ${formatCount(samples.planned)} planned samples ${formatCount(samples.applied)} were applied, as the run's record says.</p>
</section>
</main>
</body>
</html>
`;
}

function figure(value: string, label: string, isGood?: boolean): string {
  const kind = isGood === undefined ? "" : isGood ? " good" : " bad";
  return `<div class="figure${kind}"><strong>${value}</strong><span>${label}</span></div>`;
}

function row(fault: FaultReport): string {
  const time = (ms: number | null): string => (ms === null ? "–" : duration(ms));
  const isDone = fault.outcome === "struck";
  return `<tr class="${fault.outcome.replace(" ", "-")}"><td class="number">${fault.number}</td><td>${escape(fault.process)}</td><td>${escape(fault.what)}</td><td class="number">${fault.step ?? fault.plannedStep}</td><td>${escape(fault.moment ?? "")}</td><td class="number"${fault.detected === null ? "" : ` title="${escape(fault.detected)}"`}>${time(fault.detectMs)}</td><td class="number">${time(fault.nextCommitMs)}</td><td class="number">${isDone ? fault.recomputed : "–"}</td><td class="number">${isDone ? fault.duplicates : "–"}</td><td>${escape(remark(fault))}</td></tr>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function count(number: number, noun: string): string {
  return `${formatCount(number)} ${noun}${number === 1 ? "" : "s"}`;
}
