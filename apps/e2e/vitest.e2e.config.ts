import { projectConfig } from "../../vitest.shared.ts";

/** Real processes on the whole machine: one after another, in the order of their names. */
export default projectConfig("e2e", {
  include: ["src/**/*.e2e.test.ts"],
  fileParallelism: false,
  reporters: ["verbose", "json"],
  testTimeout: 240_000,
  hookTimeout: 240_000,
});
