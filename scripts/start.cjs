// The launcher starts this file, and this file starts the program in posthaste.cjs.
//
//   node FLAGS start.cjs NAME ARGUMENTS…      NAME is what the program was called by: posthaste, sendmail, …
//
// It loads the program through V8's code cache, which halves what the program's start costs over Node's own. The cache
// lies in cache/ beside this file, one file for each of the program's files and each version of Node. It holds what was
// compiled so far, and so is made at the end of the first run with a recipient that finds none, or one that V8 rejects;
// the build has several runs add to it (POSTHASTE_TRAINING).
// We must own this folder for that; nothing happens where it fails.
// Machine code from a cache runs unseen: it is only read where nobody but root and ourselves can have written it.
'use strict';

const REQUIRED = [20, 19];
const BUILD = '__BUILD__';
const OTHERS_WRITE = 0o022;

function isOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1]);
}

if (isOldNode()) {
  const node = `Node ${process.versions.node} at ${process.execPath}`;
  process.stderr.write(`posthaste: Cannot start: ${node} is older than ${REQUIRED.join('.')}\n`);
  process.exit(78);
}

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
// Without loading node:module, which takes 1 ms.
const Module = module.constructor;

const folder = path.join(__dirname, 'cache');
const isTraining = process.env.POSTHASTE_TRAINING !== undefined;
/** Scripts whose cache is to be made. */
const fresh = [];

const isOurs = (stats) => process.geteuid !== undefined && stats.uid === process.geteuid();
const isSafe = (stats) => (stats.uid === 0 || isOurs(stats)) && (stats.mode & OTHERS_WRITE) === 0;

const cacheFile = (file) =>
  path.join(folder, `${path.basename(file, '.cjs')}-${BUILD}-${process.version}-${process.arch}`);

function isSafeFolder() {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && isSafe(stats);
}

function readCache(file) {
  let fd;
  try {
    if (!isSafeFolder()) return undefined;
    fd = fs.openSync(cacheFile(file), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const found = fs.fstatSync(fd);
    if (!found.isFile() || !isSafe(found)) return undefined;
    const bytes = Buffer.allocUnsafeSlow(found.size);
    return fs.readSync(fd, bytes) === found.size ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function writeCaches() {
  try {
    if (!isOurs(fs.statSync(__dirname))) return;
    fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (!isSafeFolder() || !isOurs(fs.lstatSync(folder))) return;
    for (const { file, script } of fresh) {
      const aside = `${cacheFile(file)}.${process.pid}`;
      fs.writeFileSync(aside, script.createCachedData(), { flag: 'wx', mode: 0o644 });
      fs.renameSync(aside, cacheFile(file));
    }
  } catch {
    // A read-only or full disk: the program works without.
  }
}

/**
 * Loads one of our own files as `require` would, but for its exports, which nobody asks the program for. The build has
 * put it in its function, and made it ASCII. Node reads UTF-8 without a line of JavaScript.
 */
function load(file) {
  const known = require.cache[file];
  if (known !== undefined) return known;
  const loaded = new Module(file);
  loaded.filename = file;
  require.cache[file] = loaded;
  const cachedData = readCache(file);
  const script = new vm.Script(fs.readFileSync(file, 'utf8'), { filename: file, cachedData });
  if (cachedData === undefined || script.cachedDataRejected || isTraining) fresh.push({ file, script });
  const here = path.dirname(file);
  const requireHere = (id) => (id[0] === '.' ? load(path.join(here, id)).exports : require(id));
  script.runInThisContext()(loaded.exports, requireHere, loaded, file, here);
  loaded.loaded = true;
  return loaded;
}

process.argv.splice(1, 2, process.argv[2]);
const isSending = process.argv.some((argument) => argument === '-t' || argument.includes('@'));
process.on('exit', () => {
  if (isSending && fresh.length > 0) writeCaches();
});
load(path.join(__dirname, 'posthaste.cjs'));
