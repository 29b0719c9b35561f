import { readdirSync, readFileSync } from 'node:fs';

/** The children of a process, by Linux's /proc. */
export function childrenOf(pid: number | undefined): number[] {
  return pid === undefined ? [] : (readTree().get(pid) ?? []);
}

/** The children of a process, theirs and so on. */
export function descendantsOf(pid: number | undefined): number[] {
  const tree = readTree();
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const child of tree.get(parent) ?? []) {
      found.push(child);
      visit(child);
    }
  };
  if (pid !== undefined) {
    visit(pid);
  }
  return found;
}

/** Children by their parents. */
function readTree(): Map<number, number[]> {
  const tree = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) {
      const children = tree.get(parent);
      if (children) {
        children.push(Number(name));
      } else {
        tree.set(parent, [Number(name)]);
      }
    }
  }
  return tree;
}

function parentOf(pid: string): number | undefined {
  try {
    // The second field, the program's name in brackets, may hold spaces and brackets itself.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
