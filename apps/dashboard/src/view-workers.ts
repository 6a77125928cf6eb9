import type { WorkerSnapshot } from "@latentweave/telemetry";
import { byId, element, keyed, setAttribute, setText, taskColour } from "./dom.ts";
import { bytes, milliseconds, short } from "./format.ts";

const order: Readonly<Record<WorkerSnapshot["state"], number>> = {
  active: 0,
  joining: 1,
  lost: 2,
  left: 3,
  refused: 4,
  quarantined: 5,
};

/** The workers by rank, those without one after them; leases drawn as threads across the slots of each task. */
export function showWorkers(workers: readonly WorkerSnapshot[], tasks: readonly string[]): void {
  const sorted = [...workers].sort(
    (a, b) =>
      order[a.state] - order[b.state] ||
      (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER) ||
      (a.workerId < b.workerId ? -1 : 1),
  );
  byId("workers-empty").hidden = workers.length > 0;
  setText(byId("workers-count"), countOf(workers));
  const slots = new Map(tasks.map((task) => [task, slotsOf(workers, task)]));
  keyed(
    byId("workers"),
    sorted,
    (worker) => worker.workerId,
    createRow,
    (row, worker) => updateRow(row, worker, slots),
  );
}

function countOf(workers: readonly WorkerSnapshot[]): string {
  const active = workers.filter((worker) => worker.state === "active").length;
  return workers.length === 0 ? "" : `${active} active of ${workers.length}`;
}

function slotsOf(workers: readonly WorkerSnapshot[], task: string): number {
  const ends = workers.flatMap((worker) =>
    worker.leases.filter((lease) => lease.task === task).map(({ end }) => end),
  );
  return Math.max(1, ...ends);
}

const cells = ["state", "rank", "leases", "speed", "compute", "memory"] as const;
const labels = {
  state: "State",
  rank: "Rank",
  leases: "Leases",
  speed: "Samples/s",
  compute: "Compute",
  memory: "Memory",
};

function createRow(worker: WorkerSnapshot): HTMLElement {
  const row = element("tr");
  const name = element("th", "worker-name");
  name.setAttribute("scope", "row");
  name.append(element("span", "mono", worker.workerId), element("span", "muted host"));
  row.append(name);
  for (const cell of cells) {
    const numeric = cell !== "state" && cell !== "leases";
    const box = element("td", `${cell}${numeric ? " number" : ""}`);
    box.dataset.label = labels[cell];
    row.append(box);
  }
  (row.querySelector(".state") as Element).append(element("span", "dot"), element("span", "state-text"));
  return row;
}

function updateRow(row: HTMLElement, worker: WorkerSnapshot, slots: ReadonlyMap<string, number>): void {
  const cell = (name: string): Element => row.querySelector(`.${name}`) as Element;
  const working = worker.state === "active";
  setAttribute(row, "data-state", worker.state);
  setText(cell("host"), `${worker.host} · ${worker.backend} · pid ${worker.pid}`);
  setText(cell("state-text"), worker.state);
  setText(cell("rank"), worker.rank === null ? "–" : String(worker.rank));
  setText(cell("speed"), working && worker.samplesPerSecond > 0 ? short(worker.samplesPerSecond) : "–");
  setText(cell("compute"), working ? milliseconds(worker.computeMs) : "–");
  setText(cell("memory"), bytes(worker.residentBytes));
  showLeases(cell("leases"), worker, slots);
}

function showLeases(cell: Element, worker: WorkerSnapshot, slots: ReadonlyMap<string, number>): void {
  const tasks = [...slots.keys()];
  keyed(
    cell,
    tasks,
    (task) => task,
    () => element("span", "thread"),
    (thread, task) => {
      const leases = worker.leases.filter((lease) => lease.task === task);
      const words = leases
        .map(({ start, end }) => (end - start === 1 ? `${start}` : `${start}–${end - 1}`))
        .join(", ");
      thread.style.setProperty("--colour", `var(${taskColour(tasks.indexOf(task))})`);
      setAttribute(thread, "title", words === "" ? `${task}: no slots` : `${task}: slots ${words}`);
      setAttribute(thread, "role", "img");
      setAttribute(thread, "aria-label", words === "" ? `${task}: no slots` : `${task}: slots ${words}`);
      const total = slots.get(task) ?? 1;
      keyed(
        thread,
        leases,
        ({ start, end }) => `${start}-${end}`,
        () => element("i"),
        (piece, { start, end }) => {
          piece.style.left = `${(start / total) * 100}%`;
          piece.style.width = `${((end - start) / total) * 100}%`;
        },
      );
    },
  );
}
