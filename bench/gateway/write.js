import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { chart } from './chart.js';

const DOCS = fileURLToPath(new URL('../../docs/performance/', import.meta.url));

/** Writes what the bench has found where docs/performance.md shows it: the tables, and a chart of the ratios. */
export function write(parts, options) {
  const [comparison] = parts;
  const [cpu] = os.cpus();
  const lines = [
    '# What the bench found',
    '',
    'Made by `npm run bench`; what it measures and how stands in [performance.md](../performance.md).',
    '',
    `Data: ${comparison.data}. ${options.connections} connections, ${options.rounds} rounds of ${options.seconds} s, medians.`,
    `Machine: ${os.cpus().length} × ${cpu.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}; load, servers and Postgres share it; ${options.loadBefore.toFixed(1)} other processes wanted a core when it began.`,
    '',
    ...parts.flatMap(({ tables }) => tables).flatMap((text) => [text, '']),
  ];
  writeFileSync(`${DOCS}results.md`, lines.join('\n'));
  writeFileSync(`${DOCS}ratios.svg`, chart(comparison.summaries));
}
