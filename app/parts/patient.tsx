import type { ConnectionView } from '../../sw/contract.js';
import { birthDateWords } from '../words/dates.js';
import { locale, words } from '../words.js';

const w = words.connections;

/** "Hospital, Madison, WI" in small under the provider's name: the place if known, and always the host. */
export function Place({ location, host }: { location?: string | undefined; host: string }) {
	return (
		<span class="place">
			{location && <span>{location} · </span>}
			<span class="host">{host}</span>
		</span>
	);
}

/** Whose records these are. */
export function Patient({ patient }: Pick<ConnectionView, 'patient'>) {
	if (!patient) return <p class="patient quiet">{w.patientUnknown}</p>;
	return (
		<p class="patient">
			<span class="strong">{patient.name ?? w.unnamed}</span>{' '}
			{patient.birthDate && <span class="quiet born">{w.born(birthDateWords(patient.birthDate, locale))}</span>}
		</p>
	);
}
