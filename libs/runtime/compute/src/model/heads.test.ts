import { cpuComputes } from "../testing/cpu-computes.ts";
import { headsSuite } from "../testing/heads-suite.ts";

const { backend } = cpuComputes();

headsSuite(backend);
