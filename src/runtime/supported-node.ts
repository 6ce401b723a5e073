/** The oldest Node that runs this, as in `engines` of package.json: MikroORM 7 needs it. */
const OLDEST_NODE = [22, 17, 0] as const;

/** Whether a version such as `20.20.2` is older than what is needed. */
function isTooOld(version: string): boolean {
  const parts = version.split('.').map(Number);
  const differing = OLDEST_NODE.findIndex((needed, index) => parts[index] !== needed);
  return differing !== -1 && (parts[differing] ?? 0) < (OLDEST_NODE[differing] as number);
}

// Imported first by whatever is started, so that it speaks before anything that an older Node cannot load.
if (isTooOld(process.versions.node)) {
  console.error(
    `Boxoffice needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}. ` +
      'Install a newer one, or use the npm scripts (npm start, npm run worker): they bring their own.',
  );
  process.exit(1);
}
