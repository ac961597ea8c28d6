/**
 * Makes a Debian package of what `npm run build` has made:
 *
 *   node scripts/deb.mjs [FOLDER]      writes posthaste_VERSION_all.deb there, default build/, and prints its path
 *
 *   /usr/lib/posthaste/{bin,dist}      the program, as npm's package has it
 *   /usr/bin, /usr/sbin, /usr/lib      links to its launcher, by all names that it answers to
 *   /usr/lib/systemd/system, /etc      what runs the queue: a timer, or cron where there is no systemd
 *   /etc/posthaste                     the configuration, which says nothing until somebody changes it
 *   /usr/share/man, /usr/share/doc     the manual and the papers
 *
 * The same commit gives the same bytes: times are those of the commit (or SOURCE_DATE_EPOCH), and the rest is fixed.
 * DEBFULLNAME and DEBEMAIL name another maintainer.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { changelog, control, copyright } from './debian/papers.mjs';
import { file, installedSize, link, md5sums, writeTree } from './debian/tree.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (...parts) => readFileSync(join(root, ...parts));
const text = (...parts) => read(...parts).toString();

/** The revision of the packaging: one more where only that changes. */
const REVISION = 1;

const LAUNCHER = '/usr/lib/posthaste/bin/posthaste';

/** Where callers look, of Sendmail's, Postfix's and Exim's packages. */
const COMMANDS = [
  'usr/bin/posthaste',
  'usr/sbin/sendmail',
  'usr/lib/sendmail',
  'usr/bin/mailq',
  'usr/bin/newaliases',
  'usr/sbin/runq',
  'usr/sbin/hoststat',
  'usr/sbin/purgestat',
];

/** The manual of each name; that of a page of its own is this page. */
const PAGES = ['sendmail.8', 'mailq.1', 'newaliases.1', 'runq.8', 'hoststat.8', 'purgestat.8'];

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

const packed = (bytes) => file(gzipSync(bytes, { level: 9 }));

function program() {
  const chunks = readdirSync(join(root, 'dist/chunks')).map((name) => `dist/chunks/${name}`);
  const files = ['dist/start.cjs', 'dist/posthaste.cjs', 'dist/posthaste.schema.json', ...chunks];
  return [
    [LAUNCHER.slice(1), file(read('bin/posthaste'), 0o755)],
    ...files.map((path) => [`usr/lib/posthaste/${path}`, file(read(path))]),
    ...COMMANDS.map((path) => link(path, LAUNCHER)),
  ];
}

const pagePath = (page) => `usr/share/man/man${page.at(-1)}/${page}.gz`;

function manual() {
  const pages = readdirSync(join(root, 'man')).filter((name) => /\.[1-8]$/.test(name));
  const sendmail = pages.includes('sendmail.8') ? 'sendmail.8' : 'posthaste.1';
  const others = PAGES.filter((page) => !pages.includes(page));
  return [
    ...pages.map((page) => [pagePath(page), packed(read('man', page))]),
    ...others.map((page) => link(pagePath(page), `/${pagePath(sendmail)}`)),
  ];
}

/** The texts of `posthaste install --system`, of its own source, and what they read. */
async function queueFiles() {
  const build = await rolldown({ cwd: root, input: 'src/cli/install-units.ts', tsconfig: false });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  const code = Buffer.from(output[0].code).toString('base64');
  const { cronLine, MARK, units } = await import(`data:text/javascript;base64,${code}`);
  const installation = { scope: 'system', program: '/usr/bin/posthaste', spool: '/var/spool/posthaste' };
  // A package that is removed leaves its file for cron behind.
  const condition = '[ -d /run/systemd/system ] || [ ! -x /usr/bin/posthaste ] ||';
  const cron = cronLine(installation).replace(' root ', ` root ${condition} `);
  return [
    ...units(installation).map(({ name, text }) => [
      `usr/lib/systemd/system/${name}`,
      file(text.replace(`${MARK}\n`, '')),
    ]),
    ['etc/cron.d/posthaste', file(`# Runs the mail queue where systemd does not.\n${cron}\n`)],
    ['etc/logrotate.d/posthaste', file(read('scripts/debian/logrotate'))],
    ['etc/posthaste/config.toml', file(read('scripts/debian/config.toml'))],
  ];
}

function papers(about) {
  const doc = (name) => `usr/share/doc/posthaste/${name}`;
  const changes = text('CHANGELOG.md');
  return [
    [doc('copyright'), file(copyright(text('LICENSE'), text('dist/THIRD-PARTY.txt')))],
    [doc('changelog.gz'), packed(changes)],
    [doc('changelog.Debian.gz'), packed(changelog(changes, about))],
    [doc('README.md.gz'), packed(read('README.md'))],
    ['usr/share/lintian/overrides/posthaste', file(read('scripts/debian/lintian-overrides'))],
  ];
}

/** What dpkg reads, for the files of the tree. */
function papersForDpkg(tree, about) {
  const conffiles = [...tree.keys()].filter((path) => path.startsWith('etc/')).map((path) => `/${path}\n`);
  return new Map([
    ['DEBIAN/control', file(control({ ...about, installedSize: installedSize(tree) }))],
    ['DEBIAN/conffiles', file(conffiles.join(''))],
    ['DEBIAN/md5sums', file(md5sums(tree))],
    ...SCRIPTS.map((name) => [`DEBIAN/${name}`, file(read('scripts/debian', name), 0o755)]),
  ]);
}

function buildSeconds() {
  const { SOURCE_DATE_EPOCH: said } = process.env;
  if (said !== undefined) return Number(said);
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
  } catch (cause) {
    throw new Error('Cannot tell the time of the sources: git has no commit of them, and no SOURCE_DATE_EPOCH is set', {
      cause,
    });
  }
}

async function makePackage(folder) {
  const seconds = buildSeconds();
  const { DEBFULLNAME: name = 'The posthaste authors', DEBEMAIL: address = 'posthaste@example.org' } = process.env;
  const about = {
    version: `${JSON.parse(text('package.json')).version}-${REVISION}`,
    revision: REVISION,
    maintainer: `${name} <${address}>`,
    date: new Date(seconds * 1000),
  };
  const tree = new Map([...program(), ...manual(), ...(await queueFiles()), ...papers(about)]);
  const staging = mkdtempSync(join(tmpdir(), 'posthaste-deb-'));
  const made = join(folder, `posthaste_${about.version}_all.deb`);
  try {
    writeTree(staging, new Map([...tree, ...papersForDpkg(tree, about)]), seconds);
    mkdirSync(folder, { recursive: true });
    // xz, because Debian's dpkg and Ubuntu's have another default each.
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', staging, made], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return made;
}

console.log(await makePackage(resolve(process.argv[2] ?? join(root, 'build'))));
