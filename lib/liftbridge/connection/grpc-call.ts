import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import {
  AuthenticationError,
  FrameTooLargeError,
  InvalidOptionError,
  ProtocolError,
  type WeirError,
} from '../../core/errors.js';
import { FrameReader } from '../codec/frame-reader.js';
import { grpcFrame } from '../codec/grpc-frame.js';
import { grpcStatus } from '../codec/grpc-status.js';
import type { Call, CallHandlers, CallStatus } from './call.js';
import { brokenBy, noGrpc } from './failures.js';
import { callStatus, statusOfHttp, statusOfReset, statusOfTrailers } from './wire-status.js';

/** So many bytes may wait for the broker's window before `write` says to hold back. */
const enoughWritten = 256 * 1024;

const nothing = new Uint8Array(0);

/** What a call needs of its channel. @internal */
export interface CallHost {
  /** The longest message that is accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Whether the session is over, so that it is the channel that says why its calls end. */
  readonly gone: boolean;
  /** Whether the broker has said goodbye without having looked at that stream. */
  passedOver(stream: number): boolean;
  /** The call is over. */
  left(call: GrpcCall): void;
}

/**
 * A gRPC call on one HTTP/2 stream. Its stream may be given later than the call is made, because the metadata of a call can
 * take time; what is written until then waits.
 * @internal
 */
export class GrpcCall implements Call {
  readonly #host: CallHost;
  readonly #handlers: CallHandlers;
  readonly #reader: FrameReader;
  #stream: ClientHttp2Stream | undefined;
  #open = true;
  #halfClosed = false;
  /** What was written before there was a stream. */
  #early: Uint8Array[] | undefined;
  /** `write` has returned false, and `drained` is due. */
  #full = false;
  /** A handler wants no messages for the moment. */
  #stopped = false;
  /** `resume` is at work, and was called again meanwhile. */
  #resuming = false;
  #resumeAgain = false;
  #status: CallStatus | undefined;
  /** The stream has nothing more. */
  #ended = false;
  #unseen = false;

  /** @param first - the only message, after which nothing is written */
  constructor(host: CallHost, handlers: CallHandlers, first: Uint8Array | undefined) {
    this.#host = host;
    this.#handlers = handlers;
    this.#reader = new FrameReader({ maxMessage: host.maxMessageBytes }, (bytes, start, end) =>
      handlers.message(bytes, start, end),
    );
    if (first) {
      this.write(grpcFrame(first));
      this.halfClose();
    }
  }

  get open(): boolean {
    return this.#open;
  }

  get unseen(): boolean {
    return this.#unseen;
  }

  /** Goes on with the stream that its request was sent on. */
  begin(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    stream.once('response', (headers: IncomingHttpHeaders) => this.#respond(headers, stream));
    stream.once('trailers', (trailers: IncomingHttpHeaders) => {
      this.#status ??= statusOfTrailers(trailers);
    });
    stream.once('end', () => this.#end(stream));
    stream.once('close', () => this.#closed(stream));
    stream.on('drain', () => this.#drain());
    // what it has to say, the code of the stream says too; without a listener it would end the process
    stream.on('error', ignore);
    for (const frames of this.#early ?? []) stream.write(frames);
    this.#early = undefined;
    if (this.#halfClosed) stream.end();
    else if (this.#full && !stream.writableNeedDrain) this.#drain();
  }

  write(frames: Uint8Array): boolean {
    if (!this.#open || this.#halfClosed) return false;
    const stream = this.#stream;
    if (!stream) {
      (this.#early ??= []).push(frames);
      this.#full = true;
      return false;
    }
    if (stream.write(frames) || stream.writableLength < enoughWritten) return true;
    this.#full = true;
    return false;
  }

  halfClose(): void {
    if (!this.#open || this.#halfClosed) return;
    this.#halfClosed = true;
    this.#full = false;
    this.#stream?.end();
  }

  resume(): void {
    if (!this.#stopped || !this.#open) return;
    this.#resumeAgain = true;
    // called by a handler below: the loop goes on
    if (this.#resuming) return;
    this.#resuming = true;
    try {
      while (this.#resumeAgain && this.#open) {
        this.#resumeAgain = false;
        if (this.#reader.resume()) {
          this.#stopped = false;
          // it may have been stopped after it had asked for more, and would wait for that: a push of nothing says that it came
          this.#stream?.push(nothing);
          this.#stream?.resume();
        }
        if (this.#open) this.#handlers.flushed();
      }
    } catch (error) {
      this.#break(error);
    } finally {
      this.#resuming = false;
    }
    if (this.#ended && !this.#stopped && this.#stream) this.#settle(this.#stream);
  }

  cancel(): void {
    if (this.#open) this.#leave(constants.NGHTTP2_CANCEL);
  }

  /** Ends it, as trailers would. What was not handed over is dropped. */
  finish(status: CallStatus, cause: WeirError | undefined): void {
    if (!this.#open) return;
    this.#unseen = this.#isUnseen();
    // a server that has said its last word needs none of ours
    this.#leave(cause ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR);
    this.#handlers.ended(status, cause);
  }

  /** Ends it because of something on this side: there is no connection that takes calls, or the request cannot be made. */
  fail(cause: WeirError): void {
    const code =
      cause instanceof AuthenticationError
        ? grpcStatus.unauthenticated
        : cause instanceof InvalidOptionError
          ? grpcStatus.invalidArgument
          : grpcStatus.unavailable;
    this.finish(callStatus(code, cause.message), cause);
  }

  #isUnseen(): boolean {
    const stream = this.#stream;
    // Node gives a stream its number when it takes the request
    if (stream?.id === undefined) return true;
    return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || this.#host.passedOver(stream.id);
  }

  #leave(reset: number): void {
    this.#open = false;
    this.#early = undefined;
    this.#reader.stop();
    const stream = this.#stream;
    if (stream && !stream.destroyed) {
      delete (stream as Partial<ClientHttp2Stream>).push;
      stream.close(reset);
      // what is still there goes to nobody, and without it the stream would not end
      stream.resume();
    }
    this.#host.left(this);
  }

  /**
   * Node hands each DATA frame to `push` of the stream, which hands it on as 'data'. A server such as Go's sends a frame for
   * each message, and the way through the stream then costs as much as all else. So `push` is taken over while everything
   * is read at once; the stream's own is back in its place while reading is stopped, and until what it has kept meanwhile is
   * read. It then stops the reading of the connection's bytes for this call, which closes the window of HTTP/2.
   */
  #read(stream: ClientHttp2Stream): void {
    const push = (chunk: Uint8Array | null): boolean => {
      if (chunk === null) {
        delete (stream as Partial<ClientHttp2Stream>).push;
        return stream.push(null);
      }
      this.#take(chunk, stream);
      return true;
    };
    stream.on('data', (chunk: Uint8Array) => {
      this.#take(chunk, stream);
      if (this.#open && !this.#stopped && stream.readableLength === 0) stream.push = push;
    });
    if (stream.readableLength === 0) stream.push = push;
  }

  #take(chunk: Uint8Array, stream: ClientHttp2Stream): void {
    if (!this.#open) return;
    try {
      if (!this.#reader.push(chunk)) {
        this.#stopped = true;
        delete (stream as Partial<ClientHttp2Stream>).push;
        stream.pause();
      }
      if (this.#open) this.#handlers.flushed();
    } catch (error) {
      this.#break(error);
    }
  }

  #drain(): void {
    if (!this.#full || !this.#open) return;
    this.#full = false;
    this.#handlers.drained();
  }

  #respond(headers: IncomingHttpHeaders, stream: ClientHttp2Stream): void {
    const http = Number(headers[':status']);
    const type = headers['content-type'];
    // with this in the headers nothing follows, and it says more than what else they have
    this.#status = statusOfTrailers(headers);
    if (!this.#status && http !== 200) {
      this.finish(statusOfHttp(http), undefined);
    } else if (!this.#status && (type === undefined || !/^application\/grpc($|[+;])/i.test(type))) {
      this.#refuse(`it answered with the content type ${JSON.stringify(type ?? 'none')}, which is no gRPC`);
    } else {
      this.#read(stream);
    }
  }

  /** The stream has nothing more. The last of it may be in the reader: a stream ends though it was paused by its last chunk. */
  #end(stream: ClientHttp2Stream): void {
    this.#ended = true;
    if (!this.#stopped) this.#settle(stream);
  }

  /** All that came was handed over. */
  #settle(stream: ClientHttp2Stream): void {
    if (this.#status) this.#conclude(this.#status);
    else if (this.#host.gone) return;
    else if (stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#refuse('its answer ended without a grpc-status');
    else this.finish(statusOfReset(stream.rstCode), undefined);
  }

  #closed(stream: ClientHttp2Stream): void {
    if (!this.#open || this.#ended || this.#host.gone) return;
    // a status does not count while messages before it were not read, which are gone
    const handedOver = !this.#stopped && stream.readableLength === 0;
    if (this.#status && handedOver) this.#conclude(this.#status);
    else this.finish(statusOfReset(stream.rstCode), undefined);
  }

  #conclude(status: CallStatus): void {
    if (status.code === grpcStatus.ok && this.#reader.inside) this.#refuse('its answer ended inside of a message');
    else this.finish(status, undefined);
  }

  #refuse(problem: string): void {
    const cause = noGrpc(problem);
    this.finish(callStatus(grpcStatus.unknown, problem), cause);
  }

  #break(thrown: unknown): void {
    const cause = brokenBy(thrown);
    const code =
      cause instanceof FrameTooLargeError
        ? grpcStatus.resourceExhausted
        : cause instanceof ProtocolError
          ? grpcStatus.internal
          : grpcStatus.unknown;
    this.finish(callStatus(code, cause.message), cause);
  }
}

function ignore(): void {
  // nothing
}
