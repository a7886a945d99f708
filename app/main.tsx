import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from 'preact-iso';
import { takeUpdate } from './broker.js';
import { takeFragment } from './fragment.js';
import { Shell } from './parts/shell.js';
import { broken, connections, notice, online, overview, standing, start, updateReady } from './state.js';

// A screen comes when it is needed; the worker has them all in store.
const Broken = lazy(() => import('./parts/error.js').then((part) => part.Broken));
const OfflineBar = lazy(() => import('./parts/bars.js').then((part) => part.OfflineBar));
const UpdateBar = lazy(() => import('./parts/bars.js').then((part) => part.UpdateBar));
const Standing = lazy(() => import('./parts/standing.js').then((part) => part.Standing));
const NoticeBar = lazy(() => import('./parts/notice-bar.js').then((part) => part.NoticeBar));
const Home = lazy(() => import('./screens/home.js').then((screen) => screen.Home));
const Connections = lazy(() => import('./screens/connections.js').then((screen) => screen.Connections));
const Records = lazy(() => import('./screens/records.js').then((screen) => screen.Records));
const Collect = lazy(() => import('./screens/collect.js').then((screen) => screen.Collect));
const Select = lazy(() => import('./screens/select.js').then((screen) => screen.Select));
const Settings = lazy(() => import('./screens/settings.js').then((screen) => screen.Settings));
const Activity = lazy(() => import('./screens/activity.js').then((screen) => screen.Activity));
const Locked = lazy(() => import('./screens/locked.js').then((screen) => screen.Locked));
const NotFound = lazy(() => import('./screens/not-found.js').then((screen) => screen.NotFound));
const Session = lazy(() => import('./screens/session.js').then((screen) => screen.Session));

function App() {
	const { path } = useLocation();
	const shown = useRef(path);

	// A new screen is read from its start: the focus moves to it, and what the last screen announced is over.
	useEffect(() => {
		if (shown.current === path) return;
		shown.current = path;
		scrollTo(0, 0);
		document.getElementById('main')?.focus({ preventScroll: true });
		dismissNotice();
	}, [path]);

	return (
		<Shell
			path={path}
			bar={
				<ErrorBoundary>
					{updateReady.value && <UpdateBar held={!!overview.value?.unsaved} onReload={takeUpdate} />}
				</ErrorBoundary>
			}
		>
			<ErrorBoundary>
				{!online.value && <OfflineBar />}
				{standing.value && <Standing />}
				{notice.value && <NoticeBar notice={notice.value} connections={connections.value} onDismiss={dismissNotice} />}
			</ErrorBoundary>
			{broken.value ? (
				<ErrorBoundary>
					<Broken error={broken.value} />
				</ErrorBoundary>
			) : overview.value?.lock === 'locked' ? (
				<ErrorBoundary>
					<Locked />
				</ErrorBoundary>
			) : (
				<Router>
					<Route path="/" component={Home} />
					<Route path="/connections" component={Connections} />
					<Route path="/connections/select" component={Select} />
					<Route path="/connections/:id" component={Records} />
					<Route path="/connect/:sid" component={Session} />
					<Route path="/connect/:sid/select" component={Select} />
					<Route path="/collect" component={Collect} />
					<Route path="/settings" component={Settings} />
					<Route path="/activity" component={Activity} />
					<Route default component={NotFound} />
				</Router>
			)}
		</Shell>
	);
}

function dismissNotice() {
	notice.value = null;
}

/** Good news has been read once the person does something else; an error stays until it is dismissed or left. */
function onAct(event: Event) {
	const { target } = event;
	if (notice.peek()?.kind === 'error' || !(target instanceof Element)) return;
	if (target.closest('a, button, input, summary')) dismissNotice();
}

document.addEventListener('click', onAct);
takeFragment();
start();
render(
	<LocationProvider>
		<App />
	</LocationProvider>,
	document.getElementById('app')!,
);
