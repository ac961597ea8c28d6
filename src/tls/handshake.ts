/**
 * One TLS handshake on an open socket, and the check of what came out of it.
 *
 * node:tls is loaded by the first use only: a message that goes in the clear does not pay for it. In Node 20 the first
 * secure context costs 20 ms unless --use-openssl-ca is set, so `prepareTls` can be called when a connection is begun
 * and is done when the server has answered. Node never judges the certificate: the handshake always goes through, and
 * `tls/certificate` judges, so that opportunistic TLS has its facts and a refusal says what a person needs to know.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { TlsFacts } from '../mail/result.ts';
import { WireError } from '../smtp/dialogue.ts';
import type { ChannelBinding } from '../smtp/sasl/binding.ts';
import { bindingsOf } from './binding.ts';
import { fingerprintOf, iso, whyRefused } from './certificate.ts';
import type { TlsPlan } from './policy.ts';

type Tls = typeof import('node:tls');

/** What can be had before the server is ready. */
export interface PreparedTls {
  readonly tls: Tls;
  readonly secureContext: SecureContext;
}

const prepared = new Map<string, Promise<PreparedTls>>();

/**
 * Begins to load what a handshake by this plan needs; harmless to call again, and where nobody awaits it.
 * Rejects where PEM text can't be read.
 */
export function prepareTls(plan: TlsPlan): Promise<PreparedTls> {
  const key = JSON.stringify([plan.ca, plan.minVersion, plan.cert, plan.key]);
  let promise = prepared.get(key);
  if (promise === undefined) {
    promise = import('node:tls').then((tls) => ({ tls, secureContext: createContext(tls, plan) }));
    promise.catch(() => {});
    prepared.set(key, promise);
  }
  return promise;
}

function createContext(tls: Tls, plan: TlsPlan): SecureContext {
  // Node takes any text, and would then trust nobody without a word.
  if (plan.ca !== 'system' && plan.ca !== 'node' && !plan.ca.includes('-----BEGIN')) {
    throw new Error('the CA text has no certificate');
  }
  return tls.createSecureContext({
    minVersion: plan.minVersion,
    ...(plan.ca === 'system' ? {} : { ca: plan.ca === 'node' ? [...tls.rootCertificates] : plan.ca }),
    ...(plan.cert === undefined ? {} : { cert: plan.cert }),
    ...(plan.key === undefined ? {} : { key: plan.key }),
  });
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly facts: TlsFacts;
  readonly bindings: () => readonly ChannelBinding[];
  /** What the server showed: its own certificate first, then those it sent with it. */
  readonly chain: () => readonly X509Certificate[];
}

export interface Handshake {
  readonly prepared: PreparedTls;
  /** For messages. */
  readonly host: string;
  /** For all of it, absolute. */
  readonly milliseconds: number;
}

/**
 * Begins at once, so that nothing can be read from the socket in the clear any more.
 * @throws {WireError} stage `tls`: trouble `tls`, `timeout`, or `closed`. The socket is destroyed then.
 */
export async function handshake(
  plain: Socket,
  plan: TlsPlan,
  { prepared: { tls, secureContext }, host, milliseconds }: Handshake,
): Promise<Secured> {
  const socket = tls.connect({
    socket: plain,
    secureContext,
    rejectUnauthorized: false,
    // Without a name Node would take `host`, which is localhost by default; an address is not allowed (RFC 6066).
    servername: plan.servername === undefined || isIP(plan.servername) !== 0 ? '' : plan.servername,
    checkServerIdentity: () => undefined,
  });
  try {
    await secured(socket, milliseconds);
  } catch (error) {
    plain.destroy();
    throw wireError(host, error);
  }
  const certificate = socket.getPeerX509Certificate();
  const reason = await whyNot(socket, certificate, plan);
  if (reason !== undefined && plan.check !== 'none') {
    socket.destroy();
    throw failure(`Cannot trust certificate of ${host}: ${refusalText(reason, certificate)}`, 'tls');
  }
  const bindings = (): readonly ChannelBinding[] =>
    bindingsOf({
      protocol: socket.getProtocol(),
      certificate: certificate?.raw,
      exportKeyingMaterial: (length, label, context) => socket.exportKeyingMaterial(length, label, context),
    });
  const policy = plan.policy === undefined ? {} : { policy: plan.policy };
  const facts = { ...factsOf(socket, certificate, reason), ...policy };
  return { socket, facts, bindings, chain: () => [...chainFrom(certificate)] };
}

/** Why the certificate is not what the plan asks for, or where that is any one, why it can't be trusted. */
async function whyNot(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  plan: TlsPlan,
): Promise<string | undefined> {
  if (plan.check === 'dane') {
    const { whyNotDane } = await import('./dane.ts');
    const shown = { chain: [...chainFrom(certificate)], names: plan.names, now: Date.now() };
    const reason = whyNotDane(shown, plan.tlsa ?? []);
    return reason === undefined ? undefined : `by its TLSA records: ${reason}`;
  }
  const check = plan.check === 'none' ? ({ ...plan, check: 'chain' } as const) : plan;
  const reason = whyRefused({ certificate, chainError: chainErrorOf(socket) }, check);
  return reason !== undefined && plan.policy === 'mta-sts' ? `by its MTA-STS policy: ${reason}` : reason;
}

function secured(socket: TLSSocket, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const late = (): void => fail(failure(`Cannot start TLS: not done within ${milliseconds / 1000} s`, 'timeout'));
    const timer = setTimeout(late, milliseconds);
    const closed = (): void => fail(failure('Cannot start TLS: connection closed in the handshake', 'closed'));
    socket.on('error', fail);
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.on('error', () => {});
      socket.off('error', fail);
      socket.off('close', closed);
      // TLS 1.2 lets the server ask for any number of handshakes more.
      socket.disableRenegotiation();
      resolve();
    });
  });
}

function wireError(host: string, error: unknown): WireError {
  if (error instanceof WireError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const lost = code === 'ECONNRESET' || code === 'EPIPE';
  const reason = lost ? 'connection lost in the handshake' : reasonOf(error);
  return failure(`Cannot start TLS with ${host}: ${reason}`, lost ? 'closed' : 'tls', error);
}

const failure = (text: string, trouble: 'tls' | 'timeout' | 'closed', cause?: unknown): WireError =>
  new WireError(text, { trouble, stage: 'tls', ...(cause === undefined ? {} : { cause }) });

/** OpenSSL's words without its file names and numbers. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return error.message.split('\n')[0] ?? '';
}

// OpenSSL builds no longer one by default than a hundred; real ones have two to four.
const MOST_SHOWN = 20;

/** In the order in which they were sent. Node gives the first once only for a connection, and the others by it. */
function* chainFrom(own: X509Certificate | undefined): Generator<X509Certificate> {
  let current = own;
  for (let count = 0; current !== undefined && count < MOST_SHOWN; count += 1) {
    yield current;
    current = current.issuerCertificate;
  }
}

/** `authorizationError` is typed as an Error and is the code's text in Node 20. */
function chainErrorOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  const error: unknown = socket.authorizationError;
  if (typeof error === 'string') return error;
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return 'CERT_UNTRUSTED';
}

function refusalText(reason: string, certificate: X509Certificate | undefined): string {
  if (certificate === undefined || reason.includes('fingerprint')) return reason;
  return `${reason} (fingerprint ${fingerprintOf(certificate)})`;
}

function factsOf(socket: TLSSocket, certificate: X509Certificate | undefined, reason: string | undefined): TlsFacts {
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    verified: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    ...(certificate === undefined
      ? {}
      : {
          subject: oneLine(certificate.subject),
          issuer: oneLine(certificate.issuer),
          notAfter: iso(certificate.validTo),
          fingerprint: fingerprintOf(certificate),
        }),
  };
}

/** X509Certificate gives a line for each part of a name. */
const oneLine = (name: string | undefined): string => (name ?? '').split('\n').join(', ');
