export { UserError, type UserErrorParts } from "./user-error.ts";
export { cacheDirectory } from "./cache-directory.ts";
