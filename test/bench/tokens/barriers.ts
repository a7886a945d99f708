/**
 * Where a refresh can be cut in two, and how to stop it exactly there. The worker's own platform is changed from outside,
 * in the one instance that is about to be killed: the code under test is the code that is shipped.
 */

import { SERVERS, type Server } from './stack.js';
import type { Wallet } from './wallet.js';

export const BARRIERS = ['before send', 'after send', 'after answer', 'before commit', 'after commit'] as const;
export type Barrier = (typeof BARRIERS)[number];

/** Whether the server has rotated, and the wallet has not written down what it got. */
export function losesAnswer(barrier: Barrier): boolean {
	return barrier === 'after send' || barrier === 'after answer' || barrier === 'before commit';
}

/** Makes the next refresh stop at the barrier. @returns a promise that resolves when it stands there */
export async function arm(wallet: Wallet, server: Server, barrier: Barrier, connectionId: string): Promise<Reached> {
	const { id } = SERVERS[server];
	const { sandbox, origin } = wallet.stack;
	const worker = await wallet.worker();
	const tokenEndpoint = `${sandbox.origin}/${id}/oauth/token`;
	if (!worker.url().startsWith(origin)) throw new Error('not our worker');
	await worker.evaluate(standAt, { barrier, tokenEndpoint, connectionId });
	if (barrier !== 'after send') return { there: worker.evaluate(reached), lift: () => {} };
	// The server has rotated and keeps its answer.
	const end = sandbox.faults.hold({ system: id, match: { endpoint: 'token' } });
	return {
		there: sandbox.faults.held(),
		lift: () => {
			end();
			sandbox.faults.release();
		},
	};
}

export interface Reached {
	there: Promise<void>;
	/** Lets the server go on as always; the dead worker's barrier died with it. */
	lift(): void;
}

interface Realm {
	barrier?: Promise<void>;
}

/** Runs in the worker. */
function reached(): Promise<void> | undefined {
	return (self as Realm).barrier;
}

/** Runs in the worker. */
function standAt({
	barrier,
	tokenEndpoint,
	connectionId,
}: {
	barrier: Barrier;
	tokenEndpoint: string;
	connectionId: string;
}): void {
	const realm = self as Realm;
	// What a dead worker left behind would show here: this is a new one.
	if (realm.barrier) throw new Error('the worker was not started anew');
	let stand = () => {};
	realm.barrier = new Promise((resolve) => {
		stand = resolve;
	});
	const forever = new Promise<never>(() => {});
	let answered = false;

	const send = self.fetch.bind(self);
	self.fetch = async (input, init) => {
		if (String(input) !== tokenEndpoint || init?.method !== 'POST') return send(input, init);
		if (barrier === 'before send') {
			stand();
			return forever;
		}
		const response = await send(input, init);
		// To the last octet.
		await response.clone().arrayBuffer();
		if (barrier === 'after answer') {
			stand();
			return forever;
		}
		answered = true;
		return response;
	};

	const put = IDBObjectStore.prototype.put;
	IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
		const request = put.call(this, value, key);
		// The first write to the connection's row after the answer is the one with the tokens.
		if (!answered || !Array.isArray(key) || key[0] !== 'connection' || key[1] !== connectionId) return request;
		answered = false;
		if (barrier === 'before commit') {
			request.addEventListener('success', stand);
			// A transaction with requests to come does not commit.
			const hold = () => {
				this.get(key).onsuccess = hold;
			};
			hold();
		} else if (barrier === 'after commit') {
			this.transaction.addEventListener(
				'complete',
				(event) => {
					event.stopImmediatePropagation();
					stand();
				},
				{ capture: true },
			);
		}
		return request;
	};
}
