import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of Linux's /proc are hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Fields after the command of /proc/<pid>/stat, from the state on: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}

/** Seconds of CPU that a process has used. */
export function cpuSecondsOf(pid) {
  const stat = statOf(pid);
  return (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
}

/** The same of a process and its children, those that have ended included. */
export function cpuSecondsOfFamily(pid) {
  const own = statOf(pid);
  let ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(own[index]), 0);
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = statOf(name);
      if (Number(stat[1]) === pid) ticks += Number(stat[11]) + Number(stat[12]);
    } catch {
      // It ended in between; then it counts with its parent.
    }
  }
  return ticks / TICKS_PER_SECOND;
}

/** Memory that a process holds, in MiB. */
export function residentMebibytesOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}

export function assertLinux() {
  if (!existsSync('/proc/self/stat')) throw new Error('The bench reads CPU and memory from /proc: it runs on Linux only.');
}

export const parentOf = (pid) => Number(statOf(pid)[1]);
