/** The oldest supported Node, as in `engines` of package.json: MikroORM 7 requires it. */
const MIN_NODE_VERSION = [22, 17, 0] as const;

/** Whether a version such as `20.20.2` is older than required. */
function isTooOld(version: string): boolean {
  const parts = version.split('.').map(Number);
  const differing = MIN_NODE_VERSION.findIndex((needed, index) => parts[index] !== needed);
  return differing !== -1 && (parts[differing] ?? 0) < (MIN_NODE_VERSION[differing] as number);
}

// Imported first by every entry point, so that this message appears before anything that an older Node cannot load.
if (isTooOld(process.versions.node)) {
  console.error(
    `Boxoffice needs Node ${MIN_NODE_VERSION.join('.')} or newer; this is ${process.versions.node}. ` +
      'Install a newer version, or use the npm scripts (npm start, npm run worker), which bring their own.',
  );
  process.exit(1);
}
