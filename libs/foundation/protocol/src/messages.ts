/** Placeholder of the union while the message table is being written; every message has its tag and its run. */
export interface Message {
  readonly type: string;
  readonly runId: string;
}
