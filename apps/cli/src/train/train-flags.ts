import type { SharedFlags } from "../command/shared-flags.ts";

/** Flags of `train`, as commander hands them over; `train()` of the library takes the same. */
export interface TrainFlags extends SharedFlags {
  readonly workers?: number;
  readonly shards?: number;
  readonly placement?: "auto" | "dedicated" | "beside";
  readonly launcher?: string;
  /** Hosts of the ssh launcher. */
  readonly hosts?: readonly string[];
  readonly device?: readonly string[];
  readonly backend?: string;
  readonly threads?: number;
  readonly runId?: string;
  readonly steps?: number;
  /** These tasks of the job alone. */
  readonly tasks?: readonly string[];
  readonly seed?: number;
  readonly resume?: boolean;
  /** True: of as many steps as by default. */
  readonly profile?: number | true;
  readonly dashboard: number | "off";
  readonly host: string;
  readonly token?: string;
  readonly set?: readonly string[];
}

/** The job as a file or a caller says it, with what it needs besides. */
export interface JobSource {
  /** Unchecked. */
  readonly input: unknown;
  /** Absolute. */
  readonly directory: string;
  readonly userModule?: string;
  /** As given; for messages. */
  readonly file?: string;
}
