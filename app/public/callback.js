// The sign-in's answer is for the worker alone, and this page is what the host serves where no worker was there to take it:
// it starts the worker and asks for the same address again. It reads neither the code nor anything else of the address.
(async () => {
	const TRIES = 2;
	const WINDOW = 60_000;
	const WAIT = 20_000;
	const KEY = 'satchel-callback';

	function stop() {
		document.getElementById('title').textContent = 'The sign-in could not be finished';
		document.getElementById('text').textContent =
			'Satchel could not start its part in the background, which receives the answer. Nothing was connected. ' +
			'Open your connections and start again; in a private window, use a normal one.';
	}

	/** How often this was tried in the last minute. Without sessionStorage it is not tried at all: it could go round forever. */
	function countTry() {
		const [count, since] = (sessionStorage.getItem(KEY) ?? '').split(' ').map(Number);
		const recent = Date.now() - since < WINDOW;
		const next = recent ? count + 1 : 1;
		sessionStorage.setItem(KEY, `${next} ${recent ? since : Date.now()}`);
		return next;
	}

	const timeout = (work) =>
		Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error('timeout')), WAIT))]);

	try {
		const container = navigator.serviceWorker;
		if (!container || countTry() > TRIES) return stop();
		const controlled = new Promise((resolve) => {
			container.addEventListener('controllerchange', resolve, { once: true });
			if (container.controller) resolve();
		});
		const policy = globalThis.trustedTypes?.createPolicy('satchel', {
			createScriptURL(url) {
				if (url !== '/sw.js') throw new TypeError('not a script of this app');
				return url;
			},
		});
		const url = policy ? policy.createScriptURL('/sw.js') : '/sw.js';
		await timeout(container.register(url, { scope: '/', updateViaCache: 'none' }));
		await timeout(container.ready);
		// The worker claims its pages when it activates. After a forced reload it does not: the next load is controlled anyway.
		await timeout(controlled).catch(() => undefined);
		location.replace(location.href);
	} catch {
		stop();
	}
})();
