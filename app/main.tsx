import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from 'preact-iso';
import { takeUpdate } from './broker.js';
import { takeFragment } from './fragment.js';
import { OfflineBar, UpdateBar } from './parts/bars.js';
import { Shell } from './parts/shell.js';
import { Home } from './screens/home.js';
import { NotFound } from './screens/not-found.js';
import { broken, call, connections, online, overview, start, updateReady } from './state.js';

// What the first screen does not need comes when it is needed; the worker has it all in store.
const Broken = lazy(() => import('./parts/error.js').then((part) => part.Broken));
const NoticeBar = lazy(() => import('./parts/notice-bar.js').then((part) => part.NoticeBar));
const Connections = lazy(() => import('./screens/connections.js').then((screen) => screen.Connections));
const Collect = lazy(() => import('./screens/collect.js').then((screen) => screen.Collect));
const Select = lazy(() => import('./screens/select.js').then((screen) => screen.Select));
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

	const notice = overview.value?.notice;
	return (
		<Shell path={path} bar={updateReady.value && <UpdateBar onReload={takeUpdate} />}>
			{!online.value && <OfflineBar />}
			<ErrorBoundary>
				{notice && <NoticeBar notice={notice} connections={connections.value} onDismiss={dismissNotice} />}
			</ErrorBoundary>
			{broken.value ? (
				<ErrorBoundary>
					<Broken error={broken.value} />
				</ErrorBoundary>
			) : (
				<Router>
					<Route path="/" component={Home} />
					<Route path="/connections" component={Connections} />
					<Route path="/connections/select" component={Select} />
					<Route path="/connect/:sid" component={Session} />
					<Route path="/connect/:sid/select" component={Select} />
					<Route path="/collect" component={Collect} />
					<Route default component={NotFound} />
				</Router>
			)}
		</Shell>
	);
}

function dismissNotice() {
	const id = overview.peek()?.notice?.id;
	if (!id) return;
	overview.value = { ...overview.peek()!, notice: null };
	call('notice.dismiss', { id }).catch(() => undefined);
}

takeFragment();
start();
render(
	<LocationProvider>
		<App />
	</LocationProvider>,
	document.getElementById('app')!,
);
