import type { Included } from '../config/aliases.ts';
import type { SecretRequest } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { DeliverOptions, Delivery } from '../delivery/deliver.ts';
import type { Ending } from '../mail/ending.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { Source } from '../message/source.ts';
import type { Spool } from '../queue/spool.ts';
import type { ConfigMemory } from '../submit/config-memory.ts';
import type { Dots } from '../submit/intake.ts';
import type { Conversation } from '../submit/standard-input.ts';
import type { World } from '../world.ts';
import type { Surface } from './identity.ts';
import type { Append } from './log.ts';

/** Where text goes. Never throws: a reader that went away is nobody's fault. */
export interface Output {
  write(text: string): void;
  writeBytes(bytes: Buffer): void;
  isTerminal(): Promise<boolean>;
  columns(): number;
}

/** How a runner in the background is started. */
export interface RunnerStart {
  /** The words behind `posthaste`. */
  readonly words: readonly string[];
  /** Goes over our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The aliases that the host's programs share. */
export const SYSTEM_ALIASES = '/etc/aliases';

/** Everything that the command needs of the process and of the rooms that touch the world; `main` gives it. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly surface: Surface;
  /** The folder that relative paths start from. */
  cwd(): string;
  /** The absolute path of the command itself. */
  program(): string;
  /** The home of our user id; undefined where it has none. */
  home(): string | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  /** 0 <= x < 1. */
  random(): number;
  /** Minutes east of UTC at a time. */
  zone(milliseconds: number): number;
  /** A small file: a configuration, certificates. Rejects where it can't be read. */
  readFile(file: string): Promise<Buffer>;
  /** A configuration file with its owner; undefined where there is none. @throws {Error} where it can't be read */
  findConfig(file: string): { readonly bytes: Buffer; readonly uid: number } | undefined;
  /** What files of the configuration mean; absent: they are read each time. */
  configMemory?(): ConfigMemory | undefined;
  /** Somebody types on standard input. */
  isTyped(): Promise<boolean>;
  /** The names in a folder; none where there is no folder. @throws {Error} where it may not be read */
  listFolder(folder: string): readonly string[];
  /** The login name of a user id in the password database. */
  userNameOf(uid: number): string | undefined;
  /** The full name of a user id there. */
  fullNameOf(uid: number): string | undefined;
  /** An aliases file, or one that it includes: a regular file that the caller may read. Never throws. */
  readAliases(file: string): Included;
  /** The relay's password. @throws {SecretError} */
  findSecret(request: SecretRequest): Promise<string | undefined>;
  /** Asks for the password that `findSecret` then finds. @throws {SecretError} */
  askPassword(prompt: string): Promise<void>;
  /** The message as it was given. @throws {IntakeError} */
  readMessage(request: { file?: string; maxSize: number; dots?: Dots }): Promise<Source>;
  /** Reads standard input to its end, bounded. Never rejects. */
  drain(): Promise<void>;
  /** Standard input and output as the two sides of a conversation. */
  converse(): Conversation;
  openWorld(settings: Settings): World;
  /** Our own addresses in the network, loopback aside. */
  ownAddresses(): readonly string[];
  deliver(
    delivery: Delivery,
    recipients: readonly Recipient[],
    options: DeliverOptions & { readonly world: World },
  ): Promise<readonly DeliveryResult[]>;
  /** What appends to a log. @throws {Error} where the file can't be opened */
  openLog(file: string): Append;
  /** Makes sure that a runner works this spool when we are gone. Rejects where none can be started. */
  startRunner(spool: Spool, start: RunnerStart): Promise<void>;
  /** From now on, a signal to end aborts this in place of ending the process. */
  catchSignals(): Ending;
}
