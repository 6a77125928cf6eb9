import pc from "picocolors";
import { formatCount, formatDuration } from "../../show/numbers.ts";
import { formatTable } from "../../show/table.ts";
import type { Certificate, FaultReport } from "./certificate.ts";

/** The certificate for a terminal. @param page the HTML file */
export function certificateText(certificate: Certificate, page: string): string {
  const { undisturbed, disturbed, samples, totals, faults } = certificate;
  const struck = faults.filter(({ outcome }) => outcome === "struck").length;
  const skipped = faults.filter(({ outcome }) => outcome === "skipped").length;
  return [
    faultTable(faults),
    "",
    `faults    ${struck} struck${skipped > 0 ? `, ${skipped} skipped` : ""} of ${faults.length}; the run was taken up with --resume ${times(totals.takenUp)}`,
    ...certificate.means.map((text) => `means     ${text}`),
    `work      ${formatCount(totals.recomputed)} micro-batches computed again, ${formatCount(totals.duplicates)} duplicates dropped, ${formatCount(totals.undoneSteps)} commits made again`,
    `samples   ${formatCount(samples.planned)} planned, ${formatCount(samples.applied)} applied; ${formatCount(samples.lost)} lost, ${formatCount(samples.appliedTwice)} applied twice`,
    `hash      ${undisturbed.hash ?? "none"}  undisturbed, ${formatDuration(undisturbed.elapsedMs)}`,
    `          ${disturbed.hash ?? "none"}  under faults, ${formatDuration(disturbed.elapsedMs)}`,
    `page      ${page}`,
    ...certificate.problems.map((problem) => `${pc.red("problem")}   ${problem}`),
    certificate.green ? `${pc.green("green")}     the same bits, and every sample once` : pc.red("not green"),
  ].join("\n");
}

function faultTable(faults: readonly FaultReport[]): string {
  return formatTable(
    ["", "step", "moment", "process", "what", "detected", "next commit", "recomputed", "duplicates", ""],
    faults.map((fault) => [
      fault.number,
      fault.step ?? fault.plannedStep,
      fault.moment ?? "",
      fault.process,
      fault.what,
      fault.detectMs === null ? null : duration(fault.detectMs),
      fault.nextCommitMs === null ? null : duration(fault.nextCommitMs),
      fault.recomputed,
      fault.duplicates,
      remark(fault),
    ]),
  );
}

export function remark(fault: FaultReport): string {
  if (fault.outcome === "not reached") return "never struck";
  if (fault.outcome === "skipped") return `skipped: ${fault.reason ?? ""}`;
  return [
    ...(fault.undoneSteps > 0
      ? [`${fault.undoneSteps} step${fault.undoneSteps === 1 ? "" : "s"} undone`]
      : []),
    ...(fault.takenUp ? ["taken up with --resume"] : []),
  ].join(", ");
}

/** 640 → "640 ms", 12,300 → "12.3 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
