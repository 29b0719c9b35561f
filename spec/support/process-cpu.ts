import { readFileSync } from 'node:fs';

/** ms per tick of /proc, which Linux fixes for everything that is not the kernel. */
const tick = 10;

/** The time that a process has computed so far, its own and the system's on its behalf, in ms; by Linux's /proc, which counts in steps of 10. */
export function cpuOf(pid: number): number {
  // the second field, the program's name in brackets, may hold spaces and brackets itself
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tick;
}
