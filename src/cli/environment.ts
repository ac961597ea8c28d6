import type { TlsLevel } from '../config/settings.ts';
import { readFromPattern, readHostname } from '../config/values.ts';
import { quoted } from '../mail/printable.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { LEVELS, type SendOptions } from './values.ts';

/*
 * The variables that stand for options, so that a container or a crontab needs no file:
 *
 *   POSTHASTE_URL      --relay                POSTHASTE_ACCOUNT  --account
 *   POSTHASTE_TLS      --tls                  POSTHASTE_TLS_CA   --tls-ca
 *   POSTHASTE_FROM     `from` of the file     POSTHASTE_HOSTNAME `hostname`
 *
 * An option goes over its variable, and an empty variable is an unset one. What they say goes into the entry of a message
 * that is queued, as options do: who delivers it later has another environment. POSTHASTE_CONFIG, POSTHASTE_SPOOL,
 * POSTHASTE_LOG and POSTHASTE_PASSWORD[_FILE] are read where their files are.
 */
type Environment = Readonly<Record<string, string | undefined>>;

/** The options with what the environment says beneath them. @throws {CommandError} with 78 for what can't be used */
export function withEnvironment<O extends WithVariables>(options: O, env: Environment): O {
  const { POSTHASTE_URL, POSTHASTE_ACCOUNT, POSTHASTE_FROM, POSTHASTE_HOSTNAME, POSTHASTE_TLS, POSTHASTE_TLS_CA } = env;
  const isWay = options.relay !== undefined || options.account !== undefined;
  const relay = isWay ? undefined : POSTHASTE_URL || undefined;
  const account = isWay || relay !== undefined ? undefined : POSTHASTE_ACCOUNT || undefined;
  const level = options.tls.level ?? readLevel(POSTHASTE_TLS || undefined);
  const ca = options.tls.ca ?? (POSTHASTE_TLS_CA || undefined);
  return {
    ...options,
    ...(relay === undefined ? {} : { relay }),
    ...(account === undefined ? {} : { account }),
    ...(POSTHASTE_FROM ? { from: readFrom(POSTHASTE_FROM) } : {}),
    ...(POSTHASTE_HOSTNAME ? { hostname: readName(POSTHASTE_HOSTNAME) } : {}),
    tls: { ...options.tls, ...(level === undefined ? {} : { level }), ...(ca === undefined ? {} : { ca }) },
  };
}

type WithVariables = Pick<SendOptions, 'relay' | 'account' | 'tls' | 'from' | 'hostname'>;

function wrong(name: string, text: string, allowed: string): never {
  throw new CommandError(`Cannot use ${name} ${quoted(text)}: it must be ${allowed}`, EXIT.config);
}

function readLevel(text: string | undefined): TlsLevel | undefined {
  if (text === undefined) return undefined;
  return LEVELS.find((level) => level === text.toLowerCase()) ?? wrong('POSTHASTE_TLS', text, LEVELS.join(', '));
}

function readFrom(text: string): string {
  const reading = readFromPattern(text);
  return 'value' in reading ? reading.value : wrong('POSTHASTE_FROM', text, reading.allowed);
}

function readName(text: string): string {
  const reading = readHostname(text);
  return 'value' in reading ? reading.value : wrong('POSTHASTE_HOSTNAME', text, reading.allowed);
}
