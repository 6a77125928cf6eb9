import { averageCodesSuite } from "../testing/average-codes-suite.ts";
import { cpuComputes } from "../testing/cpu-computes.ts";

averageCodesSuite(cpuComputes().backend);
