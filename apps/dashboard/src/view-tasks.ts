import type { TaskSnapshot } from "@latentweave/telemetry";
import { byId, element, keyed, setText, taskColour } from "./dom.ts";
import { measured, percent, whole } from "./format.ts";

/** One card per task: its losses, and every other figure that its training or evaluation yields. */
export function showTasks(tasks: readonly TaskSnapshot[]): void {
  keyed(
    byId("tasks"),
    tasks,
    (task) => task.task,
    (task) => {
      const card = element("article", "card task");
      card.style.setProperty("--colour", `var(${taskColour(tasks.indexOf(task))})`);
      const head = element("div", "card-head");
      head.append(element("h2", "task-name", task.task), element("p", "muted seen"));
      card.append(head, element("p", "pause"), element("dl", "terms"));
      return card;
    },
    (card, task) => {
      setText(card.querySelector(".seen") as Element, samplesText(task));
      const pause = card.querySelector(".pause") as HTMLElement;
      pause.hidden = task.paused === undefined;
      setText(pause, task.paused ? pauseText(task.paused) : "");
      keyed(card.querySelector("dl") as Element, terms(task), ({ name }) => name, createTerm, updateTerm);
    },
  );
}

function samplesText({ samplesSeen, samplesPerStep }: TaskSnapshot): string {
  const seen = `${whole(samplesSeen)} samples seen`;
  return samplesPerStep === undefined ? seen : `${seen}, ${whole(samplesPerStep)} a step`;
}

function pauseText({ since, until, why }: NonNullable<TaskSnapshot["paused"]>): string {
  const end = until === null ? "" : `; tried again at step ${whole(until)}`;
  return `Paused since step ${whole(since)}: ${why}${end}`;
}

interface Term {
  readonly name: string;
  readonly training: string;
  readonly evaluation: string;
  readonly step: number | undefined;
}

function terms({ training, evaluation }: TaskSnapshot): readonly Term[] {
  const names = new Set(["loss", ...Object.keys(training), ...Object.keys(evaluation?.values ?? {})]);
  return [...names].map((name) => {
    const format = name.endsWith(".accuracy") || name.endsWith(".f1") ? percent : measured;
    return {
      name,
      training: format(training[name]),
      evaluation: format(evaluation?.values[name]),
      step: evaluation?.step,
    };
  });
}

function createTerm({ name }: Term): HTMLElement {
  const row = element("div", name === "loss" ? "term main-term" : "term");
  row.append(
    element("dt", "", name.replaceAll(".", " ")),
    element("dd", "training"),
    element("dd", "evaluation muted"),
  );
  return row;
}

function updateTerm(row: HTMLElement, { training, evaluation, step }: Term): void {
  setText(row.querySelector(".training") as Element, training);
  const text = step === undefined || evaluation === "–" ? "" : `${evaluation} evaluated`;
  const cell = row.querySelector(".evaluation") as HTMLElement;
  setText(cell, text);
  cell.title = step === undefined ? "" : `at step ${step}`;
}
