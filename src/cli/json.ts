import { formatAddress } from '../mail/address.ts';
import type { QueueEntry } from '../mail/entry.ts';
import type { DeliveryResult, Peer } from '../mail/result.ts';
import type { ExitCode } from './exit.ts';
import type { History } from './history.ts';
import type { RefusedAddress } from './output.ts';
import { queueId } from './queue-id.ts';

/*
 * The result as one JSON object on standard output (`--json`), described in posthaste(1) under JSON. Members are only
 * ever added while `version` is 1; one that is not known is absent. There is one object whatever happens, on a usage
 * error too, and nothing else is on standard output.
 */

export interface RecipientJson {
  readonly recipient: string;
  readonly outcome: DeliveryResult['outcome'];
  /** RFC 3463. */
  readonly status: string;
  /** The reply's code and text, in the remote's words. */
  readonly code?: number;
  readonly text?: string;
  /** Our own words, where it was not delivered. */
  readonly error?: string;
  readonly advice?: string;
  /** Where in the attempt it went wrong. */
  readonly stage?: string;
  /** It may have been delivered all the same. */
  readonly uncertain?: true;
  readonly host?: string;
  readonly address?: string;
  readonly port?: number;
  /** Null: the connection was not encrypted. */
  readonly tls?: Peer['tls'] | null;
  readonly queueId?: string;
  /** It is in our own queue, by this id. */
  readonly queued?: string;
  readonly attempts: number;
  /** ISO 8601, UTC. */
  readonly firstAttempt?: string;
  readonly lastAttempt?: string;
}

export interface ErrorJson {
  readonly message: string;
}

export interface ResultJson {
  readonly version: 1;
  /** The exit status. */
  readonly exit: ExitCode;
  readonly message?: { readonly id?: string; readonly size: number };
  /** Empty for the null sender. */
  readonly sender?: string;
  readonly recipients: readonly RecipientJson[];
  readonly started?: string;
  readonly finished?: string;
  readonly error?: ErrorJson;
  /** The body is empty, and `--skip-empty` was given. */
  readonly skipped?: true;
}

export const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

const withPeer = (peer: Peer): Pick<RecipientJson, 'host' | 'address' | 'port' | 'tls'> => ({
  host: peer.host,
  address: peer.address,
  port: peer.port,
  tls: peer.tls ?? null,
});

/** One recipient's result, without the history of its attempts. */
export function resultJson(result: DeliveryResult): Omit<RecipientJson, 'attempts'> {
  const recipient = formatAddress(result.recipient.address);
  if (result.outcome === 'delivered') {
    const { reply, peer } = result;
    const id = queueId(reply);
    return {
      recipient,
      outcome: 'delivered',
      status: reply.status ?? '2.0.0',
      code: reply.code,
      text: reply.lines.join('\n'),
      ...withPeer(peer),
      ...(id === undefined ? {} : { queueId: id }),
    };
  }
  const { failure, peer } = result;
  return {
    recipient,
    outcome: result.outcome,
    status: failure.status,
    ...(failure.reply === undefined ? {} : { code: failure.reply.code, text: failure.reply.lines.join('\n') }),
    error: failure.text,
    ...(failure.advice === undefined ? {} : { advice: failure.advice }),
    stage: failure.stage,
    ...(failure.uncertain === true ? { uncertain: true } : {}),
    ...(failure.host === undefined ? {} : { host: failure.host }),
    ...(failure.address === undefined ? {} : { address: failure.address }),
    ...(peer === undefined ? {} : withPeer(peer)),
  };
}

/** One recipient with the history of its attempts. */
export const historyJson = (history: History, queued?: string): RecipientJson => ({
  ...resultJson(history.result),
  ...(queued === undefined ? {} : { queued }),
  attempts: history.attempts,
  firstAttempt: isoTime(history.first),
  lastAttempt: isoTime(history.last),
});

/** Recipients that were put into the queue untried. */
export const queuedJson = ({ id, recipients }: QueueEntry): readonly RecipientJson[] =>
  recipients.map(({ recipient: { address } }) => ({
    recipient: formatAddress(address),
    outcome: 'deferred',
    status: '4.0.0',
    error: 'not tried yet',
    queued: id,
    attempts: 0,
  }));

/** An address that was never tried. */
export const refusedJson = ({ text, reason }: RefusedAddress): RecipientJson => ({
  recipient: text,
  outcome: 'failed',
  status: '5.1.3',
  error: reason,
  attempts: 0,
});

/** The object of a run that ended before there was a recipient to speak of. */
export const errorJson = (message: string, exit: ExitCode): ResultJson => ({
  version: 1,
  exit,
  recipients: [],
  error: { message },
});

/** On one line, ASCII but for what JSON lets through: no control character, C1 included, passes to a terminal. */
export const printJson = (value: unknown): string =>
  `${JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, asEscape)}\n`;

const asEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
