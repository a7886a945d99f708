/** A sign-in as another patient than the connection's, until the person has said what is to become of it. */
import type { OtherPatient } from '../contract.js';
import { BrokerError } from '../errors.js';

export async function otherPatient(): Promise<OtherPatient | null> {
	return null;
}

/** @returns the connection's id; null after `cancel`. @throws {BrokerError} `arrival_unknown` */
export async function settleArrival(_id: string, _choice: 'add' | 'cancel'): Promise<string | null> {
	throw new BrokerError('arrival_unknown');
}
