import type { ProgramValues } from "@latentweave/native";
import {
  type NativeBinding,
  nativeTensorFlow,
  type OperationAttribute,
} from "../layers/native-tensorflow.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";

export interface RecordedOperation {
  readonly name: string;
  readonly attributes: readonly OperationAttribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A tensor that was made of an array. */
export interface RecordedSource {
  readonly slot: number;
  readonly type: number;
  readonly shape: readonly number[];
  readonly values: ProgramValues;
}

/** What some work had TensorFlow do. Tensors are numbered as they came. */
export interface Recording {
  readonly slots: number;
  readonly sources: readonly RecordedSource[];
  readonly operations: readonly RecordedOperation[];
  /** The tensors that the work returned. */
  readonly results: readonly number[];
}

/** The work did something that a program cannot do. */
export class NotRepeatable extends Error {
  override readonly name = "NotRepeatable";
}

/**
 * Does the work as ever, and writes down what TensorFlow is told. Tensors that were made before must not be used by it.
 * @returns its tensors, and the recording, or why there is none
 */
export function record(
  tf: Tf,
  work: () => readonly Tensor[],
): { readonly tensors: readonly Tensor[]; readonly recording: Recording | NotRepeatable } {
  const backend = nativeTensorFlow(tf);
  if (!backend) throw new Error("only the native backend can be recorded");
  const { binding } = backend;
  const slots = new Map<number, number>();
  const sources: RecordedSource[] = [];
  const operations: RecordedOperation[] = [];
  let problem: NotRepeatable | undefined;
  const refuse = (reason: string): void => void (problem ??= new NotRepeatable(reason));
  let next = 0;
  const slotFor = (id: number): number => {
    const slot = next++;
    slots.set(id, slot);
    return slot;
  };
  const known = (id: number): number => {
    const slot = slots.get(id);
    if (slot === undefined) refuse("it uses a tensor that was there before");
    return slot ?? 0;
  };
  const addSource = (slot: number, shape: readonly number[], type: number, values: unknown): void => {
    if (isProgramValues(values)) sources.push({ slot, type, shape: [...shape], values });
    else refuse("it makes a tensor of something else than numbers");
  };

  const recorded: Partial<NativeBinding> = {
    createTensor(shape: readonly number[], type: number, values: unknown) {
      const id = binding.createTensor(shape, type, values);
      addSource(slotFor(id), shape, type, values);
      return id;
    },
    executeOp(
      name: string,
      attributes: readonly OperationAttribute[],
      inputs: readonly number[],
      outputs: number,
    ) {
      const made = binding.executeOp(name, attributes, inputs, outputs);
      operations.push({
        name,
        attributes: attributes.map((one) => ({ ...one })),
        inputs: inputs.map(known),
        outputs: made.map(({ id }) => slotFor(id)),
      });
      return made;
    },
    tensorDataSync(id: number) {
      refuse("it reads a tensor half-way");
      return binding.tensorDataSync(id);
    },
  };
  // Its own functions cannot be assigned to, nor to an object that inherits them.
  const recording = Object.create(
    binding,
    Object.fromEntries(Object.entries(recorded).map(([name, value]) => [name, { value }])),
  ) as NativeBinding;

  let tensors: readonly Tensor[];
  backend.binding = recording;
  try {
    tensors = work();
  } finally {
    backend.binding = binding;
  }
  const results = tensors.map(({ dataId }) => {
    const { id, shape, dtype, values } = backend.tensorMap.get(dataId);
    // One that no operation has used is still an array.
    if (values === null) return known(id);
    const slot = next++;
    addSource(slot, shape, dtype, values);
    return slot;
  });
  return { tensors, recording: problem ?? { slots: next, sources, operations, results } };
}

function isProgramValues(values: unknown): values is ProgramValues {
  return values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array;
}
