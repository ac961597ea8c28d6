import type { Settings } from '../../src/config/settings.ts';
import type { Delivery, Opened } from '../../src/delivery/deliver.ts';
import type { Means } from '../../src/queue/run-means.ts';
import type { OutletVia } from '../../src/route/table.ts';

export interface OneWay extends Partial<Opened> {
  readonly settings: Settings;
  readonly via?: OutletVia;
}

/** What says that all mail goes one way, to MX or as `via` says. */
export function oneWay({
  settings,
  via = { kind: 'mx' },
  ...opened
}: OneWay): Pick<Delivery & Means, 'settings' | 'table' | 'open' | 'submitter' | 'submitterOf'> {
  const outlet = { via, settings, login: {} };
  const rest = { name: 'the rest', recipients: [], senders: [], uids: [], outlets: [outlet] } as const;
  const submitter = { uid: 1000, user: () => 'me', host: 'a.test', domain: 'a.test', named: true };
  return {
    settings,
    table: { rules: [], rest },
    open: async () => ({ material: { ca: 'system' }, ...opened }),
    submitter,
    submitterOf: () => submitter,
  };
}
