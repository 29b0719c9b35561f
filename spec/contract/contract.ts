import type { Capabilities } from './capabilities.js';
import { World, type ContractSetup } from './world.js';
import { describeAcks } from './acks.js';
import { describeBridge } from './bridge.js';
import { describeClose } from './close.js';
import { describeCodecs } from './codecs.js';
import { describeCopies } from './copies.js';
import { describeDurables } from './durables.js';
import { describeEnds } from './ends.js';
import { describeHot } from './hot.js';
import { describeAfterwards } from './life-after-the-observable.js';
import { describeOptionErrors } from './option-errors.js';
import { describePublishing } from './publishing.js';
import { describePublishToAndFrom } from './publish-to-and-from.js';
import { describeQueueGroups } from './queue-groups.js';
import { describeSinks } from './sinks.js';
import { describeStarts } from './starts.js';
import { describeStatus } from './status-and-events.js';
import { describeValues } from './values.js';
import { describeWindow } from './window.js';

const themes: Readonly<Record<string, (world: World) => void>> = {
  starts: describeStarts,
  ends: describeEnds,
  'acks and redelivery': describeAcks,
  'the window': describeWindow,
  copies: describeCopies,
  'life after the Observable': describeAfterwards,
  durables: describeDurables,
  'queue groups': describeQueueGroups,
  'codecs and onDecodeError': describeCodecs,
  values: describeValues,
  hot: describeHot,
  publishing: describePublishing,
  sinks: describeSinks,
  'publishTo and publishFrom': describePublishToAndFrom,
  bridgeTo: describeBridge,
  'option errors': describeOptionErrors,
  'status and events': describeStatus,
  close: describeClose,
};

/**
 * What every broker must do, as far as it has it.
 * @param setup - how its handles are made
 */
export function describeContract(name: string, can: Capabilities, setup: ContractSetup): void {
  describe(`contract: ${name}`, () => {
    before(() => setup.start?.());
    after(() => setup.stop?.());
    for (const [theme, describeTheme] of Object.entries(themes)) {
      describe(theme, () => {
        const world = new World(can, setup);
        after(() => world.close());
        describeTheme(world);
      });
    }
  });
}
