import { rawRequest } from './requests.js';
import { UNIQUE } from './scenarios.js';
import { WEBHOOK_SECRET } from './webhook.js';

/**
 * Runs one scenario: in each round every contestant once, and each round begins with another one, so that no one always comes after
 * the same. Only figures of one round stand for the same moment of the machine.
 */
export async function runScenario({ name, scenario, running, load, database, options, log }) {
  const taking = running.filter(({ contestant }) => contestant.scenarios.includes(name));
  const rounds = taking.map(() => []);
  const orders = taking.map(({ contestant, server, subjects }) => ({
    port: server.port,
    requests: scenario.subjectsOf(subjects).map((subject) => rawRequest(contestant, name, scenario, subject)),
    unique: scenario.writes ? UNIQUE : null,
    secret: scenario.signed ? WEBHOOK_SECRET : null,
    connections: options.connections,
    measureMs: options.seconds * 1_000,
  }));
  for (let round = 0; round < options.rounds; round++) {
    if (scenario.writes || scenario.signed) await database.analyze();
    for (let turn = 0; turn < taking.length; turn++) {
      const index = (round + turn) % taking.length;
      const { title, server } = taking[index];
      // At first its code must become hot; later only its caches.
      const warmMs = round === 0 ? options.warmSeconds * 1_000 : Math.min(500, options.warmSeconds * 1_000);
      const measured = await measure({ server, load, database, order: { ...orders[index], warmMs } });
      if (measured.errors > 0) throw new Error(`${title}, ${name}: ${measured.errors} errors, the first: ${measured.firstError}`);
      rounds[index].push(measured);
      log(`${name} ${round + 1}/${options.rounds} ${title}: ${describe(measured)}`);
    }
  }
  return taking.map(({ id, title }, index) => ({ id, title, rounds: rounds[index] }));
}

async function measure({ server, load, database, order }) {
  let [serverBefore, databaseBefore, serverCpu, databaseCpu] = [0, 0, 0, 0];
  const result = await load.run(order, {
    onMeasuring: () => {
      serverBefore = server.cpuSeconds();
      databaseBefore = database.cpuSeconds();
    },
    onMeasured: () => {
      serverCpu = server.cpuSeconds() - serverBefore;
      databaseCpu = database.cpuSeconds() - databaseBefore;
    },
  });
  return {
    ...result,
    serverMicroseconds: (serverCpu * 1e6) / result.count,
    databaseMicroseconds: (databaseCpu * 1e6) / result.count,
    residentMebibytes: server.residentMebibytes(),
  };
}

function describe({ perSecond, p50Ms, p99Ms, serverMicroseconds, databaseMicroseconds, loadCpu }) {
  const cpu = `CPU µs a request: server ${Math.round(serverMicroseconds)}, Postgres ${Math.round(databaseMicroseconds)}`;
  return `${Math.round(perSecond)}/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ${cpu}; load ${Math.round(loadCpu * 100)} %`;
}
