import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { built, root } from '../package/built.js';
import { freePort } from '../support/ports.js';
import { ServerProcess } from '../support/server-process.js';
import { until } from '../support/wait.js';
import { startPrometheus, type PrometheusServer } from './prometheus-server.js';

interface Dashboard {
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[];
  };
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

const folder = join(root, 'examples/observability');

describe('examples/observability', () => {
  let service: ServerProcess;
  let prometheus: PrometheusServer;
  let dashboard: Dashboard;
  let port: number;

  before(async () => {
    await built();
    port = await freePort();
    service = new ServerProcess({
      name: 'the service',
      file: process.execPath,
      args: ['--import', 'tsx', 'examples/observability/service.ts'],
      cwd: root,
      env: { PORT: String(port), RATE: '300' },
      ready: /metrics are at/,
    });
    dashboard = JSON.parse(await readFile(join(folder, 'grafana/dashboards/rx-weir.json'), 'utf8')) as Dashboard;
    [prometheus] = await Promise.all([startPrometheus(`127.0.0.1:${port}`), service.start()]);
  });

  after(async () => {
    await service.kill();
    await prometheus.stop();
  });

  /** As Grafana asks it, with all chosen. */
  const filled = (expression: string): string =>
    expression.replaceAll('$__rate_interval', '2s').replaceAll(/\$(broker|channel)\b/g, '.*');

  it('has a panel for all that the benchmark dashboard of the Elixir client shows, and for what is asked of a service', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    expect(titles.slice(0, 3)).to.deep.equal(['Received per second', 'Acked per second', 'Published per second']);
    expect(titles).to.include.members(['In flight', 'Lag', 'Reconnects', 'Publish latency', 'Processing time']);
  });

  it('gives every query of the dashboard data', async () => {
    for (const { title, targets } of dashboard.panels) {
      for (const { expr } of targets) {
        await until(
          async () => {
            const samples = await prometheus.query(filled(expr));
            return samples.length > 0 && samples.every(({ value }) => Number.isFinite(value));
          },
          { message: `data for '${title}': ${filled(expr)}`, every: 100 },
        );
      }
    }
  });

  it('shows what goes on: orders come at their rate, are acked, and some are released', async () => {
    for (const title of [
      'Received per second',
      'Acked per second',
      'Published per second',
      'Redelivered and released per second',
    ]) {
      const panel = dashboard.panels.find((each) => each.title === title)!;
      await until(async () => (await prometheus.query(filled(panel.targets[0]!.expr))).some(({ value }) => value > 0), {
        message: title,
      });
    }
    const [connected] = await prometheus.query('rx_weir_connected');
    expect(connected).to.deep.include({ value: 1 });
    expect(connected!.metric).to.include({ broker: 'memory', job: 'rx-weir' });
  });

  it('gives the variables of the dashboard values', async () => {
    for (const { name, query } of dashboard.templating.list) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query.query)!;
      const samples = await prometheus.query(filled(selector!));
      expect(
        samples.map(({ metric }) => metric[label!]),
        name,
      ).not.to.include(undefined).and.not.to.be.empty;
    }
  });

  it('is wired in docker-compose.yml to files that are there', async () => {
    const compose = await readFile(join(root, 'docker-compose.yml'), 'utf8');
    for (const path of ['prometheus.yml', 'grafana/provisioning', 'grafana/dashboards']) {
      expect(compose).to.include(`./examples/observability/${path}:`);
    }
    const source = await readFile(join(folder, 'grafana/provisioning/datasources/prometheus.yml'), 'utf8');
    expect(source).to.include('uid: prometheus');
    expect(await readFile(join(folder, 'prometheus.yml'), 'utf8')).to.include(':9464');
  });

  it('ends in order on SIGTERM', async () => {
    await service.quit();
    expect(service.log()).to.match(/closed; \d+ charges were cut off\n$/);
  });
});
