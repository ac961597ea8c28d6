import { type Import, type Imported, type ImportedAccount, type LeftOut, linesOf, portOr, urlOf } from './imported.ts';

/*
 * nullmailer's remotes (/etc/nullmailer/remotes): a line for each relay, tried in their order, with a host, a protocol and
 * options. Beside it lie files of one line, which are read too: `me`, `defaulthost`, `helohost`, `adminaddr`,
 * `allmailfrom`.
 */
export function importNullmailer({ text, beside }: Import): Imported {
  const left: LeftOut[] = [];
  const accounts = linesOf(text).flatMap(({ number, text: row }, index) => {
    const account = remote(wordsOf(row), `remote${index + 1}`, (why) => left.push({ line: number, text: why }));
    return account === undefined ? [] : [account];
  });
  const first = (name: string): string | undefined => linesOf(beside(name) ?? '')[0]?.text;
  const admin = first('adminaddr');
  const from = first('allmailfrom');
  const domain = first('defaulthost') ?? first('me');
  const helo = first('helohost') ?? first('me');
  const [only] = accounts;
  return {
    root: {
      domain: domain?.includes('.') === true ? domain : undefined,
      hostname: helo?.includes('.') === true ? helo : undefined,
      from,
      from_mode: from === undefined ? undefined : 'envelope',
      default_account: accounts.length === 1 ? only?.name : undefined,
      aliases: admin === undefined ? undefined : { default: admin.split(/[\s,]+/).join(', ') },
    },
    accounts,
    routes: accounts.length < 2 ? [] : [{ via: accounts.map(({ name }) => `account:${name}`) }],
    left,
  };
}

/** Words with quotes and backslashes, as nullmailer splits them. */
const wordsOf = (row: string): readonly string[] =>
  [...row.matchAll(/(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+/g)].map(([word]) =>
    word.replace(
      /\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'/g,
      (_, one?: string, two?: string, three?: string) => one ?? two?.replace(/\\(.)/g, '$1') ?? three ?? '',
    ),
  );

const FLAGS = ['ssl', 'tls', 'starttls', 'insecure', 'auth-login'];
const OTHERS = ['x509crlfile', 'x509fmtder', 'protocol', 'host'];
const VALUES = ['port', 'user', 'pass', 'x509certfile', 'x509cafile', 'source'];

function remote(
  [host = '', ...words]: readonly string[],
  name: string,
  leave: (why: string) => void,
): ImportedAccount | undefined {
  const said = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    const [, key = '', value = ''] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (FLAGS.includes(key) || VALUES.includes(key)) said.set(key, value);
    else if (index === 0 && key === '') {
      if (word === 'smtp') continue;
      leave(`a remote by another protocol than smtp`);
      return undefined;
    } else leave(OTHERS.includes(key) ? `--${key}: there is nothing like it here` : 'an option that is not known');
  }
  const protocol = said.has('starttls') ? 'smtp+starttls' : said.has('ssl') || said.has('tls') ? 'smtps' : 'smtp';
  const [ca, cert, password] = [said.get('x509cafile'), said.get('x509certfile'), said.get('pass')];
  const tls = {
    ...(protocol === 'smtp' ? { level: 'none' } : said.has('insecure') ? { level: 'encrypt' } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
  };
  return {
    name,
    fields: {
      url: urlOf({
        host,
        port: portOr(said.get('port'), protocol === 'smtps' ? 465 : 25),
        protocol,
        user: said.get('user'),
      }),
      auth: said.has('auth-login') ? 'LOGIN' : undefined,
      source_address: said.get('source'),
      tls: Object.keys(tls).length === 0 ? undefined : tls,
    },
    ...(password === undefined ? {} : { password }),
  };
}
