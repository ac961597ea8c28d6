import type { ConfigReading, Loading } from '../config/config.ts';
import type { Surroundings } from './surroundings.ts';

/** Reads a file of the configuration: its name for messages, and how to come by it. */
export type LoadFile = (shown: string, loading: Loading) => Promise<ConfigReading>;

export const loadFile: LoadFile = async (shown, loading) =>
  (await import('../config/config.ts')).loadConfig(shown, loading);

/** The same by what is remembered of the file, and remembers it: what such a reading `said` is not known. */
export const recalling =
  (around: Surroundings): LoadFile =>
  async (shown, loading) => {
    const memory = around.configMemory?.();
    if (memory === undefined) return loadFile(shown, loading);
    const reading = await loading.readFile(shown).then(
      (bytes) => ({ bytes }),
      (error: unknown) => ({ error }),
    );
    if ('error' in reading) return loadFile(shown, { ...loading, readFile: () => Promise.reject(reading.error) });
    const { bytes } = reading;
    const file = { at: loading.at ?? shown, home: loading.home, bytes };
    const known = memory.recall(file);
    if (known !== undefined) return { ok: true, overrides: known, said: () => [] };
    const read = await loadFile(shown, { ...loading, readFile: async () => bytes });
    if (read.ok) await memory.keep(file, read.overrides);
    return read;
  };
