import { get } from 'node:http';

/**
 * Fetches a page of a server's monitoring port, parsed as JSON. Each call has a connection of its own, so that nothing
 * stays open that a spec which counts handles would see.
 *
 * @throws Error when the server does not answer within 5 s, or answers with another status than 200.
 */
export function fetchMonitor(base: string | undefined, path: string): Promise<unknown> {
  if (base === undefined) {
    return Promise.reject(new Error(`Nothing can be read from ${path}: no monitoring address is known.`));
  }
  return new Promise((resolve, reject) => {
    const url = new URL(path, base);
    const request = get(url, { agent: false, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) {
          reject(new Error(`${url} answered ${response.statusCode}: ${text.trim()}`));
          return;
        }
        try {
          resolve(JSON.parse(text));
        } catch (cause) {
          reject(new Error(`${url} answered something that is not JSON: ${text.slice(0, 200)}`, { cause }));
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer within 5 s.`)));
    request.on('error', reject);
  });
}
