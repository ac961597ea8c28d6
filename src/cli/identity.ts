import { readDomain } from '../mail/domain.ts';

/*
 * Who we are, found without asking the network: our name for EHLO and Message-ID, the domain that addresses without one
 * get, and the user that a message without `-f` comes from. Nothing of it is certain to exist: in a container the host
 * has a random name and the user none. `main` gives what the system says; the choice among it is made here.
 */

/** What the system says of itself; texts are the contents of files, absent where they can't be read. */
export interface Surface {
  /** The kernel's name of the host. */
  hostname(): string;
  /** /etc/hosts. */
  hosts(): string | undefined;
  /** /etc/mailname. */
  mailname(): string | undefined;
  /** The login name of our user id; undefined where it has none. */
  userName(): string | undefined;
  userId(): number;
}

export interface Configured {
  readonly domain?: string;
  readonly hostname?: string;
}

export interface Identity {
  /** A fully qualified name for EHLO; undefined where there is none that may be said, so that the address stands for it. */
  readonly fqdn?: string;
  /** Qualifies addresses and stands in Message-ID; never empty. */
  readonly domain: string;
}

export function identify(configured: Configured, surface: Surface): Identity {
  const fqdn = configured.hostname ?? findFqdn(surface);
  const domain = configured.domain ?? readMailname(surface.mailname()) ?? fqdn ?? shortName(surface.hostname());
  return { ...(fqdn === undefined ? {} : { fqdn }), domain };
}

/** The local part for a message without `-f`. A user id without a name is usual in containers. */
export const localUser = (surface: Surface): string => surface.userName() ?? `uid${surface.userId()}`;

/** The full name of a user id in the text of /etc/passwd: `&` in it is the login name (Sendmail, Postfix). */
export function fullNameIn(passwd: string, uid: number): string | undefined {
  const [login = '', , , , gecos = ''] = rowOf(passwd, uid) ?? [];
  const [name = ''] = gecos.split(',');
  const full = name.replaceAll('&', login.charAt(0).toUpperCase() + login.slice(1)).trim();
  return full === '' ? undefined : full;
}

const rowOf = (passwd: string, uid: number): readonly string[] | undefined =>
  passwd
    .split('\n')
    .map((row) => row.split(':'))
    .find(([name, , id]) => id === String(uid) && name !== '');

/** The group of a user id in the text of /etc/passwd. */
export function groupIn(passwd: string, uid: number): number | undefined {
  const [, , , group = ''] = rowOf(passwd, uid) ?? [];
  return /^\d{1,10}$/.test(group) ? Number(group) : undefined;
}

/** The name of a user id in the text of /etc/passwd. */
export const userNameIn = (passwd: string, uid: number): string | undefined => rowOf(passwd, uid)?.[0];

/** The host's own name where it has a dot, else the one that /etc/hosts gives it, as `hostname -f` does. */
function findFqdn(surface: Surface): string | undefined {
  const name = surface.hostname().replace(/\.$/, '').toLowerCase();
  if (isFqdn(name)) return name;
  return /^[a-z0-9-]{1,63}$/.test(name) ? findInHosts(surface.hosts() ?? '', name) : undefined;
}

function findInHosts(hosts: string, name: string): string | undefined {
  for (const row of hosts.slice(0, 1 << 20).split('\n')) {
    const [, ...names] = row.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    if (!names.includes(name)) continue;
    const found = names.find((each) => each.startsWith(`${name}.`) && isFqdn(each)) ?? names.find(isFqdn);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * RFC 5321, section 2.3.5: a name of letters, digits and hyphens with a dot. Names of the loopback say nothing of us, and
 * servers refuse them.
 */
function isFqdn(name: string): boolean {
  const labels = name.split('.');
  return (
    labels.length > 1 &&
    name.length <= 253 &&
    labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '') &&
    labels[0] !== 'localhost' &&
    labels.at(-1) !== 'localhost' &&
    labels.at(-1) !== 'localdomain'
  );
}

/** The first line of /etc/mailname. */
function readMailname(text: string | undefined): string | undefined {
  const [first = ''] = (text ?? '').slice(0, 4096).trim().split('\n');
  const reading = readDomain(first.trim());
  return 'domain' in reading ? reading.domain : undefined;
}

/** A name without a dot is no domain that a stranger could answer to, but it is the truth, and mail stays readable. */
function shortName(name: string): string {
  const reading = readDomain(name);
  return 'domain' in reading ? reading.domain : 'localhost';
}
