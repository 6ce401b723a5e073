const WIDTH = 860;
const LABEL_WIDTH = 300;
const VALUE_WIDTH = 60;
const BAR = 18;
const GAP = 6;
const TITLE = 34;
const PADDING = 16;

/** Readable on light and dark pages: https://docs.github.com shows SVG files on the reader's own background. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
  .title { font-weight: 600 }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  .limit { stroke: #1f2328; stroke-dasharray: 3 3 }
  .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .value { stroke: #0d1117 }
    .bar { fill: #656d76 }
    .ours { fill: #4493f8 }
    .limit { stroke: #e6edf3 }
    .ground { fill: #0d1117 }
  }`;

/** Bars of throughput relative to the baseline, one group for each scenario, as SVG. */
export function chart(summaries) {
  const groups = summaries.map(({ title, rows }) => ({ title, rows: rows.filter(({ id }) => id !== 'limit') }));
  const largest = Math.max(1.2, ...groups.flatMap(({ rows }) => rows.map(({ toLimit }) => toLimit ?? 0)));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * PADDING) / largest;
  const left = PADDING + LABEL_WIDTH;
  const parts = [];
  let y = PADDING + TITLE;
  parts.push(
    `<text class="title" x="${PADDING}" y="${PADDING + 12}">Throughput relative to a bare node:http + pg server (dashed line)</text>`,
  );
  for (const { title, rows } of groups) {
    parts.push(`<text class="title" x="${PADDING}" y="${y + 14}">${plain(title)}</text>`);
    y += BAR + GAP;
    const top = y;
    const values = [];
    for (const { id, title: label, toLimit } of rows) {
      const width = Math.max(1, (toLimit ?? 0) * scale);
      parts.push(`<text x="${left - 8}" y="${y + 13}" text-anchor="end">${plain(label)}</text>`);
      parts.push(
        `<rect class="${id === 'ours' ? 'ours' : 'bar'}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
      );
      values.push(`<text class="value" x="${(left + width + 6).toFixed(1)}" y="${y + 13}">${toLimit?.toFixed(2) ?? ''}</text>`);
      y += BAR + GAP;
    }
    const x = (left + scale).toFixed(1);
    parts.push(`<line class="limit" x1="${x}" x2="${x}" y1="${top - 3}" y2="${y - 3}"/>`);
    parts.push(...values);
    y += GAP * 2;
  }
  const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`;
  const label = 'Throughput of each server and scenario relative to the baseline';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">
<style>${STYLE}
</style>
<rect class="ground" width="100%" height="100%"/>
${parts.join('\n')}
</svg>
`;
}

const plain = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
