import { expect } from 'chai';
import { inspect } from 'node:util';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { resolveOptions, type RabbitMqStreamOptions } from '../../lib/rabbitmq-stream/options.js';

describe('options of rabbitmqStream', () => {
  const refused = (options: unknown): InvalidOptionError => {
    try {
      resolveOptions(options as RabbitMqStreamOptions);
    } catch (error) {
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.match(/^rabbitmqStream\(\): /);
      return error as InvalidOptionError;
    }
    throw new Error(`accepted: ${inspect(options)}`);
  };

  it('has defaults for all', () => {
    for (const options of [undefined, {}]) {
      const { logger, password, tls, reconnect, ...resolved } = resolveOptions(options);
      expect(resolved).to.deep.equal({
        seeds: [{ host: 'localhost', port: 5552 }],
        username: 'guest',
        vhost: '/',
        sasl: 'plain',
        loadBalancer: false,
        resolveAddress: undefined,
        frameMax: 1_048_576,
        heartbeat: 60_000,
        connectionName: 'rx-weir',
        requestTimeout: 10_000,
        connectTimeout: 10_000,
        closeTimeout: 10_000,
      });
      expect([password, tls]).to.deep.equal(['guest', undefined]);
      expect(reconnect).to.include({ initialDelay: 250, maxAttempts: Infinity, initial: false });
      expect(logger).to.have.property('warn');
    }
    expect(resolveOptions({ reconnect: false }).reconnect).to.equal(undefined);
  });

  it('takes hosts with one port', () => {
    expect(resolveOptions({ host: 'a', port: 1 }).seeds).to.deep.equal([{ host: 'a', port: 1 }]);
    expect(resolveOptions({ host: ['a', 'b'] }).seeds).to.deep.equal([
      { host: 'a', port: 5552 },
      { host: 'b', port: 5552 },
    ]);
    expect(resolveOptions({ tls: true }).seeds).to.deep.equal([{ host: 'localhost', port: 5551 }]);
    expect(resolveOptions({ tls: false }).seeds).to.deep.equal([{ host: 'localhost', port: 5552 }]);
    expect(resolveOptions({ host: '::1' }).seeds[0]!.host).to.equal('::1');
    expect(resolveOptions({ host: '[::1]' }).seeds[0]!.host).to.equal('::1');
  });

  it('takes an address', () => {
    const options = resolveOptions({ url: 'rabbitmq-stream://me:se%2Fcret%40@host:1000/my%2Fvhost' });
    expect(options).to.deep.include({
      seeds: [{ host: 'host', port: 1000 }],
      username: 'me',
      password: 'se/cret@',
      vhost: 'my/vhost',
      tls: undefined,
    });
  });

  it('takes an address with little in it', () => {
    for (const url of [
      'rabbitmq-stream://host',
      'rabbitmq-stream://host/',
      'RabbitMQ-stream://host/%2F',
      ' rabbitmq-stream://host ',
    ]) {
      expect(resolveOptions({ url })).to.deep.include({
        seeds: [{ host: 'host', port: 5552 }],
        username: 'guest',
        password: 'guest',
        vhost: '/',
      });
    }
    expect(resolveOptions({ url: 'rabbitmq-stream://[::1]:7/' }).seeds).to.deep.equal([{ host: '::1', port: 7 }]);
    const options = resolveOptions({ url: 'rabbitmq-stream://host', username: 'me', password: '', vhost: 'v' });
    expect(options).to.deep.include({ username: 'me', password: '', vhost: 'v' });
  });

  it('takes several addresses', () => {
    const options = resolveOptions({
      url: ['rabbitmq-stream://me:secret@a/v', 'rabbitmq-stream://b:1', 'rabbitmq-stream://me@c/v'],
    });
    expect(options.seeds).to.deep.equal([
      { host: 'a', port: 5552 },
      { host: 'b', port: 1 },
      { host: 'c', port: 5552 },
    ]);
    expect([options.username, options.password, options.vhost]).to.deep.equal(['me', 'secret', 'v']);
  });

  it('speaks TLS where it is asked to, and verifies', () => {
    expect(resolveOptions({ url: 'rabbitmq-stream+tls://host' })).to.deep.include({
      seeds: [{ host: 'host', port: 5551 }],
      tls: {},
    });
    expect(resolveOptions({ tls: true }).tls).to.deep.equal({});
    const tls = {
      ca: ['x', new Uint8Array(1)],
      servername: 'y',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    } as const;
    expect(resolveOptions({ url: 'rabbitmq-stream+tls://host', tls }).tls).to.equal(tls);
  });

  it('rounds the heartbeat up to seconds', () => {
    expect(resolveOptions({ heartbeat: 1 }).heartbeat).to.equal(1000);
    expect(resolveOptions({ heartbeat: 2000 }).heartbeat).to.equal(2000);
    expect(resolveOptions({ heartbeat: 0 }).heartbeat).to.equal(0);
  });

  it('takes no frame limit, and small ones', () => {
    expect(resolveOptions({ frameMax: 0 }).frameMax).to.equal(0);
    expect(resolveOptions({ frameMax: 4096 }).frameMax).to.equal(4096);
    expect(refused({ frameMax: 100 }).message).to.match(/frameMax must be 0, or an integer from 4096/);
  });

  it('refuses what it does not know', () => {
    expect(refused({ hosts: 'a' }).message).to.match(/no option 'hosts', did you mean 'host'\?/);
    expect(refused({ tls: { cafile: 'a' } }).message).to.match(/no option 'tls.cafile'/);
    expect(refused({ reconnect: { delay: 1 } }).message).to.match(/no option 'reconnect.delay'/);
    expect(refused('rabbitmq-stream://host').message).to.match(/options must be an object/);
    expect(refused(null).message).to.match(/options must be an object/);
  });

  it('refuses values of the wrong kind, naming the option and what it accepts', () => {
    const wrong: [object, RegExp][] = [
      [{ host: '' }, /host must be a non-empty string/],
      [{ host: [] }, /host must be .*got an empty array/],
      [{ host: ['a', 1] }, /host\[1\] must be a non-empty string; got 1/],
      [{ host: 'a:5552' }, /host must be a name or an IP address alone; give the port as port/],
      [{ host: ['a', 'rabbitmq-stream://b'] }, /host\[1\] must be a name or an IP address alone/],
      [{ port: 0 }, /port must be an integer from 1 to 65535; got 0/],
      [{ port: '5552' }, /port must be an integer/],
      [{ username: '' }, /username must be a non-empty string/],
      [{ vhost: '' }, /vhost must be a non-empty string/],
      [{ tls: 'yes' }, /tls must be true or false, or an object with the options/],
      [{ tls: { rejectUnauthorized: 'no' } }, /tls\.rejectUnauthorized must be true or false/],
      [{ tls: { minVersion: 'TLSv1' } }, /tls\.minVersion must be one of/],
      [{ sasl: 'amqplain' }, /sasl must be one of 'plain', 'external'/],
      [{ loadBalancer: 1 }, /loadBalancer must be true or false/],
      [{ resolveAddress: 'x' }, /resolveAddress must be a function/],
      [{ heartbeat: -1 }, /heartbeat must be a number of milliseconds/],
      [{ heartbeat: Infinity }, /heartbeat must be/],
      [{ connectionName: '' }, /connectionName must be a non-empty string of up to 200 bytes/],
      [{ connectionName: 'é'.repeat(101) }, /connectionName must be .*: it is longer/],
      [{ requestTimeout: 0 }, /requestTimeout must be/],
      [{ connectTimeout: 0 }, /connectTimeout must be/],
      [{ closeTimeout: -1 }, /closeTimeout must be/],
      [{ reconnect: true }, /reconnect must be/],
      [{ logger: { info: () => undefined } }, /logger must be an object with the functions/],
    ];
    for (const [options, message] of wrong) expect(refused(options).message).to.match(message);
  });

  it('refuses addresses that say nothing, or too much', () => {
    const wrong: [unknown, RegExp][] = [
      ['', /url must be a non-empty string/],
      [[], /url must be/],
      ['host:5552', /url must be an address such as 'rabbitmq-stream:/],
      ['amqp://host', /url begins with 'amqp:\/\/'; accepted are rabbitmq-stream:\/\/ and rabbitmq-stream\+tls:\/\//],
      ['rabbitmq-stream://', /url must be an address/],
      ['rabbitmq-stream://host:99999', /with a host and a port up to 65535/],
      ['rabbitmq-stream://host:0', /with a host and a port up to 65535/],
      ['rabbitmq-stream://host/a/b', /the virtual host has a slash; encode it as %2F/],
      ['rabbitmq-stream://host/?heartbeat=1', /has a query or a fragment/],
      ['rabbitmq-stream://host/#x', /has a query or a fragment/],
      ['rabbitmq-stream://me:100%@host', /the password is not percent-encoded .* encode % as %25/],
      [
        ['rabbitmq-stream://a', 'rabbitmq-stream+tls://b'],
        /all addresses must begin with 'rabbitmq-stream:\/\/', or all/,
      ],
      [['rabbitmq-stream://x@a', 'rabbitmq-stream://y@b'], /differ in their username/],
      [['rabbitmq-stream://a', 'b'], /url\[1\] must be an address/],
    ];
    for (const [url, message] of wrong) expect(refused({ url }).message).to.match(message);
  });

  it('refuses what is said twice, or contradicts itself', () => {
    const url = 'rabbitmq-stream://me:secret@host/v';
    const wrong: [object, RegExp][] = [
      [{ url, host: 'b' }, /url and host are both given/],
      [{ url, port: 1 }, /url and port are both given/],
      [{ url, username: 'you' }, /url and username both say the username/],
      [{ url, password: 'x' }, /url and password both say the password/],
      [{ url, vhost: 'w' }, /url and vhost both say the vhost/],
      [{ url, tls: true }, /write 'rabbitmq-stream\+tls:\/\/'/],
      [{ url: 'rabbitmq-stream+tls://host', tls: false }, /tls is false, and url begins with/],
      [{ tls: { cert: 'x' } }, /tls\.cert is given without tls\.key/],
      [{ tls: { key: 'x' } }, /tls\.key is given without tls\.cert/],
      [{ sasl: 'external' }, /sasl 'external' takes who connects from the client certificate; give it/],
      [{ sasl: 'external', tls: true }, /give it as tls\.cert and tls\.key/],
      [{ sasl: 'external', tls: { pfx: 'x' }, username: 'me' }, /leave out username/],
    ];
    for (const [options, message] of wrong) expect(refused(options).message).to.match(message);
    expect(resolveOptions({ url, tls: false }).tls).to.equal(undefined);
    expect(resolveOptions({ sasl: 'external', tls: { cert: 'x', key: 'y' } }).sasl).to.equal('external');
  });

  it('prints no secret, in errors or by itself', () => {
    const secret = 'top%secret';
    const wrong: object[] = [
      { url: `rabbitmq-stream://me:${secret}@host` },
      { url: `amqp://me:${secret}@host` },
      { url: `me:${secret}@host` },
      { url: [`rabbitmq-stream://me:${secret}@host:0`] },
      { url: [`rabbitmq-stream://me:${secret}@host`, 1] },
      { url: `rabbitmq-stream://me:topsecret@host`, password: 'topsecret' },
      { password: ['topsecret'] },
      { password: 'topsecret\0' },
      { tls: { key: ['topsecret', 1] } },
      { tls: { key: 'topsecret' } },
      { tls: { passphrase: { topsecret: 1 } } },
    ];
    for (const options of wrong) {
      const error = refused(options);
      expect(`${error.message} ${JSON.stringify(error)}`).not.to.match(/top%?secret/);
    }
    const resolved = resolveOptions({ password: 'topsecret', tls: { key: 'topsecret', cert: 'x' } });
    expect(resolved.password).to.equal('topsecret');
    expect(inspect(resolved, { depth: 9 })).not.to.include('topsecret');
    expect(JSON.stringify(resolved)).not.to.include('topsecret');
  });
});
