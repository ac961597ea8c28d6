import type { DeliveryResult, Undelivered } from '../mail/result.ts';

/**
 * What the caller's shell is told, by sysexits.h. Every end of the program has one of these codes, and none else: never
 * 1 or 255, and never death by a signal. The codes of the recipients become one code by a simple rule: what can't be
 * mended by trying again wins over 75, and among several the recipient that was named first decides.
 */
export const EXIT = {
  ok: 0,
  /** The command line is wrong, or names no recipient. */
  usage: 64,
  /** The message or an address is bad. */
  data: 65,
  /** The message can't be read. */
  noInput: 66,
  noUser: 67,
  noHost: 68,
  /** Refused otherwise. */
  unavailable: 69,
  /** A bug in this program. */
  software: 70,
  cantCreate: 73,
  io: 74,
  /** Deferred, and not stored: the caller still owns the message. */
  tempFail: 75,
  protocol: 76,
  noPermission: 77,
  config: 78,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What an enhanced status (RFC 3463) without its class says, the longest prefix first. */
const BY_STATUS: Readonly<Record<string, ExitCode>> = {
  '1.1': EXIT.noUser,
  '1.6': EXIT.noUser,
  '1.2': EXIT.noHost,
  '1.10': EXIT.noHost,
  '4.4': EXIT.noHost,
  '1.3': EXIT.data,
  '1.7': EXIT.data,
  '3.4': EXIT.data,
  '2.3': EXIT.data,
  // Too many recipients.
  '5.3': EXIT.unavailable,
  '5': EXIT.protocol,
  '6': EXIT.data,
};

/** What a reply without an enhanced status says at a stage. */
function byCode(code: number, stage: Undelivered['failure']['stage']): ExitCode {
  if (code === 556) return EXIT.noHost;
  if (code >= 500 && code <= 504) return EXIT.protocol;
  if (stage === 'rcpt') return code === 550 || code === 551 || code === 553 ? EXIT.noUser : EXIT.unavailable;
  // 552 anywhere but at RCPT speaks of the message's size (RFC 1870, section 6.1).
  return code === 552 ? EXIT.data : EXIT.unavailable;
}

/** Our own side is not let in: a wrong password, or none where one is needed (RFC 4954, sections 4 and 6). */
function isLogin({ failure }: Undelivered): boolean {
  if (failure.reply?.code === 530) return true;
  if (failure.stage !== 'auth') return false;
  if (failure.reply !== undefined) return failure.reply.code >= 500;
  return failure.permanent || /^[45]\.7\./.test(failure.status);
}

/** The message's own bytes could not be read again while they were sent. */
const isUnreadable = ({ failure }: Undelivered): boolean =>
  failure.scope === 'message' && failure.reply === undefined && /^[45]\.3\.0$/.test(failure.status);

function failedCode(result: Undelivered): ExitCode {
  const { failure } = result;
  if (failure.reply !== undefined && failure.reply.status === undefined) {
    return byCode(failure.reply.code, failure.stage);
  }
  const detail = failure.status.slice(failure.status.indexOf('.') + 1);
  return BY_STATUS[detail] ?? BY_STATUS[detail.slice(0, detail.indexOf('.'))] ?? EXIT.unavailable;
}

/** The code of one recipient alone. */
export function recipientCode(result: DeliveryResult): ExitCode {
  switch (result.outcome) {
    case 'delivered':
      return EXIT.ok;
    case 'deferred':
      if (isLogin(result)) return EXIT.noPermission;
      return isUnreadable(result) ? EXIT.io : EXIT.tempFail;
    case 'failed':
      if (isLogin(result)) return EXIT.noPermission;
      return isUnreadable(result) ? EXIT.io : failedCode(result);
  }
}

/** The code of all recipients; `refused` is the number of addresses that could not be used at all. */
export function exitCode(results: readonly DeliveryResult[], refused: number): ExitCode {
  const codes = results.map(recipientCode).filter((code) => code !== EXIT.ok);
  const lasting = codes.find((code) => code !== EXIT.tempFail);
  if (lasting !== undefined) return lasting;
  if (refused > 0) return EXIT.data;
  return codes[0] ?? EXIT.ok;
}
