/** What is told of an error. Those of this package say what was asked, what came back and what to do, without a secret. */
export function errorLines(error: unknown): string {
  return `rx-weir: ${error instanceof Error ? error.message : String(error)}\n`;
}
