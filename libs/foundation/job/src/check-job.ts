import { checkAugment } from "./check-augment.ts";
import { checkAutoencoder } from "./check-autoencoder.ts";
import { checkGuard } from "./check-guard.ts";
import { combinerParts } from "./combiner-schema.ts";
import { checkRegulariser } from "./check-regulariser.ts";
import { checkSampling } from "./check-sampling.ts";
import { checkMovingAverages } from "./check-moving-averages.ts";
import type { ParsedJob } from "./job-schema.ts";
import { isOrdered } from "./mode-schema.ts";
import { completeNotFinite } from "./not-finite-schema.ts";
import type { Problem } from "./problem.ts";
import { checkTensorRules } from "./check-tensor-rules.ts";
import { checkRobust } from "./check-robust.ts";

/** Names that parameter groups and metrics already use. */
const reservedTasks = ["shared", "bank", "omega"];
const reservedHeads = [
  ...["samples", "loss", "latent", "reconstruction"],
  ...["kl", "bound", "l1", "sparsity", "contractive", "quantisation"],
];

/** What no single field shows: fields that exclude or need each other. */
export function checkJob(job: ParsedJob): readonly Problem[] {
  const problems: Problem[] = [];
  if (Object.keys(job.tasks).length === 0)
    problems.push({
      path: ["tasks"],
      what: "there is no task",
      expected: "one or more",
      mend: 'add one, such as digits: { data: { dataset: "mnist" }, ... }',
    });
  if (job.steps != null && job.epochs != null)
    problems.push({
      path: ["epochs"],
      what: `got ${job.epochs}, besides steps: ${job.steps}`,
      expected: "either steps or epochs",
      mend: "remove one of them",
    });
  if (job.steps == null && job.epochs == null)
    problems.push({
      path: ["steps"],
      what: "is missing, and so is epochs",
      expected: "how long to train",
      mend: "add steps: 1000, or epochs: 10",
    });
  if (job.model.kind === "bank" && job.steps === 1)
    problems.push({
      path: ["steps"],
      what: "got 1",
      expected: "2 or more: a bank is trained in two phases",
      mend: "change steps",
    });
  problems.push(
    ...checkRegulariser(job),
    ...checkCombiner(job),
    ...checkCompression(job),
    ...checkTensorRules(job),
    ...checkMovingAverages(job),
    ...checkGuard(job),
    ...checkSampling(job),
  );
  if (isOrdered(job.mode) && job.audit.share > 0)
    problems.push({
      path: ["audit", "share"],
      what: `got ${job.audit.share}; in the mode "${job.mode.kind}" a worker's neighbour computes on other weights, so that nobody's sums can be compared while the run goes on`,
      expected:
        '0, or the mode "sync"; `latentweave verify RUN --recompute` proves a run of any mode afterwards',
      mend: "change one of them",
    });
  problems.push(...checkNotFinite(job), ...checkRobust(job), ...checkHeldOut(job));
  for (const [name, task] of Object.entries(job.tasks)) problems.push(...checkTask(job, name, task));
  return problems;
}

/** A method that was asked for and could do nothing is a mistake; `sum` and `mean` are what there is without one. */
function checkCombiner({ combiner, tasks, model }: ParsedJob): Problem[] {
  const { name, scalePrivate } = combinerParts(combiner);
  if (name === "sum" || name === "mean") return [];
  const path = ["combiner"];
  if (Object.keys(tasks).length === 1)
    return [
      {
        path,
        what: `got "${name}", but there is one task: nothing is to be combined`,
        expected: '"sum", or two tasks and more',
        mend: "leave combiner out",
      },
    ];
  if (model.kind === "private" && !scalePrivate)
    return [
      {
        path,
        what: `got "${name}", which weighs the tasks' gradients where they meet; in a private model they share no parameter`,
        expected: 'a model that shares some, such as { kind: "shared", latent: 32 }, or scalePrivate: true',
        mend: "change model or combiner",
      },
    ];
  return [];
}

/** What follows held-out losses needs some, of versions in their order. */
function checkHeldOut({ stopEarly, checkpoints, evaluate, mode }: ParsedJob): Problem[] {
  const asked = [
    ...(stopEarly ? [["stopEarly"]] : []),
    ...(checkpoints.best ? [["checkpoints", "best"]] : []),
  ];
  const fault = isOrdered(mode)
    ? {
        what: `is asked for in the mode "${mode.kind}", in which evaluations measure versions in another order`,
        expected: 'the mode "sync" or "diloco"',
        mend: "remove it",
      }
    : evaluate.everySteps === 0
      ? {
          what: "is asked for, but nothing is evaluated on the way (evaluate.everySteps: 0)",
          expected: "evaluations every so many steps",
          mend: 'set evaluate: { everySteps: 100, split: "validation" }',
        }
      : evaluate.split === "test"
        ? {
            what: "is asked for, but what is evaluated are the test rows: figures of weights that were chosen by them say nothing of new rows",
            expected: "an evaluation on validation rows",
            mend: 'set evaluate: { split: "validation" }, and split: { validation: 0.1 } in the data of each task',
          }
        : undefined;
  return fault ? asked.map((path) => ({ path, ...fault })) : [];
}

/** In modes with an order a planned step that is not finite is computed again on other weights, all of it. */
function checkNotFinite({ onNotFinite, mode }: ParsedJob): Problem[] {
  if (!isOrdered(mode) || completeNotFinite(onNotFinite, mode).kind !== "pause") return [];
  return [
    {
      path: ["onNotFinite"],
      what: `got "pause"; in the mode "${mode.kind}" a step that is not finite is computed again on newer weights, and nobody is paused`,
      expected: '"stop", or the mode "sync"',
      mend: "leave onNotFinite out",
    },
  ];
}

function checkCompression(job: ParsedJob): Problem[] {
  return [...checkSameBits(job), ...checkLevel(job)];
}

/** What cannot keep the guarantee needs the job's word that it is given up, and rules out what rests on it. */
function checkSameBits({ compression, audit }: ParsedJob): Problem[] {
  const { push, broadcast, auto, sameBits } = compression;
  const problems: Problem[] = [];
  if (auto && (push || broadcast))
    problems.push({
      path: ["compression", "auto"],
      what: `is on, besides ${push ? "push" : "broadcast"}`,
      expected: "either a choice that is made on the way, or codecs that the job names",
      mend: "remove one of them",
    });
  const given = auto
    ? {
        path: ["compression", "auto"],
        what: "what is left out depends on who is measured to be slow",
        word: "compression: { auto: true, sameBits: false }",
      }
    : push?.codec === "topk"
      ? {
          path: ["compression", "push", "codec"],
          what: 'got "topk": what it leaves out is remembered by the worker that computed it and sent later, so that bits depend on who computes what',
          word: "sameBits: false beside push",
        }
      : undefined;
  if (given && sameBits)
    problems.push({
      path: given.path,
      what: `${given.what}; this gives up that the same job gives the same bits on any cluster, and with it \`verify --recompute\`, \`replay\`, \`chaos\` and audits; that every micro-batch is applied exactly once still holds`,
      expected: "the job's word that the same bits are given up",
      mend: `write ${given.word}`,
    });
  if (!given && !sameBits)
    problems.push({
      path: ["compression", "sameBits"],
      what: "got false, but nothing in this job needs it",
      expected: "true; false only with push: { codec: topk }, or auto: true",
      mend: "leave it out",
    });
  if (given && audit.share > 0)
    problems.push({
      path: ["audit", "share"],
      what: `got ${audit.share}; without the same bits two workers that are both right send different numbers, so that none can be held against the other`,
      expected: "0, or a compression that keeps the bits",
      mend: "change one of them",
    });
  return problems;
}

/** A level that a task's tree does not have would round nothing of it. */
function checkLevel({ compression: { push }, tasks, sampling }: ParsedJob): Problem[] {
  const level = push && "level" in push ? push.level : "every";
  if (level === "every" || sampling) return [];
  return Object.entries(tasks).flatMap(([name, { slots }]) => {
    const top = slots === 1 ? 0 : 32 - Math.clz32(slots - 1);
    if (level <= top) return [];
    return [
      {
        path: ["compression", "push", "level"],
        what: `got ${level}, but the sums over the ${slots} slots of task "${name}" have no such level`,
        expected: `${top === 0 ? "0" : `0 to ${top}`}, or "every"`,
        mend: "change level, or the task's slots",
      },
    ];
  });
}

function checkTask(job: ParsedJob, name: string, task: ParsedJob["tasks"][string]): Problem[] {
  const path = ["tasks", name];
  const problems = [...checkAugment(name, task), ...checkAutoencoder(job, name, task)];
  if (reservedTasks.includes(name))
    problems.push({
      path,
      what: `a task cannot be called "${name}"`,
      expected: `a name other than ${reservedTasks.join(", ")}`,
      mend: "rename it",
    });
  if (task.reconstruction === false && Object.keys(task.heads).length === 0)
    problems.push({
      path: [...path, "reconstruction"],
      what: "is off, and the task has no heads: there is nothing to learn",
      expected: "a reconstruction, or one head or more",
      mend: 'leave reconstruction out, or add heads: { label: { kind: "classification" } }',
    });
  if (task.reconstruction === false && task.decoder.length > 0)
    problems.push({
      path: [...path, "decoder"],
      what: "has layers, but reconstruction is off",
      expected: "no decoder where nothing is reconstructed",
      mend: "remove the decoder, or reconstruction: false",
    });
  if (task.reconstruction !== false && task.decoder.length === 0 && !("trunkDecoder" in job.model))
    problems.push({
      path: [...path, "decoder"],
      what: "has no layers",
      expected: "layers that lead back to the shape of the input",
      mend: "add a decoder, or set reconstruction: false",
    });
  for (const head of Object.keys(task.heads))
    if (reservedHeads.includes(head))
      problems.push({
        path: [...path, "heads", head],
        what: `a head cannot be called "${head}"`,
        expected: `a name other than ${reservedHeads.join(", ")}`,
        mend: "rename it",
      });
  return problems;
}
