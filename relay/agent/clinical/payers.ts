/** Who pays: Coverage, and claims with their answers. */
import { dateOf } from '../dates.js';
import { all, at, clean, labelled, list, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { spelled } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { namesOf, type Reader } from './told.js';

export const coverage: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const { payor, insurer, issuer } = resource;
	const payer = namesOf([...list(payor), ...list(insurer), ...list(issuer)], resolve);
	const kind = titlesOf(resource.type);
	const plan = word(resource, 'class.name', 'plan', 'group');
	return {
		section: 'coverage',
		title: payer ?? plan ?? kind,
		codes: codesOf(resource.type),
		date: dateOf(at(resource, 'period.start')),
		end: dateOf(at(resource, 'period.end')),
		status,
		details: texts(
			payer !== null && plan,
			kind,
			labelled('member', clean(resource.subscriberId, 60) ?? word(resource, 'subscriberId.value')),
			labelled('relationship', titlesOf(resource.relationship)),
		),
		retracted: isRetracted(status),
	};
};

export const claim: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const { total } = resource;
	const sum = spelled(total) ?? spelled(at(total, 'amount')) ?? spelled(resource.totalCost);
	const kind = titleOf(resource.type);
	return {
		section: 'coverage',
		title: texts(String(clean(resource.resourceType, 64)), kind).join(', '),
		codes: codesOf(resource.type),
		date: dateOf(at(resource, 'billablePeriod.start'), resource.created),
		end: dateOf(at(resource, 'billablePeriod.end')),
		status,
		details: texts(
			labelled('for', titlesOf(all(resource, 'item.productOrService')) ?? titlesOf(all(resource, 'item.service'))),
			labelled('diagnosis', titlesOf(all(resource, 'diagnosis.diagnosisCodeableConcept'))),
			labelled('total', sum),
			labelled('provider', namesOf(resource.provider, resolve)),
		),
		retracted: isRetracted(status),
	};
};
