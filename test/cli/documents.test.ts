import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfigWords } from '../../src/cli/config.ts';
import { IMPORT_FORM } from '../../src/cli/config-import.ts';
import { CONFIG_COMMANDS } from '../../src/cli/config-options.ts';
import { DOCTOR_OPTIONS } from '../../src/cli/doctor.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { EXPLAIN_OPTIONS } from '../../src/cli/explain.ts';
import { INSTALL_OPTIONS } from '../../src/cli/install.ts';
import { LOGIN_OPTIONS } from '../../src/cli/login-command.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { readCommandLine } from '../../src/cli/program.ts';
import { readQueueWords } from '../../src/cli/queue.ts';
import { QUEUE_COMMANDS } from '../../src/cli/queue-options.ts';
import { readValues } from '../../src/cli/values.ts';
import { readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS } from '../../src/config/defaults.ts';
import { KNOWN_KEYS } from '../../src/config/schema.ts';
import { nameOfVia } from '../../src/config/via.ts';
import { splitWords } from '../../src/config/words.ts';
import { clientOf } from '../../src/oauth/client.ts';
import { readTable } from '../../src/route/table.ts';
import { STAGES } from '../../src/smtp/stages.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const manual = read('man/posthaste.1');
const readme = read('README.md');
/** The manual's macros undone as far as names of options and keys go. */
const plain = manual.replace(/\\&|\\\(dq/g, '').replaceAll(/^\.It (?:Cm|Fl|Ev|Pa) /gm, '.It ');
const section = (name: string): string => manual.split(/^\.Sh /m).find((each) => each.startsWith(name)) ?? '';

describe('posthaste(1)', () => {
  it('describes every option of the table', () => {
    for (const { flags } of OPTIONS) {
      for (const [, dashes = '', name = ''] of flags.matchAll(/(?:^|, )(--?)([\w-]+)/g)) {
        const macro = dashes === '--' ? `Fl -${name}` : `Fl ${name}`;
        expect(manual, flags).toMatch(new RegExp(`^\\.It (?:.* , )?${macro}(?: |$)`, 'm'));
      }
    }
  });

  it('describes how to log in and its options', () => {
    const described = section('LOGGING IN');
    for (const name of ['login', 'logout']) expect(described).toMatch(new RegExp(`^\\.It Cm ${name} Ar account$`, 'm'));
    for (const { flags } of LOGIN_OPTIONS) {
      const [, name = ''] = /--([\w-]+)/.exec(flags) ?? [];
      expect(described, flags).toMatch(new RegExp(`^\\.It Fl -${name} `, 'm'));
    }
  });

  it('describes every command of the queue and of install, and their options', () => {
    const described = section('THE QUEUE');
    for (const name of Object.keys(QUEUE_COMMANDS))
      expect(described).toMatch(new RegExp(`^\\.It Cm (?:.* )?${name}\\b`, 'm'));
    const rows = [...Object.values(QUEUE_COMMANDS).flatMap((command) => command.rows), ...INSTALL_OPTIONS];
    for (const { flags } of rows) {
      const [, name = ''] = /--([\w-]+)/.exec(flags) ?? [];
      expect(manual, flags).toMatch(new RegExp(`(?:Fl|,) -${name}\\b`));
    }
  });

  it('describes explain and doctor, and their options', () => {
    const described = section('WHAT STOPS MAIL');
    for (const { flags } of [...EXPLAIN_OPTIONS, ...DOCTOR_OPTIONS]) {
      const [, name = ''] = /(?:^|, )-(-[\w-]+|\w)/.exec(flags) ?? [];
      expect(described, flags).toMatch(new RegExp(`^\\.It (?:.* , )?Fl ${name}\\b`, 'm'));
    }
  });

  it('describes every command of the configuration and their options', () => {
    const described = section('CONFIGURATION');
    for (const name of [...Object.keys(CONFIG_COMMANDS), 'import'])
      expect(described).toMatch(new RegExp(`^\\.It Nm Cm config ${name}\\b`, 'm'));
    const rows = [...Object.values(CONFIG_COMMANDS).flatMap((command) => command.rows), ...IMPORT_FORM.rows];
    for (const { flags } of rows) {
      const [, name = ''] = /--([\w-]+)/.exec(flags) ?? [];
      expect(manual, flags).toMatch(new RegExp(`(?:Fl|,) -${name}\\b`));
    }
  });

  it('has every exit status', () => {
    for (const code of Object.values(EXIT)) expect(section('EXIT STATUS')).toMatch(new RegExp(`^\\.It ${code}$`, 'm'));
  });

  it('has every variable that the sources read', () => {
    for (const name of [
      ...['POSTHASTE_PASSWORD', 'POSTHASTE_PASSWORD_FILE', 'CREDENTIALS_DIRECTORY', 'NAME'],
      ...['POSTHASTE_SPOOL', 'POSTHASTE_DROP', 'POSTHASTE_LOG', 'POSTHASTE_STATE', 'NO_COLOR', 'XDG_CONFIG_HOME'],
    ])
      expect(section('ENVIRONMENT')).toContain(`.It Ev ${name}\n`);
  });

  it('has only options that there are', () => {
    const queue = Object.values(QUEUE_COMMANDS).flatMap(({ rows }) => rows);
    const config = Object.values(CONFIG_COMMANDS).flatMap(({ rows }) => rows);
    const rows = [
      ...OPTIONS,
      ...queue,
      ...INSTALL_OPTIONS,
      ...EXPLAIN_OPTIONS,
      ...DOCTOR_OPTIONS,
      ...LOGIN_OPTIONS,
      ...config,
    ];
    const known = rows.flatMap(({ flags }) => [...flags.matchAll(/--([\w-]+)/g)].map(([, name]) => name));
    const named = [...plain.matchAll(/\bFl -([a-z][\w-]*)/g)].map(([, name]) => name);
    expect(named.filter((name) => ![...known, 'help', 'version'].includes(name))).toEqual([]);
  });

  const hasMandoc = spawnSync('mandoc', ['-V']).error === undefined;
  it.skipIf(!hasMandoc)('passes mandoc’s lint', () => {
    const { stdout, status } = spawnSync('mandoc', ['-T', 'lint', 'man/posthaste.1'], { cwd: root, encoding: 'utf8' });
    // Other manuals are not there on every machine.
    const found = stdout.split('\n').filter((text) => text !== '' && !text.includes('referenced manual not found'));
    expect([found, status === 0 || status === 1]).toEqual([[], true]);
  });
});

/** The words of each call of posthaste in a shell line, up to what is the shell's own. */
function calls(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/(?:^|[|;(] ?|=')posthaste ([^\n]*)/gm)].map(([all, rest = '']) => {
    const command = all.startsWith("='") ? rest.slice(0, rest.indexOf("'")) : rest;
    const words = splitWords(command) ?? [];
    const end = words.findIndex((word) => /^(?:[|<>&#]|2>|\|\|)/.test(word));
    return end < 0 ? words : words.slice(0, end);
  });
}

describe('the examples', () => {
  const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, text = '']) => text).join('\n');
  const examples = section('EXAMPLES').matchAll(/^\.Dl "?(.*?)"?$/gm);
  const inManual = [...examples]
    .map(([, text = '']) => text.replaceAll(/\\\(dq/g, '"').replaceAll('\\e', '\\'))
    .join('\n');

  it.each([...calls(blocks), ...calls(inManual)].map((words) => [words.join(' '), words] as const))(
    'can be read: posthaste %s',
    (_, words) => {
      const line = readCommandLine(words);
      expect(line.kind).toMatch(/^(?:send|queue|install|explain|doctor|login|config)$/);
      if (line.kind === 'queue') expect(readQueueWords(line.words).kind).toBe('given');
      if (line.kind === 'config' && line.words[0] !== 'import') expect(readConfigWords(line.words).kind).toBe('given');
      if (line.kind === 'send') expect(readValues(line.given, line.words)).toHaveProperty('words');
    },
  );

  it('are all found', () => {
    expect(calls(blocks).length).toBe(22);
    expect(calls(inManual).length).toBe(8);
  });

  it('name the two commands', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const script of ['demo', 'test']) {
      expect(scripts).toHaveProperty(script);
      expect(readme).toMatch(new RegExp(`^npm ci && npm (?:run )?${script}$`, 'm'));
    }
  });
});

describe('README.md', () => {
  it('has configurations that can be used', async () => {
    const examples = [...readme.matchAll(/```toml\n(.*?)```/gs)].map(([, text = '']) => text);
    const ways = new Set<string>();
    for (const text of examples) {
      const reading = await readConfig(text, '/c/config.toml');
      if (!reading.ok) throw new Error(reading.errors.join());
      const settings = applyOverrides(DEFAULTS, reading.overrides);
      const made = readTable(settings);
      if (!('table' in made)) throw new Error(made.reason);
      const accounts = Object.keys(settings.accounts).map((account) => readTable(settings, { account }));
      for (const each of [made, ...accounts]) {
        if (!('table' in each)) throw new Error(each.reason);
        for (const { outlets } of [...each.table.rules, each.table.rest])
          for (const { via } of outlets) ways.add(nameOfVia(via));
      }
      for (const { oauth } of Object.values(settings.accounts)) {
        if (oauth !== undefined) expect(clientOf(oauth)).toHaveProperty('client');
      }
    }
    for (const way of [
      ...['smtps://smtp.gmail.com:465', 'smtp+starttls://smtp.office365.com:587', 'smtps://smtp.fastmail.com:465'],
      ...['mx', 'file:/c/outbox', 'smtp+starttls://relay.corp.example:587', 'smtp://bounces.corp.example:25'],
    ])
      expect(ways).toContain(way);
  });

  it('gives the reason for each package', () => {
    const { devDependencies, dependencies = {} } = JSON.parse(read('package.json'));
    for (const name of Object.keys({ ...devDependencies, ...dependencies })) {
      expect(readme).toMatch(new RegExp(`^\\| (?:[^|]*, )?${name.replace('/', '\\/')}(?:,[^|]*)? \\|`, 'm'));
    }
  });
});

describe('posthaste.toml(5)', () => {
  const page = read('man/posthaste.toml.5');
  /** `route.*.via` is described as `via`; the stages and the options of TLS share a line. Values stand in parentheses. */
  const plain = (key: string): string => key.replace(/^(?:route|account)\.\*\./, '');
  const described = new Set(
    [...page.matchAll(/^\.It (Cm .*?)(?: No \\&\(.*)?$/gm)].flatMap(([, line = '']) =>
      [...line.matchAll(/(?:Cm|,) ([a-z_]+(?:\.[a-z_]+)?)\b/g)].map(([, key = '']) => key),
    ),
  );

  it('has every key that is read', () => {
    expect(KNOWN_KEYS.length).toBeGreaterThan(80);
    const missing = KNOWN_KEYS.map(plain).filter(
      (key) => !described.has(key) && !described.has(key.replace(/^timeouts\./, '')),
    );
    expect(missing).toEqual([]);
    for (const stage of Object.keys(STAGES)) expect(page).toMatch(new RegExp(`[ .]${stage} `));
  });

  it('has no key that is not read', () => {
    const known = new Set([...KNOWN_KEYS.map(plain), ...Object.keys(STAGES)]);
    const ways = ['mx', 'smtp', 'smtps', 'lmtp', 'account', 'maildir', 'mbox', 'file', 'discard', 'reject'];
    expect([...described].filter((key) => !known.has(key) && !ways.includes(key))).toEqual([]);
  });

  it('has examples that can be used', async () => {
    const all = [...page.matchAll(/^\.Bd -literal[^\n]*\n([\s\S]*?)^\.Ed$/gm)].map(([, text = '']) => text);
    // One is a unit of systemd.
    const examples = all.filter((text) => !text.startsWith('[Service]'));
    expect(examples.length).toBeGreaterThan(2);
    for (const text of examples)
      expect(await readConfig(text, 'p.toml', { home: '/home/ann' })).toMatchObject({ ok: true });
  });
});
