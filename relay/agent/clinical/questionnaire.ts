/** QuestionnaireResponse: what somebody asked, and what was answered. */
import { dateOf } from '../dates.js';
import { clean, type Json, list, record, word } from '../json.js';
import { choiceOf, spell } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import type { Reader } from './told.js';

/** Answers of one questionnaire that are told. */
const ANSWERS = 8;

export const answers: Reader = (resource) => {
	const status = statusOf(resource.status);
	const found: string[] = [];
	const visit = (holder: Json, depth: number) => {
		const answers = list(holder.answer)
			.slice(0, 6)
			.map((one) => choiceOf(one, 'value'))
			.filter((one) => one !== null);
		const asked = clean(holder.text) ?? clean(holder.linkId, 60);
		if (answers.length > 0) found.push(`${asked ?? 'answer'}: ${answers.map(spell).join(', ')}`);
		if (depth > 6 || found.length > ANSWERS) return;
		for (const name of ['group', 'question', 'item'])
			for (const inner of list(holder[name])) {
				if (found.length > ANSWERS) return;
				visit(record(inner), depth + 1);
			}
	};
	visit(resource, 0);
	const { questionnaire } = resource;
	const named = word(resource, '_questionnaire.extension.valueString', 'questionnaire.display');
	return {
		section: 'history',
		title:
			named ?? (typeof questionnaire === 'string' ? `Questionnaire ${clean(questionnaire, 120)}` : 'Questionnaire'),
		date: dateOf(resource.authored),
		status,
		survey: true,
		details: found.length > ANSWERS ? [...found.slice(0, ANSWERS), 'and more answers'] : found,
		retracted: isRetracted(status),
	};
};
