import { type Token, tokens } from './address-tokens.ts';

/** One mailbox of an address list, not yet judged: what stands between two separators. */
export interface Element {
  /** What stands before the angle brackets, or all where there are none; without comments. */
  readonly phrase: readonly Token[];
  /** What stands between the angle brackets, without comments; empty for `<>`. */
  readonly angle: readonly Token[] | undefined;
  /** The comments outside of angle brackets. */
  readonly comments: readonly string[];
  readonly start: number;
  readonly end: number;
  /** Why this can't be a mailbox, whatever the tokens are. */
  readonly fault: string | undefined;
}

/** An element that is still being read. */
interface Draft {
  readonly phrase: Token[];
  readonly comments: string[];
  angle: Token[] | undefined;
  closed: boolean;
  start: number;
  end: number;
  fault: string | undefined;
}

/** No mailbox needs as many; what comes after them is not kept, so that memory stays bounded. */
const MOST_TOKENS = 2000;

/**
 * Cuts a text at its separators: `,`, and `;` for those who are used to it. A group's name is dropped and its members
 * are elements like any other (RFC 5322, section 3.4); the end of the text closes a group, too. A comma between angle
 * brackets separates as well, but in a route, so that a `<` that is never closed costs one element and no more.
 */
export function* elements(text: string, folded: boolean): Generator<Element, void> {
  let draft = emptyDraft();
  let inGroup = false;
  for (const token of tokens(text, folded)) {
    const { kind } = token;
    if (kind === ';' || (kind === ',' && !(inRoute(draft) && routeGoesOn(text, token.end)))) {
      if (kind === ';') inGroup = false;
      if (isElement(draft)) yield finished(draft);
      draft = emptyDraft();
    } else if (kind === ':' && !inGroup && isGroupName(draft)) {
      inGroup = true;
      draft = emptyDraft();
    } else {
      add(draft, token);
    }
  }
  if (isElement(draft)) yield finished(draft);
}

const emptyDraft = (): Draft => ({
  phrase: [],
  comments: [],
  angle: undefined,
  closed: false,
  start: -1,
  end: -1,
  fault: undefined,
});

function add(draft: Draft, token: Token): void {
  if (draft.start < 0) draft.start = token.start;
  draft.end = token.end;
  draft.fault ??= faultOf(draft, token);
  if (draft.fault !== undefined) return;
  if (token.kind === '<') draft.angle = [];
  else if (token.kind === '>') draft.closed = true;
  else if (token.kind !== 'comment') (draft.angle ?? draft.phrase).push(token);
  else if (draft.angle === undefined || draft.closed) draft.comments.push(token.text);
}

function faultOf(draft: Draft, { kind, text }: Token): string | undefined {
  if (kind === 'fault') return text;
  if (draft.phrase.length + draft.comments.length + (draft.angle?.length ?? 0) >= MOST_TOKENS) return 'it is too long';
  if (kind === 'comment') return undefined;
  if (draft.closed) return 'something stands behind the address: a comma may be missing';
  if (kind === '<' && draft.angle !== undefined) return '"<" stands between "<" and ">"';
  if (kind === '>' && draft.angle === undefined) return '">" has no "<" before it';
  if (kind === ':' && draft.angle === undefined) return '":" stands where no group can begin';
  return undefined;
}

const inRoute = ({ angle, closed, fault }: Draft): boolean =>
  angle?.[0]?.kind === '@' && !closed && fault === undefined;

const NOT_BLANK = /[^ \t\r\n]/g;

/** A comma in a route is followed by the next host or one more comma (RFC 5322, section 4.4). */
function routeGoesOn(text: string, from: number): boolean {
  NOT_BLANK.lastIndex = from;
  const next = NOT_BLANK.exec(text)?.[0];
  return next === '@' || next === ',';
}

const isGroupName = ({ phrase, angle, fault }: Draft): boolean =>
  phrase.length > 0 && angle === undefined && fault === undefined && !phrase.some((token) => token.kind === '@');

/** Comments alone are nothing (RFC 5322, section 4.4: null elements). */
const isElement = ({ phrase, angle, fault }: Draft): boolean =>
  phrase.length > 0 || angle !== undefined || fault !== undefined;

function finished({ phrase, comments, angle, closed, start, end, fault }: Draft): Element {
  const open = angle !== undefined && !closed ? '"<" is not closed' : undefined;
  return { phrase, comments, angle, start, end, fault: fault ?? open };
}
