/** Web Locks in memory (W3C Web Locks, section 3): exclusive and shared, in order of asking, with `signal` and `steal`. */
type Callback<T> = (lock: { name: string; mode: LockMode } | null) => T | Promise<T>;
interface Options {
	mode?: LockMode;
	ifAvailable?: boolean;
	steal?: boolean;
	signal?: AbortSignal;
}
interface Waiter {
	name: string;
	mode: LockMode;
	grant: () => void;
}

export interface Locks {
	request<T>(name: string, callback: Callback<T>): Promise<T>;
	request<T>(name: string, options: Options, callback: Callback<T>): Promise<T>;
	query(): Promise<{ held: { name: string }[]; pending: { name: string }[] }>;
}

export function memoryLocks(): Locks {
	const held: { name: string; mode: LockMode; lose: (reason: DOMException) => void }[] = [];
	const queue: Waiter[] = [];

	/** Whether nothing that is held, or asked for before, stands in the way. */
	const grantable = ({ name, mode }: { name: string; mode: LockMode }, before: Waiter[]) =>
		[...held, ...before].every((other) => other.name !== name || (mode === 'shared' && other.mode === 'shared'));

	function serve(): void {
		for (const waiter of [...queue]) {
			if (!grantable(waiter, queue.slice(0, queue.indexOf(waiter)))) continue;
			queue.splice(queue.indexOf(waiter), 1);
			waiter.grant();
		}
	}

	async function request<T>(name: string, given: Options | Callback<T>, last?: Callback<T>): Promise<T> {
		const options = typeof given === 'function' ? {} : given;
		const callback = (typeof given === 'function' ? given : last) as Callback<T>;
		const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = options;
		signal?.throwIfAborted();
		let lose = (_: DOMException) => {};
		const lost = new Promise<never>((_, reject) => {
			lose = reject;
		});
		lost.catch(() => {});
		const lock = { name, mode, lose };
		// Whoever held it is told, and goes on without it.
		for (const other of steal ? held.filter((one) => one.name === name) : []) {
			held.splice(held.indexOf(other), 1);
			other.lose(new DOMException('stolen', 'AbortError'));
		}
		if (ifAvailable && !grantable(lock, queue)) return callback(null);
		await new Promise<void>((resolve, reject) => {
			const waiter: Waiter = {
				...lock,
				grant: () => {
					held.push(lock);
					signal?.removeEventListener('abort', abort);
					resolve();
				},
			};
			// Only waiting can be given up; a lock that is held stays held.
			const abort = () => {
				queue.splice(queue.indexOf(waiter), 1);
				reject(signal?.reason);
				serve();
			};
			signal?.addEventListener('abort', abort, { once: true });
			if (steal) queue.unshift(waiter);
			else queue.push(waiter);
			serve();
		});
		try {
			return await Promise.race([callback(lock), lost]);
		} finally {
			if (held.includes(lock)) held.splice(held.indexOf(lock), 1);
			serve();
		}
	}

	const names = (of: { name: string }[]) => of.map(({ name }) => ({ name }));
	return { request, query: async () => ({ held: names(held), pending: names(queue) }) };
}
