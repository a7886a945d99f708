/** Wiring only: which event goes where. */
import { PERIODIC_SYNC, type ReplyMessage } from './contract.js';
import { dispatch } from './dispatch.js';
import { onJobProgress } from './jobs/engine.js';
import { announce, announceJob } from './overview.js';
import { tendAndRemind } from './periodic.js';
import { followNotification } from './reminders.js';
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
/** https://wicg.github.io/periodic-background-sync/#periodicsyncevent-interface; not in the WebWorker library. */
interface PeriodicSyncEvent extends ExtendableEvent {
	tag: string;
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

// Chromium fires it in an installed app, at most every twelve hours, and only where the person asked for it.
self.addEventListener('periodicsync', (event) => {
	const { tag } = event as PeriodicSyncEvent;
	if (tag === PERIODIC_SYNC) (event as PeriodicSyncEvent).waitUntil(tendAndRemind());
});

self.addEventListener('notificationclick', (event) => event.waitUntil(followNotification(event.notification)));
