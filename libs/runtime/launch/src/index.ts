export {
  bundleUserModule,
  type LoadedJobFile,
  loadJobFile,
  loadUserLayers,
} from "./job-file/load-job-file.ts";
