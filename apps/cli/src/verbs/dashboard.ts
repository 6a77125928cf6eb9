import { existsSync } from "node:fs";
import { UserError } from "@latentweave/protocol";
import type { Command } from "commander";
import { dashboardFile } from "../command/dashboard-file.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly port: number;
}

export function addDashboard(program: Command): void {
  const verb = program
    .command("dashboard")
    .summary("open runs on disk")
    .description(
      "Serves the page of every run in a folder, from its files alone: nothing needs to be running. Ctrl-C ends it.",
    )
    .option("--port <port>", "0: any free one", wholeNumber(0, 65_535), 0);
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["dashboard", "runs of ./runs"],
        ["dashboard --runs /data/runs --port 8080", "of another folder, at a fixed port"],
      ),
    )
    .action(async (flags: Flags) => {
      const output = createOutput(flags);
      const { serveRuns } = await import("../disk-dashboard/serve-runs.ts");
      const folder = runsDirectory(flags);
      if (!existsSync(folder))
        throw new UserError({
          what: "there is no such folder",
          where: folder,
          expected: "a folder that holds runs",
          mend: "name it with --runs, or start a run with latentweave train JOB",
        });
      const pageFile = dashboardFile();
      if (pageFile === undefined) throw new Error("the package lacks its dashboard page");
      const served = await serveRuns({ runsDirectory: folder, port: flags.port, pageFile });
      if (output.json) output.jsonLine({ url: served.url });
      else output.line(served.url);
      output.note("Ctrl-C ends it");
      await new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
      });
      await served.close();
    });
}
