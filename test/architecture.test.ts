import { expect, test } from 'vitest';
import { type Import, readSources, type SourceFile } from './support/source-files.ts';

/**
 * The map of the house: which room may import which, who touches the world, who knows which library. A room is a folder
 * of `src`, a file that lies in `src` itself, or a file that has a row of its own because more may know it than its room.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // Nouns, then pure rules.
  mail: [],
  version: [],
  message: ['mail'],
  compose: ['mail', 'message'],
  'net/local-address': [],
  'queue/owner': [],
  'queue/disk': [],
  config: ['mail', 'net/local-address'],
  'route/route': ['mail', 'config'],
  dns: ['mail', 'net/local-address', 'route/route'],
  smtp: ['mail', 'message'],
  tls: ['mail', 'dns', 'smtp'],
  dkim: ['mail', 'message'],
  bounce: ['mail', 'message'],
  // The wire, and rules over rules.
  net: ['mail', 'smtp', 'tls'],
  route: ['mail', 'dns', 'config', 'net/local-address'],
  world: ['mail', 'dns', 'message', 'net', 'smtp', 'tls'],
  oauth: ['mail', 'config', 'smtp', 'net', 'queue/owner', 'queue/disk'],
  // What is done with them.
  delivery: ['mail', 'message', 'smtp', 'dns', 'tls', 'dkim', 'config', 'net', 'route', 'world'],
  queue: ['mail', 'message', 'smtp', 'bounce', 'config', 'route', 'delivery', 'world'],
  submit: ['mail', 'message', 'smtp', 'tls', 'bounce', 'config', 'route', 'delivery', 'queue', 'world'],
  doctor: ['mail', 'smtp', 'dns', 'tls', 'config', 'net', 'route', 'delivery', 'world'],
  cli: [
    ...['mail', 'version', 'message', 'compose', 'dns', 'tls', 'smtp', 'dkim', 'bounce', 'config', 'net', 'route'],
    ...['oauth', 'world', 'delivery', 'queue', 'submit', 'doctor'],
  ],
};

/** The file that builds the program out of the rooms, and so may import all of them. Nobody imports it. */
const MAIN = 'src/main.ts';

/** Files that may read clocks, chance and the process, and open sockets, files and programs. */
const TOUCH_THE_WORLD: readonly (string | RegExp)[] = [
  MAIN,
  'src/dns/query.ts',
  'src/dns/system.ts',
  'src/net/open.ts',
  'src/net/socket.ts',
  'src/net/race.ts',
  /^src\/tls\/(context|handshake|check|certificate|system-ca)\.ts$/,
  'src/message/file-source.ts',
  /^src\/submit\/(intake|own-file|scratch|standard-input|state-file)\.ts$/,
  /^src\/config\/(secrets|personal-secrets|run-program)\.ts$/,
  /^src\/oauth\/(post|redirect|token-file|lock)\.ts$/,
  /^src\/queue\/(disk|owner|background)\.ts$/,
  'src/queue/event-log.ts',
  /^src\/delivery\/(local-disk|owner-process)\.ts$/,
  'src/cli/install-files.ts',
  'src/cli/quicken.ts',
  'src/cli/small-files.ts',
  'src/cli/ask-password.ts',
];
const WORLD_MODULE = /^node:(net|tls|dgram|dns|fs|child_process|http|https|http2|os|process|worker_threads)(\/|$)/;
const WORLD_CALL = /\bprocess\s*[.[]|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b/;

/** What a send must not load unless it needs it: reached from `main` through `import()` alone. */
const ONLY_WHEN_NEEDED: readonly string[] = [
  'node:tls',
  'node:http',
  'node:https',
  'mailparser',
  'smol-toml',
  'valibot',
];

const MOST_LINES = 250;
/** Tables of cases are long and read from top to bottom. */
const MOST_TEST_LINES = 500;
const BANNED_NAME = /(^|[-/])(managers?|handlers?|helpers?|utils?|services?|data|info|items?|contexts?)(?=[-./])/;

const sources = readSources('src');
const everything = [...sources, ...readSources('test')];

/** `src/route/route.ts` is `route/route` where that has a row, else `route`. */
function roomOf(path: string): string {
  const name = path.replace(/^src\//, '').replace(/\.ts$/, '');
  return name in MAY_IMPORT ? name : (name.split('/')[0] ?? '');
}

/** A file with a row of its own belongs to its room as well. */
const roomsOf = (path: string): readonly string[] => [roomOf(path), roomOf(path).split('/')[0] ?? ''];
const isOurs = (found: Import): boolean => found.from.startsWith('src/');
const packageOf = (name: string): string => name.split('/', name.startsWith('@') ? 2 : 1).join('/');

/** One line for each breach: the file, what it does, the rule. */
function breaches(files: readonly SourceFile[], judge: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => judge(file).map((text) => `${file.path} ${text}`));
}

const matches = (path: string, patterns: readonly (string | RegExp)[]): boolean =>
  patterns.some((pattern) => (typeof pattern === 'string' ? pattern === path : pattern.test(path)));

test('rooms import only the rooms below them', () => {
  const wrong = breaches(sources, ({ path, imports }) => {
    if (path === MAIN) return [];
    const room = roomOf(path);
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) return [`is in the room ${room}: it has no row in MAY_IMPORT`];
    return imports
      .filter((found) => isOurs(found) && !roomsOf(found.from).some((name) => name === room || allowed.includes(name)))
      .map(({ from }) => `imports ${from}: ${room} may import ${allowed.join(', ') || 'nothing'}`);
  });
  expect(wrong).toEqual([]);
});

/** Every way that comes back to where it was, from the places given: `a -> b -> a`. */
function rings(places: readonly string[], next: (place: string) => readonly string[]): string[] {
  const finished = new Set<string>();
  const found: string[] = [];
  const follow = (place: string, way: readonly string[]) => {
    if (way.includes(place)) found.push([...way.slice(way.indexOf(place)), place].join(' -> '));
    if (finished.has(place) || way.includes(place)) return;
    for (const neighbour of next(place)) follow(neighbour, [...way, place]);
    finished.add(place);
  };
  for (const place of places) follow(place, []);
  return found;
}

test('the map has no way round in it', () => {
  expect(rings(Object.keys(MAY_IMPORT), (room) => MAY_IMPORT[room] ?? [])).toEqual([]);
});

test('files import each other in one direction', () => {
  const importsOf = (path: string) =>
    (sources.find((file) => file.path === path)?.imports ?? [])
      .filter((found) => isOurs(found) && found.kind !== 'type')
      .map((found) => found.from);
  const paths = sources.map((file) => file.path);
  expect(rings(paths, importsOf)).toEqual([]);
});

test('only the files named touch the world', () => {
  const wrong = breaches(sources, ({ path, imports, code }) => {
    if (matches(path, TOUCH_THE_WORLD)) return [];
    const modules = imports.filter(({ from, kind }) => kind !== 'type' && WORLD_MODULE.test(from));
    const call = WORLD_CALL.exec(code);
    return [
      ...modules.map(({ from }) => `imports ${from}: it is not in TOUCH_THE_WORLD`),
      ...(call === null ? [] : [`has ${call[0]}: it is not in TOUCH_THE_WORLD; take it from the World`]),
    ];
  });
  expect(wrong).toEqual([]);
});

test('every package has one importer, and builtin modules are named as such', () => {
  const importers = new Map<string, Set<string>>();
  for (const { path, imports } of sources) {
    for (const { from } of imports.filter((found) => !isOurs(found) && !found.from.startsWith('node:'))) {
      importers.set(packageOf(from), (importers.get(packageOf(from)) ?? new Set()).add(path));
    }
  }
  const shared = [...importers].filter(([, paths]) => paths.size > 1);
  expect(shared.map(([name, paths]) => `${name} is imported by ${[...paths].join(', ')}: one file may`)).toEqual([]);
});

test('a send loads only what every send needs', () => {
  const loadedBy = new Map<string, string>();
  const follow = (path: string) => {
    for (const { from, kind } of sources.find((file) => file.path === path)?.imports ?? []) {
      if (kind !== 'static' || loadedBy.has(from)) continue;
      loadedBy.set(from, path);
      follow(from);
    }
  };
  follow(MAIN);
  const wrong = ONLY_WHEN_NEEDED.filter((name) => loadedBy.has(name));
  expect(wrong.map((name) => `${loadedBy.get(name)} imports ${name}: main reaches it without import()`)).toEqual([]);
});

test('nobody imports main, and nobody imports tests', () => {
  const wrong = breaches(sources, ({ imports }) =>
    imports
      .filter(({ from }) => from === MAIN || from.startsWith('test/'))
      .map(({ from }) => `imports ${from}: the program's files may not`),
  );
  expect(wrong).toEqual([]);
});

test('files are short, have no default export and are named after what they hold', () => {
  const wrong = breaches(everything, ({ path, text, code }) => {
    const lines = text.split('\n').length - 1;
    const most = path.startsWith('src/') ? MOST_LINES : MOST_TEST_LINES;
    return [
      ...(lines > most ? [`has ${lines} lines: ${most} are allowed`] : []),
      ...(/^export default\b/m.test(code) ? ['has a default export: name it'] : []),
      ...(BANNED_NAME.test(path) ? ['is named by a word that says nothing'] : []),
      ...(/\/index\.ts$/.test(path) ? ['is a barrel: import files by their path'] : []),
    ];
  });
  expect(wrong).toEqual([]);
});
