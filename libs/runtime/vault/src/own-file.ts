import fs from "node:fs";

const { O_RDWR, O_NOFOLLOW } = fs.constants;

/**
 * Opens a file that another process of this user has made, by no link.
 * @returns why it must not be opened
 * @throws the system's error where it cannot be
 */
export function openOwnFile(file: string): { readonly fd: number; readonly bytes: number } | string {
  const fd = fs.openSync(file, O_RDWR | O_NOFOLLOW);
  try {
    const opened = fs.fstatSync(fd);
    if (opened.isFile() && opened.uid === process.getuid?.()) return { fd, bytes: opened.size };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  fs.closeSync(fd);
  return "another user's file is in its place";
}
