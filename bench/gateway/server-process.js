import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuSecondsOf, residentMebibytesOf } from './processes.js';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** A contestant's server, in a process of its own. Its log goes to /dev/null, its faults to our terminal. */
export class ServerProcess {
  static async start({ contestant, databaseUrl }, directory) {
    const server = new ServerProcess();
    server.port = await freePort();
    const environment = contestant.environment({ port: server.port, databaseUrl, directory });
    const { PATH, HOME } = process.env;
    server.child = spawn(process.execPath, contestant.command, {
      cwd: directory,
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    process.once('exit', () => server.child.kill('SIGKILL'));
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await server.answers(contestant.ready))) {
      if (server.child.exitCode !== null) throw new Error(`${contestant.title} ended at its start`);
      if (Date.now() > deadline) throw new Error(`${contestant.title} does not start`);
      await pause(50);
    }
    return server;
  }

  answers(path) {
    return new Promise((resolve) => {
      const request = http.get({ host: '127.0.0.1', port: this.port, path, agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode < 500));
      });
      request.on('error', () => resolve(false));
    });
  }

  cpuSeconds() {
    return cpuSecondsOf(this.child.pid);
  }

  residentMebibytes() {
    return residentMebibytesOf(this.child.pid);
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
