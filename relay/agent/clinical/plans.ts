/** What is planned and who cares: CarePlan, Goal, ServiceRequest and its forerunners, Appointment, CareTeam. */

import { dateOf } from '../dates.js';
import { all, at, clean, labelled, record, texts, word } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import { narrativeOf } from './narrative.js';
import { choiceOf, spell } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { namesOf, noteOf, type Reader, reasonOf, whenOf } from './told.js';

export const plan: Reader = (resource, resolve) => {
	const period = record(resource.period);
	const status = statusOf(resource.status);
	const named = clean(resource.title) ?? word(resource, 'category.text', 'category.coding.display');
	const narrative = narrativeOf(resource);
	const activities = [
		...all(resource, 'activity.detail.code'),
		...all(resource, 'activity.plannedActivityDetail.code'),
	];
	return {
		section: 'plans',
		title: named ?? clean(resource.description) ?? narrative,
		codes: codesOf(resource.category),
		date: dateOf(period.start, resource.created),
		end: dateOf(period.end),
		status,
		details: texts(
			'care plan',
			named !== null && clean(resource.description),
			labelled('activities', titlesOf(activities)),
			// DSTU2 has no CareTeam.
			labelled('team', namesOf(all(resource, 'participant.member'), resolve)),
			named !== null && activities.length === 0 && clean(resource.description) === null && narrative,
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

export const goal: Reader = (resource) => {
	const status = statusOf(resource.lifecycleStatus) ?? statusOf(resource.status);
	const target = choiceOf(at(resource, 'target'), 'detail');
	const start = dateOf(resource.startDate, resource.statusDate);
	return {
		section: 'plans',
		title: titleOf(resource.description),
		codes: codesOf(resource.description),
		date: start,
		status,
		details: texts(
			'goal',
			labelled('progress', titlesOf(resource.achievementStatus)),
			target && `target: ${spell(target)}`,
			labelled('due', dateOf(at(resource, 'target.dueDate'), resource.targetDate)),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

export const request: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const what = resource.code ?? at(resource, 'item.code') ?? resource.type;
	const { date, end } = whenOf(resource, 'occurrence', 'scheduled');
	return {
		section: 'plans',
		title: titleOf(what) ?? titlesOf(resource.serviceRequested) ?? clean(resource.description),
		codes: codesOf(what),
		date: date ?? dateOf(resource.authoredOn, resource.orderedOn, resource.dateSent, resource.date),
		end,
		status,
		details: texts(
			'order',
			resource.doNotPerform === true && 'an order NOT to do it',
			clean(resource.intent, 30),
			reasonOf(resource, resolve),
			labelled('by', namesOf(resource.requester ?? resource.orderer, resolve)),
			noteOf(resource),
		),
		retracted: isRetracted(status),
	};
};

export const appointment: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	const kind = titleOf(resource.serviceType) ?? titleOf(resource.appointmentType) ?? titleOf(resource.type);
	const who = all(resource, 'participant.actor').filter((one) => !/^Patient\//.test(String(record(one).reference)));
	return {
		section: 'plans',
		title: clean(resource.description) ?? kind,
		codes: codesOf(resource.serviceType, resource.appointmentType),
		date: dateOf(resource.start, at(resource, 'requestedPeriod.start')),
		end: dateOf(resource.end),
		status,
		details: texts('appointment', reasonOf(resource, resolve), labelled('with', namesOf(who, resolve))),
		retracted: isRetracted(status),
	};
};

export const team: Reader = (resource, resolve) => {
	const status = statusOf(resource.status);
	return {
		section: 'plans',
		title: clean(resource.name) ?? titlesOf(resource.category),
		date: dateOf(at(resource, 'period.start')),
		end: dateOf(at(resource, 'period.end')),
		status,
		details: texts('care team', namesOf(all(resource, 'participant.member'), resolve), word(resource, 'note.text')),
		retracted: isRetracted(status),
	};
};
