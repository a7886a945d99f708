/** Wiring only: which event goes where. */
import type { ReplyMessage } from './contract.js';
import { dispatch } from './dispatch.js';
import { onJobProgress } from './jobs/engine.js';
import { announce, announceJob } from './overview.js';
import { routeRequests } from './shell.js';
import { CALLBACK_PATH } from './wallet/connect.js';
import { onConnectionChange } from './wallet/keeper.js';

declare const self: ServiceWorkerGlobalScope & {
	__WB_MANIFEST: Parameters<typeof routeRequests>[0];
};

/** Static routing (Chromium): keeps a navigation to the callback from racing to the host while the worker starts. */
interface RoutableInstallEvent extends ExtendableEvent {
	addRoutes?(rules: { condition: { urlPattern: URLPatternInit }; source: 'fetch-event' }[]): Promise<void>;
}
interface URLPatternInit {
	pathname: string;
}

onJobProgress(announceJob);
onConnectionChange(() => void announce().catch(() => {}));
routeRequests(self.__WB_MANIFEST);

self.addEventListener('install', (event: RoutableInstallEvent) => {
	// No skipWaiting here: the person decides when a new version takes over.
	const routed = event.addRoutes?.([{ condition: { urlPattern: { pathname: CALLBACK_PATH } }, source: 'fetch-event' }]);
	event.waitUntil(Promise.resolve(routed));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('message', (event) => {
	const { source, origin, data } = event;
	if (origin !== self.location.origin || !(source instanceof WindowClient)) return;
	if (data?.type === 'SKIP_WAITING') {
		event.waitUntil(self.skipWaiting());
		return;
	}
	event.waitUntil(dispatch(data, (message: ReplyMessage) => source.postMessage(message)));
});
