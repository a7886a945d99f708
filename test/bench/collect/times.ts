/** Wall time of a send against the floor, by turns: whatever the machine does meanwhile, it does to both. */

import { median } from '../median.js';
import { floorInBrowser, floorInNode, floorOf } from './floor.js';
import { type Network, startStack } from './processes.js';
import { octetsOf, staffOf } from './record.js';
import { sendOnce } from './send.js';

/** Medians, in milliseconds; the ratio is the median of the runs' own. */
export interface Times {
	network: Network;
	mb: number;
	runs: number;
	/** What the EHR was asked for, preflights left out. */
	requests: number;
	/** What came over the wire, in octets. */
	octets: number;
	send: number;
	floor: number;
	/** Null on the slow network. */
	node: number | null;
	ratio: number;
	/** Lowest and highest of the runs' ratios. */
	range: [number, number];
}

export async function measureTimes(network: Network, mb: number, runs: number): Promise<Times> {
	const stack = await startStack({ network, bytes: octetsOf(mb), staff: staffOf(mb) });
	try {
		// Not counted: it tells what is fetched, and the EHR has made the record by then.
		const forget = async () => {
			await stack.ehr.log();
		};
		await sendOnce(stack, { ready: forget });
		const floor = await floorOf(stack, await stack.ehr.log());
		const sends: number[] = [];
		const floors: number[] = [];
		const nodes: number[] = [];
		let octets = 0;
		for (let run = 0; run < runs; run++) {
			const thrown = await floorInBrowser(floor);
			floors.push(thrown.ms);
			octets = thrown.octets;
			// Of the network it would say the same.
			if (network === 'loopback') nodes.push((await floorInNode(floor)).ms);
			sends.push((await sendOnce(stack)).ms);
		}
		const ratios = sends.map((ms, run) => ms / floors[run]!);
		return {
			network,
			mb,
			runs,
			requests: floor.fetches.length,
			octets,
			send: median(sends),
			floor: median(floors),
			node: nodes.length ? median(nodes) : null,
			ratio: median(ratios),
			range: [Math.min(...ratios), Math.max(...ratios)],
		};
	} finally {
		await stack.close();
	}
}
