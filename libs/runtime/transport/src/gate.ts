import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@latentweave/protocol";
import { admit, type AdmissionPolicy } from "./admission.ts";
import { AttemptLimit } from "./attempt-limit.ts";
import { isLoopbackAddress } from "./host-identity.ts";

export type Entry =
  | {
      readonly kind: "entered";
      /** Without the query. */
      readonly path: string;
      /** For the browser to keep, when its token came in the address. */
      readonly setCookie: string | undefined;
    }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

/** Lets requests in, or names why not, with one line in the log. */
export class Gate {
  readonly #policy: AdmissionPolicy;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #limit = new AttemptLimit();

  constructor(policy: AdmissionPolicy, clock: Clock, log: (line: string) => void) {
    this.#policy = policy;
    this.#clock = clock;
    this.#log = log;
  }

  enter(request: IncomingMessage, socket: Socket): Entry {
    const address = socket.remoteAddress ?? "";
    const target = request.url ?? "/";
    // A fixed base: the Host header is the caller's and must not decide how the path is read.
    const url =
      target.startsWith("/") && URL.canParse(`http://host${target}`)
        ? new URL(`http://host${target}`)
        : undefined;
    if (url === undefined) return this.#refused(socket, 400, "not a path");
    // Processes of this host need not guess, and one that is set up wrongly must not lock the others out.
    const limited = this.#policy.token !== undefined && !isLoopbackAddress(address);
    if (limited && !this.#limit.mayTry(address, this.#clock.nowMs())) {
      return this.#refused(socket, 429, "too many wrong tokens; wait a minute");
    }
    const admission = admit(request.headers, url.searchParams, this.#policy);
    if (admission.kind === "refused") {
      if (limited && admission.status === 401) this.#limit.wrongToken(address, this.#clock.nowMs());
      return this.#refused(socket, admission.status, admission.reason);
    }
    const setCookie =
      admission.tokenFrom === "query" && this.#policy.token !== undefined
        ? `${this.#policy.cookieName}=${encodeURIComponent(this.#policy.token)}; Path=/; HttpOnly; SameSite=Strict`
        : undefined;
    return { kind: "entered", path: url.pathname, setCookie };
  }

  #refused(socket: Socket, status: number, reason: string): Entry {
    this.#log(`${socket.remoteAddress}:${socket.remotePort}: refused with ${status}: ${reason}`);
    return { kind: "refused", status, reason };
  }
}
