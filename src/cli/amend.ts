import { declareUtf8 } from '../message/charset.ts';
import { findAll, type Header } from '../message/header.ts';
import type { SeenBody } from '../message/prepare.ts';
import { encodeHeader, qualifyHeader } from '../message/repair.ts';
import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Manner } from './sendmail-settings.ts';

/** Hosts that a message comes through at most, as in Postfix: a program that sends mail on may get its own again. */
const MOST_HOPS = 50;

/**
 * What a sendmail makes of a header; loaded only under its name.
 * @throws {CommandError} with 69 from what it gives, where the message goes round in a circle
 */
export const amendment =
  ({ mend, encode, hops }: Manner, domain: string) =>
  (header: Header, body: SeenBody): Header => {
    const count = hops + findAll(header, 'Received').length;
    if (count > MOST_HOPS) {
      throw new CommandError(
        `Cannot send: the message came through ${count} hosts: it goes in a circle`,
        EXIT.unavailable,
      );
    }
    if (!mend) return header;
    const declared = body.isUtf8() ? declareUtf8(header) : header;
    const qualified = qualifyHeader(declared, domain);
    return encode ? encodeHeader(qualified) : qualified;
  };
