import { errorCode } from "../disk-error.ts";
import type { FileDigests, WrittenFiles } from "./digest-files.ts";

export interface DigestRequest {
  readonly id: number;
  readonly files: WrittenFiles;
}

/** What the disk's thread is asked for, one answer each. */
export type Request =
  | {
      readonly id: number;
      readonly kind: "write";
      readonly file: number;
      readonly bytes: Uint8Array;
      readonly position: number;
    }
  | (DigestRequest & { readonly kind: "digest" });

export type Answer =
  | { readonly id: number; readonly digests: FileDigests | undefined }
  /** An error's code would be lost if it were cloned. */
  | { readonly id: number; readonly failed: { readonly message: string; readonly code: string | undefined } };

/** What the work comes to, its failure included. */
export function answerOf(id: number, work: () => FileDigests | undefined): Answer {
  try {
    return { id, digests: work() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, failed: { message, code: errorCode(error) } };
  }
}

/** Tells whoever has asked. */
export function answered(
  answer: Answer,
  asked: { resolve: (digests: FileDigests | undefined) => void; reject: (error: Error) => void },
): void {
  const { resolve, reject } = asked;
  if (!("failed" in answer)) {
    resolve(answer.digests);
    return;
  }
  const { message, code } = answer.failed;
  reject(Object.assign(new Error(message), code === undefined ? {} : { code }));
}
