import { createRequire } from "node:module";
import { addons, findAddon } from "./addon.ts";

/** A program, which only the addon looks into. */
export interface ProgramHandle {
  readonly kind: "program";
}

/** What a tensor of a program is made of. */
export type ProgramValues = Float32Array | Int32Array | Uint8Array;

/** The addon's functions; numbers of types and kinds of attributes are TensorFlow's. Errors name the operation. */
export interface Programs {
  create(slots: number): ProgramHandle;
  source(
    program: ProgramHandle,
    slot: number,
    type: number,
    shape: Int32Array,
    values: ProgramValues | undefined,
  ): void;
  operation(
    program: ProgramHandle,
    name: string,
    inputs: Int32Array,
    outputs: Int32Array,
    done: Int32Array,
  ): void;
  attribute(
    program: ProgramHandle,
    name: string,
    kind: number,
    value: number | boolean | string | Int32Array,
  ): void;
  /** @param offset in bytes */
  result(program: ProgramHandle, slot: number, offset: number): void;
  /** @returns how many milliseconds of it went into copying results */
  run(program: ProgramHandle, values: readonly ProgramValues[], out: Uint8Array): number;
}

/** Set to "off", operations are run one by one: the same bits, slower. */
const switchName = "LATENTWEAVE_PROGRAMS";

/** To be called where TensorFlow is loaded, or else it stays without the settings it was to have. */
export function loadPrograms(env: NodeJS.ProcessEnv = process.env): Programs | string {
  if (env[switchName] === "off") return `they are switched off (${switchName}=off)`;
  const file = findAddon(addons.programs, env);
  if (file === null) return "their addon is missing (`latentweave setup` compiles it)";
  try {
    return createRequire(import.meta.url)(file) as Programs;
  } catch (error) {
    return `their addon cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}
