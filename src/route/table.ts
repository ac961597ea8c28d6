import { applyOverrides, mergeLogin, type Overrides } from '../config/defaults.ts';
import type { Relay } from '../config/relay.ts';
import type { LoginSettings, RouteRule, Settings, Variation } from '../config/settings.ts';
import { accountOf, type LocalTarget, parseVia } from '../config/via.ts';
import { quoted } from '../mail/printable.ts';
import { matchOf, type RouteQuestion } from './match.ts';

/*
 * The settings as rules: which recipient's mail goes out which way. A rule has one outlet or several, tried in their order
 * where one can't be reached; an outlet is a way out with all that holds for it: the settings with the route's and then
 * the account's say in them, and the login.
 *
 *   const reading = readTable(settings, { relay, account });
 *   const rule = ruleFor(table, { recipient, sender, author, uid });
 *
 * The order: what the caller names (a relay, an account) takes everything; else the place for users of this host, the
 * routes as they stand, the accounts by sender, and last the relay or account of the settings, or MX.
 */

/** A way out that needs no name to be looked up in the settings any more. */
export type OutletVia = { readonly kind: 'mx' } | { readonly kind: 'relay'; readonly relay: Relay } | LocalTarget;

export interface Outlet {
  readonly via: OutletVia;
  readonly settings: Settings;
  readonly login: LoginSettings;
  readonly account?: string;
}

/** It leads to a place on this host. */
export const isHere = ({ via }: Pick<Outlet, 'via'>): boolean => via.kind !== 'mx' && via.kind !== 'relay';

/** The name to log in with; undefined where nobody logs in. */
export const userOf = ({ via, login }: Pick<Outlet, 'via' | 'login'>): string | undefined =>
  via.kind === 'relay' ? (login.user ?? via.relay.user) : undefined;

export interface Rule {
  /** What made it, for people: `route 2`, `account work`, `the relay asked for`, `the rest`. */
  readonly name: string;
  readonly recipients: readonly string[];
  readonly senders: readonly string[];
  readonly uids: readonly number[];
  /** Only for users of this host. */
  readonly local?: true;
  /** Senders may be the author in From, too. */
  readonly byAuthor?: true;
  readonly outlets: readonly [Outlet, ...Outlet[]];
}

/** The rules in their order; the last one takes what is left. */
export interface RouteTable {
  readonly rules: readonly Rule[];
  readonly rest: Rule;
}

/** What the caller says. */
export interface Wanted {
  /** Anything that `via` can be: takes everything. */
  readonly relay?: string | undefined;
  /** The name of an account: takes everything. */
  readonly account?: string | undefined;
  /** For either, or else for the relay of the settings. */
  readonly login?: LoginSettings | undefined;
  /** Goes over all that the settings, routes and accounts say. */
  readonly over?: Overrides | undefined;
}

export type TableReading =
  | { readonly table: RouteTable }
  /** With the place of the route among those of the settings that is at fault. */
  | { readonly reason: string; readonly route?: number };

class TableFault extends Error {
  override readonly name = 'TableFault';
  readonly route: number | undefined;

  constructor(reason: string, route?: number) {
    super(reason);
    this.route = route;
  }
}

const EVERYONE = { recipients: [], senders: [], uids: [] } as const;

/**
 * Makes the rules; a reason where the caller's way can't be used, or an account is not there. The ways of the settings
 * were read once, where they came from, and are read again when one is gone.
 */
export function readTable(settings: Settings, wanted: Wanted = {}): TableReading {
  try {
    return { table: makeTable(settings, wanted) };
  } catch (error) {
    if (error instanceof TableFault) {
      return { reason: error.message, ...(error.route === undefined ? {} : { route: error.route }) };
    }
    throw error;
  }
}

function makeTable(settings: Settings, { relay, account, login = {}, over: last = {} }: Wanted): RouteTable {
  const outlets = (vias: readonly string[], over: Variation, own: LoginSettings): Rule['outlets'] => {
    const [first, ...others] = vias.map((text) => outletOf(text, { settings, over, last, login: own }));
    if (first === undefined) throw new TableFault('it names no way');
    return [first, ...others];
  };
  if (relay !== undefined) {
    const one = outlets([relay], {}, login);
    // What is wrong with it is told now.
    void one[0].via;
    return { rules: [], rest: { ...EVERYONE, name: 'the relay asked for', outlets: one } };
  }
  if (account !== undefined) {
    const one = outlets([`account:${account}`], {}, login);
    return { rules: [], rest: { ...EVERYONE, name: `account ${account}`, outlets: one } };
  }
  const routes = settings.routes.map((route, index): Rule => {
    const vias = route.via.length > 0 ? route.via : [usual(settings)];
    const own = route.via.length > 0 ? {} : usualLogin(settings, {});
    const made = inRoute(index, () => outlets(vias, route.over, own));
    return { ...patterns(route), name: `route ${index + 1}`, outlets: made };
  });
  const accounts = Object.entries(settings.accounts)
    .filter(([, { senders }]) => senders.length > 0)
    .map(
      ([name, { senders }]): Rule => ({
        ...EVERYONE,
        senders,
        byAuthor: true,
        name: `account ${name}`,
        outlets: outlets([`account:${name}`], {}, {}),
      }),
    );
  const { local } = settings;
  const here =
    local === 'relay' ? [] : [{ ...EVERYONE, local: true, name: 'local', outlets: outlets([local], {}, {}) } as const];
  const rest = { ...EVERYONE, name: 'the rest', outlets: outlets([usual(settings)], {}, usualLogin(settings, login)) };
  return { rules: [...here, ...routes, ...accounts], rest };
}

const patterns = ({ recipients, senders, uids }: RouteRule) => ({ recipients, senders, uids });

/** The way of what no route takes. */
const usual = ({ relay, account }: Settings): string =>
  account === undefined ? (relay ?? 'mx') : `account:${account}`;

/** The login of the settings is that of their relay, and no account's. */
const usualLogin = (settings: Settings, login: LoginSettings): LoginSettings =>
  settings.account === undefined ? mergeLogin(settings.login, login) : login;

function inRoute<T>(index: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TableFault) throw new TableFault(error.message, index);
    throw error;
  }
}

interface Origin {
  readonly settings: Settings;
  readonly over: Variation;
  readonly last: Overrides;
  readonly login: LoginSettings;
}

/** An outlet whose way and settings are made when they are asked for: a send uses one of many. */
function outletWith(text: string, facts: Pick<Outlet, 'login' | 'account'>, make: () => Settings): Outlet {
  let via: OutletVia | undefined;
  let made: Settings | undefined;
  return {
    ...facts,
    get via() {
      via ??= viaOf(text);
      return via;
    },
    get settings() {
      made ??= make();
      return made;
    },
  };
}

function outletOf(text: string, { settings, over, last, login }: Origin): Outlet {
  const name = accountOf(text);
  const routed = (): Settings => applyOverrides(settings, over);
  if (name === undefined) return outletWith(text, { login }, () => applyOverrides(routed(), last));
  const account = settings.accounts[name];
  if (account === undefined || !Object.hasOwn(settings.accounts, name)) {
    const names = Object.keys(settings.accounts);
    const known =
      names.length === 0
        ? 'there is none'
        : `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 20).join(', ')}`;
    throw new TableFault(`no account is called ${quoted(name)}: ${known}`);
  }
  if (account.url === '') throw new TableFault(`account ${quoted(name)} has no "url"`);
  if (accountOf(account.url) !== undefined) throw new TableFault(`account ${quoted(name)} can't be another account`);
  const { url: _, senders: __, over: ___, ...own } = account;
  const varied = (): Settings => applyOverrides(applyOverrides(routed(), account.over), last);
  return outletWith(account.url, { login: mergeLogin(own, login), account: name }, varied);
}

function viaOf(text: string): OutletVia {
  const reading = parseVia(text);
  if ('via' in reading && reading.via.kind !== 'account') return reading.via;
  throw new TableFault('reason' in reading ? reading.reason : 'it is an account');
}

/** The first rule that matches. */
export function ruleFor({ rules, rest }: RouteTable, question: RouteQuestion): Rule {
  return rules.find((rule) => matchOf(rule, question) !== undefined) ?? rest;
}
