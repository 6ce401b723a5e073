const FIGURES = ['perSecond', 'p50Ms', 'p99Ms', 'serverMicroseconds', 'databaseMicroseconds', 'residentMebibytes'];

export function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians over the rounds; ratios are medians of the ratios within each round. */
export function summarise(results) {
  const ratioTo = (result, id) => {
    const base = results.find((other) => other.id === id);
    return base ? median(result.rounds.map(({ perSecond }, round) => perSecond / base.rounds[round].perSecond)) : null;
  };
  return results.map((result) => ({
    id: result.id,
    title: result.title,
    ...Object.fromEntries(FIGURES.map((name) => [name, median(result.rounds.map((round) => round[name]))])),
    toLimit: ratioTo(result, 'limit'),
    toMercurius: ratioTo(result, 'mercurius'),
  }));
}

/** One table for each scenario, in Markdown. */
export function table(title, rows) {
  const head = [
    '',
    'requests/s',
    'to the limit',
    'to Mercurius',
    'p50 ms',
    'p99 ms',
    'CPU µs/request',
    'of Postgres',
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
    Math.round(row.residentMebibytes),
  ]);
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...cells].map((line) => `| ${line.join(' | ')} |`);
  return [`**${title}**`, '', ...lines].join('\n');
}
