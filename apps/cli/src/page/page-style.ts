/** Colours are those of the live page: one hue per task, told apart by people with any colour vision. */
export const pageStyle = `
:root {
  --page: #f6f5f2; --surface: #ffffff; --line: #e5e2da; --grid: #e9e6df; --ink: #22252e; --muted: #5f636e;
  --above: #2f5fd0; --below: #c9680a; --on-strong: #ffffff;
  --task-0: #4a5bd4; --task-1: #c9680a; --task-2: #11806a; --task-3: #b0408c;
  --task-4: #2f7fb8; --task-5: #7d6a14; --task-6: #7a52c7; --task-7: #a8433a;
  font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-size: 15px; line-height: 1.5; color: var(--ink); background: var(--page);
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14161b; --surface: #1c1f26; --line: #2c303a; --grid: #2a2e38; --ink: #e7e8ec; --muted: #a2a7b3;
    --above: #7f9bff; --below: #f0a050; --on-strong: #14161b;
    --task-0: #8d9bf7; --task-1: #f0a050; --task-2: #4fc4a8; --task-3: #e58ac4;
    --task-4: #6fb8e8; --task-5: #cdb95a; --task-6: #b79af0; --task-7: #ea8e84;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 28px 24px 56px; }
h1 { font-size: 1.7rem; letter-spacing: -0.02em; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 12px; }
p { margin: 0 0 8px; max-width: 76ch; }
.muted, .note { color: var(--muted); }
.note { font-size: 0.87rem; margin: 8px 0 0; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 14px; padding: 18px 20px; margin-top: 20px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 28px 32px; align-items: start; margin-top: 16px; }
figure { margin: 0; max-width: 500px; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 13px; fill: var(--ink); }
svg .tick { fill: var(--muted); font-size: 12px; }
svg .label { fill: var(--muted); font-size: 12px; font-style: italic; }
svg .group { font-weight: 600; paint-order: stroke; stroke: var(--surface); stroke-width: 5px; }
svg .cell { font-size: 12px; }
svg .cell.strong { fill: var(--on-strong); }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); } .mark { stroke: var(--muted); }
.begin { stroke: var(--muted); stroke-dasharray: 2 3; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
rect.above { fill: var(--above); } rect.below { fill: var(--below); }
rect.above, rect.below { stroke: var(--line); }
rect.unknown { fill: none; stroke: var(--line); stroke-dasharray: 3 3; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 6px; padding: 0; font-size: 0.87rem; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { width: auto; flex: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.93rem; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; white-space: nowrap; }
thead th { color: var(--muted); font-weight: 500; }
tbody th { font-weight: 500; }
.number { text-align: right; }
tbody tr:last-child > * { border-bottom: 0; }
section > figure + figure { margin-top: 18px; }
.pictures { display: grid; grid-template-columns: auto 1fr; gap: 6px 12px; align-items: center; }
.pictures span { color: var(--muted); font-size: 0.87rem; }
.pictures img { image-rendering: pixelated; width: 100%; max-width: 560px; height: auto; display: block; border-radius: 3px; }
@media (max-width: 560px) {
  body { padding: 18px 12px 40px; }
  section { padding: 14px 12px; border-radius: 10px; }
  .pictures { grid-template-columns: 1fr; gap: 2px; }
  .pictures img { margin-bottom: 8px; }
}
@media print { section { break-inside: avoid; border: 0; padding: 0; } }
`;
