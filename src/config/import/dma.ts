import { type Import, type Imported, isSha256, type LeftOut, linesOf, portOr, UNKNOWN, urlOf } from './imported.ts';

/*
 * The configuration of the DragonFly Mail Agent (/etc/dma/dma.conf): a key, and a value where it takes one. Logins are in
 * the file that AUTHPATH names, as lines of `user|host:password`.
 */

const KEYS = [
  ...['SMARTHOST', 'PORT', 'AUTHPATH', 'SECURETRANSFER', 'SECURE', 'STARTTLS', 'OPPORTUNISTIC_TLS', 'FINGERPRINT'],
  ...['CERTFILE', 'MAILNAME', 'MASQUERADE', 'NULLCLIENT'],
];
const REASONS: Readonly<Record<string, string>> = {
  ALIASES: '/etc/aliases is read, and [aliases]',
  SPOOLDIR: 'the queue is another one; see "spool.dir"',
  DEFER: 'see -odq',
  FULLBOUNCE: 'see "bounce.size"',
  INSECURE: 'a login without encryption needs "auth" in the configuration',
};

export function importDma({ text, beside }: Import): Imported {
  const left: LeftOut[] = [];
  const said = new Map<string, string>();
  for (const { number, text: row } of linesOf(text)) {
    const [, key = '', value = ''] = /^(\S+)\s*(.*)$/.exec(row) ?? [];
    if (KEYS.includes(key)) said.set(key, value);
    else left.push({ line: number, text: REASONS[key] === undefined ? UNKNOWN : `${key}: ${REASONS[key]}` });
  }
  const get = (key: string): string | undefined => said.get(key) || undefined;
  const isSecure = said.has('SECURETRANSFER') || said.has('SECURE');
  const starts = said.has('STARTTLS');
  const protocol = isSecure ? (starts ? 'smtp+starttls' : 'smtps') : 'smtp';
  const host = get('SMARTHOST');
  const login = host === undefined ? undefined : loginOf(beside(get('AUTHPATH') ?? 'auth.conf') ?? '', host);
  const fingerprint = get('FINGERPRINT');
  if (fingerprint !== undefined && !isSha256(fingerprint))
    left.push({ line: 0, text: 'FINGERPRINT: it is no SHA-256' });
  if (host !== undefined && !said.has('NULLCLIENT')) {
    left.push({ line: 0, text: 'local delivery: mail for users of this host goes to the relay; see "local"' });
  }
  const cert = get('CERTFILE');
  const tls = {
    ...(isSecure ? (said.has('OPPORTUNISTIC_TLS') ? { level: 'may' } : {}) : { level: 'none' }),
    ...(cert === undefined ? {} : { cert }),
    ...(fingerprint !== undefined && isSha256(fingerprint) ? { fingerprints: [fingerprint] } : {}),
  };
  const name = mailname(get('MAILNAME'), beside);
  const from = masquerade(get('MASQUERADE'));
  return {
    root: {
      domain: name,
      hostname: name,
      from,
      from_mode: from === undefined ? undefined : 'envelope',
      default_account: host === undefined ? undefined : 'smarthost',
    },
    accounts:
      host === undefined
        ? []
        : [
            {
              name: 'smarthost',
              fields: {
                url: urlOf({ host, port: portOr(get('PORT'), 25), protocol, user: login?.user }),
                tls: Object.keys(tls).length === 0 ? undefined : tls,
              },
              ...(login === undefined ? {} : { password: login.password }),
            },
          ],
    routes: [],
    left,
  };
}

function loginOf(text: string, host: string): { readonly user: string; readonly password: string } | undefined {
  for (const { text: row } of linesOf(text)) {
    const [, user = '', there = '', password = ''] = /^([^|]+)\|([^:]+):(.*)$/.exec(row) ?? [];
    if (there === host) return { user, password };
  }
  return undefined;
}

/** A name, or the path of a file with one. */
function mailname(text: string | undefined, beside: Import['beside']): string | undefined {
  const name = text?.startsWith('/') === true ? linesOf(beside(text) ?? '')[0]?.text : text;
  return name?.includes('.') === true ? name : undefined;
}

/** `user@host`, `user@`, `host`. */
function masquerade(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!text.includes('@')) return `%u@${text}`;
  const [user = '', host = ''] = text.split('@');
  return `${user === '' ? '%u' : user}@${host === '' ? '%h' : host}`;
}
