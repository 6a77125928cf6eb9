import { createCharts } from "./charts.ts";
import { connect } from "./connection.ts";
import { byId, setText } from "./dom.ts";
import { short } from "./format.ts";
import { emptyModel, loaded, type Model, received } from "./model.ts";
import { showEvents } from "./view-events.ts";
import { showRun } from "./view-run.ts";
import { showTasks } from "./view-tasks.ts";
import { showWorkers } from "./view-workers.ts";

/** Steps may be committed a hundred times a second; the page is drawn a few times, which is all that eyes follow. */
const drawEveryMs = 150;

const charts = createCharts();
let model: Model = emptyModel();
let waiting = false;

function draw(): void {
  waiting = false;
  showRun(model);
  const { snapshot } = model;
  if (!snapshot) return;
  const tasks = snapshot.tasks.map((task) => task.task);
  showTasks(snapshot.tasks);
  showWorkers(snapshot.workers, tasks);
  showEvents(snapshot.events);
  setText(byId("speed-now"), snapshot.samplesPerSecond > 0 ? `${short(snapshot.samplesPerSecond)} now` : "");
  charts.show(model.history.points(), tasks);
}

function change(next: Model): void {
  model = next;
  if (waiting) return;
  waiting = true;
  setTimeout(draw, drawEveryMs);
}

byId("copy").addEventListener("click", () => {
  const button = byId("copy");
  const say = (text: string): void => {
    setText(button, text);
    setTimeout(() => setText(button, "Copy"), 1500);
  };
  // Plain http from another machine is no secure context and has no clipboard; then the hash is selected instead.
  if (!isSecureContext) selectHash();
  else navigator.clipboard.writeText(byId("hash").textContent).then(() => say("Copied"), selectHash);
});

function selectHash(): void {
  getSelection()?.selectAllChildren(byId("hash"));
}

draw();
connect(new URL(location.href), {
  onLink: (link) => change({ ...model, link }),
  onLoaded: (snapshot, points) => change(loaded(model, snapshot, points)),
  onMessage: (message) => change(received(model, message)),
});
