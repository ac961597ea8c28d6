/*
 * One answer of a web server (HTTP/1.1, RFC 9112), read without a socket; pure.
 *
 *   const reading = readHttp(65_536);        a generator: it yields what it wants next, and is resumed with just that
 *   reading.next(); reading.next(line) …     until it is done: the answer, or an HttpError
 *
 * It wants a line (without its end), so many octets, or all up to the end of the connection. Interim answers (1xx) are
 * passed over, chunks put together. Everything is bounded, and what is not HTTP/1 to the letter is refused: this reads
 * small files from strangers, no web.
 */
export interface HttpAnswer {
  readonly status: number;
  /** The media type in lower case, without its parameters; '' where none is said. */
  readonly type: string;
  readonly body: Buffer;
}

export type HttpWish =
  | { readonly kind: 'line' }
  | { readonly kind: 'octets'; readonly count: number }
  | { readonly kind: 'rest'; readonly most: number };

export class HttpError extends Error {
  override readonly name = 'HttpError';
}

/** Octets of a line without its end. */
export const MOST_LINE = 8_192;
const MOST_FIELDS = 100;
const MOST_INTERIM = 5;
const TOO_LARGE = 'its answer is too large';

/** Reads an answer whose body has at most so many octets. @throws {HttpError} */
export function* readHttp(most: number): Generator<HttpWish, HttpAnswer, Buffer> {
  for (let count = 0; count <= MOST_INTERIM; count += 1) {
    const [, code] = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(yield* line()) ?? [];
    if (code === undefined) throw new HttpError('its answer is not HTTP/1.1');
    const fields = yield* readFields();
    const status = Number(code);
    if (status < 200) continue;
    const type = (fields.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    return { status, type, body: status === 204 || status === 304 ? NOTHING : yield* readBody(fields, most) };
  }
  throw new HttpError('its answer does not come to its end');
}

const NOTHING = Buffer.alloc(0);

function* line(): Generator<HttpWish, string, Buffer> {
  return (yield { kind: 'line' }).toString('latin1');
}

/** Names in lower case; of one that is there twice, both values with a comma. */
function* readFields(): Generator<HttpWish, ReadonlyMap<string, string>, Buffer> {
  const fields = new Map<string, string>();
  for (let count = 0; count <= MOST_FIELDS; count += 1) {
    const text = yield* line();
    if (text === '') return fields;
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new HttpError('its answer has a broken header');
    const key = name.toLowerCase();
    const before = fields.get(key);
    fields.set(key, before === undefined ? value.trim() : `${before},${value.trim()}`);
  }
  throw new HttpError('its answer has too many header fields');
}

/** RFC 9112, section 6.3. */
function* readBody(fields: ReadonlyMap<string, string>, most: number): Generator<HttpWish, Buffer, Buffer> {
  const coding = fields.get('transfer-encoding')?.toLowerCase();
  const length = fields.get('content-length');
  if (fields.has('content-encoding') && fields.get('content-encoding')?.toLowerCase() !== 'identity') {
    throw new HttpError('its answer is compressed, which was not asked for');
  }
  if (coding !== undefined) {
    if (coding !== 'chunked' || length !== undefined) throw new HttpError('the length of its answer is not clear');
    return yield* readChunks(most);
  }
  if (length === undefined) return yield { kind: 'rest', most };
  if (!/^[0-9]{1,15}$/.test(length)) throw new HttpError('the length of its answer is not clear');
  if (Number(length) > most) throw new HttpError(TOO_LARGE);
  return yield { kind: 'octets', count: Number(length) };
}

function* readChunks(most: number): Generator<HttpWish, Buffer, Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const [, hex] = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(yield* line()) ?? [];
    if (hex === undefined) throw new HttpError('its answer has a broken chunk');
    const count = Number.parseInt(hex, 16);
    if (count === 0) break;
    size += count;
    if (size > most) throw new HttpError(TOO_LARGE);
    chunks.push(yield { kind: 'octets', count });
    if ((yield* line()) !== '') throw new HttpError('its answer has a broken chunk');
  }
  yield* readFields();
  return Buffer.concat(chunks);
}
