import { migrate } from '../stores/migrate.js';

const url = process.env.DATABASE_URL;
if (!url) {
  console.error('Set DATABASE_URL to the database to migrate. (npm start migrates the embedded one by itself.)');
  process.exit(1);
}
const names = await migrate(url);
console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.');
