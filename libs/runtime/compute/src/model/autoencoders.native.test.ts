import { autoencoderSuite } from "../testing/autoencoder-suite.ts";
import { onBothRuntimes } from "../testing/on-both-runtimes.ts";

onBothRuntimes(autoencoderSuite);
