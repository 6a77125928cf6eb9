import { UserError } from "@latentweave/protocol";

const mendByCode: Readonly<Record<string, { readonly what: string; readonly mend: string }>> = {
  ENOSPC: {
    what: "the disk is full",
    mend: "free some space or choose another folder with --runs, then continue with --resume",
  },
  EDQUOT: {
    what: "your disk quota is used up",
    mend: "free some space or choose another folder with --runs, then continue with --resume",
  },
  EACCES: {
    what: "no permission to write here",
    mend: "give yourself write permission (chmod, chown), or choose another folder with --runs",
  },
  EPERM: {
    what: "no permission to write here",
    mend: "give yourself write permission (chmod, chown), or choose another folder with --runs",
  },
  EROFS: { what: "the file system is read-only", mend: "choose a writable folder with --runs" },
  ENOTDIR: {
    what: "a file lies where a folder is needed",
    mend: "move that file away or choose another --run-id",
  },
  EEXIST: {
    what: "a file lies where a folder is needed",
    mend: "move that file away or choose another --run-id",
  },
  EMFILE: { what: "too many files are open", mend: "raise the limit (ulimit -n 4096)" },
  EFBIG: { what: "the file would be larger than allowed", mend: "raise the limit (ulimit -f unlimited)" },
};

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What a person can mend becomes a UserError that names the file; everything else stays what it was. */
export function diskError(error: unknown, where: string): unknown {
  const known = mendByCode[errorCode(error) ?? ""];
  if (!known || error instanceof UserError) return error;
  return new UserError({ what: known.what, where, mend: known.mend, cause: error });
}
