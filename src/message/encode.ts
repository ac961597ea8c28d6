/*
 * The transfer encodings of RFC 2045, section 6, for text that comes in pieces: each writes what it is given, with `newline`
 * for a line end and `end` when there is no more. No line written is longer than 76 characters, and none that it begins
 * itself starts with two dashes, which a delimiter could.
 */
import type { Bytes } from './bytes.ts';

export interface Encoder {
  text(bytes: Buffer, start: number, end: number): void;
  newline(): void;
  end(): void;
}

/** How a segment is written: as it is, encoded, or encoded as before with shorter lines. */
export type Way = 'copy' | 'quoted-printable' | 'base64' | 'wrap-base64' | 'wrap-quoted-printable';

const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;
const DASH = 0x2d;
/** With the `=` of a soft line break 76 (RFC 2045, section 6.7, rule 5). */
const WIDTH = 75;
const HEX = Array.from({ length: 256 }, (_, octet) =>
  Buffer.from(`=${octet.toString(16).toUpperCase().padStart(2, '0')}`),
);
const CRLF = Buffer.from('\r\n');
const SOFT_BREAK = Buffer.from('=\r\n');

/** Whether quoted-printable must write the octet as three (blanks at the end of a line aside). */
const isEscaped = (octet: number): boolean => (octet < SPACE && octet !== TAB) || octet > 126 || octet === EQUALS;

/** For each octet 1 where quoted-printable must write it as three, with 2 where it is above 127 and 4 where it is NUL. */
export const OCTETS = Uint8Array.from({ length: 256 }, (_, octet) =>
  isEscaped(octet) ? 1 | (octet > 127 ? 2 : 0) | (octet === 0 ? 4 : 0) : 0,
);

function copy(out: Bytes): Encoder {
  return {
    text: (bytes, start, end) => out.put(bytes, start, end),
    newline: () => out.put(CRLF),
    end: () => {},
  };
}

function quotedPrintable(out: Bytes): Encoder {
  let column = 0;
  let soft = false;
  let blank = -1;
  const put = (octet: number, hex: boolean) => {
    if (column + (hex ? 3 : 1) > WIDTH) {
      out.put(SOFT_BREAK);
      column = 0;
      soft = true;
    }
    const guard = hex || (soft && column === 0 && octet === DASH);
    if (guard) out.put(HEX[octet] ?? CRLF);
    else out.octet(octet);
    column += guard ? 3 : 1;
  };
  const flush = (hex: boolean) => {
    if (blank >= 0) put(blank, hex);
    blank = -1;
  };
  return {
    text(bytes, start, end) {
      if (end > start) flush(false);
      const last = bytes[end - 1] ?? 0;
      const stop = last === SPACE || last === TAB ? end - 1 : end;
      for (let at = start; at < stop; ) {
        // A run that stays as it is is copied at once; one that begins a line that we broke is looked at.
        let run = at;
        const limit = Math.min(stop, at + WIDTH - column);
        if (column > 0 || !soft) while (run < limit && OCTETS[bytes[run] ?? 0] === 0) run++;
        if (run > at) {
          out.put(bytes, at, run);
          column += run - at;
          at = run;
          continue;
        }
        const octet = bytes[at++] ?? 0;
        put(octet, OCTETS[octet] !== 0);
      }
      if (stop < end) blank = last;
    },
    newline() {
      flush(true);
      out.put(CRLF);
      column = 0;
      soft = false;
    },
    end: () => flush(true),
  };
}

/** 57 octets make a line of 76 characters. */
const GROUP = 57;

function base64(out: Bytes): Encoder {
  const room = Buffer.allocUnsafe(GROUP);
  let length = 0;
  let lines = 0;
  const flush = () => {
    if (length === 0) return;
    if (lines++ > 0) out.put(CRLF);
    out.ascii(room.toString('base64', 0, length));
    length = 0;
  };
  const put = (octet: number) => {
    if (length === GROUP) flush();
    room[length++] = octet;
  };
  return {
    text(bytes, start, end) {
      for (let at = start; at < end; ) {
        if (length === GROUP) flush();
        const took = bytes.copy(room, length, at, Math.min(end, at + GROUP - length));
        length += took;
        at += took;
      }
    },
    newline() {
      put(0x0d);
      put(0x0a);
    },
    end: flush,
  };
}

/** Base64 with shorter lines; octets that mean nothing in it and can't be sent (RFC 2045, section 6.8) are left out. */
function wrapBase64(out: Bytes): Encoder {
  let column = 0;
  return {
    text(bytes, start, end) {
      for (let at = start; at < end; at++) {
        const octet = bytes[at] ?? 0;
        if (octet > 126 || octet < SPACE) continue;
        if (column === 76) {
          out.put(CRLF);
          column = 0;
        }
        out.octet(octet);
        column++;
      }
    },
    newline() {
      out.put(CRLF);
      column = 0;
    },
    end: () => {},
  };
}

const hexOf = (octet: number): string => (HEX[octet] ?? CRLF).toString('latin1');
const isHex = (octet: number): boolean =>
  (octet >= 0x30 && octet <= 0x39) || (octet >= 0x41 && octet <= 0x46) || (octet >= 0x61 && octet <= 0x66);
/** Blanks held until it is known whether a line goes on behind them. */
const BLANKS = 1000;

/**
 * Quoted-printable with shorter lines, and with escapes where it should have had them. Blanks at the end of a line mean
 * nothing in it (RFC 2045, section 6.7, rule 3) and are left out.
 */
function wrapQuotedPrintable(out: Bytes): Encoder {
  let column = 0;
  let blanks = '';
  /** An `=` and what follows it, until it is known what it is. */
  let pending = '';
  const put = (text: string) => {
    let word = text;
    if (column + word.length > WIDTH) {
      out.put(SOFT_BREAK);
      column = 0;
      if (word === '-') word = '=2D';
    }
    out.ascii(word);
    column += word.length;
  };
  const flushBlanks = () => {
    for (const blank of blanks) put(blank);
    blanks = '';
  };
  const flushPending = () => {
    if (pending !== '') put(pending);
    pending = '';
  };
  return {
    text(bytes, start, end) {
      for (let at = start; at < end; at++) {
        const octet = bytes[at] ?? 0;
        const char = String.fromCharCode(octet);
        if (pending !== '' && isHex(octet)) {
          pending += char;
          if (pending.length === 3) flushPending();
          continue;
        }
        flushPending();
        if (octet === SPACE || octet === TAB) {
          blanks += char;
          if (blanks.length > BLANKS) flushBlanks();
          continue;
        }
        flushBlanks();
        if (octet === EQUALS) pending = '=';
        else put(isEscaped(octet) ? hexOf(octet) : char);
      }
    },
    newline() {
      if (pending === '=') out.octet(EQUALS);
      else flushPending();
      pending = '';
      blanks = '';
      out.put(CRLF);
      column = 0;
    },
    end() {
      flushPending();
    },
  };
}

/** The encoder for a segment, writing to `out`. */
export function encoder(way: Way, out: Bytes): Encoder {
  switch (way) {
    case 'copy':
      return copy(out);
    case 'quoted-printable':
      return quotedPrintable(out);
    case 'base64':
      return base64(out);
    case 'wrap-base64':
      return wrapBase64(out);
    case 'wrap-quoted-printable':
      return wrapQuotedPrintable(out);
  }
}
