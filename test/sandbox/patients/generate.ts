/** Makes a US Core shaped record of about a wanted size. The same person and place give the same octets each time. */
import type { Json, PatientRecord } from '../fhir/record.js';
import { Builder, coded, concept, ESCAPED_EMOJI } from './build.js';
import { nameOf, type Person } from './people.js';
import { allergens, CVX, doctors, HL7, LOINC, RXNORM, SNOMED, US_CORE, vaccines } from './terms.js';
import { type Place, visit } from './visit.js';

/** The generated world stands still here. */
const TODAY = Date.parse('2026-01-15T09:30:00Z');
const DAY = 86_400_000;

export interface GenerateOptions {
	/** Records of one person differ from system to system. */
	place: string;
	/** Overrides the person's, in octets. */
	bytes?: number;
	/** HTML documents inside the DocumentReference. */
	inlineHtml?: boolean;
	/**
	 * As a large hospital's: so many practitioners, a quarter as many locations, and a document of 20 to 300 kB with every few
	 * visits. Without it a practice's, with a document for each visit.
	 */
	staff?: number;
}

/** Visits of a hospital's record from one with documents to the next. */
const VISITS_PER_DOCUMENT = 9;

export function generateRecord(person: Person, options: GenerateOptions): PatientRecord {
	const bytes = options.bytes ?? person.bytes;
	const builder = new Builder(`${options.place}/${person.username}`, bytes);
	const place = { ...background(builder, person, options.staff), inlineHtml: options.inlineHtml ?? false };
	// Large records have longer documents as well as more of them.
	const documentBytes = Math.min(60_000, Math.max(2_500, Math.round(bytes / 300)));
	const visits = Math.max(4, Math.round(bytes / (options.staff ? 26_000 : documentBytes * 1.1 + 16_000)));
	const span = Math.min(TODAY - Date.parse(person.birthDate), 25 * 365 * DAY);
	const step = span / (visits * 1.5);
	for (let n = 0; builder.record.bytes < bytes; n++) {
		// Wraps round at the far end, so that any size has room in one life.
		const back = (n * step) % span;
		const time = new Date(TODAY - back).toISOString();
		if (options.staff === undefined) visit(builder, place, time, documentBytes);
		else visit(builder, place, time, n % VISITS_PER_DOCUMENT ? 0 : 50_000 + 200_000 * builder.random.next() ** 3);
	}
	return builder.record;
}

/** What is there before the first visit: the person, the place, and what lasts. */
function background(builder: Builder, person: Person, staff?: number): Omit<Place, 'inlineHtml'> {
	const { random, subject } = builder;
	const patient = nameOf(person);
	builder.put('Patient', {
		extension: [
			{ url: `${US_CORE}/StructureDefinition/us-core-birthsex`, valueCode: person.gender === 'female' ? 'F' : 'M' },
		],
		identifier: [
			{
				use: 'usual',
				type: coded('v2-0203', 'MR'),
				system: 'urn:oid:2.16.840.1.113883.19.5',
				value: String(random.whole(100000, 999999)),
			},
		],
		active: true,
		name: [{ use: 'official', text: patient, family: person.family, given: person.given }],
		telecom: [{ system: 'phone', value: `555-01${random.whole(10, 99)}`, use: 'home' }],
		gender: person.gender,
		birthDate: person.birthDate,
		address: [
			{ line: [`${random.whole(1, 99)} Ümlaut Street`], city: 'Springfield', state: 'WI', postalCode: '53703' },
		],
		communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en' }] }, preferred: true }],
	});
	const organization = builder.put('Organization', {
		active: true,
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
		name: 'General medicine',
		telecom: [{ system: 'phone', value: '555-0100' }],
	});
	const locations = Array.from({ length: Math.ceil((staff ?? 1) / 4) }, (_, i) =>
		builder.put('Location', {
			status: 'active',
			name: i === 0 ? 'Building B, second floor' : `Ward ${i}`,
			managingOrganization: organization,
		}),
	);
	const roles: Json[] = [];
	const names = Array.from({ length: staff ?? doctors.length }, (_, i) => doctors[i % doctors.length]!);
	const practitioners = names.map((name, i) => {
		const practitioner = builder.put('Practitioner', {
			identifier: [
				{ system: 'http://hl7.org/fhir/sid/us-npi', value: String(random.whole(1_000_000_000, 1_999_999_999)) },
			],
			name: [{ text: `Dr. ${name}`, family: name.split(' ')[1], given: [name.split(' ')[0]] }],
		});
		roles.push(
			builder.put('PractitionerRole', {
				practitioner,
				organization,
				location: [locations[i % locations.length]!],
				specialty: [concept(SNOMED, ['394802001', 'General medicine'])],
			}),
		);
		return { ...practitioner, display: `Dr. ${name}` };
	});
	const doctor = practitioners[0]!;
	const shared = {
		clinicalStatus: coded('allergyintolerance-clinical', 'active'),
		verificationStatus: coded('allergyintolerance-verification', 'confirmed'),
	};
	for (const allergen of allergens.slice(0, random.whole(1, 3))) {
		builder.put('AllergyIntolerance', {
			...shared,
			category: ['medication'],
			code: concept(SNOMED, allergen),
			patient: subject,
			recordedDate: '2015-05-05',
			// A lone surrogate: not text at all, and yet what some servers hold.
			note: [{ text: `itching ${ESCAPED_EMOJI}, not severe 🌿 \ud83d cut off` }],
		});
	}
	for (const vaccine of vaccines) {
		builder.put('Immunization', {
			status: 'completed',
			vaccineCode: concept(CVX, vaccine),
			patient: subject,
			occurrenceDateTime: `20${random.whole(20, 25)}-1${random.whole(0, 2)}-0${random.whole(1, 9)}`,
			primarySource: true,
		});
	}
	const carePlanCategory = { coding: [{ system: `${US_CORE}/CodeSystem/careplan-category`, code: 'assess-plan' }] };
	const goal = builder.put('Goal', {
		lifecycleStatus: 'active',
		description: { text: 'Walk thirty minutes on five days of the week 🚶' },
		subject,
		startDate: '2025-01-10',
		target: [{ dueDate: '2026-06-30' }],
	});
	const careTeam = builder.put('CareTeam', {
		status: 'active',
		name: 'Primary care',
		subject,
		participant: [...practitioners.slice(0, 2), ...roles.slice(0, 12)].map((member) => ({
			role: [concept(SNOMED, ['446050000', 'Primary care physician'])],
			member,
		})),
	});
	builder.put('CarePlan', {
		text: {
			status: 'generated',
			div: '<div xmlns="http://www.w3.org/1999/xhtml">Lower blood pressure by walking &amp; diet</div>',
		},
		status: 'active',
		intent: 'plan',
		category: [carePlanCategory],
		subject,
		period: { start: '2025-01-10' },
		careTeam: [careTeam],
		goal: [goal],
	});
	builder.put('Coverage', {
		status: 'active',
		type: coded('v3-ActCode', 'EHCPOL'),
		subscriberId: `SUB${random.whole(1000, 9999)}`,
		beneficiary: subject,
		relationship: coded('subscriber-relationship', 'self'),
		period: { start: '2024-01-01' },
		payor: [{ ...organization }],
	});
	builder.put('Device', {
		status: 'active',
		type: concept(SNOMED, ['706689003', 'Application program software']),
		udiCarrier: [{ deviceIdentifier: '09504000059118' }],
		patient: subject,
	});
	builder.put('RelatedPerson', {
		patient: subject,
		relationship: [coded('v3-RoleCode', 'FAMMEMB')],
		name: [{ text: 'Robin Ibáñez' }],
	});
	builder.put('Appointment', {
		status: 'booked',
		description: 'Follow-up',
		start: '2026-03-02T14:00:00Z',
		end: '2026-03-02T14:20:00Z',
		participant: [
			{ actor: subject, status: 'accepted' },
			{ actor: doctor, status: 'accepted' },
		],
	});
	const medication = builder.put('Medication', {
		code: concept(RXNORM, ['197361', 'amlodipine 5 MG Oral Tablet']),
		status: 'active',
	});
	const smoking = { system: LOINC, code: '72166-2', display: 'Tobacco smoking status' };
	builder.put('Observation', {
		status: 'final',
		category: [{ coding: [{ system: `${HL7}/observation-category`, code: 'social-history' }] }],
		code: { coding: [smoking] },
		subject,
		effectiveDateTime: '2025-10-01',
		valueCodeableConcept: concept(SNOMED, ['266919005', 'Never smoked tobacco']),
	} satisfies Json);
	return { patient, organization, locations, practitioners, medication };
}
