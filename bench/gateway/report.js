const FIGURES = ['perSecond', 'p50Ms', 'p99Ms', 'serverMicroseconds', 'databaseMicroseconds', 'residentMebibytes'];

export function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of what two took part in, round by round: only figures of one round stand for the same moment of the machine. */
export function medianRatio(rounds, baseRounds, figureOf) {
  return median(rounds.map((round, index) => figureOf(round) / figureOf(baseRounds[index])));
}

/** CPU of the server and of Postgres for a request: steadier than throughput on a machine that others use too. */
export const cpuOf = ({ serverMicroseconds, databaseMicroseconds }) => serverMicroseconds + databaseMicroseconds;

/** Medians over the rounds; ratios are medians of the ratios within each round. */
export function summarise(results) {
  const ratioTo = (result, id, figureOf = ({ perSecond }) => perSecond) => {
    const base = results.find((other) => other.id === id);
    return base ? medianRatio(result.rounds, base.rounds, figureOf) : null;
  };
  return results.map((result) => ({
    id: result.id,
    title: result.title,
    ...Object.fromEntries(FIGURES.map((name) => [name, median(result.rounds.map((round) => round[name]))])),
    toLimit: ratioTo(result, 'limit'),
    toMercurius: ratioTo(result, 'mercurius'),
    cpuToLimit: ratioTo(result, 'limit', cpuOf),
  }));
}

/** One scenario, in Markdown. */
export function comparisonTable({ title, rows }) {
  const head = [
    '',
    'requests/s',
    'of the baseline',
    'of Mercurius',
    'p50 ms',
    'p99 ms',
    'server CPU µs',
    'Postgres CPU µs',
    'CPU, × the baseline',
    'memory MiB',
  ];
  const cells = rows.map((row) => [
    row.title,
    Math.round(row.perSecond).toLocaleString('en'),
    row.toLimit?.toFixed(2) ?? '',
    row.toMercurius?.toFixed(2) ?? '',
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    Math.round(row.serverMicroseconds),
    Math.round(row.databaseMicroseconds),
    row.cpuToLimit?.toFixed(2) ?? '',
    Math.round(row.residentMebibytes),
  ]);
  return `**${title[0].toUpperCase()}${title.slice(1)}**\n\n${markdown(head, cells)}`;
}

/** How the cost of a request, and in brackets the throughput, change with the size. */
export function growthTable(sizes, rows) {
  const cells = rows.map(({ scenario, title, costs, rates }) => [
    `${scenario}: ${title}`,
    ...costs.map((cost, index) => `${cost.toFixed(2)} (${rates[index].toFixed(2)})`),
  ]);
  return `**CPU per request as the data grows (throughput in parentheses)**\n\n${markdown(['', ...sizes], cells)}`;
}

function markdown(head, cells) {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, rule, ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
