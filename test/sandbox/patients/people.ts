/** The made-up people who can sign in. */
export interface Person {
	username: string;
	given: string[];
	family: string;
	gender: 'female' | 'male';
	birthDate: string;
	/** About how large the record is, in octets of JSON. */
	bytes: number;
}

const MB = 1_000_000;

export const people: Person[] = [
	{
		username: 'camila',
		given: ['Camila', 'María'],
		family: 'Ibáñez',
		gender: 'female',
		birthDate: '1987-09-12',
		bytes: MB,
	},
	{
		username: 'derrick',
		given: ['Derrick'],
		family: 'Halloway',
		gender: 'male',
		birthDate: '1973-06-03',
		bytes: 3 * MB,
	},
	{ username: 'linnea', given: ['Linnéa'], family: 'Åkerström', gender: 'female', birthDate: '2019-02-20', bytes: MB },
	{ username: 'haruto', given: ['陽翔'], family: '渡辺', gender: 'male', birthDate: '1994-11-30', bytes: 2 * MB },
	{
		username: 'zoe',
		given: ['Zoë', 'Siân'],
		family: 'O’Connor-Núñez',
		gender: 'female',
		birthDate: '1956-04-01',
		bytes: 10 * MB,
	},
	{ username: 'walter', given: ['Walter'], family: 'Nowak', gender: 'male', birthDate: '1941-01-17', bytes: 30 * MB },
	{
		username: 'matilda',
		given: ['Matilda'],
		family: 'Große',
		gender: 'female',
		birthDate: '1932-08-08',
		bytes: 100 * MB,
	},
];

export function nameOf(person: Person): string {
	return `${person.given.join(' ')} ${person.family}`;
}
