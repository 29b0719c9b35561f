import { join } from 'node:path';
import { built, node, root } from './built.js';

describe('what the package shows to the world', () => {
  it('is what etc/api/ says; after a change that is meant: npm run api', async () => {
    await built();
    await node([join(root, 'scripts/api.mjs'), '--check']);
  });

  it('has the types that spec/types/ says', async () => {
    const flags = ['--noEmit', '--pretty', 'false', '-p', join(root, 'spec/types/tsconfig.json')];
    await node([join(root, 'node_modules/typescript/bin/tsc'), ...flags]);
  });
});
