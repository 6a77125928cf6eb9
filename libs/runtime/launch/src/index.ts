export { bundleOwn, ownModules } from "./job-file/bundle-own.ts";
export { type LoadedJobFile, loadJobFile, loadOwn, type OwnModule } from "./job-file/load-job-file.ts";
export { readPlainFile } from "./job-file/parse-text.ts";
export { onParentGone, readSecret } from "./local/leave-with-parent.ts";
export { type RestartPolicy, Supervised, type SupervisedOptions } from "./local/supervise.ts";
export { sshCommand } from "./ssh-command.ts";
