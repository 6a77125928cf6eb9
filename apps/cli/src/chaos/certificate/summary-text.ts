import pc from "picocolors";
import { formatDuration } from "../../show/numbers.ts";
import { formatTable } from "../../show/table.ts";
import type { Certificate } from "./certificate.ts";

/** Several certificates of one job, a line each, for a terminal. */
export function summaryText(certificates: readonly Certificate[]): string {
  const green = certificates.filter((certificate) => certificate.green).length;
  const all = `${green} of ${certificates.length} green`;
  return [
    formatTable(
      ["plan", "faults struck", "undone", "taken up", "samples lost", "applied twice", "time", ""],
      certificates.map((one) => [
        one.plan,
        `${one.faults.filter(({ outcome }) => outcome === "struck").length} of ${one.faults.length}`,
        one.totals.undoneSteps,
        one.totals.takenUp,
        one.samples.lost,
        one.samples.appliedTwice,
        formatDuration(one.disturbed.elapsedMs),
        one.green ? pc.green("green") : `${pc.red("not green")}: ${one.problems[0] ?? ""}`,
      ]),
    ),
    "",
    `hash      ${certificates[0]?.undisturbed.hash ?? "none"}  undisturbed`,
    green === certificates.length ? pc.green(all) : pc.red(all),
  ].join("\n");
}
