import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts a Chromium without a window. @throws Error that says what to install, where there is none. */
export function startChromium(): Promise<Browser> {
  // the sandbox refuses to work for root
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: findChromium(), args: ['--disable-dev-shm-usage', ...asRoot] });
}

function findChromium(): string {
  const given = process.env['CHROME_PATH'];
  if (given) return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'There is no Chromium. Install one (Debian, Ubuntu: apt-get install chromium), or name its program in CHROME_PATH.',
  );
}
