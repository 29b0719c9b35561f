// The page of ../lonelyps-dashboard.ts: it runs in a browser.
import { json } from 'rx-weir';
import { lonelyps } from 'rx-weir/lonelyps';

declare const settings: { readonly broadcasters: string; readonly glob: string };

const { broadcasters, glob } = settings;
const broker = lonelyps({ broadcasters, reconnect: { initial: true } });
const state = document.querySelector('#state')!;
const table = document.querySelector('table')!;
const rows = new Map<string, HTMLTableRowElement>();

broker.status.subscribe((status) => (state.textContent = status.state));
broker.missed.subscribe(() => {
  // what is shown may be old
  for (const row of rows.values()) row.style.color = 'grey';
});

broker.messages({ glob }, { codec: json<{ celsius: number }>() }).subscribe((delivery) => {
  const room = delivery.channel.split('/').at(-1)!;
  const row = rows.get(room) ?? table.insertRow();
  rows.set(room, row);
  row.style.color = '';
  row.textContent = `${room}: ${delivery.value.celsius} °C`;
  delivery.ack();
});
