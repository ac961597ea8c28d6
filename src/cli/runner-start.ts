import type { Spool } from '../queue/spool.ts';
import type { RunnerStart, Surroundings } from './surroundings.ts';
import type { SendOptions } from './values.ts';
import { PASSWORD_RELAY, wayOf } from './way.ts';

export interface Starter {
  readonly options: SendOptions;
  readonly spool: Spool;
}

/**
 * How the runner in the background is started: with our spool and configuration, and where the relay's password was in
 * the environment, with the word whose it is.
 */
export function runnerStart({ options, spool }: Starter, around: Surroundings): RunnerStart {
  const { config, relay } = wayOf(options, around);
  const words = ['queue', 'run', '--background', `--spool=${spool.folder}`];
  const isOurs = around.env.POSTHASTE_PASSWORD !== undefined;
  return {
    words: config === undefined ? words : [...words, `--config=${config}`],
    env: isOurs && relay !== undefined ? { [PASSWORD_RELAY]: relay } : {},
  };
}
