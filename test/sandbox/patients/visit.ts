/** One visit with everything it leaves behind. */
import type { Json } from '../fhir/record.js';
import { type Builder, coded, concept, decimal, ESCAPED_EMOJI, measured } from './build.js';
import { kinds, makeDocument } from './documents.js';
import {
	conditions,
	HL7,
	LOINC,
	labs,
	medications,
	procedures,
	RXNORM,
	SNOMED,
	UCUM,
	US_CORE,
	vitals,
} from './terms.js';

type Reference = Json & { reference: string };

/** What a visit refers to. */
export interface Place {
	/** The patient's name. */
	patient: string;
	organization: Reference;
	locations: Reference[];
	practitioners: Reference[];
	medication: Reference;
	inlineHtml: boolean;
}

const category = (code: string): Json[] => [{ coding: [{ system: `${HL7}/observation-category`, code }] }];

/** `time` is ISO 8601; `documentBytes` about how long a document is, 0 where there is none. */
export function visit(builder: Builder, place: Place, time: string, documentBytes: number): void {
	const { random, subject } = builder;
	const practitioner = random.pick(place.practitioners);
	const put = (type: string, body: Json) => builder.put(type, body, time);
	const encounter = put('Encounter', {
		status: 'finished',
		class: { system: `${HL7}/v3-ActCode`, code: 'AMB', display: 'ambulatory' },
		type: [concept(SNOMED, ['185349003', 'Encounter for check up'])],
		subject,
		participant: [{ individual: practitioner }],
		period: { start: time, end: new Date(Date.parse(time) + 1_800_000).toISOString() },
		location: [{ location: random.pick(place.locations) }],
		serviceProvider: place.organization,
	});
	const about = { subject, encounter };

	for (const vital of vitals) {
		put('Observation', {
			status: 'final',
			category: category('vital-signs'),
			...measured(random, vital),
			...about,
			effectiveDateTime: time,
			performer: [practitioner],
		});
	}
	const pressure = (code: string, value: number): Json => ({
		code: { coding: [{ system: LOINC, code }] },
		valueQuantity: { value: decimal(value, 0), unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
	});
	put('Observation', {
		status: 'final',
		category: category('vital-signs'),
		code: concept(LOINC, ['85354-9', 'Blood pressure panel']),
		...about,
		effectiveDateTime: time,
		component: [pressure('8480-6', random.whole(105, 150)), pressure('8462-4', random.whole(60, 95))],
		note: [{ text: `seated ${ESCAPED_EMOJI} – quiet room` }],
	});
	const results = labs
		.filter(() => random.chance(0.7))
		.map((lab) =>
			put('Observation', {
				status: 'final',
				category: category('laboratory'),
				...measured(random, lab),
				...about,
				effectiveDateTime: time,
				issued: time,
			}),
		);
	if (random.chance(0.3)) {
		put('Condition', {
			clinicalStatus: coded('condition-clinical', random.pick(['active', 'resolved'])),
			verificationStatus: coded('condition-ver-status', 'confirmed'),
			category: [coded('condition-category', random.pick(['problem-list-item', 'encounter-diagnosis']))],
			code: concept(SNOMED, random.pick(conditions)),
			...about,
			onsetDateTime: time.slice(0, 10),
			recordedDate: time.slice(0, 10),
		});
	}
	if (random.chance(0.4)) {
		put('MedicationRequest', {
			status: random.pick(['active', 'stopped', 'completed']),
			intent: random.pick(['order', 'plan']),
			...(random.chance(0.2)
				? { medicationReference: place.medication }
				: { medicationCodeableConcept: concept(RXNORM, random.pick(medications)) }),
			...about,
			authoredOn: time,
			requester: practitioner,
			dosageInstruction: [
				{ text: '1½ tablets daily', doseAndRate: [{ doseQuantity: { value: decimal(1.5, 2), unit: 'tablet' } }] },
			],
		});
	}
	if (random.chance(0.2)) {
		put('Procedure', {
			status: 'completed',
			code: concept(SNOMED, random.pick(procedures)),
			...about,
			performedDateTime: time,
			performer: [{ actor: practitioner }],
		});
	}
	const document = () => paper(builder, place, time, documentBytes, put);
	const attachment = documentBytes > 0 ? document() : null;
	put('DiagnosticReport', {
		status: 'final',
		category: [coded('v2-0074', 'LAB')],
		code: concept(LOINC, ['24323-8', 'Comprehensive metabolic panel']),
		...about,
		effectiveDateTime: time,
		issued: time,
		performer: [place.organization],
		result: results,
		...(attachment && random.chance(0.3) ? { presentedForm: [document()] } : {}),
	});
	if (!attachment) return;
	const note = put('DocumentReference', {
		status: 'current',
		type: concept(LOINC, ['34133-9', 'Summary of episode note']),
		category: [
			{ coding: [{ system: `${US_CORE}/CodeSystem/us-core-documentreference-category`, code: 'clinical-note' }] },
		],
		subject,
		date: time,
		author: [practitioner],
		content: [{ attachment }],
		context: { encounter: [encounter], period: { start: time } },
	});
	if (random.chance(0.2)) {
		put('Provenance', {
			target: [note, subject],
			recorded: time,
			agent: [
				{ type: coded('provenance-participant-type', 'author'), who: practitioner, onBehalfOf: place.organization },
			],
		});
	}
}

/** An attachment: as a rule a Binary beside it. */
function paper(
	builder: Builder,
	place: Place,
	time: string,
	bytes: number,
	put: (type: string, body: Json) => Reference,
): Json {
	const { random } = builder;
	const size = Math.round(bytes * (0.4 + random.next() * 0.8));
	const kind = random.pick(kinds);
	const { contentType, title, content } = makeDocument(random, kind, size, place.patient, time);
	const data = content.toString('base64');
	if (kind === 'html' && place.inlineHtml) return { contentType, title, data, creation: time };
	const binary = put('Binary', { contentType, data });
	return { contentType, url: binary.reference, title, creation: time, size: content.length };
}
