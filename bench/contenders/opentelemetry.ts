import { memory } from 'rx-weir/memory';
import { instrument } from 'rx-weir/opentelemetry';
import { tasksOn } from './memory.js';

/** An instrumented handle in a process without an SDK: what it costs those who have not switched anything on. */
export const instrumentedMemory = tasksOn(() => instrument(memory()));
