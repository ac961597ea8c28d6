import { WireError } from '../smtp/dialogue.ts';
import { ConnectError, type Connection, type Target } from './connection.ts';
import { type HttpAnswer, HttpError, type HttpWish, MOST_LINE, readHttp } from './http.ts';

/** What is asked for by `getText`. */
export interface GetQuestion {
  /** With TLS from the first byte; its `host` is the one that is named in the request. */
  readonly target: Target;
  readonly path: string;
  /** Octets of the body. */
  readonly most: number;
  /** Milliseconds from the open connection to the end of the answer. */
  readonly limit: number;
}

export interface GetWorld {
  connect(target: Target): Promise<Connection>;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
}

/** There is no answer; the text is what hindered it, on one line. */
export class GetError extends Error {
  override readonly name = 'GetError';
}

/** One GET on a connection of its own. No redirect is followed, and nothing is asked a second time. @throws {GetError} */
export async function getText(question: GetQuestion, world: GetWorld): Promise<HttpAnswer> {
  let connection: Connection | undefined;
  try {
    connection = await world.connect(question.target);
    connection.write([Buffer.from(requestOf(question))]);
    const deadline = world.monotonic() + question.limit;
    return await answered(connection, { ...question, left: () => deadline - world.monotonic() });
  } catch (error) {
    throw new GetError(reasonOf(error));
  } finally {
    connection?.destroy();
  }
}

const requestOf = ({ target, path }: GetQuestion): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${target.host}${target.port === 443 ? '' : `:${target.port}`}`,
    ...['User-Agent: posthaste', 'Accept: text/plain', 'Accept-Encoding: identity', 'Connection: close', '', ''],
  ].join('\r\n');

type Reading = GetQuestion & { left(): number };

async function answered(connection: Connection, { most, limit, left }: Reading): Promise<HttpAnswer> {
  const reading = readHttp(most);
  const unread = createUnread();
  let ended = false;
  let step = reading.next();
  while (step.done !== true) {
    const bytes = unread.take(step.value, ended);
    if (bytes !== undefined) {
      step = reading.next(bytes);
      continue;
    }
    if (ended) throw new HttpError('the connection was lost');
    const state = await connection.readable(left());
    if (state === 'timeout') throw new HttpError(`no answer within ${limit / 1000} s`);
    if (state === 'reset') throw new HttpError('the connection was lost');
    ended = state === 'ended';
    unread.add(connection.take() ?? Buffer.alloc(0));
  }
  return step.value;
}

/** Bytes that came and were not asked for yet; joined only when enough is there. */
function createUnread() {
  let chunks: Buffer[] = [];
  let size = 0;
  const cut = (count: number, skip = 0): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(count + skip)];
    size -= count + skip;
    return all.subarray(0, count);
  };
  return {
    add(bytes: Buffer): void {
      chunks.push(bytes);
      size += bytes.length;
    },
    /** @throws {HttpError} where more came than may */
    take(wish: HttpWish, ended: boolean): Buffer | undefined {
      switch (wish.kind) {
        case 'octets':
          return size >= wish.count ? cut(wish.count) : undefined;
        case 'rest':
          if (size > wish.most) throw new HttpError('its answer is too large');
          return ended ? cut(size) : undefined;
        case 'line': {
          const all = Buffer.concat(chunks);
          chunks = [all];
          const end = all.subarray(0, MOST_LINE + 2).indexOf(10);
          if (end < 0) {
            if (size > MOST_LINE) throw new HttpError('its answer has a line that is too long');
            return undefined;
          }
          return all[end - 1] === 13 ? cut(end - 1, 2) : cut(end, 1);
        }
      }
    },
  };
}

/** An error's words; none of them is the server's. */
function reasonOf(error: unknown): string {
  if (error instanceof HttpError) return error.message;
  if (error instanceof ConnectError) {
    return error.attempts.length === 0 ? 'it has no address' : (error.message.split(': ').slice(1).join(': ') ?? '');
  }
  if (error instanceof WireError)
    return error.message.replace(/^Cannot trust certificate of \S+: /, 'its certificate is not trusted: ');
  throw error;
}
