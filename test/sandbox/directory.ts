/** Who can sign in, and what record each has at each health system. Generated when first asked for, then kept. */
import type { PatientRecord } from './fhir/record.js';
import { toDstu2 } from './patients/dstu2.js';
import { generateRecord } from './patients/generate.js';
import { loadFolder } from './patients/load.js';
import { nameOf, type Person, people } from './patients/people.js';
import { idOf } from './patients/random.js';
import type { SystemProfile } from './profile.js';

export interface Directory {
	logins: { username: string; name: string }[];
	patientId(system: string, username: string): string;
	record(system: string, username: string): PatientRecord;
}

export function createDirectory(
	systems: SystemProfile[],
	options: { data?: string; recordBytes?: number; recordStaff?: number },
): Directory {
	const taken = new Set(people.map(({ username }) => username));
	const generated = new Map<string, Person>(people.map((person) => [person.username, person]));
	const loaded = new Map(
		(options.data === undefined ? [] : loadFolder(options.data, taken)).map((patient) => [patient.username, patient]),
	);
	const records = new Map<string, PatientRecord>();

	function record(system: string, username: string): PatientRecord {
		const key = `${system}/${username}`;
		const known = records.get(key);
		if (known) return known;
		const profile = systems.find(({ id }) => id === system);
		const person = generated.get(username);
		let found = loaded.get(username)?.record;
		if (profile && person) {
			found = generateRecord(person, {
				place: system,
				inlineHtml: profile.fhir.inlineHtml,
				...(options.recordBytes === undefined ? {} : { bytes: options.recordBytes }),
				...(options.recordStaff === undefined ? {} : { staff: options.recordStaff }),
			});
			for (const type in profile.fhir.empty) for (const { id } of found.list(type)) found.remove(type, id);
		}
		if (!found || !profile) throw new Error('no such record');
		if (profile.fhir.version === '1.0.2') found = toDstu2(found);
		records.set(key, found);
		return found;
	}

	return {
		logins: [
			...people.map((person) => ({ username: person.username, name: nameOf(person) })),
			...[...loaded.values()].map(({ username, name }) => ({ username, name })),
		],
		// Known without generating a record: signing in does not wait for 100 MB.
		patientId: (system, username) => loaded.get(username)?.record.patientId ?? idOf(`${system}/${username}/Patient`),
		record,
	};
}
