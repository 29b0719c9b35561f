import { ClosedError, InvalidOptionError } from '../../core/errors.js';
import type { PublishPort } from '../../core/publisher.js';
import { resolveSinkSettings, type RabbitMqStreamSinkOptions } from './options.js';
import type { Port } from './port.js';
import type { ProducerHost } from './producer.js';
import { StreamPort } from './stream-port.js';
import { SuperStreamPort } from './super-stream-port.js';

/** All that a handle publishes with. @internal */
export class Outbox {
  private readonly ports = new Set<Port>();
  /** The names of the producers of each channel. */
  private readonly producers = new Map<string, Set<string>>();

  constructor(private readonly host: ProducerHost) {}

  /**
   * A way to a stream, or to a super stream where `options.superStream` says so. Nothing is done until the first message.
   * @throws InvalidOptionError where the producer's name is in use
   */
  port(channel: string, options: RabbitMqStreamSinkOptions): PublishPort {
    const settings = resolveSinkSettings(options);
    this.claim(channel, settings.producer);
    const onClose = (): void => {
      this.ports.delete(port);
      this.release(channel, settings.producer);
    };
    const port: Port =
      settings.routing === undefined
        ? new StreamPort(channel, this.host, settings, onClose)
        : new SuperStreamPort(channel, this.host, settings, settings.routing, onClose);
    this.ports.add(port);
    return port;
  }

  /** The handle ends: what was sent and not confirmed is uncertain, what was not sent fails. */
  close(): void {
    const error = new ClosedError('the handle was closed before the message was sent; make another one', {
      broker: 'rabbitmq-stream',
    });
    for (const port of this.ports) port.abandon(error);
    this.ports.clear();
    this.producers.clear();
  }

  private claim(channel: string, producer: string): void {
    if (producer === '') return;
    const names = this.producers.get(channel);
    if (names?.has(producer) === true) {
      throw new InvalidOptionError(
        `sink('${channel}'): the producer '${producer}' publishes there already, and the broker would take the messages of two ` +
          'for repetitions; complete that sink first, or give this one another name',
        { broker: 'rabbitmq-stream' },
      );
    }
    if (names === undefined) this.producers.set(channel, new Set([producer]));
    else names.add(producer);
  }

  private release(channel: string, producer: string): void {
    const names = this.producers.get(channel);
    if (names?.delete(producer) === true && names.size === 0) this.producers.delete(channel);
  }
}
