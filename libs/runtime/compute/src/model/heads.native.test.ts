import { headsSuite } from "../testing/heads-suite.ts";
import { onBothRuntimes } from "../testing/on-both-runtimes.ts";

onBothRuntimes(headsSuite);
