/** How far the asking is. Nothing of a record is in it: numbers, and what the person is shown. */

import type { ReceivingEvent, WrittenEvent } from '../delivery/receive.js';
import type { AgentErrorCode } from '../errors.js';
import type { Index } from '../files/records.js';
import { type AgentSession, sessionLink, type WaitEvent } from '../session.js';

/** What the person is shown. */
export type Shown = ReturnType<typeof sessionLink>;

export type State =
	/** Nobody was asked, as far as this process knows. */
	| { is: 'none' }
	/** Asked; no wallet has opened the link. */
	| { is: 'waiting'; shown: Shown }
	/** A wallet has opened it; nothing was sent yet. */
	| { is: 'claimed'; shown: Shown }
	/** Sealed octets that have reached the relay, or with `totalParts` were fetched and verified. */
	| { is: 'receiving'; shown: Shown; bytes: number; parts: number; totalParts?: number }
	/** Verified and in the folder. */
	| ({ is: 'done' } & Arrived)
	/** Nothing more comes of it, or with `resumable` not without another try. */
	| { is: 'over'; code: AgentErrorCode; resumable: boolean };

export interface Arrived {
	sources: number;
	records: number;
	documents: number;
	/** Queries that were refused or failed. */
	unread: number;
}

/** Between the asking and its end. */
export function isUnderWay(state: State): state is Extract<State, { shown: Shown }> {
	return 'shown' in state;
}

export function asked(session: AgentSession): State {
	return { is: 'waiting', shown: sessionLink(session) };
}

export function after(state: State, event: WaitEvent | ReceivingEvent | WrittenEvent): State {
	if (event.event === 'written') return { is: 'done', ...arrived(event.index) };
	if (!isUnderWay(state)) return state;
	const { shown } = state;
	if (event.event === 'claimed') return { is: 'claimed', shown };
	const { event: is, ...numbers } = event;
	return { is, shown, ...numbers };
}

function arrived({ sources }: Index): Arrived {
	const sum = (of: (source: Index['sources'][number]) => number) =>
		sources.reduce((total, source) => total + of(source), 0);
	return {
		sources: sources.length,
		records: sum(({ resources }) => resources),
		documents: sum(({ documents }) => documents.length),
		unread: sum(({ failed }) => failed.length),
	};
}
