import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { quoted } from '../mail/printable.ts';
import type { Refusal } from './grant.ts';

/** The place on this machine where the browser comes back to. */
export interface Redirect {
  readonly url: string;
  /** What it brought; never rejects. */
  readonly back: Promise<Back>;
  close(): void;
}

export type Back = { readonly kind: 'code'; readonly code: string } | (Refusal & { readonly kind: 'error' });

export interface RedirectOptions {
  readonly host: '127.0.0.1' | 'localhost';
  readonly state: string;
  /** Milliseconds in which the browser has to come back. Default ten minutes. */
  readonly timeout?: number;
}

const TIMEOUT = 600_000;
/** Milliseconds for one request; octets of it. */
const REQUEST = 10_000;
const MOST = 16_384;
const CONNECTIONS = 16;

/**
 * Waits on a port of the loopback interface for the one request that has our state; all others (other programs, pages in
 * the same browser, its wish for an icon) are refused and change nothing. Rejects where there is no port.
 */
export async function waitForBrowser({ host, state, timeout = TIMEOUT }: RedirectOptions): Promise<Redirect> {
  let settle: (back: Back) => void = () => {};
  const back = new Promise<Back>((resolve) => {
    settle = resolve;
  });
  let place = '';
  const server = createServer(
    { maxHeaderSize: MOST, requestTimeout: REQUEST, headersTimeout: REQUEST },
    (request, response) => {
      const answer = judge(request, { place, state });
      say(response, answer);
      if (answer.back !== undefined) settle(answer.back);
    },
  );
  server.maxConnections = CONNECTIONS;
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  server.on('error', () => {});
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot wait for browser: there is no port');
  place = `${host}:${address.port}`;
  const late: Back = { kind: 'error', error: 'expired_token', text: 'nobody came back from the browser in time' };
  const timer = setTimeout(() => settle(late), timeout);
  return {
    url: `http://${place}/`,
    back,
    close() {
      clearTimeout(timer);
      server.close();
      // The answer was written; who keeps the connection open is not waited for.
      server.closeIdleConnections();
      setImmediate(() => server.closeAllConnections());
    },
  };
}

interface Verdict {
  readonly status: number;
  readonly text: string;
  readonly back?: Back;
}

const refuse = (status: number, text: string): Verdict => ({ status, text });

function judge(request: IncomingMessage, wanted: { readonly place: string; readonly state: string }): Verdict {
  if (request.method !== 'GET') return refuse(405, 'Only GET.');
  // A name that leads here by a trick of its DNS is another host (rebinding).
  if (request.headers.host !== wanted.place) return refuse(400, 'Another host.');
  const url = parse(request.url ?? '', wanted.place);
  if (url === undefined || url.pathname !== '/') return refuse(404, 'Nothing here.');
  const { searchParams } = url;
  if (!isSame(searchParams.get('state') ?? '', wanted.state))
    return refuse(400, 'This is not the login that was begun.');
  const error = searchParams.get('error');
  if (error !== null) {
    const description = searchParams.get('error_description') ?? '';
    const text = `${quoted(error, 60)}${description === '' ? '' : `: ${quoted(description, 200)}`}`;
    return {
      status: 200,
      text: 'The login was refused. You can close this window.',
      back: { kind: 'error', error, text },
    };
  }
  const code = searchParams.get('code') ?? '';
  if (!/^[ -~]{1,8192}$/.test(code)) return refuse(400, 'There is no code.');
  return { status: 200, text: 'Thank you. You can close this window.', back: { kind: 'code', code } };
}

function parse(path: string, place: string): URL | undefined {
  const text = `http://${place}${path}`;
  return path.startsWith('/') && URL.canParse(text) ? new URL(text) : undefined;
}

function isSame(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function say(response: ServerResponse, { status, text }: Verdict): void {
  response.on('error', () => {});
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`${text}\n`);
}
