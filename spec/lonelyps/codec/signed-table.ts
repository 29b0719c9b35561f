import { signedKinds, type SignedKind } from '../../../lib/lonelyps/auth/auth.js';
import { counterUrl } from '../../../lib/lonelyps/codec/counter-url.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import { hexBytes, utf8 } from './bytes.js';

/** So many bytes that count upwards. */
export function countingBytes(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => first + at);
}

/** Keys, time and nonce of all rows. */
export const keys = { toBroadcaster: countingBytes(0, 64), toSubscriber: countingBytes(64, 64) };
export const timestamp = 1_700_000_000;
export const nonce = 'AbCdEf';

/** The SHA-512 of `Hello, world!`. */
export const sha512 = hexBytes(
  'c1527cd893c124773d811911970c8fe6e857d6df5dc9226bd8a160614c0cd963' +
    'a4ddea2b94bb7d36021ef9d865d5cea294a82dd49a0bb269f51f6e7a57f79421',
);

/** Of a list of `foo/bar` with recovery and `a/*` without. */
export const etag = hexBytes(
  'c17f95ac63948e59af2c356fae3ac5ada92f2698eba96dda8cf9dab0c11b2097' +
    '1db22ce41e088f5f167fb6ced8dbe394df154a6ee2c3221c0c533190ab540051',
);

export const url = 'http://127.0.0.1:3002/v1/receive';
export const recovery = 'http://127.0.0.1:3002/v1/recover';
export const topic = utf8('foo/bar');
export const glob = 'a/*';
export const identifier = hexBytes('01020304');

const nonce64 = `${'Q'.repeat(43)}=`;
const ours = counterUrl(nonce64, -1);
const theirs = counterUrl(nonce64, 1);

export interface SignedRow {
  readonly title: string;
  readonly kind: SignedKind;
  readonly rest: () => Uint8Array;
  /** Hex of all that is signed. */
  readonly toSign: string;
  /** The HMAC-SHA-512 in base64. */
  readonly code: string;
  /** Which of the keys. */
  readonly scheme: keyof typeof keys;
}

/** Each kind once, kind 1 twice, as lonelypsp computes them. */
export const signedRows: readonly SignedRow[] = [
  {
    title: 'subscribe exact (HTTP)',
    kind: signedKinds.exact,
    rest: () => signed.exact(url, recovery, topic),
    toSign:
      '01000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '656976650020687474703a2f2f3132372e302e302e313a333030322f76312f7265636f7665720007666f6f2f626172',
    code: 'xjZdFVvNJfVJk1QYQX17rPFIr0R3x8ThfJV0CP52IzpZhJ+ga21YX5LXPoT0caeyRdBh8XlDu0kDMSUdNPtjCQ==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'subscribe exact (WS)',
    kind: signedKinds.exact,
    rest: () => signed.exact(ours, undefined, topic),
    toSign:
      '01000000006553f1000641624364456600000039776562736f636b65743a515151515151515151515151515151515151' +
      '515151515151515151515151515151515151515151515151513d3a2d3100000007666f6f2f626172',
    code: '9GomOx+mzIUWlXhCnpUkAZK7bT0Locv5/JAwzycKdLQM8kzX8v3Ta9euvnVF4QXpm5e62WM7BOOiLt062A+dQA==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'subscribe glob',
    kind: signedKinds.glob,
    rest: () => signed.glob(url, recovery, glob),
    toSign:
      '02000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '656976650020687474703a2f2f3132372e302e302e313a333030322f76312f7265636f7665720003612f2a',
    code: 'RUnLASOv2l+dI8nUZ3emhq7L94ilAnhLr+NNwVQ5oA4G/S0po5y6ev4Tvtj54ezOHyV3zXVl93XEq/QsXKlE5w==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'notify',
    kind: signedKinds.notify,
    rest: () => signed.notify(topic, identifier, sha512),
    toSign:
      '03000000006553f1000641624364456600000007666f6f2f6261720401020304c1527cd893c124773d811911970c8fe6' +
      'e857d6df5dc9226bd8a160614c0cd963a4ddea2b94bb7d36021ef9d865d5cea294a82dd49a0bb269f51f6e7a57f79421',
    code: '2qfJxxqB070ly7OYJfjgg4HUU4kC5rq0p3/LYOLn1Jq2id4BKN5pa2te+oqEDoUly8b+7wfGtT4FPsKFhqdHOw==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'configure',
    kind: signedKinds.configure,
    rest: () => signed.configure(new Uint8Array(32), true, false, 0),
    toSign:
      '04000000006553f100064162436445660000200000000000000000000000000000000000000000000000000000000000' +
      '00000001000000',
    code: 'U7MRQQ9pqKqdTWoaR0D6I3Ym+ZPM81+ONJIL0Gey2bVVi9vlMGaccALeeo0J7nijmH3lXQd7ku4uHL+K7q7Cuw==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'check',
    kind: signedKinds.check,
    rest: () => signed.check(url),
    toSign:
      '05000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' + '65697665',
    code: 'ikc2K0CY8lgn4dfVG9tm/5kZkrre4aOMoMGWDBxDCbnp8oIZCIdy7ML54ORVx8pFJsISl3MPU7gIvadP+dlyHg==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'set',
    kind: signedKinds.set,
    rest: () => signed.set(url, etag),
    toSign:
      '06000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '6569766500c17f95ac63948e59af2c356fae3ac5ada92f2698eba96dda8cf9dab0c11b20971db22ce41e088f5f167fb6' +
      'ced8dbe394df154a6ee2c3221c0c533190ab540051',
    code: 'sxPzDMlbF3iEcK0eSxh+Z7H48YpJwFKuKzDF716tpMt193YbbgpDLMc9Hx3IJj/OKrdkZT3jxeWKkR5YB5Iy3Q==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'continue receive',
    kind: signedKinds.continueReceive,
    rest: () => signed.continueReceive(identifier, 2, ours),
    toSign:
      '07000000006553f1000641624364456600000401020304020039776562736f636b65743a515151515151515151515151' +
      '515151515151515151515151515151515151515151515151515151515151513d3a2d31',
    code: 'fMqIgJJvKjcAQc96Sp72YEwTzMjXZMj0smHnvbQM+n4UesMv5EGrCMqW3b4FRmhYPuLH89Ln+SZdv25T9TRAYw==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'confirm receive',
    kind: signedKinds.confirmReceive,
    rest: () => signed.confirmReceive(identifier, 1, url),
    toSign:
      '08000000006553f1000641624364456600000401020304000000010020687474703a2f2f3132372e302e302e313a3330' +
      '30322f76312f72656365697665',
    code: '0MgD1gX90nvpRrqdddnNfMVk0FEIdRslJUV9JUWrv8Pgf2F7M98e4LK0GtADpuz3bREVLFhHS3kIc3je1RtF/A==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'confirm missed',
    kind: signedKinds.confirmMissed,
    rest: () => signed.confirmMissed(topic, recovery),
    toSign:
      '09000000006553f1000641624364456600000007666f6f2f6261720020687474703a2f2f3132372e302e302e313a3330' +
      '30322f76312f7265636f766572',
    code: '4kGbOwObSl8xVNkgKhSfJ8aU3BEarRBTzcLYa4ydVemcfWpDmzD0PcPWfp0DN9llG68ks/hOeHQuyH+9fUDNmQ==',
    scheme: 'toBroadcaster',
  },
  {
    title: 'receive',
    kind: signedKinds.receive,
    rest: () => signed.receive(url, topic, identifier, sha512),
    toSign:
      '0a000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '656976650007666f6f2f6261720401020304c1527cd893c124773d811911970c8fe6e857d6df5dc9226bd8a160614c0c' +
      'd963a4ddea2b94bb7d36021ef9d865d5cea294a82dd49a0bb269f51f6e7a57f79421',
    code: 'Odvgm0IYohIIi9t1U5Awrrz42wlH7wrR8ZbcuNJmamqn/I1A/hOkV5b9LX8OR1BDYF3337/3mmjrITp1DiaDWw==',
    scheme: 'toSubscriber',
  },
  {
    title: 'missed',
    kind: signedKinds.missed,
    rest: () => signed.missed(recovery, topic),
    toSign:
      '0b000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '6f7665720007666f6f2f626172',
    code: 'hgrO+sFzZOxSRMKsxm6Z/u8WXMULWU/bvGq9V9Wy68vgZHBlswIKqstG3QN1VE9008jWqkC00wwJ9WrDMYsaBw==',
    scheme: 'toSubscriber',
  },
  {
    title: 'confirm subscribe exact',
    kind: signedKinds.confirmExact,
    rest: () => signed.confirmExact(url, recovery, topic),
    toSign:
      '0c000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '656976650020687474703a2f2f3132372e302e302e313a333030322f76312f7265636f7665720007666f6f2f626172',
    code: 'V+F+ht3t0NevBd21opycJ7FoOfRyzI6Vq+A8v16SDSieHCyAMyTx2xJnWG+Gvs7BsfMjHosjoTjUI1e0D9peGQ==',
    scheme: 'toSubscriber',
  },
  {
    title: 'confirm subscribe glob',
    kind: signedKinds.confirmGlob,
    rest: () => signed.confirmGlob(url, recovery, glob),
    toSign:
      '0d000000006553f1000641624364456600000020687474703a2f2f3132372e302e302e313a333030322f76312f726563' +
      '656976650020687474703a2f2f3132372e302e302e313a333030322f76312f7265636f7665720003612f2a',
    code: 'yU8CuGrg2Kc6ZD4lsOA4qFwhZcJ5U1sZV8HeLp67IN33XoxLApEb248dInq0Rds0RarlI11Wo/H4UPq9XWDOJA==',
    scheme: 'toSubscriber',
  },
  {
    title: 'confirm notify',
    kind: signedKinds.confirmNotify,
    rest: () => signed.confirmNotify(identifier, 3, topic, sha512),
    toSign:
      '0e000000006553f1000641624364456600000401020304000000030007666f6f2f626172c1527cd893c124773d811911' +
      '970c8fe6e857d6df5dc9226bd8a160614c0cd963a4ddea2b94bb7d36021ef9d865d5cea294a82dd49a0bb269f51f6e7a' +
      '57f79421',
    code: 'iL4cugnTn66aaAId/tL2najLGrC2AhBHCdXjkGhrIyhgFRty/1sELfFmUOAMiT/tIgMef9VdfbPv1dnBdDHl8g==',
    scheme: 'toSubscriber',
  },
  {
    title: 'check response',
    kind: signedKinds.checked,
    rest: () => signed.checked(etag),
    toSign:
      '0f000000006553f10006416243644566000000c17f95ac63948e59af2c356fae3ac5ada92f2698eba96dda8cf9dab0c1' +
      '1b20971db22ce41e088f5f167fb6ced8dbe394df154a6ee2c3221c0c533190ab540051',
    code: 'D6JbzUEir1J79MkJsOEfa3Y7gym9n+8h0nRcb1E40l9FPmgUAcerRt29uMj626le6bWfvu/K9xV1ZuEnS50vpg==',
    scheme: 'toSubscriber',
  },
  {
    title: 'set response',
    kind: signedKinds.wasSet,
    rest: () => signed.wasSet(etag),
    toSign:
      '10000000006553f10006416243644566000000c17f95ac63948e59af2c356fae3ac5ada92f2698eba96dda8cf9dab0c1' +
      '1b20971db22ce41e088f5f167fb6ced8dbe394df154a6ee2c3221c0c533190ab540051',
    code: 'YYYPZW/ReEVQSI/c/ixPWYfjcyHef75BN3CFOgh7UrsTLEEG8+Qumjc/d8dvdO99s78Qe1TmiPZ1ul8+rXCVMw==',
    scheme: 'toSubscriber',
  },
  {
    title: 'confirm configure',
    kind: signedKinds.confirmConfigure,
    rest: () => signed.confirmConfigure(countingBytes(0, 32)),
    toSign:
      '11000000006553f10006416243644566000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c' + '1d1e1f',
    code: 'IbSBNkkOj646STuluJHTQLcAu+ojXRqfZhBI9/a4rPwejQZxzqN/S+OF9a92zzpKhAygpRHYhHyEEjNIZdJN+A==',
    scheme: 'toSubscriber',
  },
  {
    title: 'enable preset',
    kind: signedKinds.enablePreset,
    rest: () => signed.enablePreset(theirs, 1, 3, 16_384, 2n ** 64n - 1n),
    toSign:
      '12000000006553f1000641624364456600000038776562736f636b65743a515151515151515151515151515151515151' +
      '515151515151515151515151515151515151515151515151513d3a3100000001000000030000000000004000ffffffff' +
      'ffffffff',
    code: '2sE7t7r0dW2WKDpZjyseHDj6E25t7jfbm+Om0Sa8qJPMUgfs59+FFGlx9aqM+WZIkiUvZr6J377Y5s8J4ZEgcg==',
    scheme: 'toSubscriber',
  },
  {
    title: 'enable custom',
    kind: signedKinds.enableCustom,
    rest: () => signed.enableCustom(theirs, 65_536, 10, 32, 16_384n, sha512),
    toSign:
      '13000000006553f1000641624364456600000038776562736f636b65743a515151515151515151515151515151515151' +
      '515151515151515151515151515151515151515151515151513d3a31000100000000000a000000000000002000000000' +
      '00004000c1527cd893c124773d811911970c8fe6e857d6df5dc9226bd8a160614c0cd963a4ddea2b94bb7d36021ef9d8' +
      '65d5cea294a82dd49a0bb269f51f6e7a57f79421',
    code: 'ShHh65+G9RgmUVNxpBWeHG7WVPTMT3PoYTm9pGjvgeRlB7zyX/5oQsAN/I7Pxv6AOD7jNwY80fnzJdn0BvSukw==',
    scheme: 'toSubscriber',
  },
  {
    title: 'disable custom',
    kind: signedKinds.disableCustom,
    rest: () => signed.disableCustom(65_536, theirs),
    toSign:
      '14000000006553f100064162436445660000000100000038776562736f636b65743a5151515151515151515151515151' +
      '51515151515151515151515151515151515151515151515151515151513d3a31',
    code: 'LRMPFaemcxfdCzLMF/13gsgliiOWaEZISb+2jdIcY1GJ9rlcZHF7nh7Q5ebdxp/nOUKPqRAyKDLoUg1v4zqNIw==',
    scheme: 'toSubscriber',
  },
  {
    title: 'continue notify',
    kind: signedKinds.continueNotify,
    rest: () => signed.continueNotify(identifier, 2),
    toSign: '15000000006553f100064162436445660000040102030400000002',
    code: 'I7ZLV9bBCUXy5MXIi8g+JwDGfxb9o2p+CrAl5gVBPb8pywxSE2CSxIbLVgG7Ic7ecBlEsPOhIVhvdKMJJEUDjQ==',
    scheme: 'toSubscriber',
  },
];
