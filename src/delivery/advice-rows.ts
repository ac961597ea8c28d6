import type { Failure } from '../mail/result.ts';
import { MEND_OR_LESS } from './failures.ts';

/* The table of `advice`: its first row that matches is taken. */

/** What is known of the way that was tried. */
export interface Circumstances {
  /** Everything goes through one server. */
  readonly isRelay: boolean;
  /** A user logs in. */
  readonly hasLogin: boolean;
  /** It does with access tokens (OAuth). */
  readonly hasTokens?: true;
  /** The domain or literal of the recipients, or the relay's name. */
  readonly destination: string;
  /** Our name: nobody else has mailboxes there. */
  readonly ownName: string;
}

export interface Row {
  readonly stages?: readonly Failure['stage'][];
  /** Of the failure, which is the server's own where it gave one. */
  readonly status?: RegExp;
  readonly codes?: readonly number[];
  /** In the server's words, or in ours where it said nothing. */
  readonly words?: RegExp;
  readonly when?: (around: Circumstances, failure: Failure) => boolean;
  readonly say: string | ((failure: Failure) => string);
}

const FINGERPRINT = /fingerprint (?:is )?((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\)?$/;
const pin = ({ text }: Failure): string => {
  const [, fingerprint] = FINGERPRINT.exec(text) ?? [];
  return fingerprint === undefined
    ? 'pin its certificate with --tls-fingerprint'
    : `pin it: --tls-fingerprint ${fingerprint}`;
};

const ENVELOPE: Row['stages'] = ['mail', 'rcpt', 'data', 'dot'];
const GREETING: Row['stages'] = ['greeting', 'ehlo', ...ENVELOPE];
const REVERSE =
  'The address that we send from needs a name that leads back to it (reverse DNS): ask the provider, or send through a relay';
const LISTED =
  'The address that we send from is on a list of those that are blocked: send through a relay, or ask the list to remove it';
const ALIAS =
  'For users of this host, say in /etc/aliases (root: you@example.org) or in "aliases" who reads their mail, or set "local"';
const APP = 'make an app password in the settings of your account and use it in place of the usual one';
const GREYLISTING =
  'The server asks strangers to come back (greylisting): nothing is to be done, a later attempt mostly gets through';
const SLOWER = 'The server wants less at a time: set "rate" or fewer sessions for its route; what waits is tried again';
const NO_SENDER = 'The domain of the sender is not known in DNS: use a sender that can be answered, with -f or "from"';
const SPF =
  'The SPF record of the sender’s domain does not have the address that we send from: add it, or send through the domain’s own relay';
const FULL = 'The mailbox is full: only its owner can make room';
const LARGE = 'The message is too large for this server: send it in parts, or a link to what is in it';

/** Names of hosts that no name server outside knows. */
const isUnqualified = ({ destination, ownName }: Circumstances): boolean =>
  !destination.includes('.') ||
  destination === ownName ||
  /\.(?:local|localdomain|lan|home|internal)$/.test(destination);

export const ROWS: readonly Row[] = [
  // What a domain publishes, and certificates; the words are our own.
  { stages: ['tls'], words: /certificate of \S+: by its (?:TLSA records|MTA-STS policy): /, say: MEND_OR_LESS },
  {
    stages: ['tls', 'connect'],
    words: /certificate .* has expired/,
    say: (one) => `Its operator has to renew it; where you know that it is the right server, ${pin(one)}`,
  },
  { stages: ['tls', 'connect'], words: /certificate .* is not valid before/, say: 'Check the clock of this host' },
  {
    stages: ['tls', 'connect'],
    words: /certificate .*: its fingerprint is /,
    say: (one) => `Where the server has changed its certificate knowingly, ${pin(one)}`,
  },
  {
    stages: ['tls', 'connect'],
    words: /certificate .*: it is for /,
    say: (one) => `Use a name that the certificate has; or where you know that it is the right server, ${pin(one)}`,
  },
  {
    ...{
      stages: ['tls', 'connect'],
      words: /certificate .*: (?:its issuer is not|it is self-signed|its chain ends in)/,
    },
    say: (one) => `Where its issuer is your own, name its file with --tls-ca ("tls.ca"); or ${pin(one)}`,
  },

  // Logins.
  {
    stages: ['auth'],
    words: /5\.7\.139|SmtpClientAuthentication is disabled|basic authentication is disabled/i,
    say: 'Microsoft takes no passwords here: let the account have "oauth" and run posthaste login, or ask its administrator to allow SMTP AUTH',
  },
  {
    stages: ['auth'],
    words: /5\.7\.3 Authentication unsuccessful/i,
    say: 'Microsoft wants OAuth or an app password: let the account have "oauth" and run posthaste login',
  },
  {
    stages: ['auth'],
    words: /application-specific password|InvalidSecondFactor|5\.7\.9/i,
    say: `The account has a second factor: ${APP}`,
  },
  {
    stages: ['auth'],
    words: /BadCredentials|support\.google\.com|gsmtp/i,
    say: `Gmail takes no usual passwords: ${APP} (myaccount.google.com/apppasswords), or let the account have "oauth" and run posthaste login`,
  },
  {
    stages: ['auth'],
    words: /too many|AUTH005|rate limit/i,
    say: 'The server has seen too many logins: wait an hour, and check user and password before the next one',
  },
  {
    stages: ['auth'],
    codes: [334, 535],
    words: /token|OAUTH|bearer/i,
    say: 'The access token is refused: run posthaste login for the account',
  },
  {
    // Such as Dovecot 2.4.1, which falls over a login that is bound to its certificate (TLS 1.2).
    stages: ['auth'],
    words: /^connection (?:lost|reset) when logging in/,
    say: 'The server may not get on with the mechanism: name a plainer one with --auth ("auth"), such as SCRAM-SHA-256',
  },
  { stages: ['auth'], codes: [535], say: `Check user and password; where the account has a second factor, ${APP}` },

  // A relay that does not take us for its own.
  {
    stages: ENVELOPE,
    codes: [530],
    when: ({ hasLogin }) => !hasLogin,
    say: 'The server wants a login: give a relay with a user and a password (smtps://USER@HOST)',
  },
  {
    ...{
      stages: ENVELOPE,
      words:
        /relay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|prohibited)|unable to relay|not permitted to relay|(?:need to|must|have to) (?:be )?authenticate|authentication (?:is )?required/i,
    },
    ...{
      when: ({ hasLogin }) => !hasLogin,
      say: 'The server delivers for strangers only to its own domains: give the relay a user and a password (smtps://USER@HOST), or send to the right host',
    },
  },
  {
    stages: ENVELOPE,
    words: /5\.7\.60|SendAsDenied|not (?:owned|allowed to send)|sender address rejected: not/i,
    when: ({ isRelay }) => isRelay,
    say: 'The login may not send as this sender: use its own address with -f, or set "from"',
  },

  // What names we give.
  {
    stages: ENVELOPE,
    words: /need fully-qualified address|unqualified (?:address|recipient)/i,
    say: ALIAS,
  },
  {
    stages: GREETING,
    words: /(?:helo|ehlo).{0,40}(?:rejected|invalid|refused)|need fully-qualified hostname/i,
    say: 'Set "hostname" to a name that leads to the address that we send from',
  },
  { stages: ENVELOPE, status: /^[45]\.1\.8$/, say: NO_SENDER },
  {
    stages: ENVELOPE,
    words: /sender.{0,80}(?:domain (?:not found|does not exist)|unknown domain)/i,
    say: NO_SENDER,
  },
  {
    stages: ['resolve'],
    status: /^5\.(?:1\.2|4\.6)$/,
    when: (around) => !around.isRelay && isUnqualified(around),
    say: ALIAS,
  },

  // Who we are: SPF, DKIM, DMARC, reverse DNS (RFC 7372), lists.
  { stages: GREETING, status: /^[45]\.7\.25$/, say: REVERSE },
  {
    stages: GREETING,
    words: /\bPTR\b|reverse (?:dns|hostname|lookup)|no rdns|cannot find your (?:reverse )?host ?name/i,
    say: REVERSE,
  },
  { stages: ENVELOPE, status: /^[45]\.7\.2[34]$/, say: SPF },
  {
    stages: ENVELOPE,
    status: /^[45]\.7\.2[0-2]$/,
    say: 'The message needs a DKIM signature that is right: send through the relay of the sender’s domain, which signs',
  },
  {
    stages: ENVELOPE,
    status: /^[45]\.7\.(?:26|509)$/,
    say: 'The sender’s domain wants SPF or DKIM to pass: see posthaste doctor, or send through the domain’s own relay',
  },
  {
    stages: ENVELOPE,
    status: /^[45]\.7\.27$/,
    say: 'The sender’s domain says that it takes no mail (null MX): use a sender that can be answered, with -f or "from"',
  },
  {
    stages: ENVELOPE,
    words: /\b(?:DMARC|unauthenticated)\b/i,
    say: 'The sender’s domain wants SPF or DKIM to pass: see posthaste doctor, or send through the domain’s own relay',
  },
  { stages: ENVELOPE, words: /\bSPF\b/, say: SPF },
  {
    stages: GREETING,
    words:
      /5\.7\.(?:511|60[6-9])|S3140|block ?list|black ?list|banned sending IP|spamhaus|zen\.|spamcop|barracuda|\bRBL\b|\bDNSBL\b|listed (?:at|by|in)|poor reputation/i,
    say: LISTED,
  },
  {
    stages: ENVELOPE,
    words: /likely (?:unsolicited|suspicious)|5\.7\.1.{0,80}spam/i,
    say: 'The server takes it for spam: see posthaste doctor for what it may hold against us, or send through a relay',
  },

  // What passes by itself.
  { stages: ENVELOPE, codes: [450, 451], words: /gr[ae]y.?list/i, say: GREYLISTING },
  {
    stages: ENVELOPE,
    codes: [450, 451],
    status: /^4\.7\.[01]$/,
    words: /try again|come back|(?:minutes|seconds|later)\b/i,
    say: GREYLISTING,
  },
  { stages: GREETING, codes: [421, 450, 451, 452], status: /^4\.7\.(?:28|650)$/, say: SLOWER },
  { stages: GREETING, codes: [421, 450, 451, 452], words: /too (?:many|much|fast)|rate limit|throttl/i, say: SLOWER },

  // The recipient's and the message's own.
  { stages: ENVELOPE, status: /^[45]\.2\.2$/, say: FULL },
  {
    stages: ENVELOPE,
    words: /mailbox (?:is )?full|over ?quota|quota exceeded/i,
    say: FULL,
  },
  {
    stages: ['mail', 'data', 'dot', 'rcpt'],
    status: /^[45]\.(?:3\.4|2\.3)$/,
    say: LARGE,
  },
  {
    stages: ['mail', 'data', 'dot'],
    words: /too (?:large|big)|size limit|exceeds.{0,20}size/i,
    say: LARGE,
  },
];
