import { readAliasTable } from '../config/alias-file.ts';
import { nearestKey } from '../config/nearest.ts';
import type { Settings } from '../config/settings.ts';
import { escapeControls } from '../mail/printable.ts';
import { type Outlet, type RouteTable, readTable, type Wanted } from '../route/table.ts';
import type { ConfigCall } from './config.ts';
import { placeOf } from './config-places.ts';
import { withEnvironment } from './environment.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { configPlaces, type Layer, namedConfig, readNamed, readPlace, settingsOf } from './layers.ts';
import { findLogin } from './login.ts';
import { line } from './output.ts';
import { optionOverrides, readMaterial } from './setup.ts';
import type { Surroundings } from './surroundings.ts';
import { explain } from './trouble.ts';
import { VARIABLES } from './variables.ts';

/*
 * `posthaste config check`: all that is wrong, where a send would end at the first of it. First what each file says; where
 * all of it is right, what it names: accounts, certificates, files with passwords. Programs for passwords are not run,
 * and no server is asked.
 */

interface Trouble {
  readonly text: string;
  readonly exit: ExitCode;
}

/** @throws {CommandError} */
export async function checkConfig({ given, words: [file], around }: ConfigCall): Promise<ExitCode> {
  const named = namedConfig(file ?? given.get('config')?.at(-1), around);
  const { layers, troubles } = await readAll(named, around);
  const all = troubles.length > 0 ? troubles : await namedTroubles(layers, around);
  for (const name of unknownVariables(around.env)) around.stderr.write(line(name));
  for (const text of new Set(all.flatMap((trouble) => trouble.text.split('\n')))) around.stderr.write(line(text));
  const exit = all.some((trouble) => trouble.exit === EXIT.config) ? EXIT.config : (all[0]?.exit ?? EXIT.ok);
  if (exit === EXIT.ok && (given.has('verbose') || (await around.stdout.isTerminal()))) {
    const right = layers
      .map(
        ({ file, overrides }) => `${escapeControls(file)}  ${overrides.unread === undefined ? 'right' : 'for root'}\n`,
      )
      .join('');
    around.stdout.write(right || 'there is no file, and none is needed\n');
  }
  return exit;
}

interface Reading {
  readonly layers: readonly Layer[];
  readonly troubles: readonly Trouble[];
}

async function readAll(named: string | undefined, around: Surroundings): Promise<Reading> {
  const reads =
    named === undefined
      ? configPlaces(around).map((place) => () => readPlace(place, around))
      : [() => readNamed(named, around)];
  const layers: Layer[] = [];
  const troubles: Trouble[] = [];
  for (const read of reads) {
    const trouble = await troubleOf(async () => {
      const layer = await read();
      if (layer !== undefined) layers.push(layer);
    });
    troubles.push(...trouble);
  }
  return { layers, troubles };
}

/** What a step ends with: one trouble, or none. A bug stays one. */
async function troubleOf(act: () => Promise<unknown>): Promise<readonly Trouble[]> {
  try {
    await act();
    return [];
  } catch (error) {
    const { text, exit } = explain(error);
    if (exit === EXIT.software) throw error;
    // What is a wrong option elsewhere is a wrong key here.
    return [{ text, exit: exit === EXIT.noPermission || exit === EXIT.tempFail ? exit : EXIT.config }];
  }
}

/** What is wrong with the things that the files name. */
async function namedTroubles(layers: readonly Layer[], around: Surroundings): Promise<readonly Trouble[]> {
  const variables = withEnvironment({ tls: { fingerprints: [] } }, around.env);
  const settings = settingsOf(layers);
  const over = optionOverrides(variables);
  const troubles: Trouble[] = [];
  for (const { made, path } of tablesOf(settings, { ...variables, over })) {
    if ('table' in made) {
      troubles.push(...(await outletTroubles(made.table, layers, around)));
      continue;
    }
    const at = path === undefined ? undefined : placeOf(layers, path);
    troubles.push({
      text: `Cannot use configuration: ${at === undefined ? '' : `${at}: `}${made.reason}`,
      exit: EXIT.config,
    });
  }
  const { faults } = readAliasTable(settings.aliases, 'aliases');
  return [
    ...troubles,
    ...faults.map(({ text }) => ({
      text: `Cannot use configuration: ${placeOf(layers, ['aliases']) ?? 'aliases'}: ${text}`,
      exit: EXIT.config,
    })),
  ];
}

interface Made {
  readonly made: ReturnType<typeof readTable>;
  /** What it is made of. */
  readonly path?: readonly string[];
}

/** A table for each thing that may be wrong, so that each is told. */
function tablesOf(settings: Settings, wanted: Wanted): readonly Made[] {
  const { account: _, ...rest } = settings;
  const silent = Object.entries(settings.accounts).map(([name, each]) => [name, { ...each, senders: [] }] as const);
  const bare: Settings = { ...rest, routes: [], local: 'relay', accounts: Object.fromEntries(silent) };
  return [
    { made: readTable({ ...settings, routes: [], accounts: bare.accounts }, wanted), path: ['default_account'] },
    ...Object.keys(settings.accounts).map((name) => ({
      made: readTable(bare, { account: name, over: wanted.over }),
      path: ['account', name],
    })),
    ...settings.routes.map((route, index) => ({
      made: readTable({ ...bare, routes: [route] }, { over: wanted.over }),
      path: ['route', String(index), 'via'],
    })),
  ];
}

async function outletTroubles(
  { rules, rest }: RouteTable,
  layers: readonly Layer[],
  around: Surroundings,
): Promise<readonly Trouble[]> {
  const found: Trouble[] = [];
  // Of passwords, only what a file holds is looked for.
  const findSecret: Surroundings['findSecret'] = async (request) =>
    request.passwordFile === undefined ? 'unknown' : around.findSecret(request);
  for (const outlet of [...rules, rest].flatMap((rule) => rule.outlets)) {
    const secretFile = outlet.login.oauth?.clientSecretFile;
    const ours = secretFile === undefined ? [] : await troubleOf(() => around.findSecret({ passwordFile: secretFile }));
    found.push(...(await troubleOf(() => readMaterial(outlet.settings, around))));
    const theirs = await troubleOf(() =>
      findLogin({ outlet, isUsual: false, material: { ca: 'system' } }, { ...around, findSecret }),
    );
    const at = loginPlace(outlet, layers);
    const placed = [...ours, ...theirs].map(({ text, exit }) => ({
      text: at === undefined ? text : `${text} (${at})`,
      exit,
    }));
    found.push(...placed);
  }
  return found;
}

/** Where its login is said, as near as it can be. */
function loginPlace({ account, login }: Outlet, layers: readonly Layer[]): string | undefined {
  const table = account === undefined ? [] : ['account', account];
  const keys = login.passwordFile === undefined ? ['oauth', 'auth', 'url'] : ['password_file'];
  const places = keys.map((key) => placeOf(layers, [...table, key]));
  return places.find((place) => place !== undefined);
}

/** A line for each variable that looks like ours and is none; it is no fault, as another program may read it. */
function unknownVariables(env: Surroundings['env']): readonly string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('POSTHASTE_') && !VARIABLES.includes(name))
    .map((name) => {
      const near = nearestKey(
        name,
        VARIABLES.map((each) => each.toLowerCase()),
      );
      return `warning: unknown variable ${name}${near === undefined ? '' : `, did you mean ${near.toUpperCase()}?`}`;
    });
}
