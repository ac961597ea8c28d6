import { type Granted, readDeviceCode } from './answer.ts';
import { ask, grant, type Provider, type Refusal, scopeOf } from './grant.ts';

export interface DeviceLogin {
  /** Shows the person where to type which code; `lifetime` is in milliseconds. */
  tell(place: { readonly url: string; readonly code: string; readonly lifetime: number }): void;
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** RFC 8628, section 3.5. */
const SLOWER = 5000;

const EXPIRED: Refusal = { kind: 'error', error: 'expired_token', text: 'the code was not typed in in time' };

/** A login with a code that a person types in on any device (RFC 8628): asks until there is an answer. */
export async function deviceLogin(provider: Provider, login: DeviceLogin): Promise<Granted | Refusal> {
  const { deviceUrl } = provider.client;
  if (deviceUrl === undefined) throw new Error('Cannot log in: the client has no URL for devices');
  const code = await ask(provider, { url: deviceUrl, form: scopeOf(provider.client) }, readDeviceCode);
  if (code.kind !== 'device') return code;
  const end = login.now() + code.lifetime;
  login.tell({ url: code.url, code: code.user, lifetime: code.lifetime });
  let pause = code.interval;
  for (;;) {
    if (login.now() + pause > end) return EXPIRED;
    await login.sleep(pause);
    const answer = await grant(provider, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: code.device,
    });
    // A network that fails now and then is no reason to begin again.
    if (answer.kind === 'unreachable' || isError(answer, 'slow_down')) pause += SLOWER;
    else if (!isError(answer, 'authorization_pending')) return answer;
  }
}

const isError = (answer: Granted | Refusal, name: string): boolean => answer.kind === 'error' && answer.error === name;
