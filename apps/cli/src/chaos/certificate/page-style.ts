/** Style of the certificate's page: plain, in light and in dark. */
export const pageStyle = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #ffffff; --ink: #1d2125; --soft: #646c75; --line: #e3e1dc; --good: #1d7a46; --bad: #b3261e; --accent: #2b5fa8; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1c2024; --ink: #e8e9ea; --soft: #9aa3ac; --line: #31373d; --good: #5cc98b; --bad: #ff8a80; --accent: #86b4f2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
.kind { margin: 0; color: var(--soft); font-size: 13px; }
h1 { margin: 4px 0 8px; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 36px 0 12px; font-size: 17px; font-weight: 650; }
.lead { margin: 0; max-width: 78ch; color: var(--soft); }
.problems { margin: 16px 0 0; padding: 12px 16px 12px 32px; border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin-top: 28px; }
.figure { padding: 12px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.figure strong { display: block; font-size: 23px; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figure span { color: var(--soft); font-size: 13px; }
.good strong { color: var(--good); }
.bad strong { color: var(--bad); }
svg.timeline { display: block; width: 100%; height: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.timeline text { fill: var(--soft); font-size: 12px; }
.timeline .grid { stroke: var(--line); }
.timeline .steps { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.timeline .stem { stroke: var(--bad); stroke-opacity: 0.35; }
.timeline .mark { fill: var(--card); stroke: var(--bad); stroke-width: 1.5; }
.timeline text.label { fill: var(--bad); font-size: 11px; font-weight: 600; text-anchor: middle; }
.note { margin: 8px 0 0; color: var(--soft); font-size: 13px; max-width: 90ch; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; }
th, td { padding: 7px 10px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
td:nth-child(3), td:last-child { white-space: normal; }
th { color: var(--soft); font-weight: 500; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.skipped td { color: var(--soft); }
tr.not-reached td { color: var(--bad); }
.hashes { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; margin: 0; }
.hashes dt { color: var(--soft); }
.hashes dd { margin: 0; overflow-wrap: anywhere; }
.hashes dd span { color: var(--soft); }
code { font: 13px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code.same { color: var(--good); }
code.other { color: var(--bad); }
`;
