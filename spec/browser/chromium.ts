import { chromium, type Browser } from 'playwright-core';
import { chromiumProgram } from '../support/chromium-root.js';

/** Starts a Chromium without a window. @throws Error that says what to install, where there is none. */
export async function startChromium(): Promise<Browser> {
  const { executablePath, env } = await chromiumProgram();
  // the sandbox refuses to work for root
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath,
    args: ['--disable-dev-shm-usage', ...asRoot],
    env: { ...(process.env as Record<string, string>), ...env },
  });
}
