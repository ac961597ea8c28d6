import type { RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { NetworkSettings } from '../config/settings.ts';

/** What an endpoint answered. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Sends a form to a URL. @throws {PostError} */
export type Post = (url: string, form: Readonly<Record<string, string>>) => Promise<Answer>;

/** There is no answer; the text is what hindered it. */
export class PostError extends Error {
  override readonly name = 'PostError';
}

export interface PostOptions {
  /** `system`, `node`, or PEM text. */
  readonly ca: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly network: Pick<NetworkSettings, 'ip' | 'proxy'>;
  /** Milliseconds for all of it. Default 30,000. */
  readonly timeout?: number;
}

/** Providers answer within a second. */
const TIMEOUT = 30_000;
/** Octets; answers have a few thousand. */
const MOST = 65_536;

/**
 * Makes what posts: one request on a connection of its own, to a server whose certificate is valid for its name. No
 * redirect is followed, and nothing is asked a second time.
 */
export const createPost =
  (options: PostOptions): Post =>
  async (url, form) => {
    const target = new URL(url);
    const { timeout = TIMEOUT } = options;
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), timeout);
    try {
      return await posted(target, new URLSearchParams({ ...form }).toString(), { ...options, signal: ending.signal });
    } catch (error) {
      const late = ending.signal.aborted ? `no answer within ${timeout / 1000} s` : undefined;
      throw new PostError(`${target.host}: ${late ?? reasonOf(error)}`);
    } finally {
      clearTimeout(timer);
      // Whatever is still open.
      ending.abort();
    }
  };

type Posting = PostOptions & { readonly signal: AbortSignal };

async function posted(url: URL, body: string, posting: Posting): Promise<Answer> {
  const [{ request }, route] = await Promise.all([import('node:https'), routeTo(url, posting)]);
  return new Promise((resolve, reject) => {
    const asked = request({
      ...{ host: bare(url.hostname), port: url.port || 443, path: `${url.pathname}${url.search}`, method: 'POST' },
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
        accept: 'application/json',
        host: url.host,
        connection: 'close',
      },
      signal: posting.signal,
      ...route,
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MOST) asked.destroy(new Error('its answer is too large'));
      });
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('the connection was lost')));
      response.on('end', () => {
        const type = response.headers['content-type'] ?? '';
        resolve({ status: response.statusCode ?? 0, type, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    asked.end(body);
  });
}

/** Brackets of an IPv6 address are for URLs. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

/** How the connection is made: straight, or through the proxy that mail goes through. */
async function routeTo(url: URL, { ca, minVersion, network, signal }: Posting): Promise<RequestOptions> {
  const tls = await import('node:tls');
  const trusted = ca === 'system' ? {} : { ca: ca === 'node' ? [...tls.rootCertificates] : ca };
  const family = network.ip === '4' ? { family: 4 } : network.ip === '6' ? { family: 6 } : {};
  if (network.proxy === undefined) return { agent: false, minVersion, ...trusted, ...family };
  const { openSocket } = await import('../net/open.ts');
  const host = bare(url.hostname);
  const target = { host, addresses: [host], port: Number(url.port || 443), proxy: network.proxy };
  const socket: Socket = await openSocket(host, { ...target, connectTimeout: 0, tlsTimeout: 0 }, signal);
  signal.addEventListener('abort', () => socket.destroy());
  const servername = /^[\d.]+$|:/.test(host) ? '' : host;
  return { createConnection: () => tls.connect({ socket, host, servername, minVersion, ...trusted }) };
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was lost',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'host is unreachable',
  ENETUNREACH: 'network is unreachable',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** An error's words; none of them is the server's. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return WORDS[code] ?? error.message.split('\n')[0]?.slice(0, 200) ?? '';
}
