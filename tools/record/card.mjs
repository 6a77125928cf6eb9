/** The last picture: what the command line says of both runs, word for word. */

const escape = (text) => text.replace(/[&<>]/g, (c) => (c === "&" ? "&amp;" : c === "<" ? "&lt;" : "&gt;"));

/**
 * @param {readonly { command: string, output: string, remark: string }[]} lines what was typed and what came
 * @param {{ title: string, below: string }} words
 */
export function card(lines, { title, below }) {
  const blocks = lines.map(
    ({ command, output, remark }) =>
      `<p class="remark">${escape(remark)}</p><p><span class="prompt">$ </span>${escape(command)}</p><p class="output">${escape(output)}</p>`,
  );
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; height: 100vh; display: grid; place-content: center; gap: 20px; background: #f6f5f2; color: #22252e;
      font: 17px Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    h1 { margin: 0; font-size: 30px; letter-spacing: -0.02em; }
    .terminal { background: #1d2029; color: #eceef4; border-radius: 14px; padding: 22px 30px 26px;
      font: 19px ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", "DejaVu Sans Mono", monospace; }
    p { margin: 0 0 5px; }
    .remark { color: #9aa0b0; font-size: 15.5px; margin-top: 18px; }
    .remark:first-child { margin-top: 0; }
    .prompt, .output { color: #7fd0a8; }
    .below { color: #666a75; }
  </style><h1>${escape(title)}</h1><div class="terminal">${blocks.join("")}</div><p class="below">${escape(below)}</p>`;
}
