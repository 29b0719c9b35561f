import { expect } from 'chai';
import type { Subscription } from 'rxjs';
import { Relay } from '../../lib/core/relay.js';

describe('Relay', () => {
  it('gives each value to all who listen, in the order in which they came', () => {
    const { relay, seen, listen } = build();
    expect(relay.observed).to.equal(false);
    relay.next(0);
    listen('a');
    const b = listen('b');
    expect(relay.observed).to.equal(true);
    relay.next(1);
    b.unsubscribe();
    relay.next(2);
    expect(seen).to.deep.equal(['a 1', 'b 1', 'a 2']);
  });

  it('who comes during a value gets the next one, and who leaves gets none any more', () => {
    const { relay, seen, listen } = build();
    const late: Subscription[] = [];
    relay.values.subscribe((value) => {
      if (value !== 1) return;
      leaving.unsubscribe();
      late.push(listen('late'));
    });
    const leaving = listen('leaving');
    relay.next(1);
    relay.next(2);
    expect(seen).to.deep.equal(['late 2']);
    late[0]!.unsubscribe();
  });

  it('ends all once, and those who come later at once', () => {
    const { relay, seen, listen } = build();
    listen('a');
    relay.complete();
    relay.error(new Error('too late'));
    relay.next(1);
    listen('b');
    expect(seen).to.deep.equal(['a complete', 'b complete']);
    expect(relay.observed).to.equal(false);
  });

  it('ends all with an error, also those who come later', () => {
    const { relay, seen, listen } = build();
    listen('a');
    relay.error(new Error('gone'));
    listen('b');
    expect(seen).to.deep.equal(['a gone', 'b gone']);
  });
});

function build(): {
  readonly relay: Relay<number>;
  readonly seen: string[];
  readonly listen: (name: string) => Subscription;
} {
  const relay = new Relay<number>();
  const seen: string[] = [];
  const listen = (name: string): Subscription =>
    relay.values.subscribe({
      next: (value) => seen.push(`${name} ${value}`),
      error: (error: unknown) => seen.push(`${name} ${(error as Error).message}`),
      complete: () => seen.push(`${name} complete`),
    });
  return { relay, seen, listen };
}
