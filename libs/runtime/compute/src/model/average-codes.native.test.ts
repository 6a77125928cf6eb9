import { averageCodesSuite } from "../testing/average-codes-suite.ts";
import { onBothRuntimes } from "../testing/on-both-runtimes.ts";

onBothRuntimes(averageCodesSuite);
