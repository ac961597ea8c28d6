import type { Address } from '../../src/mail/address.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { Reply } from '../../src/mail/reply.ts';
import type { Delivered, Failure, Peer, Undelivered } from '../../src/mail/result.ts';

/** An address from its text, split at the last `@`. */
export const address = (text: string): Address => {
  const at = text.lastIndexOf('@');
  return { local: text.slice(0, at), domain: text.slice(at + 1) };
};

export const to = (text: string): Recipient => ({ address: address(text) });

/** `550 5.1.1 No such user`, or several lines divided by `|`. */
export function reply(text: string): Reply {
  const [first = '', ...more] = text.split('|');
  const [, code = '0', rest = ''] = /^(\d{3}) ?(.*)$/s.exec(first) ?? [];
  const status = /^\d\.\d{1,3}\.\d{1,3}(?= |$)/.exec(rest)?.[0];
  return { code: Number(code), lines: [rest, ...more], ...(status === undefined ? {} : { status }) };
}

export const PEER: Peer = { host: 'mx.example.net', address: '192.0.2.1', port: 25 };

export const delivered = (recipient: Recipient | string, text = '250 2.0.0 Ok: queued as 4ABC1'): Delivered => ({
  outcome: 'delivered',
  recipient: typeof recipient === 'string' ? to(recipient) : recipient,
  reply: reply(text),
  peer: PEER,
});

export const FAILURE: Failure = {
  scope: 'recipient',
  permanent: true,
  stage: 'rcpt',
  status: '5.1.1',
  text: 'refused when sending RCPT',
  host: 'mx.example.net',
  address: '192.0.2.1',
};

const undelivered =
  (outcome: 'failed' | 'deferred', base: Partial<Failure>) =>
  (recipient: Recipient | string, failure: Partial<Failure> = {}): Undelivered => ({
    outcome,
    recipient: typeof recipient === 'string' ? to(recipient) : recipient,
    failure: { ...FAILURE, ...base, ...failure },
  });

export const failed = undelivered('failed', {});
export const deferred = undelivered('deferred', { permanent: false, status: '4.4.1', stage: 'connect' });
