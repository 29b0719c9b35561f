import { request as httpRequest } from 'node:http';
import { until } from '../wait.js';

/** Whom the management API serves, and where. */
export interface ManagementAccess {
  /** `http://host:port`; undefined where nobody has said. */
  readonly url: string | undefined;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** A connection as the management API lists it. */
export interface ListedConnection {
  /** The broker's name for it, such as `127.0.0.1:40318 -> 127.0.0.1:5552`. */
  readonly name: string;
  /** The name that the client gave to itself, if any. */
  readonly clientProvidedName: string | undefined;
  readonly user: string;
  readonly vhost: string;
  readonly node: string;
  /** `stream`, `AMQP 0-9-1` and so on. */
  readonly protocol: string;
}

/** Where the members of a stream are. Nodes go by their names. */
export interface StreamMembers {
  readonly leader: string | undefined;
  readonly members: readonly string[];
  readonly online: readonly string[];
}

/** A user's rights in a vhost, as regular expressions over names. All three default to `.*`. */
export interface Permissions {
  /** Default: the vhost of the server. */
  readonly vhost?: string | undefined;
  readonly configure?: string | undefined;
  readonly write?: string | undefined;
  readonly read?: string | undefined;
}

/** What goes along with a message that is published over the API. */
export interface PublishOptions {
  readonly exchange?: string | undefined;
  /** AMQP 0-9-1 basic properties, such as `{ message_id: 'm', headers: { a: 1 } }`. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  readonly vhost?: string | undefined;
}

/** Milliseconds for an answer. */
const patience = 20_000;

/** The broker refused, with an HTTP status. */
export class ManagementError extends Error {
  override readonly name = 'ManagementError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** RabbitMQ's management API. Each call has an HTTP connection of its own, so that nothing stays open. */
export class RabbitMqManagement {
  readonly #access: ManagementAccess;

  constructor(access: ManagementAccess) {
    this.#access = access;
  }

  /** `http://host:port`, where it is known. */
  get url(): string | undefined {
    return this.#access.url;
  }

  /**
   * Sends a request such as `request('PUT', '/api/vhosts/a')` and resolves with the answer as JSON, or undefined where
   * there is none. Parts of the path must be encoded; the root vhost is `%2F`.
   *
   * @throws ManagementError when the status is not 2xx.
   */
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const { url: base, username, password } = this.#access;
    if (base === undefined) {
      const missing = 'No management address is known; give http://host:port in RX_WEIR_RABBITMQ_MANAGEMENT.';
      return Promise.reject(new Error(`${method} ${path} can't be sent. ${missing}`));
    }
    return new Promise((resolve, reject) => {
      const url = new URL(path, base);
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      };
      const call = httpRequest(url, { method, headers, agent: false, timeout: patience }, (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status < 200 || status > 299) {
            reject(new ManagementError(status, `${method} ${url} was answered with ${status}: ${answer.trim()}`));
            return;
          }
          try {
            resolve((answer === '' ? undefined : JSON.parse(answer)) as T);
          } catch (cause) {
            const begin = answer.slice(0, 200);
            reject(new Error(`${method} ${url} was answered with something that is not JSON: ${begin}`, { cause }));
          }
        });
      });
      call.on('timeout', () => call.destroy(new Error(`${method} ${url} was not answered within ${patience} ms.`)));
      call.on('error', reject);
      call.end(text);
    });
  }

  /** The connections that are listed. One appears up to two seconds after it was opened. */
  async connections(): Promise<ListedConnection[]> {
    const list = await this.request<RawConnection[]>('GET', '/api/connections');
    return list.map(({ name, user_provided_name, client_properties, user, vhost, node, protocol }) => ({
      name,
      clientProvidedName: user_provided_name ?? client_properties?.connection_name,
      user,
      vhost,
      node,
      protocol,
    }));
  }

  /** Waits until at least `count` connections of this client-provided name are listed, for up to 20 s. */
  untilConnected(clientProvidedName: string, count = 1): Promise<ListedConnection[]> {
    let seen: ListedConnection[] = [];
    return until(
      async () => {
        seen = await this.connections();
        const found = seen.filter((connection) => connection.clientProvidedName === clientProvidedName);
        return found.length >= count && found;
      },
      {
        timeout: 20_000,
        every: 100,
        message: () =>
          `${count} connection(s) named ${clientProvidedName} to be listed; there are ` +
          (seen.map((connection) => connection.clientProvidedName ?? connection.name).join(', ') || 'none'),
      },
    );
  }

  /**
   * Waits until a connection of this client-provided name is listed, closes all of that name, and resolves when they
   * are listed no more.
   */
  async closeConnection(clientProvidedName: string): Promise<void> {
    const found = await this.untilConnected(clientProvidedName);
    await Promise.all(found.map(({ name }) => this.#delete(`/api/connections/${encodeURIComponent(name)}`)));
    const closed = new Set(found.map(({ name }) => name));
    const message = `connections named ${clientProvidedName} to be gone`;
    const isGone = async (): Promise<boolean> => (await this.connections()).every(({ name }) => !closed.has(name));
    await until(isGone, { every: 100, message });
  }

  /** Adds a user, or changes it. Without a password it can log in by certificate alone. */
  async addUser(name: string, password?: string, permissions: Permissions = {}): Promise<void> {
    const secret = password === undefined ? { password_hash: '' } : { password };
    await this.request('PUT', `/api/users/${encodeURIComponent(name)}`, { ...secret, tags: '' });
    await this.setPermissions(name, permissions);
  }

  /** Sets what a user may do in a vhost. */
  async setPermissions(user: string, permissions: Permissions = {}): Promise<void> {
    const { vhost, configure = '.*', write = '.*', read = '.*' } = permissions;
    const path = `/api/permissions/${this.#vhost(vhost)}/${encodeURIComponent(user)}`;
    await this.request('PUT', path, { configure, write, read });
  }

  async deleteUser(name: string): Promise<void> {
    await this.#delete(`/api/users/${encodeURIComponent(name)}`);
  }

  /** Adds a vhost, which the server's own user may use. */
  async addVhost(name: string): Promise<void> {
    await this.request('PUT', `/api/vhosts/${encodeURIComponent(name)}`, {});
    await this.setPermissions(this.#access.username, { vhost: name });
  }

  /** Deletes a vhost and all that is in it. */
  async deleteVhost(name: string): Promise<void> {
    await this.#delete(`/api/vhosts/${encodeURIComponent(name)}`);
  }

  /** Declares a stream, as AMQP clients do. Arguments such as `{ 'x-max-length-bytes': 1000 }`. */
  async declareStream(name: string, args: Readonly<Record<string, unknown>> = {}, vhost?: string): Promise<void> {
    await this.request('PUT', this.#queue(name, vhost), {
      durable: true,
      auto_delete: false,
      arguments: { ...args, 'x-queue-type': 'stream' },
    });
  }

  /** Deletes a queue or stream. */
  async deleteQueue(name: string, vhost?: string): Promise<void> {
    await this.#delete(this.#queue(name, vhost));
  }

  /**
   * Publishes by AMQP 0-9-1: to a queue or stream by its name, unless an exchange is given.
   *
   * @throws Error when no queue got it.
   */
  async publish(routingKey: string, body: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { exchange = 'amq.default', properties = {}, vhost } = options;
    const path = `/api/exchanges/${this.#vhost(vhost)}/${encodeURIComponent(exchange)}/publish`;
    const { routed } = await this.request<{ routed: boolean }>('POST', path, {
      routing_key: routingKey,
      properties,
      payload: Buffer.from(body).toString('base64'),
      payload_encoding: 'base64',
    });
    if (!routed) {
      throw new Error(`No queue got the message for ${routingKey} at exchange ${exchange}.`);
    }
  }

  /** Where a stream has its members, as the node that is asked sees it. */
  async streamMembers(name: string, vhost?: string): Promise<StreamMembers> {
    const queue = await this.request<Partial<StreamMembers>>('GET', this.#queue(name, vhost));
    return { leader: queue.leader || undefined, members: queue.members ?? [], online: queue.online ?? [] };
  }

  #queue(name: string, vhost: string | undefined): string {
    return `/api/queues/${this.#vhost(vhost)}/${encodeURIComponent(name)}`;
  }

  #vhost(vhost: string | undefined): string {
    return encodeURIComponent(vhost ?? this.#access.vhost);
  }

  /** What is gone already is fine. */
  async #delete(path: string): Promise<void> {
    await this.request('DELETE', path).catch((error: unknown) => {
      if (!(error instanceof ManagementError && error.status === 404)) {
        throw error;
      }
    });
  }
}

interface RawConnection {
  readonly name: string;
  readonly user_provided_name?: string;
  readonly client_properties?: { readonly connection_name?: string };
  readonly user: string;
  readonly vhost: string;
  readonly node: string;
  readonly protocol: string;
}
