import { applyOverrides, type Overrides } from '../config/defaults.ts';
import type { Settings } from '../config/settings.ts';
import type { TlsMaterial } from '../delivery/protect.ts';
import { quoted } from '../mail/printable.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import { readLayers, settingsOf } from './layers.ts';
import { recalling } from './recall.ts';
import type { Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';

/** The options that are settings. */
export type SettingsOptions = Pick<SendOptions, 'config' | 'port' | 'maxSize' | 'from' | 'hostname'> &
  Partial<Pick<SendOptions, 'tls'>>;

/** The settings: the defaults, then the files, then the options. @throws {CommandError} with 78 for a bad file */
export async function readSettings(options: SettingsOptions, around: Surroundings): Promise<Settings> {
  return applyOverrides(
    settingsOf(await readLayers(options.config, around, recalling(around))),
    optionOverrides(options),
  );
}

/** What the options say, by the names of settings. */
export const optionOverrides = ({ port, maxSize, tls, from, hostname }: SettingsOptions): Overrides => ({
  ...(port === undefined ? {} : { mx: { port } }),
  ...(maxSize === undefined ? {} : { limits: { messageSize: maxSize } }),
  ...(tls === undefined ? {} : { tls }),
  ...(from === undefined ? {} : { from }),
  ...(hostname === undefined ? {} : { hostname }),
});

/** The PEM files that the settings name, as text. @throws {CommandError} with 78 where one can't be used */
export async function readMaterial({ tls }: Pick<Settings, 'tls'>, around: Surroundings): Promise<TlsMaterial> {
  const read = async (file: string, what: string): Promise<string> => {
    try {
      return (await around.readFile(file)).toString('utf8');
    } catch (error) {
      throw new CommandError(`Cannot read ${what} ${quoted(file)}: ${wordsOf(error)}`, EXIT.config, { cause: error });
    }
  };
  const isNamed = tls.ca === 'system' || tls.ca === 'node';
  if (isNamed && tls.cert === undefined) return { ca: tls.ca };
  const { whyNoCertificate, whyNoKey } = await import('../tls/material.ts');
  const use = (file: string, what: string, why: string | undefined): void => {
    if (why !== undefined) throw new CommandError(`Cannot use ${what} ${quoted(file)}: ${why}`, EXIT.config);
  };
  const ca = isNamed ? tls.ca : await read(tls.ca, 'certificates');
  if (!isNamed) use(tls.ca, 'certificates', whyNoCertificate(ca));
  if (tls.cert === undefined) return { ca };
  const cert = await read(tls.cert, 'certificate');
  use(tls.cert, 'certificate', whyNoCertificate(cert));
  // One file may hold both.
  const key = tls.key === undefined ? cert : await read(tls.key, 'key');
  use(tls.key ?? tls.cert, 'key', whyNoKey(key, cert));
  return { ca, cert, key };
}

/** An error's words; of a system error what follows its code: `no such file or directory`. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^E[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text;
}
