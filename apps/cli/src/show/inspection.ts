import type { RunInspection } from "@latentweave/checkpoint";
import pc from "picocolors";
import { formatCount, formatLoss, formatSize } from "./numbers.ts";
import { formatRelation } from "./relation.ts";
import { formatTable } from "./table.ts";

/** What `inspect` says about a run. */
export function formatInspection(inspection: RunInspection): string {
  return [
    facts(inspection),
    checkpoints(inspection),
    ledger(inspection),
    guard(inspection),
    tensors(inspection),
    ...inspection.relations.map(formatRelation),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function facts({ directory, run, job }: RunInspection): string {
  const lines: [string, unknown][] = [
    ["run", run?.runId ?? directory],
    ["name", job?.name],
    ["state", typeof run?.reason === "string" ? `${String(run.state)} (${run.reason})` : run?.state],
    ["version", run && `${String(run.version)} of ${String(run.totalSteps)} steps`],
    ["seed", job?.seed],
    ["folder", directory],
    ["class", determinismClass(run?.determinismClass)],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name.padEnd(8)} ${String(value)}`)
    .join("\n");
}

function determinismClass(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value)
    .map(([key, text]) => `${key} ${String(text)}`)
    .join(", ");
}

function checkpoints({ checkpoints: stored, best }: RunInspection): string {
  if (stored.length === 0) return "no checkpoint yet";
  const rows = stored.map((one) => [
    one.version,
    one.whole
      ? pc.green(
          one.version === best?.version ? `whole, best (held-out loss ${formatLoss(best.loss)})` : "whole",
        )
      : pc.red(`damaged: ${one.reason ?? ""}`),
    one.whole ? formatSize(one.bytes) : "",
    one.hash ?? "",
  ]);
  return formatTable(["step", "state", "size", "hash"], rows);
}

function ledger({ ledger: record }: RunInspection): string {
  const samples = Object.entries(record.samples).map(([task, count]) => `${task} ${formatCount(count)}`);
  const lines = [
    `ledger   ${formatCount(record.commits)} commits${samples.length > 0 ? `; samples applied: ${samples.join(", ")}` : ""}`,
  ];
  for (const { task, since, until, why } of record.pauses)
    lines.push(
      pc.yellow(
        `paused   task ${task} from step ${since} ${until === null ? "to the end" : `until step ${until}`}: ${why}`,
      ),
    );
  if (record.damage !== null) lines.push(pc.red(`         damaged: ${record.damage}`));
  return lines.join("\n");
}

function guard({ ledger: { guard: decisions } }: RunInspection): string {
  if (decisions.length === 0) return "";
  const rows = decisions.map(({ step, task, action, harm, factor }) => [
    ...[step, task, `${(100 * harm).toPrecision(3)} %`],
    action === "reweight" ? `weight × ${factor}` : action,
  ]);
  return formatTable(["guard: step", "task", "worse than alone", "action"], rows);
}

function tensors({ tensors: all }: RunInspection): string {
  if (all.length === 0) return "";
  const rows = all.map((tensor) => [
    tensor.name,
    tensor.shape.join("×"),
    formatCount(tensor.numbers),
    number(tensor.mean),
    number(tensor.min),
    number(tensor.max),
    number(tensor.norm),
    tensor.nonFinite > 0 ? pc.red(`${tensor.nonFinite} not finite`) : tensor.tasks.join(", "),
  ]);
  return formatTable(["parameter", "shape", "numbers", "mean", "min", "max", "norm", "tasks"], rows);
}

function number(value: number | null): string {
  return value === null ? "–" : formatLoss(value);
}
