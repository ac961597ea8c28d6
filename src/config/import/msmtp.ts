import {
  type Fields,
  type Import,
  type Imported,
  type ImportedAccount,
  isSha256,
  type LeftOut,
  linesOf,
  portOr,
  type Server,
  UNKNOWN,
  urlOf,
} from './imported.ts';

/*
 * msmtp's configuration (~/.msmtprc, /etc/msmtprc): lines of a command and its value; `defaults` and `account NAME :
 * PARENT` begin sections, and an account has what stands in the defaults above it and in its parents.
 */

interface Said {
  readonly value: string;
  readonly line: number;
}
type Section = Map<string, Said>;

export function importMsmtp({ text }: Import): Imported {
  const left: LeftOut[] = [];
  const accounts = new Map<string, Section>();
  const defaults: Section = new Map();
  let section = defaults;
  let chosen: string | undefined;
  for (const { number, text: row } of linesOf(text)) {
    const [, command = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(row) ?? [];
    const value = unquoted(rest);
    if (command === 'defaults') section = defaults;
    else if (command !== 'account') {
      // What is no word of msmtp's may be a password that has slipped.
      if (SILENT.includes(command) || Object.hasOwn(REASONS, command)) section.set(command, { value, line: number });
      else left.push({ line: number, text: UNKNOWN });
    } else {
      const [name = '', parents = ''] = value.split(':').map((each) => each.trim());
      const inherited = parents
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '');
      section = new Map(defaults);
      for (const parent of inherited) for (const [key, said] of accounts.get(parent) ?? []) section.set(key, said);
      const [only] = inherited;
      if (name === 'default' && only !== undefined) chosen = only;
      accounts.set(name, section);
    }
  }
  const isAlias = chosen !== undefined && sameAs(accounts.get('default'), accounts.get(chosen));
  if (isAlias) accounts.delete('default');
  const main = isAlias ? chosen : (['default', ...accounts.keys()].find((name) => accounts.has(name)) ?? undefined);
  const made = [...accounts].flatMap(([name, said]) => accountOf(name, said, { isMain: name === main, left }));
  const top = main === undefined ? undefined : accounts.get(main);
  return {
    root: {
      default_account: made.some(({ name }) => name === safeName(main ?? '')) ? safeName(main ?? '') : undefined,
      log: isOn(top?.get('syslog')?.value, false) ? 'syslog' : undefined,
    },
    accounts: made,
    routes: [],
    left: left.sort((one, other) => one.line - other.line),
  };
}

const unquoted = (text: string): string => /^"(.*)"$/s.exec(text)?.[1] ?? text;

const sameAs = (one: Section | undefined, other: Section | undefined): boolean =>
  one !== undefined && other !== undefined && [...one].every(([key, said]) => other.get(key) === said);

const isOn = (text: string | undefined, usual: boolean): boolean => (text === undefined ? usual : text !== 'off');

const safeName = (name: string): string => name.replace(/[^\w.-]/g, '_').slice(0, 64);

const METHODS = ['plain', 'scram-sha-1', 'scram-sha-256', 'cram-md5', 'external', 'oauthbearer', 'xoauth2', 'login'];

/** Those whose meaning is ours too, or needs no word. */
const SILENT = [
  ...['host', 'port', 'protocol', 'auth', 'user', 'password', 'passwordeval', 'from', 'auto_from', 'maildomain'],
  ...['domain', 'timeout', 'tls', 'tls_starttls', 'tls_trust_file', 'tls_certcheck', 'tls_key_file', 'tls_cert_file'],
  ...['tls_fingerprint', 'allow_from_override', 'set_from_header', 'proxy_host', 'proxy_port', 'source_ip', 'socket'],
  ...['syslog', 'add_missing_from_header', 'add_missing_date_header', 'set_date_header', 'set_msgid_header'],
  ...['undisclosed_recipients', 'remove_bcc_headers', 'keepbcc', 'tls_min_dh_prime_bits'],
];

interface Aim {
  readonly isMain: boolean;
  readonly left: LeftOut[];
}

function accountOf(name: string, said: Section, { isMain, left }: Aim): readonly ImportedAccount[] {
  const get = (key: string): string | undefined => said.get(key)?.value;
  const leave = (key: string, why: string): undefined => {
    const line = said.get(key)?.line ?? 0;
    if (!left.some((each) => each.line === line && each.text.startsWith(key)))
      left.push({ line, text: `${key}: ${why}` });
    return undefined;
  };
  for (const key of said.keys()) {
    const why = REASONS[key];
    if (why !== undefined) leave(key, why);
  }
  const url = socketOf(get('socket'), get('protocol')) ?? serverOf(get);
  if (url === undefined) {
    if (said.size > 0) left.push({ line: 0, text: `account ${safeName(name)}: it names no host` });
    return [];
  }
  const method = get('auth');
  const auth = method === undefined || ['on', 'off', ''].includes(method) ? undefined : method.toLowerCase();
  const password = get('password');
  const command = password === undefined ? get('passwordeval') : undefined;
  const from = fromOf(get);
  return [
    {
      name: safeName(name),
      fields: {
        url,
        auth:
          auth === undefined || METHODS.includes(auth)
            ? auth?.toUpperCase()
            : leave('auth', 'there is no such mechanism here'),
        password_command: command === undefined ? undefined : commandOf(command),
        sender: isMain || from === undefined || from.includes('%') ? undefined : from,
        from: from?.includes('*') === true ? leave('from', 'a pattern is no sender') : from,
        from_mode: from === undefined ? undefined : modeOf(get),
        hostname: /\./.test(get('domain') ?? '') ? get('domain') : undefined,
        source_address: get('source_ip'),
        proxy: proxyOf(get),
        timeouts: /^\d+$/.test(get('timeout') ?? '') ? { connect: Number(get('timeout')) } : undefined,
        tls: tlsOf(get, leave),
      },
      ...(password === undefined ? {} : { password }),
    },
  ];
}

type Get = (key: string) => string | undefined;

const NOTHING = 'there is nothing like it here';
const REASONS: Readonly<Record<string, string>> = {
  aliases: 'its names belong into [aliases], or into /etc/aliases',
  logfile: 'the log of the queue is another one; see "log"',
  dsn_notify: 'say it on the command line, with -N',
  dsn_return: 'say it on the command line, with -R',
  eval: NOTHING,
  logfile_time_format: NOTHING,
  ntlmdomain: NOTHING,
  tls_crl_file: NOTHING,
  tls_host_override: NOTHING,
  tls_priorities: NOTHING,
};

const socketOf = (socket: string | undefined, protocol: string | undefined): string | undefined =>
  socket !== undefined && protocol === 'lmtp' ? `lmtp+unix:${encodeURI(socket)}` : undefined;

function serverOf(get: Get): string | undefined {
  const host = get('host');
  if (host === undefined || host === '') return undefined;
  const isTls = isOn(get('tls'), false);
  const starts = isOn(get('tls_starttls'), true);
  const protocol: Server['protocol'] =
    get('protocol') === 'lmtp' ? 'lmtp' : !isTls ? 'smtp' : starts ? 'smtp+starttls' : 'smtps';
  const usual = protocol === 'lmtp' ? 24 : protocol === 'smtps' ? 465 : 25;
  const logsIn = isOn(get('auth'), false);
  return urlOf({ host, port: portOr(get('port'), usual), protocol, user: logsIn ? get('user') : undefined });
}

/** msmtp's `%U`, `%H` are ours in small letters. */
function fromOf(get: Get): string | undefined {
  const said = get('from') ?? (isOn(get('auto_from'), false) ? `%U@${get('maildomain') ?? '%H'}` : undefined);
  return said?.replace(/%U/g, '%u').replace(/%H/g, '%h');
}

const modeOf = (get: Get): string =>
  get('set_from_header') === 'on' ? 'force' : get('allow_from_override') === 'off' ? 'envelope' : 'keep';

/** Ours is run without a shell, msmtp's with one. */
const commandOf = (command: string): string =>
  /^[\w\s@%+=:,./-]+$/.test(command) ? command : `sh -c '${command.replaceAll("'", `'"'"'`)}'`;

function proxyOf(get: Get): string | undefined {
  const host = get('proxy_host');
  return host === undefined || host === '' ? undefined : `socks5://${host}:${portOr(get('proxy_port'), 1080)}`;
}

function tlsOf(get: Get, leave: (key: string, why: string) => undefined): Fields[string] {
  if (!isOn(get('tls'), false)) return get('protocol') === 'lmtp' ? undefined : { level: 'none' };
  const trust = get('tls_trust_file');
  const fingerprint = get('tls_fingerprint');
  const isKnown = fingerprint === undefined || isSha256(fingerprint);
  if (!isKnown) leave('tls_fingerprint', 'only SHA-256 is taken');
  const tls = {
    ...(isOn(get('tls_certcheck'), true) ? {} : { level: 'encrypt' }),
    ...(trust === undefined || trust === 'system' || trust === '' ? {} : { ca: trust }),
    ...(get('tls_cert_file') ? { cert: get('tls_cert_file') ?? '' } : {}),
    ...(get('tls_cert_file') && get('tls_key_file') ? { key: get('tls_key_file') ?? '' } : {}),
    ...(fingerprint !== undefined && isKnown ? { fingerprints: [fingerprint] } : {}),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}
