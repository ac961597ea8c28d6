import type { LoginSettings, Settings } from '../config/settings.ts';
import type { Submitter } from '../delivery/author.ts';
import type { Opened } from '../delivery/deliver.ts';
import type { OwnNames } from '../dns/own.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { quoted } from '../mail/printable.ts';
import { type Outlet, type RouteTable, readTable } from '../route/table.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { type Identity, identify, localUser } from './identity.ts';
import { readLayers } from './layers.ts';
import { optionOverrides, readMaterial, readSettings } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/** The options that say which way mail goes. */
export type WayOptions = Pick<
  SendOptions,
  | 'config'
  | 'account'
  | 'port'
  | 'maxSize'
  | 'tls'
  | 'relay'
  | 'auth'
  | 'passwordFile'
  | 'passwordCommand'
  | 'from'
  | 'hostname'
>;

/** All that a delivery needs but its message. */
export interface FoundMeans {
  readonly identity: Identity;
  readonly settings: Settings;
  readonly table: RouteTable;
  /** Finds what an outlet needs, once. @throws {CommandError} @throws {SecretError} */
  open(outlet: Outlet): Promise<Opened>;
  submitterOf(entry: Pick<QueueEntry, 'uid' | 'way'>): Submitter;
}

/**
 * Finds what the options name. Where a file of the system can't be read, its way can't be gone; who hands a message over
 * to those who can says so.
 * @throws {CommandError}
 */
export async function readMeans(
  options: WayOptions,
  around: Surroundings,
  unread: 'refused' | 'handed over' = 'refused',
): Promise<FoundMeans> {
  const settings = await readSettings(options, around);
  if (settings.unread !== undefined && unread === 'refused' && options.relay === undefined) {
    throw new CommandError(settings.unread, EXIT.noPermission);
  }
  const table = await findTable(options, settings, around);
  const identity = identify(settings, around.surface);
  const opened = new Map<Outlet, Promise<Opened>>();
  const nameOf = (uid: number): string =>
    uid === around.surface.userId() ? localUser(around.surface) : (around.userNameOf(uid) ?? `uid${uid}`);
  return {
    identity,
    settings,
    table,
    open(outlet) {
      const made = opened.get(outlet) ?? openOutlet(outlet, { table, identity }, around);
      opened.set(outlet, made);
      return made;
    },
    submitterOf: ({ uid, way }) => ({
      uid,
      user: () => nameOf(uid),
      host: identity.fqdn ?? identity.domain,
      domain: identity.domain,
      named: way.named === true,
      ...(way.author === undefined ? {} : { author: way.author }),
    }),
  };
}

/** @throws {CommandError} with 64 for what the command line says, with 78 for the configuration's faults */
async function findTable(options: WayOptions, settings: Settings, around: Surroundings): Promise<RouteTable> {
  const { relay, account } = options;
  const login = loginOptions(options);
  const reading = readTable(settings, { relay, account, login, over: optionOverrides(options) });
  if ('reason' in reading) {
    const { reason, route } = reading;
    // A URL's own reason names it, without what may be secret in it.
    if (relay !== undefined) {
      const text = reason.startsWith('Cannot use relay') ? reason : `Cannot use relay ${quoted(relay)}: ${reason}`;
      throw new CommandError(text, EXIT.usage);
    }
    const text = account === undefined ? 'Cannot use configuration' : `Cannot use account ${quoted(account)}`;
    const at = route === undefined ? '' : `${await placeOfRoute(route, options, around)}: `;
    throw new CommandError(`${text}: ${at}${reason}`, account === undefined ? EXIT.config : EXIT.usage);
  }
  const [option] = Object.keys(login);
  if (option !== undefined && reading.table.rest.outlets[0].via.kind !== 'relay') {
    throw new CommandError(`Cannot use ${OPTION[option] ?? option}: there is no --relay to log in to`, EXIT.usage);
  }
  return reading.table;
}

/** The files are read again: where things stand is only asked for when they are wrong. */
async function placeOfRoute(route: number, { config }: WayOptions, around: Surroundings): Promise<string> {
  const { placeOf } = await import('./config-places.ts');
  return placeOf(await readLayers(config, around), ['route', String(route), 'via']) ?? `route ${route + 1}`;
}

const OPTION: Readonly<Record<string, string>> = {
  auth: '--auth',
  passwordFile: '--password-file',
  passwordCommand: '--password-command',
};

const loginOptions = ({ auth, passwordFile, passwordCommand }: WayOptions): LoginSettings => ({
  ...(passwordFile === undefined ? {} : { passwordFile }),
  ...(passwordCommand === undefined ? {} : { passwordCommand }),
  ...(auth === undefined ? {} : { auth }),
});

/** Most relays of a host's own network ask for none. */
const asksForLogin = ({ via, login }: Outlet): boolean =>
  via.kind === 'relay' && (via.relay.user !== undefined || Object.keys(login).length > 0);

async function openOutlet(
  outlet: Outlet,
  { table, identity }: Pick<FoundMeans, 'table' | 'identity'>,
  around: Surroundings,
): Promise<Opened> {
  const { via, settings } = outlet;
  const material = await readMaterial(settings, around);
  // A password of the environment is for the one way that the caller or the settings name, and shown to no other.
  const isUsual = table.rest.outlets.includes(outlet);
  const login = asksForLogin(outlet)
    ? await (await import('./login.ts')).findLogin({ outlet, material, isUsual }, around)
    : undefined;
  // What the system says of itself was read once; a route or an account may only say another name.
  const fqdn = settings.hostname ?? identity.fqdn;
  return {
    material,
    // Only an MX can be ourselves; to list the interfaces takes a millisecond.
    ...(via.kind === 'mx' ? { own: ownNames(fqdn, around) } : {}),
    ...(login === undefined ? {} : { login }),
    ...(fqdn === undefined ? {} : { helloName: fqdn }),
  };
}

const ownNames = (fqdn: string | undefined, around: Surroundings): OwnNames => ({
  addresses: around.ownAddresses(),
  ...(fqdn === undefined ? {} : { hostname: fqdn }),
});
