import {
  befalls,
  goes,
  isMessageFault,
  type MessageFault,
  type ProxyCounts,
  type ProxyFault,
  type Way,
} from "./fault.ts";
import type { Draw, KeyedRandom } from "../draw/keyed-random.ts";
import type { Link } from "./outlet.ts";
import { Pacer } from "./pacer.ts";

/** A fault that was added, until it is lifted. */
export interface AddedFault {
  readonly fault: ProxyFault;
  /** How often it was done so far. */
  readonly applied: number;
  lift(): void;
}

/** One fault of one message. */
export interface Befallen {
  readonly fault: MessageFault;
  readonly draw: Draw;
  /** To be called when it was done. */
  readonly done: () => void;
}

interface Active {
  readonly fault: ProxyFault;
  readonly id: number;
  readonly pacers: Readonly<Record<Way, Pacer | undefined>>;
  seen: Record<Way, number>;
  applied: number;
}

/** The faults of a proxy: which are on, whose turn it is, and what was done so far. */
export class ActiveFaults {
  readonly #random: KeyedRandom;
  readonly #onChange: () => void;
  readonly #counts: Record<ProxyFault["kind"], number> = {
    corrupt: 0,
    truncate: 0,
    duplicate: 0,
    reorder: 0,
    cut: 0,
    delay: 0,
    throttle: 0,
    blackhole: 0,
  };
  #active: Active[] = [];
  #added = 0;

  constructor(random: KeyedRandom, onChange: () => void) {
    this.#random = random;
    this.#onChange = onChange;
  }

  get counts(): ProxyCounts {
    return { ...this.#counts };
  }

  add(fault: ProxyFault): AddedFault {
    const pacer = (): Pacer | undefined =>
      fault.kind === "throttle" ? new Pacer(fault.bytesPerSecond) : undefined;
    const active: Active = {
      fault,
      id: this.#added++,
      pacers: { up: pacer(), down: pacer() },
      seen: { up: 0, down: 0 },
      applied: 0,
    };
    this.#active.push(active);
    this.#onChange();
    return {
      fault,
      get applied() {
        return active.applied;
      },
      lift: () => {
        this.#active = this.#active.filter((each) => each !== active);
        this.#onChange();
      },
    };
  }

  /** Counts a message and says what is to happen to it. */
  befall(way: Way): Befallen[] {
    const all: Befallen[] = [];
    for (const active of this.#active) {
      const { fault, id } = active;
      if (!isMessageFault(fault) || !goes(fault, way)) continue;
      const count = ++active.seen[way];
      if (!befalls(fault, count)) continue;
      all.push({
        fault,
        draw: (what) => this.#random(fault.kind, id, way, count, what),
        done: () => this.#did(active),
      });
    }
    return all;
  }

  link(way: Way): Link {
    const on = this.#active.filter(({ fault }) => goes(fault, way));
    const throttle = on.find(({ fault }) => fault.kind === "throttle");
    const blackhole = on.find(({ fault }) => fault.kind === "blackhole");
    return {
      pacer: throttle?.pacers[way],
      isBlackhole: blackhole !== undefined,
      onPaced: () => throttle !== undefined && this.#did(throttle),
      onVanished: () => blackhole !== undefined && this.#did(blackhole),
    };
  }

  get isPartitioned(): boolean {
    return this.#active.some(({ fault }) => fault.kind === "blackhole");
  }

  #did(active: Active): void {
    active.applied += 1;
    this.#counts[active.fault.kind] += 1;
  }
}
