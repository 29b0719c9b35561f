import { connectionFlags, openTarget, refuseMore, targetOf, tlsFilesOf, type Command } from '../command.js';
import type { Check } from '../doctor/check.js';
import { examine } from '../doctor/examine.js';
import { exitCodes } from '../exit.js';
import { readFlags, type FlagSpecs } from '../flags.js';
import { print, wantsColour, type CliIo } from '../io.js';
import { canReceive, tlsOf } from '../open.js';
import { readDuration } from '../values.js';

const flags = {
  'no-write': { type: 'boolean', help: 'publishes nothing' },
  scratch: {
    type: 'string',
    label: 'CHANNEL',
    help: 'where to publish, instead of a channel of its own that goes away again',
  },
  wait: { type: 'string', label: 'TIME', help: 'how long each step may take (default 5s)' },
  json: { type: 'boolean', help: 'writes JSON' },
  ...connectionFlags,
} as const satisfies FlagSpecs;

/** `rx-weir doctor` */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Looks for what is wrong between this machine and a broker, step by step, and says what to do.',
  usage: '[URL] [CHANNEL]',
  flags,
  notes:
    'It publishes one message on a channel of its own, and removes that where the broker can; --no-write leaves that out.\n' +
    'The code is that of the first thing that is wrong: 2 the URL, 3 the connection, 4 who connects, 5 the channel.',
  run: runDoctor,
};

async function runDoctor(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  refuseMore(target.rest);
  const { url, channel } = target;
  const wait = readDuration('--wait', values.wait ?? '5s');
  const asJson = values.json === true;
  const paint = painter(wantsColour(io.stdout, io.env));
  const written: Promise<void>[] = [];
  const checks = await examine({
    url,
    channel,
    tls: await tlsOf(url, url.options['tls'], { tls: tlsFilesOf(values) }),
    open: () =>
      openTarget(target, values, io, {
        receives: canReceive(url),
        // a doctor tells what is wrong, and does not wait for it to pass
        options: {
          reconnect: false,
          closeTimeout: 1_000,
          ...(values.timeout === undefined ? { connectTimeout: wait } : {}),
        },
      }),
    wait,
    writes: values['no-write'] !== true,
    scratch: values.scratch,
    signal: io.signal,
    tell: (check) => {
      if (!asJson && check.state !== 'unreached') written.push(print(io.stdout, paint(check)));
    },
  });
  const unreached = checks.filter(({ state }) => state === 'unreached').map(({ name }) => name);
  if (!asJson && unreached.length > 0) written.push(print(io.stdout, `- not looked at: ${unreached.join(', ')}\n`));
  await Promise.all(written);
  const code = io.signal.aborted
    ? exitCodes.interrupted
    : (checks.find(({ state }) => state === 'failed')?.code ?? exitCodes.ok);
  if (asJson) {
    const plain = checks.map(({ code: _, ...check }) => check);
    await print(
      io.stdout,
      `${JSON.stringify({ broker: url.kind, url: url.masked, ok: code === 0, code, checks: plain }, undefined, 2)}\n`,
    );
  }
  return code;
}

const signs: Readonly<Record<Check['state'], readonly [string, number]>> = {
  ok: ['✓', 32],
  failed: ['✗', 31],
  warning: ['!', 33],
  skipped: ['-', 90],
  unreached: ['-', 90],
};

function painter(colours: boolean): (check: Check) => string {
  return ({ name, state, found, advice }) => {
    const [sign, colour] = signs[state];
    const mark = colours ? `\u001b[${colour}m${sign}\u001b[0m` : sign;
    const line = `${mark} ${name.padEnd(14)}  ${found}\n`;
    return advice === undefined ? line : `${line}${' '.repeat(18)}→ ${advice}\n`;
  };
}
