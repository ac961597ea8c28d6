import { formatDuration } from '../config/duration.ts';
import { escapeControls } from '../mail/printable.ts';
import type { Match } from '../route/match.ts';
import { row } from './dry-run.ts';
import type { ExplainedRecipientJson, ExplanationJson } from './explain-walk.ts';
import type { HostJson, WayJson } from './explain-way.ts';

/** An explanation as lines for a person. What names and servers say is escaped. */
export function explanationLines({ sender, addresses, recipients }: ExplanationJson): readonly string[] {
  return [
    row('Sender', sender || '<>'),
    ...addresses.flatMap(({ address, aliases, refused }) => [
      row('Address', address),
      ...aliases.map(({ from, to, file, line }) => {
        const place = line === undefined ? file : `${file}:${line}`;
        return row('Alias', `${from} is ${to.join(', ')} (${place})`);
      }),
      ...refused.map((each) => row('Refused', `${each.address}: ${each.reason}`)),
    ]),
    ...recipients.flatMap((recipient) => ['', ...recipientLines(recipient, sender)]),
  ].map(escapeControls);
}

function recipientLines(explained: ExplainedRecipientJson, sender: string): readonly string[] {
  const { recipient, rule, match, ways, outcome, status, error, retry } = explained;
  const count = ways.length;
  const isRemote = ways.some(({ hosts }) => hosts !== undefined);
  return [
    row('Recipient', recipient),
    row('Route', `${rule}${whyOf(match)}`),
    ...ways.flatMap((way, index) => wayLines(way, { sender, number: count === 1 ? '' : ` ${index + 1}` })),
    ...(isRemote ? [row('Retry', retryWords(retry))] : []),
    ...(outcome === undefined ? [] : [row('Result', `${outcome} (${status}): ${error}`)]),
  ];
}

function whyOf({ local, recipient, sender, byAuthor, uid }: Match): string {
  const reasons = [
    ...(local === true ? ['it is a user of this host'] : []),
    ...(recipient === undefined ? [] : [`the recipient matches ${recipient}`]),
    ...(sender === undefined ? [] : [`${byAuthor === true ? 'From' : 'the sender'} matches ${sender}`]),
    ...(uid === undefined ? [] : [`the user id is ${uid}`]),
  ];
  return reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
}

interface Place {
  readonly sender: string;
  /** Where there are several. */
  readonly number: string;
}

function wayLines(way: WayJson, { sender, number }: Place): readonly string[] {
  const { account, destination, port, path, hosts = [], error, status, login } = way;
  const where = way.way === destination ? destination : `${way.way} to ${destination}`;
  const by = account === undefined ? '' : `, account ${account}`;
  const isShown = way.way.endsWith(`:${port}`) || port === undefined || port === 0;
  return [
    row(`Way${number}`, `${where}${isShown ? '' : `, port ${port}`}${by}`),
    ...(way.sender === sender ? [] : [row('  Sender', way.sender || '<>')]),
    ...(way.from === undefined || way.from === sender ? [] : [row('  From', way.from)]),
    ...(path === undefined ? [] : [row('  Mailbox', path)]),
    ...(error === undefined ? [] : [row('  Failure', `${error} (${status})`)]),
    ...hosts.map((host) => row('  Host', hostWords(host))),
    ...(way.tls === undefined ? [] : [row('  TLS', tlsWords(way.tls))]),
    ...(login === undefined ? [] : [row('  Login', loginWords(login))]),
    ...(way.network === undefined ? [] : [row('  Network', networkWords(way.network))]),
    ...(way.limits === undefined ? [] : [row('  Limits', limitWords(way.limits))]),
  ];
}

const POLICIES: Readonly<Record<NonNullable<HostJson['policy']>, string>> = {
  dane: 'TLS by its TLSA records',
  'dane-any': 'TLS, as it has TLSA records',
  'mta-sts': 'TLS with a valid certificate, by the MTA-STS policy',
};

function hostWords({ name, preference, addresses, policy, error, status }: HostJson): string {
  const where = addresses?.join(', ') ?? `${error} (${status})`;
  const asked = policy === undefined ? '' : `; ${POLICIES[policy]}`;
  return addresses?.length === 1 && addresses[0] === name ? name : `${preference} ${name}: ${where}${asked}`;
}

const MODES: Readonly<Record<NonNullable<WayJson['tls']>['mode'], string>> = {
  implicit: 'from the first byte',
  starttls: 'by STARTTLS, or not at all',
  'starttls-if-offered': 'by STARTTLS where it is offered',
  none: 'none',
};

function tlsWords({
  mode,
  check,
  ca,
  certificate,
  minVersion,
  fingerprints = [],
}: NonNullable<WayJson['tls']>): string {
  if (mode === 'none') return MODES.none;
  const checks = {
    chain: `the certificate must have the host’s name and an issuer that is known (${ca})`,
    pinned: `the certificate must have the fingerprint ${fingerprints.join(' or ')}`,
    dane: 'the certificate must be as its TLSA records say',
    none: 'any certificate will do',
  };
  const ours = certificate === undefined ? '' : `; ours is ${certificate}`;
  return `${MODES[mode]}; ${checks[check]}; ${minVersion} or newer${ours}`;
}

function loginWords({ user, mechanism, token, password = [] }: NonNullable<WayJson['login']>): string {
  const by = mechanism === undefined ? 'by the best mechanism that is offered' : `by ${mechanism}`;
  const who = user === undefined ? '' : `as ${user} `;
  if (token !== undefined) return `${who}${by}, access token from ${token}`;
  return `${who}${by}${password.length === 0 ? '' : `, password from ${password.join(' or ')}`}`;
}

const FAMILIES = {
  any: 'IPv6 and IPv4',
  '4': 'IPv4 only',
  '6': 'IPv6 only',
  'prefer-4': 'IPv4 first',
  'prefer-6': 'IPv6 first',
} as const;

function networkWords({ hello, ip, source, proxy }: NonNullable<WayJson['network']>): string {
  return [
    FAMILIES[ip],
    `EHLO ${hello ?? '[our address]'}`,
    ...(source.length === 0 ? [] : [`from ${source.join(' and ')}`]),
    ...(proxy === undefined ? [] : [`through the proxy ${proxy}`]),
  ].join(', ');
}

function limitWords({
  recipients,
  sessions,
  destinationSessions,
  addresses,
  rate,
  timeouts = {},
}: NonNullable<WayJson['limits']>): string {
  const slow = rate === undefined ? [] : [`${rate.messages} messages in ${formatDuration(rate.milliseconds)}`];
  return [
    ...slow,
    `${recipients} recipients in a transaction`,
    `${addresses} addresses and ${sessions} sessions in an attempt`,
    `${destinationSessions} sessions at once`,
    ...Object.entries(timeouts).map(([stage, limit]) => `${formatDuration(limit)} for ${stage}`),
  ].join(', ');
}

function retryWords({ pauses, expire, delayWarning }: ExplainedRecipientJson['retry']): string {
  const first = pauses.slice(0, -1).map(formatDuration);
  const last = formatDuration(pauses.at(-1) ?? 0);
  const after = first.length === 0 ? `every ${last}` : `after ${first.join(', ')}, then every ${last}`;
  const warning = delayWarning > 0 ? `; the sender is told after ${formatDuration(delayWarning)}` : '';
  return `${after}${warning}; it comes back after ${formatDuration(expire)}`;
}
