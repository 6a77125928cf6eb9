import { type Combiner, meanCombiner, sumCombiner } from "./combiner.ts";
import { alignedMtl } from "./gradients/aligned-mtl.ts";
import { cagrad } from "./gradients/cagrad.ts";
import { config } from "./gradients/config.ts";
import { dualproj } from "./gradients/dualproj.ts";
import { fairgrad } from "./gradients/fairgrad.ts";
import { gradvac } from "./gradients/gradvac.ts";
import { imtlG } from "./gradients/imtl-g.ts";
import { mgda } from "./gradients/mgda.ts";
import { nashMtl } from "./gradients/nash-mtl.ts";
import { pcgrad } from "./gradients/pcgrad.ts";
import { upgrad } from "./gradients/upgrad.ts";
import { dwa } from "./weightings/dwa.ts";
import { excessNorm } from "./weightings/excess-norm.ts";
import { famo } from "./weightings/famo.ts";
import { gls } from "./weightings/gls.ts";
import { gradnorm } from "./weightings/gradnorm.ts";
import { rlw } from "./weightings/rlw.ts";
import { si } from "./weightings/si.ts";
import { stch } from "./weightings/stch.ts";
import { uw } from "./weightings/uw.ts";

/** Every combiner that a job can name (combiner-schema.ts of the job); docs/combining.md describes them. */
export const knownCombiners: readonly Combiner[] = [
  sumCombiner,
  meanCombiner,
  si,
  uw,
  dwa,
  gls,
  rlw,
  stch,
  famo,
  gradnorm,
  excessNorm,
  mgda,
  pcgrad,
  gradvac,
  cagrad,
  imtlG,
  nashMtl,
  fairgrad,
  alignedMtl,
  upgrad,
  dualproj,
  config,
];
