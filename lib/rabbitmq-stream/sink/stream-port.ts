import type { WeirError } from '../../core/errors.js';
import type { Entry } from '../../core/publisher.js';
import type { SinkSettings } from './options.js';
import { Port } from './port.js';
import { Producer, type ProducerHost, type ProducerOwner } from './producer.js';

/** The way to one stream. @internal */
export class StreamPort extends Port implements ProducerOwner {
  private readonly producer: Producer;

  /** @param onClose - called once, when its name can be given to another */
  constructor(
    channel: string,
    host: ProducerHost,
    settings: SinkSettings,
    private readonly onClose: () => void,
  ) {
    super();
    this.producer = new Producer(channel, host, settings, this);
  }

  wake(): void {
    if (this.producer.idle) this.producer.open();
  }

  hurry(): void {
    this.producer.hurry();
  }

  close(): void {
    this.producer.close();
    this.onClose();
  }

  abandon(error: WeirError): void {
    this.producer.abandon(error);
  }

  becameWritable(): void {
    this.pump();
  }

  lost(): void {
    // what waits goes on waiting
  }

  failed(error: WeirError): void {
    this.failQueued(error);
  }

  protected get ready(): boolean {
    return this.producer.writable;
  }

  protected send(entry: Entry): void {
    this.producer.write(entry);
  }
}
