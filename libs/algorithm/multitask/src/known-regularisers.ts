import { noRegulariser, type Regulariser } from "./regulariser.ts";
import { clusteredRegulariser } from "./regularisers/clustered.ts";
import { dirtyRegulariser } from "./regularisers/dirty.ts";
import { graphRegulariser } from "./regularisers/graph.ts";
import { l21Regulariser } from "./regularisers/l21.ts";
import { meanRegulariser } from "./regularisers/mean.ts";
import { mtrlRegulariser } from "./regularisers/mtrl.ts";
import { robustRegulariser } from "./regularisers/robust.ts";
import { traceRegulariser } from "./regularisers/trace.ts";

/** Every regulariser that a job may name: docs/relating.md. */
export const knownRegularisers: readonly Regulariser[] = [
  noRegulariser,
  meanRegulariser,
  graphRegulariser,
  l21Regulariser,
  traceRegulariser,
  clusteredRegulariser,
  mtrlRegulariser,
  robustRegulariser,
  dirtyRegulariser,
];
