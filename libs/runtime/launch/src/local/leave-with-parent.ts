/** Reads the secret that a launcher sends as the first line of standard input; undefined when it ends without one. */
export function readSecret(input: NodeJS.ReadStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const take = (part: Buffer): void => {
      text += part.toString("utf8");
      const end = text.indexOf("\n");
      if (end < 0) return;
      input.off("data", take);
      resolve(text.slice(0, end));
    };
    input.on("data", take);
    input.once("end", () => resolve(undefined));
  });
}

/** Calls back when whoever holds the other end of our standard input is gone: nothing must outlive its launcher. */
export function onParentGone(input: NodeJS.ReadStream, callback: () => void): void {
  input.once("end", callback);
  input.once("error", callback);
  input.resume();
  // Waiting for the parent's end is no reason to stay.
  (input as { unref?: () => void }).unref?.();
}
