/** The checkout page's style: one column on a phone, two on a wide screen; light and dark. */
export const pageStyle = `
:root {
  --ground: #f4f5f8; --card: #ffffff; --text: #1b1e2b; --quiet: #5a6072; --line: #d9dce5;
  --accent: #4a3fd0; --on-accent: #ffffff; --good: #0b6b3f; --bad: #a8201c; --bad-ground: #fdecea;
  --warn: #ffd54a; --on-warn: #2a2200;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12141c; --card: #1c1f2b; --text: #eceef5; --quiet: #a4abc0; --line: #363b4d;
    --accent: #a59cff; --on-accent: #14122b; --good: #6fd6a0; --bad: #ff9d96; --bad-ground: #3a1d1f;
    --warn: #e8b93a; --on-warn: #221b00;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header { background: repeating-linear-gradient(135deg, var(--warn) 0 24px, color-mix(in srgb, var(--warn) 88%, #000) 24px 48px);
  color: var(--on-warn); padding: .75rem 1rem; text-align: center; }
header strong { letter-spacing: .12em; margin-right: .5rem; }
main { display: grid; gap: 1.25rem; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; align-items: start; }
@media (min-width: 48rem) { main:not(.single) { grid-template-columns: 2fr 3fr; } }
main.single { max-width: 34rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .875rem; padding: 1.5rem; min-width: 0; }
h1, h2 { line-height: 1.25; margin: 0 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.15rem; }
h2.minor { font-size: 1rem; margin: 1.75rem 0 .25rem; }
ul { list-style: none; margin: 0; padding: 0; }
.items li, .total { display: flex; justify-content: space-between; gap: 1rem; overflow-wrap: anywhere; }
.items li { padding: .5rem 0; }
.total { border-top: 1px solid var(--line); font-weight: 700; margin: .5rem 0 1rem; padding-top: .75rem; }
.amount { font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { color: var(--quiet); font-size: .9rem; margin: .25rem 0; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input:not([type=hidden]) { width: 100%; font: inherit; font-size: 1.15rem; font-variant-numeric: tabular-nums; letter-spacing: .04em;
  padding: .65rem .8rem; color: var(--text); background: var(--ground); border: 1px solid var(--quiet); border-radius: .5rem; }
input[aria-invalid] { border-color: var(--bad); }
input::placeholder { color: var(--quiet); opacity: .6; }
.button { display: inline-block; width: 100%; margin-top: .75rem; padding: .75rem 1rem; font: inherit; font-weight: 700; text-align: center;
  text-decoration: none; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer; }
.button:hover { filter: brightness(1.08); }
.button.second { color: var(--accent); background: transparent; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { color: var(--bad); background: var(--bad-ground); border-left: 4px solid currentColor; border-radius: .375rem;
  margin: 0 0 1rem; padding: .75rem 1rem; }
.cards { border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; margin-top: .5rem; }
.cards li + li { border-top: 1px solid var(--line); }
.cards a { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .1rem 1rem; padding: .6rem .8rem; color: inherit; text-decoration: none; }
.cards a:hover, .cards a[aria-current] { background: var(--ground); }
.cards a:focus-visible { outline-offset: -3px; }
.cards code { font-size: .95rem; white-space: nowrap; }
.pays { color: var(--good); } .declines { color: var(--bad); }
.pair { display: grid; gap: 0 .75rem; }
@media (min-width: 34rem) { .pair { grid-template-columns: 1fr 1fr; } }
.back { margin: 1.5rem 0 0; text-align: center; }
`;
