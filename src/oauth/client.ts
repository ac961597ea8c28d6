import type { OAuthSettings } from '../config/settings.ts';

/*
 * OAuth 2.0 for mail (RFC 6749): what `[account.NAME.oauth]` says becomes a Client, and a Client gets access tokens.
 *
 *   client.ts       the settings with the provider's endpoints and scope; pure
 *   answer.ts       what a token endpoint says, of which nothing is believed; pure
 *   post.ts         one request to an endpoint over HTTPS, bounded
 *   grant.ts        a request for tokens, and what to tell a person where there are none
 *   device.ts       a login with a code that is typed in elsewhere (RFC 8628)
 *   code.ts         a login in a browser of this machine (RFC 8252, PKCE of RFC 7636); redirect.ts waits for it
 *   token-file.ts   what a login gave, on disk for its owner alone, and the lock of those who change it
 *   source.ts       a token whenever mail is sent: from the file, or fetched with the refresh token
 *
 * Refresh tokens, secrets and codes are sent to the endpoints that the settings name and to nobody else; no error holds one.
 */

/** By which way the first tokens come. */
export type Flow = NonNullable<OAuthSettings['flow']>;

/** A client of a provider: everything that a request says, but for the secret. */
export interface Client {
  readonly id: string;
  readonly secretFile?: string;
  readonly tokenUrl: string;
  readonly authUrl?: string;
  readonly deviceUrl?: string;
  readonly scope?: string;
  readonly flow: Flow;
  /** What the provider wants with the request for a code, beside what the RFCs say. */
  readonly extra: Readonly<Record<string, string>>;
  /** By which name of this machine the browser comes back. */
  readonly redirectHost: '127.0.0.1' | 'localhost';
}

type Preset = Pick<Client, 'tokenUrl' | 'authUrl' | 'deviceUrl' | 'extra' | 'redirectHost'> & {
  readonly flow: Flow;
  scope(flow: Flow): string;
};

function presetOf({ provider, tenant = 'common' }: OAuthSettings): Partial<Preset> {
  if (provider === undefined) return {};
  switch (provider) {
    case 'google':
      return {
        authUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
        deviceUrl: 'https://oauth2.googleapis.com/device/code',
        tokenUrl: 'https://oauth2.googleapis.com/token',
        // Google gives this scope to no device, and a refresh token only to who asks for consent.
        flow: 'code',
        scope: () => 'https://mail.google.com/',
        extra: { access_type: 'offline', prompt: 'consent' },
      };
    case 'microsoft': {
      const base = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0`;
      return {
        authUrl: `${base}/authorize`,
        deviceUrl: `${base}/devicecode`,
        tokenUrl: `${base}/token`,
        flow: 'device',
        scope: (flow) =>
          flow === 'client'
            ? 'https://outlook.office365.com/.default'
            : 'https://outlook.office.com/SMTP.Send offline_access',
        // Of the addresses of this machine, its portal takes only this one.
        redirectHost: 'localhost',
      };
    }
  }
}

/** What the settings say, whole; or which key is amiss, and why. */
export function clientOf(settings: OAuthSettings): { readonly client: Client } | { readonly reason: string } {
  const preset = presetOf(settings);
  const { clientId: id, clientSecretFile: secretFile } = settings;
  const tokenUrl = settings.tokenUrl ?? preset.tokenUrl;
  const authUrl = settings.authUrl ?? preset.authUrl;
  const deviceUrl = settings.deviceUrl ?? preset.deviceUrl;
  if (settings.tenant !== undefined && settings.provider !== 'microsoft') {
    return { reason: '"tenant" is for the provider "microsoft" alone' };
  }
  if (tokenUrl === undefined) return { reason: '"provider", "token_url" or "token_command" is missing' };
  if (id === undefined) return { reason: '"client_id" is missing' };
  const flow = settings.flow ?? preset.flow ?? usualFlow(deviceUrl, authUrl);
  if (flow === 'device' && deviceUrl === undefined) return { reason: 'the flow "device" needs a "device_url"' };
  if (flow === 'code' && authUrl === undefined) return { reason: 'the flow "code" needs an "auth_url"' };
  if (flow === 'client' && secretFile === undefined)
    return { reason: 'the flow "client" needs a "client_secret_file"' };
  const scope = settings.scope ?? preset.scope?.(flow);
  return {
    client: {
      ...{ id, tokenUrl, flow },
      ...(secretFile === undefined ? {} : { secretFile }),
      ...(authUrl === undefined ? {} : { authUrl }),
      ...(deviceUrl === undefined ? {} : { deviceUrl }),
      ...(scope === undefined ? {} : { scope }),
      extra: preset.extra ?? {},
      redirectHost: preset.redirectHost ?? '127.0.0.1',
    },
  };
}

function usualFlow(deviceUrl: string | undefined, authUrl: string | undefined): Flow {
  if (deviceUrl !== undefined) return 'device';
  return authUrl === undefined ? 'client' : 'code';
}
