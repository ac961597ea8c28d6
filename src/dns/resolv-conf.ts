import { isLocalAddress } from '../net/local-address.ts';

/** A name server. */
export interface Server {
  /** An address; IPv6 perhaps with a zone, such as `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

/** Whom to ask, and how patiently. */
export interface ServerSettings {
  readonly servers: readonly Server[];
  /** Milliseconds for one question to one server. */
  readonly timeout: number;
  /** How often all servers are gone through. */
  readonly attempts: number;
  /** Start with another server each time. */
  readonly rotate: boolean;
  /** The AD bit of servers that are not on loopback is believed too. */
  readonly trustAd: boolean;
  /** Ask over TCP at once. */
  readonly useTcp: boolean;
}

const DNS_PORT = 53;
// As glibc: more name servers than these only add waiting time.
const MAX_SERVERS = 3;
const MAX_TIMEOUT_SECONDS = 30;
const MAX_ATTEMPTS = 5;
// The file is a few lines; what is longer is something else.
const MAX_TEXT = 65_536;

/**
 * Reads the text of /etc/resolv.conf (resolv.conf(5)); what is not understood is passed over, as resolvers do. Search
 * lists and `ndots` have no meaning here, since names are absolute, and `edns0` is always on. Without a name server it is
 * the one on this machine.
 */
export function parseResolvConf(text: string): ServerSettings {
  const servers: Server[] = [];
  const options = new Map<string, number>();
  for (const line of text.slice(0, MAX_TEXT).split(/\r\n|\n|\r/)) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .split(/[ \t]+/)
      .filter(Boolean);
    if (keyword === 'nameserver' && words[0] !== undefined && isServerAddress(words[0])) {
      if (servers.length < MAX_SERVERS) servers.push({ address: words[0], port: DNS_PORT });
    } else if (keyword === 'options') {
      for (const word of words) readOption(word, options);
    }
  }
  return {
    servers: servers.length > 0 ? servers : [{ address: '127.0.0.1', port: DNS_PORT }],
    timeout: bounded(options.get('timeout'), 5, MAX_TIMEOUT_SECONDS) * 1000,
    attempts: bounded(options.get('attempts'), 2, MAX_ATTEMPTS),
    rotate: options.has('rotate'),
    trustAd: options.has('trust-ad'),
    useTcp: options.has('use-vc'),
  };
}

/** The settings of resolv.conf with the configuration's own servers, to whom its `trust-ad` was not given. */
export function withServers(settings: ServerSettings, servers: readonly Server[] | undefined): ServerSettings {
  return servers === undefined || servers.length === 0 ? settings : { ...settings, servers, trustAd: false };
}

/** The AD bit of a server is believed (RFC 6840, section 5.8: the path to it has to be secure). */
export const isTrusted = (server: Server, settings: Pick<ServerSettings, 'trustAd'>): boolean =>
  settings.trustAd || isLocalAddress(server.address) === 'loopback';

function readOption(word: string, options: Map<string, number>): void {
  const [name = '', value = ''] = word.split(':', 2);
  options.set(name, /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN);
}

function bounded(value: number | undefined, usual: number, most: number): number {
  return value === undefined || Number.isNaN(value) ? usual : Math.min(Math.max(value, 1), most);
}

/** An address that can be a server's: `not an address` is the only reason that counts here. */
const isServerAddress = (text: string): boolean => isLocalAddress(text) !== 'not an address';
