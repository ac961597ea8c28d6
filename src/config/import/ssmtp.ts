import { type Import, type Imported, type LeftOut, linesOf, portOr, type Server, UNKNOWN, urlOf } from './imported.ts';

/*
 * sSMTP's configuration (/etc/ssmtp/ssmtp.conf): `Key=Value`, of any case. Its revaliases is another file, and not read.
 * sSMTP asks no server for a valid certificate; ours does, and the importer leaves it so.
 */

const KNOWN = [
  ...['root', 'mailhub', 'rewritedomain', 'hostname', 'fromlineoverride', 'usetls', 'usestarttls', 'tlscert', 'tlskey'],
  ...['tls_ca_file', 'authuser', 'authpass', 'authmethod'],
];

const OTHERS = ['tls_ca_dir', 'minuserid', 'debug'];

export function importSsmtp({ text }: Import): Imported {
  const left: LeftOut[] = [];
  const said = new Map<string, string>();
  for (const { number, text: row } of linesOf(text)) {
    const [, name = '', value = ''] = /^([A-Za-z_]+)\s*=\s*(.*)$/.exec(row) ?? [];
    const key = name.toLowerCase();
    if (KNOWN.includes(key)) said.set(key, value.replace(/^"(.*)"$/, '$1'));
    else left.push({ line: number, text: OTHERS.includes(key) ? `${name}: there is nothing like it here` : UNKNOWN });
  }
  const get = (key: string): string | undefined => said.get(key) || undefined;
  const isYes = (key: string): boolean => get(key)?.toLowerCase() === 'yes';
  const [, host = '', port] = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(get('mailhub') ?? 'mail') ?? [];
  const protocol: Server['protocol'] = isYes('usestarttls') ? 'smtp+starttls' : isYes('usetls') ? 'smtps' : 'smtp';
  const domain = get('rewritedomain') ?? get('hostname');
  const isKept = isYes('fromlineoverride');
  if (!isKept && domain === undefined) {
    left.push({ line: 0, text: 'FromLineOverride: without a domain nothing is put into the From of messages' });
  }
  const root = get('root');
  const reader = root === undefined ? undefined : root.includes('@') ? root : domain && `${root}@${domain}`;
  if (root !== undefined && reader === undefined) left.push({ line: 0, text: 'root: it has no domain' });
  const cert = get('tlscert');
  const key = get('tlskey');
  const ca = get('tls_ca_file');
  const tls = {
    ...(protocol === 'smtp' ? { level: 'none' } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(cert === undefined || key === undefined ? {} : { key }),
  };
  const password = get('authpass');
  return {
    root: {
      domain: get('rewritedomain'),
      hostname: /\./.test(get('hostname') ?? '') ? get('hostname') : undefined,
      from: isKept || domain === undefined ? undefined : `%u@${domain}`,
      from_mode: isKept || domain === undefined ? undefined : 'force',
      default_account: 'mailhub',
      aliases: reader === undefined ? undefined : { root: reader },
    },
    accounts: [
      {
        name: 'mailhub',
        fields: {
          url: urlOf({ host, port: portOr(port, protocol === 'smtps' ? 465 : 25), protocol, user: get('authuser') }),
          auth: get('authmethod')?.toUpperCase(),
          tls: Object.keys(tls).length === 0 ? undefined : tls,
        },
        ...(password === undefined ? {} : { password }),
      },
    ],
    routes: [],
    left,
  };
}
