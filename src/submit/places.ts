import { isAbsolute, join, resolve } from 'node:path';
import { homeOf } from '../config/home.ts';

/*
 * Where the spool and its log lie, decided from what was said and who asks, without looking whether they are there:
 *
 *   --spool, POSTHASTE_SPOOL, `spool.dir`, else /var/spool/posthaste for root and $XDG_STATE_HOME/posthaste/spool
 *   POSTHASTE_LOG, `log`,                  else /var/log/posthaste.log          and $XDG_STATE_HOME/posthaste/log
 *   POSTHASTE_STATE (a folder),            else /var/lib/posthaste              and $XDG_STATE_HOME/posthaste
 *
 * A user without a home (usual in containers) has no such place, which is an answer and not an error: mail that needs no
 * spool goes out all the same.
 */

/** Who asks, and from where. */
export interface Asker {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** The home of the user id; undefined where it has none. */
  home(): string | undefined;
  cwd(): string;
}

export interface Wish {
  /** `--spool`. */
  readonly option?: string | undefined;
  /** The settings' own. */
  readonly configured?: string | undefined;
}

/** An absolute path, or why there is none. */
export type Place = { readonly path: string } | { readonly reason: string };

export function spoolPlace({ option, configured }: Wish, asker: Asker): Place {
  const said = option ?? (asker.env.POSTHASTE_SPOOL || undefined);
  if (said !== undefined) return { path: resolve(asker.cwd(), said) };
  if (configured !== undefined) return { path: configured };
  return asker.uid === 0 ? { path: SYSTEM_SPOOL } : inState('spool', asker);
}

const SYSTEM_SPOOL = '/var/spool/posthaste';

/** Where root may have spools where nothing names one: mail of the system, and of programs that have root's home. */
export function rootSpools(configured: string | undefined, asker: Asker): readonly string[] {
  const own = inState('spool', asker);
  const all = [...(configured === undefined ? [] : [configured]), SYSTEM_SPOOL, ...('path' in own ? [own.path] : [])];
  return [...new Set(all)];
}

export type LogTarget = 'none' | 'stderr' | 'syslog' | { readonly file: string };

/** Without a place, what happens is told to nobody. */
export function logTarget(configured: string | undefined, asker: Asker): LogTarget {
  const said = asker.env.POSTHASTE_LOG || configured;
  if (said === 'none' || said === 'stderr' || said === 'syslog') return said;
  if (said !== undefined) return { file: resolve(asker.cwd(), said) };
  if (asker.uid === 0) return { file: '/var/log/posthaste.log' };
  const place = inState('log', asker);
  return 'path' in place ? { file: place.path } : 'none';
}

/** A small file of what was learned. */
export function statePlace(name: string, asker: Asker): Place {
  const said = asker.env.POSTHASTE_STATE;
  if (said) return { path: resolve(asker.cwd(), said, name) };
  return asker.uid === 0 ? { path: join('/var/lib/posthaste', name) } : inState(name, asker);
}

/** The XDG Base Directory Specification has relative paths ignored. */
function inState(name: string, asker: Asker): Place {
  const { XDG_STATE_HOME: state } = asker.env;
  if (state !== undefined && isAbsolute(state)) return { path: join(state, 'posthaste', name) };
  const base = homeOf(asker);
  if (base === undefined) return { reason: `user id ${asker.uid} has no home folder` };
  return { path: join(base, '.local/state/posthaste', name) };
}
