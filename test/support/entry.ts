import type { Address } from '../../src/mail/address.ts';
import { ENTRY_VERSION, type QueuedRecipient, type QueueEntry } from '../../src/mail/entry.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { Delivered, Failure, Undelivered } from '../../src/mail/result.ts';

/** 22 November 2026, 20:11:31 UTC: when all entries of tests were queued. */
export const QUEUED = 1_795_378_291_000;

export const addressOf = (text: string): Address => {
  const at = text.lastIndexOf('@');
  return { local: text.slice(0, at), domain: text.slice(at + 1) };
};

export const recipientOf = (text: string, rest: Partial<Recipient> = {}): Recipient => ({
  address: addressOf(text),
  ...rest,
});

/** A recipient that was never tried. */
export const queuedOf = (text: string, rest: Partial<QueuedRecipient> = {}): QueuedRecipient => ({
  recipient: recipientOf(text),
  state: 'pending',
  attempts: 0,
  nextAttempt: QUEUED,
  history: [],
  ...rest,
});

/** An entry from ann@example.org to bob@example.net, queued at QUEUED. */
export const entryOf = (rest: Partial<QueueEntry> = {}): QueueEntry => ({
  version: ENTRY_VERSION,
  id: 'q1',
  queued: QUEUED,
  envelope: { sender: addressOf('ann@example.org') },
  message: {
    headerSize: 100,
    digest: '00',
    facts: { size: 1000, eightBitHeader: false, eightBitBody: false, longestLine: 70, nul: false },
  },
  way: {},
  uid: 1000,
  recipients: [queuedOf('bob@example.net')],
  ...rest,
});

const PEER = { host: 'mx.example.net', address: '192.0.2.25', port: 25 };

export const deliveredTo = (recipient: Recipient, rest: Partial<Delivered> = {}): Delivered => ({
  outcome: 'delivered',
  recipient,
  reply: { code: 250, status: '2.0.0', lines: ['2.0.0 Ok: queued as 4XyZ'] },
  peer: PEER,
  ...rest,
});

export const failureOf = (rest: Partial<Failure> = {}): Failure => ({
  scope: 'recipient',
  permanent: true,
  stage: 'rcpt',
  status: '5.1.1',
  text: 'refused when sending RCPT',
  reply: { code: 550, status: '5.1.1', lines: ['5.1.1 No such user here'] },
  host: PEER.host,
  address: PEER.address,
  ...rest,
});

export const failedFor = (recipient: Recipient, rest: Partial<Failure> = {}): Undelivered => ({
  outcome: 'failed',
  recipient,
  failure: failureOf(rest),
  peer: PEER,
});

export const GREYLISTED: Partial<Failure> = {
  permanent: false,
  status: '4.7.1',
  reply: { code: 451, status: '4.7.1', lines: ['4.7.1 Greylisted, come again'] },
};

export const deferredFor = (recipient: Recipient, rest: Partial<Failure> = {}): Undelivered => ({
  outcome: 'deferred',
  recipient,
  failure: failureOf({ ...GREYLISTED, ...rest }),
  peer: PEER,
});
