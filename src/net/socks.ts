import { addressOctets } from './local-address.ts';

/*
 * What is said to a SOCKS5 proxy (RFC 1928; user and password by RFC 1929) until it hands the connection through; pure.
 * A generator yields what to send with how many octets to wait for, and is resumed with just these, so that nothing
 * behind the proxy's last word is touched: the server's greeting may follow at once. All it reads is 500 octets at most.
 *
 * Where the address is a name, the proxy looks it up.
 */
export interface SocksProxy {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  /** The names of relays are looked up by the proxy: their list of addresses is the name itself. */
  readonly remoteNames?: boolean;
}

export interface SocksStep {
  readonly send: Buffer;
  /** Octets; one or more. */
  readonly want: number;
}

/** The proxy has not opened the connection. */
export interface SocksRefusal {
  /** As the system would call it, where it has a word for it; else `EPROXY`. */
  readonly code: string;
  readonly reason: string;
}

/** Undefined: the connection is open. */
export type SocksDialogue = Generator<SocksStep, SocksRefusal | undefined, Buffer>;

const NOTHING = Buffer.alloc(0);
const VERSION = 5;
const NO_LOGIN = 0;
const PASSWORD = 2;
const NONE_WILL_DO = 0xff;

/** RFC 1928, section 6. */
const REPLIES: readonly SocksRefusal[] = [
  { code: '', reason: '' },
  { code: 'EPROXY', reason: 'the proxy failed' },
  { code: 'EACCES', reason: 'the proxy does not allow it' },
  { code: 'ENETUNREACH', reason: 'network is unreachable' },
  { code: 'EHOSTUNREACH', reason: 'host is unreachable' },
  { code: 'ECONNREFUSED', reason: 'connection refused' },
  { code: 'ETIMEDOUT', reason: 'connection timed out' },
  { code: 'EPROXY', reason: 'the proxy makes no connections' },
  { code: 'EPROXY', reason: 'the proxy does not know this kind of address' },
];

const refusal = (reason: string): SocksRefusal => ({ code: 'EPROXY', reason });
const NONSENSE = refusal('the proxy does not speak SOCKS5');

/** Asks for a connection to an address, or a name, and a port. */
export function* socksDialogue(
  to: { readonly address: string; readonly port: number },
  { user, password = '' }: Pick<SocksProxy, 'user' | 'password'>,
): SocksDialogue {
  const login = user === undefined ? undefined : loginOf(user, password);
  if (login !== undefined && 'reason' in login) return login;
  const address = addressField(to.address);
  if (address === undefined) return refusal('the proxy can’t be told this name');

  const methods = login === undefined ? [NO_LOGIN] : [NO_LOGIN, PASSWORD];
  const [version, method = NONE_WILL_DO] = yield { send: Buffer.from([VERSION, methods.length, ...methods]), want: 2 };
  if (version !== VERSION) return NONSENSE;
  if (method === NONE_WILL_DO) {
    return refusal(login === undefined ? 'the proxy wants a login' : 'the proxy takes no user and password');
  }
  if (!methods.includes(method)) return NONSENSE;
  if (method === PASSWORD && login !== undefined) {
    const [negotiation, status] = yield { send: login, want: 2 };
    if (negotiation !== 1) return NONSENSE;
    if (status !== 0) return refusal('the proxy refused user and password');
  }

  const port = [to.port >> 8, to.port & 255];
  const reply = yield { send: Buffer.from([VERSION, 1, 0, ...address, ...port]), want: 4 };
  const [again, outcome = 1, , kind] = reply;
  if (again !== VERSION) return NONSENSE;
  if (outcome !== 0) return REPLIES[outcome] ?? refusal(`the proxy refused with code ${outcome}`);
  // The address that the proxy connects from, and its port: they say nothing to us, but stand before the server's words.
  if (kind === 1) yield { send: NOTHING, want: 4 + 2 };
  else if (kind === 4) yield { send: NOTHING, want: 16 + 2 };
  else if (kind === 3) {
    const [length = 0] = yield { send: NOTHING, want: 1 };
    yield { send: NOTHING, want: length + 2 };
  } else return NONSENSE;
  return undefined;
}

/** RFC 1929, section 2. */
function loginOf(user: string, password: string): Buffer | SocksRefusal {
  const [name, secret] = [Buffer.from(user), Buffer.from(password)];
  const fits = [name, secret].every(({ length }) => length >= 1 && length <= 255);
  if (!fits) return refusal('user and password for the proxy must have 1 to 255 octets each');
  return Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([secret.length]), secret]);
}

/** The kind of address and the address; undefined for a name that can't be one. */
function addressField(address: string): readonly number[] | undefined {
  const octets = addressOctets(address);
  if (octets !== undefined) return [octets.length === 4 ? 1 : 4, ...octets];
  return /^[a-z0-9._-]{1,253}$/i.test(address) ? [3, address.length, ...Buffer.from(address)] : undefined;
}
