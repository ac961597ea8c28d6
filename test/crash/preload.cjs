// Loaded into the real command before all of its own (`node --require`): counts its operations on files below a folder, and
// at one of them ends the process, or has it fail.
//
//   CRASH_UNDER   the folder; what lies elsewhere is left alone
//   CRASH_AT      the number of the operation, from 1; 0: none
//   CRASH_ACT     `kill` (SIGKILL, after the operation), or the system's code that it fails with, such as EIO
//   CRASH_COUNTS  `changes`: only what changes the disk counts; `all`
//   CRASH_TOLD    where the number of operations goes, and the name of the one that was hit
'use strict';

const fs = require('node:fs');

const { CRASH_UNDER: under, CRASH_AT, CRASH_ACT: act, CRASH_COUNTS: counts, CRASH_TOLD: told } = process.env;
const at = Number(CRASH_AT);
const CHANGES = ['rename', 'link', 'unlink', 'mkdir', 'chmod', 'utimes', 'rm', 'rmdir', 'truncate'];
const READS = ['lstat', 'stat', 'readdir', 'access', 'readlink'];
const ON_DESCRIPTORS = ['write', 'writev', 'fsync', 'fdatasync', 'ftruncate', 'futimes'];
const READS_OF_DESCRIPTORS = ['read', 'fstat', 'close'];
const CREATES = fs.constants.O_CREAT | fs.constants.O_TRUNC;

const real = { ...fs };
const ours = new Set();
let count = 0;
let hit = '-';

const isBelow = (path) => typeof path === 'string' && (path === under || path.startsWith(`${under}/`));
const isNew = (flags) => (typeof flags === 'number' ? (flags & CREATES) !== 0 : /[wa]/.test(flags ?? 'r'));

/** Counts the operation, and throws where it is to fail. True: it is the one to end with. */
function enter(name, isChange) {
  if (!isChange && counts === 'changes') return false;
  count += 1;
  if (count !== at) return false;
  hit = name;
  if (act === 'kill') return true;
  throw Object.assign(new Error(`${act}: as the test wants it, ${name}`), { code: act, errno: -5, syscall: name });
}

function end() {
  real.writeFileSync(told, `${count} ${hit}`);
  process.kill(process.pid, 'SIGKILL');
}

/** Puts our own around `<name>Sync` and, with a callback, `<name>`. */
function wrap(name, judge, after = () => {}) {
  const sync = `${name}Sync`;
  fs[sync] = (...words) => {
    const kind = judge(words);
    if (kind === undefined) return real[sync](...words);
    let isLast = false;
    try {
      isLast = enter(name, kind === 'change');
    } catch (error) {
      half(name, words);
      throw error;
    }
    try {
      const result = real[sync](...words);
      after(words, result);
      return result;
    } finally {
      if (isLast) end();
    }
  };
  fs[name] = (...words) => {
    const kind = judge(words);
    if (kind === undefined) return real[name](...words);
    const done = words.pop();
    let isLast = false;
    try {
      isLast = enter(name, kind === 'change');
    } catch (error) {
      return void setImmediate(done, error);
    }
    real[name](...words, (error, result) => {
      if (error === null || error === undefined) after(words, result);
      if (isLast) end();
      done(error, result);
    });
  };
}

/** A disk that is full takes what it can; and whatever close says, the descriptor is gone. */
function half(name, [descriptor, bytes, offset = 0, length = bytes?.length]) {
  if (name === 'write' && length > 1) real.writeSync(descriptor, bytes, offset, length >> 1);
  if (name !== 'close') return;
  ours.delete(descriptor);
  real.closeSync(descriptor);
}

wrap(
  'open',
  ([path, flags]) => (isBelow(path) ? (isNew(flags) ? 'change' : 'read') : undefined),
  (_, descriptor) => ours.add(descriptor),
);
for (const name of CHANGES) wrap(name, ([path, to]) => (isBelow(path) || isBelow(to) ? 'change' : undefined));
for (const name of READS) wrap(name, ([path]) => (isBelow(path) ? 'read' : undefined));
for (const name of ON_DESCRIPTORS) wrap(name, ([fd]) => (ours.has(fd) ? 'change' : undefined));
for (const name of READS_OF_DESCRIPTORS) {
  wrap(
    name,
    ([fd]) => (ours.has(fd) ? 'read' : undefined),
    ([fd]) => name === 'close' && ours.delete(fd),
  );
}
// The runner in the background would do what is to be judged; a run without a fault does its work.
const children = require('node:child_process');
const { spawn } = children;
children.spawn = (_program, _words, options) => spawn('true', [], options);
process.on('exit', () => real.writeFileSync(told, `${count} ${hit}`));
