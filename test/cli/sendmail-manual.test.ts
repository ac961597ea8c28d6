import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit.ts';
import { getopt } from '../../src/cli/getopt.ts';
import { readSendmail } from '../../src/cli/sendmail.ts';
import { GRAMMAR } from '../../src/cli/sendmail-flags.ts';

const root = new URL('../../', import.meta.url);
const manual = readFileSync(new URL('man/sendmail.8', root), 'utf8');
/** The flags that paragraphs are about, without their first dash: `t`, `oem`, `-from`. */
const described = [...manual.matchAll(/^\.It (Fl .*)$/gm)].flatMap(([, line = '']) =>
  [...line.matchAll(/(?:Fl|,) (?!Fl )([-\w]+)/g)].map(([, name = '']) => name),
);

describe('sendmail(8)', () => {
  it.each(Object.keys(GRAMMAR.letters))('describes -%s', (letter) => {
    expect(described.filter((name) => name.startsWith(letter))).not.toEqual([]);
  });

  it.each(Object.keys(GRAMMAR.names))('describes --%s', (name) => {
    expect(manual).toMatch(new RegExp(`Fl (?:.*, )?-${name}\\b`));
  });

  it('describes only options that there are', () => {
    expect(described.length).toBeGreaterThan(60);
    const unknown = described.filter((name) => 'wrong' in getopt([`-${name}`, 'x', 'x'], GRAMMAR));
    expect(unknown).toEqual([]);
  });

  it('refuses what it says is refused, and nothing else of it', () => {
    const [, text = ''] = /\n\.Ss What is done\n(.*?)\n\.Ss/s.exec(manual) ?? [];
    for (const [, line = '', about = ''] of text.matchAll(/^\.It (Fl .*)\n([\s\S]*?)(?=^\.It|^\.El)/gm)) {
      for (const [, name = ''] of line.matchAll(/(?:Fl|,) (?!Fl )([-\w]+)/g)) {
        const refused = about.startsWith('Refused');
        const [word = ''] = /^q$/.test(name) && refused ? ['q30m'] : [name];
        const tried = line.includes('\\&!')
          ? 'q!Rx'
          : word === 'qp'
            ? 'qp1h'
            : /^q[IRS]$/.test(word)
              ? `${word}x`
              : word;
        // A queue run takes no recipient.
        const rest = tried.startsWith('q') ? [] : ['bob'];
        expect([tried, readSendmail('sendmail', [`-${tried}`, ...rest]).kind === 'wrong']).toEqual([tried, refused]);
      }
    }
  });

  it('has every exit status', () => {
    for (const code of Object.values(EXIT)) expect(manual).toMatch(new RegExp(`^\\.It (?:\\d+ , )*${code}\\b`, 'm'));
  });

  const hasMandoc = spawnSync('mandoc', ['-V']).error === undefined;
  it.skipIf(!hasMandoc)('passes mandoc’s lint', () => {
    const words = ['-T', 'lint', '-W', 'warning', 'man/sendmail.8'];
    const { stdout, status } = spawnSync('mandoc', words, { cwd: root, encoding: 'utf8' });
    expect([stdout, status]).toEqual(['', 0]);
  });
});
