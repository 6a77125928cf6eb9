import fs from "node:fs";
import path from "node:path";
import { openOwnFile } from "./own-file.ts";
import { loadAddon, systemError } from "./page-map.ts";
import { switchName } from "./shared-memory.ts";
import { vaultFile } from "./sweep.ts";
import { vaultDirectories } from "./vault-directories.ts";

/** Another process's vault, to be read where it lies. Mappings outlive the file, its name and `close`. */
export interface MappedFile {
  /**
   * Lays memory over a part of the file; view and place are whole pages of this machine.
   * @returns why it cannot be had: then the view's numbers are not to be used
   */
  map(view: Uint8Array, at: number): string | undefined;
  /** The file's beginning, as far as this many bytes; or why it cannot be had. */
  beginning(bytes: number): ArrayBuffer | string;
  close(): void;
}

/** @param name of the file, another process's word. @returns why it cannot be had */
export function openMappedFile(name: string, env: NodeJS.ProcessEnv = process.env): MappedFile | string {
  if (env[switchName] === "off") return `it is switched off (${switchName}=off)`;
  const addon = loadAddon(env);
  if (typeof addon === "string") return addon;
  const [directory] = vaultDirectories();
  if (directory === undefined) return "no folder for it";
  if (!name.startsWith(path.basename(vaultFile(directory, ""))) || !/^[\w.-]+$/.test(name))
    return "not the name of a vault";
  try {
    const opened = openOwnFile(path.join(directory, name));
    if (typeof opened === "string") return opened;
    const { fd, bytes: size } = opened;
    return {
      map(view, at) {
        // Memory beyond the file's end cannot be touched.
        if (at + view.byteLength > size) return `the file has ${size} bytes`;
        try {
          addon.map(view, fd, at);
          return undefined;
        } catch (error) {
          return systemError(error);
        }
      },
      beginning(bytes) {
        if (bytes > size) return `the file has ${size} bytes`;
        try {
          return addon.open(fd, bytes);
        } catch (error) {
          return systemError(error);
        }
      },
      close: () => fs.closeSync(fd),
    };
  } catch (error) {
    return systemError(error);
  }
}
