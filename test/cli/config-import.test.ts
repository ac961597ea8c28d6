import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runConfigImport } from '../../src/cli/config-import.ts';
import { explain } from '../../src/cli/trouble.ts';
import { scratchFolder } from '../support/spool.ts';
import { fakeSurroundings } from './fake-surroundings.ts';

const FILES = {
  '/etc/ssmtp.conf': 'mailhub=h.example\nAuthUser=ann\nAuthPass=hunter2\nDebug=YES\n',
  '/etc/msmtprc': 'account a\nhost h.example\nuser a\nauth on\npassword one1\naccount b : a\npassword two2\n',
  '/etc/remotes': 'h.example\n',
  '/etc/me': 'vm.example.org\n',
  '/etc/dma.conf': 'SMARTHOST h.example\nAUTHPATH /dma/auth\nNULLCLIENT\n',
  '/dma/auth': 'ann|h.example:hunter2\n',
  '/etc/empty': '# nothing\n',
};

async function play(...words: readonly string[]) {
  const around = fakeSurroundings({ files: FILES }, { cwd: () => '/etc' });
  const exit = await runConfigImport(words, around).catch((error: unknown) => explain(error));
  return { exit, out: around.stdout.text, err: around.stderr.text };
}

describe('posthaste config import', () => {
  it('prints a configuration without its password, and tells what is left out', async () => {
    const { exit, out, err } = await play('ssmtp', 'ssmtp.conf');
    expect(exit).toBe(0);
    expect(out).toContain('# Made of ssmtp’s /etc/ssmtp.conf by posthaste config import.\n');
    expect(out).toContain('\nurl = "smtp://ann@h.example"\n');
    expect(out).toContain('# password_file = ');
    expect(err).toContain('posthaste: not taken over: line 4: Debug: there is nothing like it here\n');
    expect(out + err).not.toContain('hunter2');
  });

  it('puts each password into a file of its own, closed to others, and never over another', async () => {
    const file = join(scratchFolder(), 'password');
    const { exit, out, err } = await play('msmtp', 'msmtprc', '--password-file', file);
    expect(exit).toBe(0);
    expect(out).toMatch(/^password_file = "[^"]*password"$/m);
    expect(out).toContain(`password_file = "${file}.b"\n`);
    expect(out + err).not.toMatch(/one1|two2/);
    expect([file, `${file}.b`].map((path) => readFileSync(path, 'utf8'))).toEqual(['one1\n', 'two2\n']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, 'mine\n');
    expect(await play('ssmtp', 'ssmtp.conf', '--password-file', file)).toMatchObject({
      exit: { exit: 73, text: `Cannot write password file "${file}": file already exists` },
      out: '',
    });
    expect(readFileSync(file, 'utf8')).toBe('mine\n');
  });

  it('reads the files that belong to it', async () => {
    expect((await play('nullmailer', 'remotes')).out).toContain('domain = "vm.example.org"\n');
    expect((await play('nullmailer', '/etc')).out).toMatch(/ \/etc\/remotes by [\s\S]*\ndomain = "vm\.example\.org"\n/);
    expect((await play('dma', 'dma.conf')).out).toContain('url = "smtp://ann@h.example"\n');
  });

  it.each([
    [['exim', 'x'], 64, 'Cannot import "exim": known are msmtp, ssmtp, nullmailer, dma'],
    [['constructor', 'x'], 64, 'Cannot import "constructor": known are msmtp, ssmtp, nullmailer, dma'],
    [['msmtp'], 64, 'Cannot import: name one file'],
    [['msmtp', 'a', 'b'], 64, 'Cannot import: name one file'],
    [['msmtp', '--nonsense'], 64, "Cannot read command line: unknown option '--nonsense'"],
    [['msmtp', 'none'], 66, 'Cannot read "/etc/none": no such file or directory'],
    [['msmtp', 'empty'], 65, 'Cannot import "/etc/empty": it names no server'],
  ])('refuses %j', async (words, code, text) => {
    expect(await play(...words)).toEqual({ exit: { exit: code, text }, out: '', err: '' });
  });
});
