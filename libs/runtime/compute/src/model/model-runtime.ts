import { loadArithmetic } from "@latentweave/arithmetic";
import type { ComputeModel, InferenceRequest, MappedWeights, MicroBatch } from "@latentweave/model";
import { loadPrograms, type Programs } from "@latentweave/native";
import type { ParameterLayout } from "@latentweave/parameters";
import { createKernels } from "../layers/kernels.ts";
import { createRandomSource } from "../layers/keyed-random.ts";
import { useNativeMatrixProduct } from "../layers/native-operations.ts";
import { nativeTensorFlow } from "../layers/native-tensorflow.ts";
import type { Tf } from "../layers/tensorflow.ts";
import { importUserModule } from "../layers/user-module.ts";
import { createMappedMemory, type MappedMemory } from "./mapped-memory.ts";
import type { ParameterMemory } from "./parameter-memory.ts";
import { type ChangedSlice, ParameterTensors } from "./parameter-tensors.ts";
import { type RoomedResult, TaskProgram } from "./task-program.ts";

export interface ParameterSlice {
  readonly group: number;
  readonly start: number;
  readonly values: Float32Array;
}

/** A loaded model on a backend: its parameters and one program per phase and task. Not for concurrent calls. */
export class ModelRuntime {
  readonly #memory: ParameterMemory;
  readonly #parameters: ParameterTensors;
  readonly #phases: readonly ReadonlyMap<string, TaskProgram>[];
  readonly #layout: ParameterLayout;
  #mapped: MappedMemory | undefined;

  private constructor(
    layout: ParameterLayout,
    memory: ParameterMemory,
    parameters: ParameterTensors,
    phases: readonly ReadonlyMap<string, TaskProgram>[],
  ) {
    this.#layout = layout;
    this.#memory = memory;
    this.#parameters = parameters;
    this.#phases = phases;
  }

  /** @throws UserModuleError when the job's own layers do not load. */
  static async create(tf: Tf, model: ComputeModel, memory: ParameterMemory): Promise<ModelRuntime> {
    const own =
      model.userModule === undefined ? { layers: {}, losses: {} } : await importUserModule(model.userModule);
    useNativeMatrixProduct(tf);
    const parameters = new ParameterTensors(tf, model.layout, memory);
    const arithmetic = loadArithmetic();
    const context = {
      tf,
      kernels: createKernels(tf),
      parameters,
      arithmetic,
      random: createRandomSource(arithmetic),
      seed: model.seed,
      userLayers: own.layers,
      userLosses: own.losses,
      programs: programsFor(tf),
    };
    const phases = model.phases.map(
      (phase) => new Map(phase.tasks.map((graph) => [graph.task, new TaskProgram(context, graph)])),
    );
    return new ModelRuntime(model.layout, memory, parameters, phases);
  }

  /** @throws RangeError when a slice does not lie in its group. */
  write(slices: readonly ParameterSlice[]): void {
    checkSlices(this.#memory, slices);
    for (const { group, start, values } of slices) {
      this.#memory.groups[group]?.set(values, start);
      this.changed({ group, start, length: values.length });
    }
  }

  /** Tells that somebody wrote to the parameter memory. */
  changed(slice: ChangedSlice): void {
    this.#parameters.changed(slice);
  }

  /** @returns why a shard's part of the weights cannot be had there */
  map(shard: number, weights: MappedWeights): string | undefined {
    this.#mapped ??= createMappedMemory(this.#layout);
    this.#parameters.use(this.#memory);
    return this.#mapped.map(shard, weights);
  }

  /** @param room where gradients may be put */
  async run(batch: MicroBatch, room?: ArrayBufferLike): Promise<RoomedResult> {
    const program = this.#program(batch.phase, batch.task);
    const mapped = batch.mapped === undefined ? undefined : this.#mapped;
    if (mapped) this.#parameters.use(mapped.of(batch.step), `${batch.mapped} ${batch.step}`);
    else this.#parameters.use(this.#memory);
    const result = await program[batch.program](batch, room);
    return mapped?.holds(batch.step) === false ? { ...result, overwritten: true } : result;
  }

  infer(request: InferenceRequest): Promise<Float32Array> {
    this.#parameters.use(this.#memory);
    return this.#program(request.phase, request.task).infer(request.output, request.samples, request.x);
  }

  dispose(): void {
    this.#parameters.dispose();
  }

  #program(phase: number, task: string): TaskProgram {
    const program = this.#phases[phase]?.get(task);
    if (!program) throw new RangeError(`the model has no task "${task}" in phase ${phase}`);
    return program;
  }
}

/** On the CPU only: on a GPU nobody has tried it. */
function programsFor(tf: Tf): Programs | undefined {
  if (nativeTensorFlow(tf)?.isUsingGpuDevice !== false) return undefined;
  const programs = loadPrograms();
  return typeof programs === "string" ? undefined : programs;
}

/** @throws RangeError when a slice does not lie in its group. */
export function checkSlices(memory: ParameterMemory, slices: readonly ParameterSlice[]): void {
  for (const { group, start, values } of slices) {
    const length = memory.groups[group]?.length;
    if (length === undefined || start < 0 || start + values.length > length)
      throw new RangeError(
        `numbers ${start} to ${start + values.length} do not lie in parameter group ${group} of ${length ?? 0} numbers`,
      );
  }
}
