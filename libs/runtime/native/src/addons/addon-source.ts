/** A small Node-API addon that this machine compiles for itself. Everything works without it, only not as well. */
export interface AddonSource {
  readonly name: "page_map" | "kernels" | "programs";
  /** What setup calls it. */
  readonly title: string;
  /** C. Another source is compiled beside this one, under a name of its own. */
  readonly source: string;
  /** Needs the C interface of the runtime's TensorFlow. */
  readonly usesTensorFlow?: boolean;
  /** Sets of compiler flags, of which the first that compiles is taken. */
  readonly flags: readonly (readonly string[])[];
  /** A program for Node.js, run before a compiled addon is taken; its arguments are the addon and a file for its own use. */
  readonly check: string;
}
