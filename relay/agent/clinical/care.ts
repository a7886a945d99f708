/** What was done, and where: Procedure, Encounter, Device, DiagnosticReport and ImagingStudy. */

import { dateOf } from '../dates.js';
import { all, at, clean, type Json, labelled, list, record, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { isRetracted, statusOf } from './status.js';
import { namesOf, noteOf, type Reader, reasonOf, whenOf } from './told.js';

export const procedure: Reader = (resource, resolve) => {
	const status = resource.notPerformed === true || resource.notDone === true ? 'not-done' : statusOf(resource.status);
	return {
		section: 'procedures',
		title: titleOf(resource.code),
		codes: codesOf(resource.code),
		...whenOf(resource, 'performed', 'occurrence'),
		status,
		details: texts(
			labelled('site', titlesOf(resource.bodySite)),
			reasonOf(resource, resolve),
			labelled('outcome', titlesOf(resource.outcome)),
			labelled('complication', titlesOf(resource.complication)),
			labelled('by', namesOf(all(resource, 'performer.actor'), resolve)),
			labelled('at', namesOf(resource.location, resolve)),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

/** The class codes of v3-ActCode; DSTU2 has words. */
const CLASSES: Record<string, string> = {
	amb: 'outpatient',
	emer: 'emergency',
	imp: 'inpatient',
	acute: 'inpatient, acute',
	nonac: 'inpatient, non-acute',
	obsenc: 'observation',
	prenc: 'before admission',
	ss: 'short stay',
	hh: 'at home',
	vr: 'virtual',
	fld: 'in the field',
};

export const encounter: Reader = (resource, resolve) => {
	const { period, actualPeriod, type } = resource;
	const setting = statusOf(resource.class);
	const where = setting === null ? null : (CLASSES[setting] ?? setting);
	const status = statusOf(resource.status);
	const dates = record(period ?? actualPeriod);
	const who = [...all(resource, 'participant.individual'), ...all(resource, 'participant.actor')];
	return {
		section: 'encounters',
		title: titleOf(type) ?? titleOf(resource.serviceType) ?? (where === null ? null : `Visit (${where})`),
		codes: codesOf(type),
		date: dateOf(dates.start, dates.end),
		end: dateOf(dates.end),
		status,
		details: texts(
			titleOf(type) !== null && where,
			reasonOf(resource, resolve),
			labelled(
				'diagnosis',
				namesOf([...all(resource, 'diagnosis.condition'), ...all(resource, 'indication')], resolve),
			),
			labelled('with', namesOf(who, resolve)),
			labelled('at', namesOf([resource.serviceProvider, ...all(resource, 'location.location')], resolve)),
			labelled(
				'discharged to',
				titlesOf(
					at(resource, 'hospitalization.dischargeDisposition') ?? at(resource, 'admission.dischargeDisposition'),
				),
			),
		),
		retracted: isRetracted(status),
	};
};

export const device: Reader = (resource) => {
	const status = statusOf(resource.status);
	const named = word(resource, 'deviceName.name', 'name.value', 'displayName', 'udi.name', 'model');
	return {
		section: 'procedures',
		title: titleOf(resource.type) ?? titleOf(resource.code) ?? titleOf(resource.device) ?? named,
		codes: codesOf(resource.type, resource.code),
		date: dateOf(resource.manufactureDate, whenOf(resource, 'whenUsed', 'timing').date, resource.recordedOn),
		status,
		details: texts(
			'device',
			labelled('named', named),
			labelled('site', titlesOf(resource.bodySite)),
			labelled('maker', clean(resource.manufacturer)),
			labelled('lot', clean(resource.lotNumber, 40)),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

export const report: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const { date, end } = whenOf(resource, 'effective', 'started');
	const results = list(resource.result).length;
	return {
		section: 'reports',
		title:
			titleOf(resource.code) ??
			titleOf(resource.procedureCode) ??
			clean(resource.description) ??
			imagingOf(resource) ??
			titlesOf(resource.category),
		codes: codesOf(resource.code, resource.procedureCode),
		date: date ?? dateOf(resource.issued),
		end,
		status,
		details: texts(
			labelled(
				'conclusion',
				clean(resource.conclusion, 300) ?? titlesOf(resource.conclusionCode ?? resource.codedDiagnosis),
			),
			titlesOf(resource.category),
			results > 0 && `${results} ${results === 1 ? 'result' : 'results'}`,
			list(resource.presentedForm).length > 0 && 'with a document',
			labelled('by', namesOf(resource.performer, resolve)),
		),
		retracted: isRetracted(status) || status === 'cancelled',
	};
};

/** `Ultrasound, thoracic` */
function imagingOf(resource: Json): string | null {
	const modality = titlesOf(resource.modality ?? resource.modalityList) ?? titlesOf(all(resource, 'series.modality'));
	const sites = titlesOf(all(resource, 'series.bodySite')) ?? titlesOf(all(resource, 'series.bodySite.concept'));
	return texts(modality, sites).join(', ') || null;
}
