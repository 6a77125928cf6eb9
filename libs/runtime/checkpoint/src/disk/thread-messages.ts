import type { FileDigests, WrittenFiles } from "./digest-files.ts";

/** What the disk's thread is asked for, one answer each. */
export type Request =
  | {
      readonly id: number;
      readonly kind: "write";
      readonly file: number;
      readonly bytes: Uint8Array;
      readonly position: number;
    }
  | { readonly id: number; readonly kind: "digest"; readonly files: WrittenFiles };

export type Answer =
  | { readonly id: number; readonly digests: FileDigests | undefined }
  /** An error's code would be lost if it were cloned. */
  | { readonly id: number; readonly failed: { readonly message: string; readonly code: string | undefined } };
