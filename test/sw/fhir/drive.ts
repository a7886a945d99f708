import type { QueryReport } from '../../../relay/contract.js';
import { type CollectInput, isDone, nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import type { Line } from '../../../sw/fhir/line.js';
import { finishLines, kinds, report } from '../../../sw/fhir/report.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import type { Task } from '../../../sw/fhir/task.js';
import { base, type FakeServer } from './server.js';

export interface Run {
	state: CollectState;
	/** As text. */
	lines: string[];
	finish: string[];
}

/**
 * Drives a collection to its end as the engine does: up to `limit` requests in flight, settled in any order.
 * @param choose an index below `n`; the order of everything
 * @param stops whether the worker dies before this step: what is in flight is lost, the state is read back from JSON
 */
export function drive(
	server: FakeServer,
	input: Partial<CollectInput> = {},
	choose: (n: number) => number = () => 0,
	stops: () => boolean = () => false,
	limit = 6,
): Run {
	let state = startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor: {}, ...input });
	let inFlight: Task[] = [];
	const lines: string[] = [];
	for (let step = 0; !isDone(state); step++) {
		if (step > 5000) throw new Error('it does not come to an end');
		if (stops()) {
			state = JSON.parse(JSON.stringify(state)) as CollectState;
			inFlight = [];
		}
		inFlight.push(...nextTasks(state, limit - inFlight.length, new Set(inFlight.map(({ id }) => id))));
		const [task] = inFlight.splice(choose(inFlight.length), 1);
		if (!task) throw new Error('it is not done and has nothing to do');
		lines.push(...texts(settle(state, task, server(task)).lines));
	}
	return { state, lines, finish: texts(finishLines(state)) };
}

/** Each line's octets decoded; its type and id are those in them. */
export function texts(lines: Line[]): string[] {
	return lines.map(({ type, id, octets }) => {
		const text = new TextDecoder('utf-8', { fatal: true }).decode(octets);
		const resource = JSON.parse(text);
		if (resource.resourceType !== type || (typeof resource.id === 'string' ? resource.id : null) !== id)
			throw new Error(`a line of ${type}/${id} holds ${text}`);
		return text;
	});
}

/** `Type/id` of each line, sorted. */
export function keys(lines: string[]): string[] {
	return lines
		.map((line) => {
			const { resourceType, id } = JSON.parse(line);
			return `${resourceType}/${id}`;
		})
		.sort();
}

/** What became of each query, without what it took. */
export function reports(state: CollectState): QueryReport[] {
	return report(state).map(({ pages: _, ms: __, ...rest }) => rest);
}

/** How each kind stands, in short. */
export function standing(state: CollectState) {
	return kinds(state).map(({ type, count, status }) => ({ type, count, status }));
}
