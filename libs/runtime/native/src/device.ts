import { UserError } from "@latentweave/protocol";

/** A CUDA device by its number in nvidia-smi's order or by its UUID; "cpu" leaves GPUs alone. */
export type DeviceId = number | "cpu" | `GPU-${string}` | `MIG-${string}`;

/** @throws UserError for anything that names no device: TensorFlow would then compute on the CPU without a word. */
export function parseDevice(text: string): DeviceId {
  if (text === "cpu") return text;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  if (/^GPU-[\w-]+$/.test(text)) return text as `GPU-${string}`;
  if (/^MIG-[\w/-]+$/.test(text)) return text as `MIG-${string}`;
  throw new UserError({
    what: `"${text}" names no device`,
    where: "--device",
    expected: "a CUDA device number, a UUID as `nvidia-smi -L` prints it (GPU-..., MIG-...), or cpu",
    exitCode: 2,
  });
}
