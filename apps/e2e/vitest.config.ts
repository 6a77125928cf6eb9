import { projectConfig } from "../../vitest.shared.ts";

/** Quick checks of the repository itself; the suites on real processes have a configuration of their own. */
export default projectConfig("e2e-app", { exclude: ["**/*.e2e.test.ts"] });
