import { describe, expect, test } from 'vitest';
import { adviseAll, advised } from '../../src/delivery/advice.ts';
import { type Circumstances, ROWS } from '../../src/delivery/advice-rows.ts';
import type { Failure } from '../../src/mail/result.ts';
import { refused } from '../../src/smtp/auth-failure.ts';
import { WireError } from '../../src/smtp/dialogue.ts';
import { judge, judgeBroken } from '../../src/smtp/judge.ts';
import { deferred, delivered, failed, reply } from '../cli/support.ts';

const MX: Circumstances = { isRelay: false, hasLogin: false, destination: 'example.org', ownName: 'vm.example.net' };
const RELAY: Circumstances = { ...MX, isRelay: true, destination: 'smtps://smtp.test:465' };
const USER: Circumstances = { ...RELAY, hasLogin: true };
const PRINT = Array.from({ length: 32 }, () => 'ab').join(':');

const untrusted = (why: string): Failure => ({
  ...{ scope: 'host', permanent: false, stage: 'tls', status: '4.7.5' },
  text: `TLS failed when starting TLS: Cannot trust certificate of mx.test: ${why}`,
});
const unresolved = (status = '5.1.2'): Failure => ({
  ...{
    scope: 'destination',
    permanent: true,
    stage: 'resolve',
    status,
    text: 'domain does not exist',
    advice: 'Check',
  },
});
const at = (stage: Failure['stage'], text: string): Failure => judge(stage, reply(text));
const auth = (text: string): Failure => refused('PLAIN', reply(text));

/** What each row is for: failures as servers and we put them, and a part of the advice. */
const CASES: readonly (readonly [Failure, RegExp, Circumstances?])[] = [
  [
    untrusted(`it or its issuer has expired; it is valid until 2020 (fingerprint ${PRINT})`),
    /has to renew it; .* pin it: --tls-fingerprint ab:/,
  ],
  [untrusted(`it is not valid before 2099 (fingerprint ${PRINT})`), /clock/],
  [untrusted(`its fingerprint is ${PRINT}`), /changed its certificate knowingly, pin it: --tls-fingerprint ab:.*:ab$/],
  [
    untrusted(`it is for "DNS:a.test", not for "mx.test" (fingerprint ${PRINT})`),
    /Use a name that the certificate has; .* pin it: --tls-fingerprint ab:/,
  ],
  [untrusted(`by its MTA-STS policy: it is self-signed (fingerprint ${PRINT})`), /has to mend it, .* --tls may /],
  [untrusted('it is for no name at all'), /pin its certificate with --tls-fingerprint$/],
  [untrusted(`it is self-signed (fingerprint ${PRINT})`), /--tls-ca/],
  [untrusted(`its issuer is not known (fingerprint ${PRINT})`), /--tls-ca/],
  [untrusted(`its chain ends in an unknown root (fingerprint ${PRINT})`), /--tls-ca/],

  [
    auth('535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.'),
    /Microsoft takes no passwords.*posthaste login/,
    USER,
  ],
  [auth('535 5.7.3 Authentication unsuccessful [AM0PR.eurprd.prod.outlook.com]'), /Microsoft wants OAuth/, USER],
  [auth('534 5.7.9 Application-specific password required.'), /second factor: make an app password/, USER],
  [
    auth('535 5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials x - gsmtp'),
    /Gmail.*app password.*posthaste login/,
    USER,
  ],
  [auth('535 5.7.0 (#AUTH005) Too many bad auth attempts.'), /too many logins/, USER],
  [auth('535 5.7.8 token expired'), /access token is refused: run posthaste login/, USER],
  [
    judgeBroken(new WireError('the server closed the connection', { trouble: 'closed', stage: 'auth' })),
    /plainer one with --auth/,
    USER,
  ],
  [auth('535 5.7.8 Error: authentication failed'), /Check user and password/, USER],

  [at('mail', '530 5.7.0 Authentication Required.'), /wants a login/, RELAY],
  [at('rcpt', '554 5.7.1 <bob@x.test>: Relay access denied'), /only to its own domains/, RELAY],
  [at('rcpt', '550 5.7.1 Unable to relay'), /only to its own domains/],
  [at('rcpt', '550 you must authenticate first'), /only to its own domains/, RELAY],
  [
    at('dot', '554 5.2.252 SendAsDenied; me@x.test not allowed to send as you@x.test'),
    /may not send as this sender/,
    USER,
  ],
  [at('rcpt', '553 5.7.1 <a@b>: Sender address rejected: not owned by user me'), /may not send as this sender/, USER],

  [at('rcpt', '504 5.5.2 <root>: Recipient address rejected: need fully-qualified address'), /\/etc\/aliases/],
  [unresolved(), /\/etc\/aliases/, { ...MX, destination: 'vm' }],
  [unresolved(), /\/etc\/aliases/, { ...MX, destination: 'vm.example.net' }],
  [unresolved('5.4.6'), /\/etc\/aliases/, { ...MX, destination: 'nas.local' }],
  [at('rcpt', '504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname'), /"hostname"/],
  [at('ehlo', '550 EHLO name invalid: refused'), /"hostname"/],
  [at('rcpt', '450 4.1.8 <me@vm>: Sender address rejected: Domain not found'), /domain of the sender is not known/],
  [at('mail', '553 sender address: unknown domain'), /domain of the sender is not known/],

  [at('dot', '550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record'), /reverse DNS/],
  [at('greeting', '554 no rDNS for your address'), /reverse DNS/],
  [at('rcpt', '550 5.7.23 The message was rejected because of Sender Policy Framework violation'), /SPF record/],
  [at('rcpt', '550 Message rejected: SPF fail - not authorized'), /SPF record/],
  [at('dot', '550 5.7.20 No passing DKIM signature found'), /DKIM signature/],
  [
    at('dot', '550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires'),
    /posthaste doctor/,
  ],
  [at('dot', '421 4.7.26 This mail is unauthenticated'), /posthaste doctor/],
  [at('dot', '550 5.7.509 Access denied, sending domain x.test does not pass DMARC verification'), /posthaste doctor/],
  [at('dot', '554 rejected due to DMARC policy'), /posthaste doctor/],
  [at('mail', '550 5.7.27 Sender address has null MX'), /takes no mail/],
  [at('greeting', '554 5.7.1 Service unavailable; blocked using zen.spamhaus.org'), /on a list/],
  [at('mail', '550 5.7.1 Unfortunately, messages from [192.0.2.1] weren’t sent. block list (S3140).'), /on a list/],
  [at('rcpt', '550 5.7.606 Access denied, banned sending IP [192.0.2.1]'), /on a list/],
  [at('dot', '550 5.7.1 Our system has detected that this message is likely unsolicited mail.'), /for spam/],

  [at('rcpt', '450 4.2.0 <bob@x.test>: Recipient address rejected: Greylisted'), /greylisting/],
  [at('rcpt', '451 4.7.1 Please try again later'), /greylisting/],
  [at('dot', '421 4.7.28 Our system has detected an unusual rate of mail'), /"rate"/],
  [at('mail', '421 4.7.0 Too many connections from your host'), /"rate"/],
  [at('rcpt', '552 5.2.2 Mailbox full'), /only its owner/],
  [at('rcpt', '452 The user is over quota'), /only its owner/],
  [at('mail', '552 5.3.4 Message size exceeds fixed limit'), /too large/],
  [at('dot', '554 message too large'), /too large/],
];

describe('advised()', () => {
  test.each(
    CASES.map(
      ([failure, want, around]) =>
        [failure.reply === undefined ? failure.text : failure.reply.lines[0], { failure, want, around }] as const,
    ),
  )('says what to do about %s', (_, { failure, want, around = MX }) => {
    const { advice, ...rest } = advised(failure, around);
    expect(advice).toMatch(want);
    const { advice: __, ...before } = failure;
    expect(rest).toEqual(before);
  });

  test('has a case for every row, and no row that another one hides', () => {
    const found = new Set(CASES.map(([failure, , around = MX]) => advised(failure, around).advice));
    const texts = ROWS.map(({ say }) => (typeof say === 'string' ? say : undefined)).filter((say) => say !== undefined);
    for (const text of texts) expect(found).toContain(text);
    // Those that are made of a fingerprint, each with its own beginning.
    expect([...found].filter((advice) => advice?.includes('--tls-fingerprint')).length).toBeGreaterThanOrEqual(
      ROWS.length - texts.length,
    );
  });

  test('stays on one line of words of our own', () => {
    const evil = 'secret-word\x1b[2J\r\nfingerprint';
    for (const [failure, , around = MX] of CASES) {
      const said =
        failure.reply === undefined ? {} : { reply: { ...failure.reply, lines: [...failure.reply.lines, evil] } };
      const { advice = '' } = advised({ ...failure, ...said }, around);
      expect(advice).toMatch(/^[ -~’]{10,300}$/);
      expect(advice).not.toMatch(/secret-word|example\.org\?|bob@/);
      expect(advice).toMatch(/^[A-Z].*[^.]$/);
    }
  });

  test('takes no fingerprint that a certificate’s name only pretends to', () => {
    const fake = Array.from({ length: 32 }, () => 'ee').join(':');
    const { advice } = advised(
      untrusted(`it is for "DNS:x (fingerprint ${fake})", not for "mx" (fingerprint ${PRINT})`),
      MX,
    );
    expect(advice).toContain(PRINT);
    expect(advice).not.toContain(fake);
  });

  test('leaves what it knows nothing better of', () => {
    for (const failure of [
      at('rcpt', '550 5.1.1 No such user here'),
      at('rcpt', '451 4.3.0 internal error'),
      at('greeting', '421 4.3.2 shutting down'),
      unresolved(),
      { ...at('rcpt', '550 5.1.1 no'), advice: 'as it was' },
    ]) {
      expect(advised(failure, MX)).toBe(failure);
    }
    // Who is logged in is not told to log in.
    const denied = at('rcpt', '554 5.7.1 <bob@x.test>: Relay access denied');
    expect(advised(denied, USER)).toBe(denied);
  });
});

test('adviseAll() touches failures alone', () => {
  const good = delivered('ann@x.test');
  const full = failed('bob@x.test', at('rcpt', '552 5.2.2 full'));
  const other = deferred('eve@x.test');
  const [first, second, third] = adviseAll([good, full, other], MX);
  expect(first).toBe(good);
  expect(second).toMatchObject({ outcome: 'failed', failure: { advice: expect.stringMatching(/owner/) } });
  expect(third).toBe(other);
});

test('advised() says nothing of passwords where an account has tokens', () => {
  const gmail = refused('XOAUTH2', reply('535 5.7.8 Username and Password not accepted. BadCredentials gsmtp'));
  const failure = { ...gmail, advice: 'run posthaste login' };
  expect(advised(failure, USER).advice).toMatch(/^Gmail takes no usual passwords/);
  expect(advised(failure, { ...USER, hasTokens: true })).toEqual(failure);
});
