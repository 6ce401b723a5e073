/** How much data there is. Each viewer has 20 transactions and 3 grants. `tiny` is for the test of the bench itself. */
export const VIEWERS = { tiny: 200, small: 10_000, tenth: 10_000, full: 100_000, large: 1_000_000 };

export const TRANSACTIONS_PER_VIEWER = 20;
export const GRANTS_PER_VIEWER = 3;

export function describeSize(name) {
  const viewers = VIEWERS[name];
  const [grants, transactions] = [viewers * GRANTS_PER_VIEWER, viewers * TRANSACTIONS_PER_VIEWER];
  return [`${name}:`, ...[viewers, grants, transactions].map((count) => count.toLocaleString('en'))]
    .join(' ')
    .replace(/(\S+) (\S+) (\S+) (\S+)/, '$1 $2 viewers, $3 grants, $4 transactions');
}
