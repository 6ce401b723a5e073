import path from 'node:path';
import { ours } from './ours.js';

/**
 * The product as it was: another checkout that is built and has its packages. It runs on the data and the schema of this one, so
 * the migrations in between must be ones that the older code can live with.
 */
export const before = (checkout) => ({
  ...ours,
  title: 'Boxoffice, before',
  command: [path.join(checkout, 'dist/src/main.js')],
});
