export { concat, hexBytes, numbers, oddView, toHex, utf8 } from '../../liftbridge/codec/bytes.js';
