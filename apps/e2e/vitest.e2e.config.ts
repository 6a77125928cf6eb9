import { projectConfig } from "../../vitest.shared.ts";

/**
 * Real processes, two files at a time: while one run starts or waits for its fault, the other one computes. Nothing that
 * a test expects depends on how long it takes.
 */
export default projectConfig("e2e", {
  include: ["src/**/*.e2e.test.ts"],
  maxWorkers: 2,
  reporters: ["verbose", "json"],
  testTimeout: 240_000,
  hookTimeout: 240_000,
});
