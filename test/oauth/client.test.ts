import { describe, expect, test } from 'vitest';
import type { OAuthSettings } from '../../src/config/settings.ts';
import { clientOf } from '../../src/oauth/client.ts';

const id = 'client';

describe('clientOf()', () => {
  const good = (settings: OAuthSettings, want: object) =>
    test(`reads ${JSON.stringify(settings)}`, () => {
      const reading = clientOf({ clientId: id, ...settings });
      expect(reading).toMatchObject({ client: { id, ...want } });
    });
  good(
    { provider: 'google' },
    {
      tokenUrl: 'https://oauth2.googleapis.com/token',
      authUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
      scope: 'https://mail.google.com/',
      ...{ flow: 'code', redirectHost: '127.0.0.1', extra: { access_type: 'offline', prompt: 'consent' } },
    },
  );
  good(
    { provider: 'microsoft' },
    {
      tokenUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
      deviceUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/devicecode',
      scope: 'https://outlook.office.com/SMTP.Send offline_access',
      ...{ flow: 'device', redirectHost: 'localhost', extra: {} },
    },
  );
  good(
    { provider: 'microsoft', tenant: 'corp.example', flow: 'client', clientSecretFile: '/s' },
    {
      tokenUrl: 'https://login.microsoftonline.com/corp.example/oauth2/v2.0/token',
      scope: 'https://outlook.office365.com/.default',
      secretFile: '/s',
    },
  );
  // What is said goes over the provider's.
  good({ provider: 'google', tokenUrl: 'https://t.test/', scope: 's' }, { tokenUrl: 'https://t.test/', scope: 's' });
  const [tokenUrl, authUrl, deviceUrl] = ['https://t.test/t', 'https://t.test/a', 'https://t.test/d'];
  good({ tokenUrl, authUrl, deviceUrl }, { flow: 'device' });
  good({ tokenUrl, authUrl }, { flow: 'code' });
  good({ tokenUrl, clientSecretFile: '/s' }, { flow: 'client' });

  const bad = (settings: OAuthSettings, why: string) =>
    test(`refuses ${JSON.stringify(settings)}`, () => expect(clientOf(settings)).toEqual({ reason: why }));
  bad({}, '"provider", "token_url" or "token_command" is missing');
  bad({ provider: 'google' }, '"client_id" is missing');
  bad({ clientId: id, tokenUrl }, 'the flow "client" needs a "client_secret_file"');
  bad({ clientId: id, tokenUrl, flow: 'code' }, 'the flow "code" needs an "auth_url"');
  bad({ clientId: id, tokenUrl, flow: 'device' }, 'the flow "device" needs a "device_url"');
  bad({ clientId: id, provider: 'google', tenant: 't' }, '"tenant" is for the provider "microsoft" alone');
});
