import { openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { SecretError } from '../config/secret-text.ts';

/** Characters; a token may be long. */
const LONGEST = 65_536;
/** Milliseconds to type it in. */
const PATIENCE = 300_000;

/**
 * Asks for a password on the terminal of the session, whatever standard input is, and shows none of it. @throws
 * {SecretError} where there is no terminal, or nothing was entered
 */
export async function askPassword(prompt: string): Promise<string> {
  const descriptor = openTerminal();
  const input = new ReadStream(descriptor);
  // Node gives the terminal back at SIGINT and SIGTERM alone.
  const hangUp = (): void => {
    input.setRawMode(false);
    process.kill(process.pid, 'SIGHUP');
  };
  if (process.listenerCount('SIGHUP') === 0) process.once('SIGHUP', hangUp);
  // First, so that nothing of an answer is ever shown.
  input.setRawMode(true);
  writeSync(descriptor, prompt);
  try {
    return await readLine(input);
  } finally {
    process.off('SIGHUP', hangUp);
    input.setRawMode(false);
    writeSync(descriptor, '\n');
    input.destroy();
  }
}

function openTerminal(): number {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    throw new SecretError('there is no terminal to ask on', 78);
  }
}

function readLine(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const late = setTimeout(() => give(undefined, 'nothing was entered in time'), PATIENCE);
    const give = (text: string | undefined, reason = 'nothing was entered'): void => {
      clearTimeout(late);
      input.removeAllListeners('data');
      if (text === undefined || text === '') reject(new SecretError(reason, 77));
      else resolve(text);
    };
    input.setEncoding('utf8');
    input.on('error', () => give(undefined, 'the terminal went away'));
    input.on('end', () => give(undefined, 'the terminal went away'));
    input.on('data', (chunk: string) => {
      for (const key of chunk) {
        switch (key) {
          case '\r':
          case '\n':
            return give(line);
          case '\x03':
          case '\x04':
            return give(undefined);
          case '\x7f':
          case '\b':
            line = [...line].slice(0, -1).join('');
            break;
          case '\x15':
            line = '';
            break;
          default:
            if (key >= ' ' && line.length < LONGEST) line += key;
        }
      }
    });
  });
}
