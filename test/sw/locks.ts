/** Web Locks in memory (W3C Web Locks, section 3): exclusive and shared, in order of asking, with `signal`. */
type Callback<T> = (lock: { name: string; mode: LockMode } | null) => T | Promise<T>;
interface Options {
	mode?: LockMode;
	ifAvailable?: boolean;
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
}

export function memoryLocks(): Locks {
	const held: { name: string; mode: LockMode }[] = [];
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
		const { mode = 'exclusive', ifAvailable = false, signal } = options;
		signal?.throwIfAborted();
		const lock = { name, mode };
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
			queue.push(waiter);
			serve();
		});
		try {
			return await callback(lock);
		} finally {
			held.splice(held.indexOf(lock), 1);
			serve();
		}
	}

	return { request };
}
