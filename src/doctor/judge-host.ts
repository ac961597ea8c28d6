import { formatReply, type Reply } from '../mail/reply.ts';
import type { Failure, TlsFacts } from '../mail/result.ts';
import type { ConnectFailure } from '../net/connection.ts';
import type { TlsPlan } from '../tls/policy.ts';
import type { Finding } from './finding.ts';
import type { HostFacts } from './probe.ts';

/** What is asked of a host. */
export interface Demands {
  readonly host: string;
  readonly port: number;
  /** STARTTLS, TLS from the first byte, or none at all. */
  readonly mode: 'must' | 'may' | 'never' | 'implicit';
  /** How its certificate is judged when mail is sent. */
  readonly check: TlsPlan['check'];
  readonly fingerprints: readonly string[];
  /** A user will log in. */
  readonly hasLogin: boolean;
  /** It is one that everything is sent through. */
  readonly isRelay: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const DAY = 86_400_000;
// Let's Encrypt's certificates are renewed 30 days before their end: at 14, something is wrong.
const SOON = 14;

export function judgeHost(facts: HostFacts, demands: Demands): readonly Finding[] {
  const { host: subject } = demands;
  if (facts.refusals !== undefined) {
    const advice = demands.isRelay
      ? 'Check its name and port, and that it is up'
      : 'Its operator has to see to it; in the queue, mail for it is tried again';
    return [{ check: 'connect', verdict: 'failure', subject, text: refusalText(facts.refusals, demands.port), advice }];
  }
  const { trouble } = facts;
  return [
    ...(facts.address === undefined
      ? []
      : [
          {
            check: 'connect',
            verdict: 'ok',
            subject,
            text: `${facts.address} answers on port ${demands.port}`,
          } as const,
        ]),
    ...judgeGreeting(facts, subject),
    ...judgeStartTls(facts, demands),
    ...(facts.tls === undefined ? [] : [judgeCertificate(facts.tls, demands)]),
    ...judgeAuth(facts, demands),
    ...(trouble === undefined ? [] : [judgeTrouble(trouble, subject)]),
  ];
}

const judgeTrouble = ({ stage, text, advice }: Failure, subject: string): Finding => ({
  ...{ check: checkOf(stage), verdict: 'failure', subject, text },
  advice: advice ?? 'Its operator has to see to it; what breaks off now and then is tried again',
});

const checkOf = (stage: string): Finding['check'] =>
  stage === 'tls' || stage === 'starttls' ? 'starttls' : 'greeting';

function refusalText(refusals: readonly ConnectFailure[], port: number): string {
  if (refusals.length === 0) return 'it has no address';
  return `nothing answers on port ${port}: ${refusals.map(({ address, reason }) => `${address}: ${reason}`).join('; ')}`;
}

const shown = (reply: Reply): string => formatReply(reply).slice(0, 200);

function judgeGreeting({ greeting, hello }: HostFacts, subject: string): readonly Finding[] {
  if (greeting === undefined) return [];
  if (greeting.code !== 220) {
    const advice =
      greeting.code >= 500
        ? 'Such a server often has our address on a list: ask at its operator, or send through a relay'
        : 'It may take mail later: it would be tried again';
    return [{ check: 'greeting', verdict: 'failure', subject, text: `it turns us away: ${shown(greeting)}`, advice }];
  }
  if (hello !== undefined && hello.code >= 400) {
    const advice = 'Set "hostname" to a name that leads to the address that we send from';
    return [{ check: 'greeting', verdict: 'failure', subject, text: `it refuses our EHLO: ${shown(hello)}`, advice }];
  }
  return [{ check: 'greeting', verdict: 'ok', subject, text: shown(greeting) }];
}

function judgeStartTls(
  { offersStartTls, startTls, tls }: HostFacts,
  { mode, host: subject }: Demands,
): readonly Finding[] {
  const check = 'starttls';
  if (mode === 'never') return [{ check, verdict: 'ok', subject, text: 'TLS is not used, as configured' }];
  if (tls !== undefined) return [{ check, verdict: 'ok', subject, text: `${tls.version}, ${tls.cipher}` }];
  if (offersStartTls === undefined) return [];
  if (startTls !== undefined && startTls.code !== 220) {
    return [
      {
        check,
        verdict: mode === 'must' ? 'failure' : 'warning',
        subject,
        text: `STARTTLS is refused: ${shown(startTls)}`,
        advice:
          'Its operator has to see to its certificate; a relay may have a port with TLS from the start (smtps://)',
      },
    ];
  }
  if (offersStartTls) return [];
  if (mode === 'may') {
    const text = 'no STARTTLS is offered: mail goes in the clear';
    return [{ check, verdict: 'warning', subject, text, advice: 'Where it must not, set tls.level = "encrypt"' }];
  }
  const advice =
    'Use the port that has TLS (465 with smtps://, 587 with smtp+starttls://), or allow less with --tls may';
  return [{ check, verdict: 'failure', subject, text: 'no STARTTLS is offered, and TLS is required', advice }];
}

function judgeCertificate(tls: TlsFacts, { check: how, fingerprints, host: subject, now }: Demands): Finding {
  const check = 'certificate';
  const bare = (text: string): string => text.replaceAll(':', '').toLowerCase();
  if (how === 'pinned') {
    const isPinned = fingerprints.some((one) => bare(one) === bare(tls.fingerprint ?? ''));
    if (isPinned) return { check, verdict: 'ok', subject, text: 'it has the fingerprint that is pinned' };
    const advice = `Where the server has changed it knowingly, pin ${tls.fingerprint ?? 'the new one'}`;
    return { check, verdict: 'failure', subject, text: 'it does not have the fingerprint that is pinned', advice };
  }
  const days = daysLeft(tls, now);
  const until = days === undefined ? '' : `, ${days} days left`;
  if (tls.verified) {
    const text = `the name and the issuer are right${until}`;
    if (days === undefined || days >= SOON) return { check, verdict: 'ok', subject, text };
    return { check, verdict: 'warning', subject, text, advice: 'Its operator should renew it' };
  }
  const why = tls.reason ?? 'it can not be verified';
  if (how === 'none') {
    return { check, verdict: 'ok', subject, text: `not verified: ${why}; without a policy, any certificate will do` };
  }
  const advice = `Where you know that it is the right server, pin it: --tls-fingerprint ${tls.fingerprint ?? '…'}`;
  return { check, verdict: 'failure', subject, text: why, advice };
}

function daysLeft({ notAfter }: TlsFacts, now: number): number | undefined {
  const end = notAfter === undefined ? Number.NaN : Date.parse(notAfter);
  return Number.isNaN(end) ? undefined : Math.floor((end - now) / DAY);
}

function judgeAuth({ extensions }: HostFacts, { hasLogin, isRelay, host: subject }: Demands): readonly Finding[] {
  if (extensions === undefined || !isRelay) return [];
  const check = 'auth';
  const names = extensions.auth.slice(0, 12).join(', ').slice(0, 200);
  if (hasLogin) {
    if (names !== '') return [{ check, verdict: 'ok', subject, text: `it offers ${names}` }];
    const advice = 'Servers often offer AUTH only behind TLS, or on the submission ports 465 and 587';
    return [{ check, verdict: 'failure', subject, text: 'there is a login, and it offers no AUTH', advice }];
  }
  if (names === '') return [{ check, verdict: 'ok', subject, text: 'no login is configured, and none is offered' }];
  const advice = 'Where it refuses to relay, give a user: smtps://USER@HOST';
  return [{ check, verdict: 'warning', subject, text: `it offers ${names}, and no login is configured`, advice }];
}

/** All hosts' addresses were silent, though names are found: a network that lets no mail out. */
export function judgeBlocked(
  all: readonly HostFacts[],
  { port, isRelay }: Pick<Demands, 'port' | 'isRelay'>,
): Finding | undefined {
  const refusals = all.flatMap((facts) => facts.refusals ?? []);
  const isSilent = refusals.length > 0 && refusals.every(({ code }) => code === 'ETIMEDOUT');
  if (!isSilent || all.some(({ refusals: own }) => own === undefined)) return undefined;
  if (port !== 25) {
    const text = `port ${port} is silent at every address: a firewall is between us and it, or the server is down`;
    return {
      check: 'connect',
      verdict: 'failure',
      text,
      advice: 'Check host and port, and that the network lets us out',
    };
  }
  return {
    check: 'connect',
    verdict: 'failure',
    text: 'port 25 is silent at every address, while names are found: this network seems to block it',
    advice: isRelay
      ? 'Use its port 465 or 587 (smtps://USER@HOST, smtp+starttls://USER@HOST)'
      : 'Send through a relay on port 465 or 587 (relay = "smtps://USER@HOST"), or ask the provider to open port 25',
  };
}
