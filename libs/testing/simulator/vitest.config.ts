import { projectConfig } from "../../../vitest.shared.ts";

/** By far the longest of the projects' suites, and the last to end: it takes both cores of the smallest machine. */
export default projectConfig("simulator", { maxWorkers: 2 });
