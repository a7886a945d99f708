/** Names that are said and not written: what people call a lab or vital sign, and the LOINC codes that it stands for. */

const NAMES: [names: string[], codes: string[]][] = [
	[
		['hba1c', 'a1c', 'hb a1c', 'glycated hemoglobin'],
		['4548-4', '17856-6', '59261-8', '4549-2', '17855-8'],
	],
	[
		['bp', 'blood pressure'],
		['85354-9', '55284-4'],
	],
	[['hr', 'pulse', 'heart rate'], ['8867-4']],
	[['bmi'], ['39156-5']],
	[
		['weight', 'body weight'],
		['29463-7', '3141-9'],
	],
	[['tsh'], ['3016-3', '11580-8']],
	[['ldl'], ['13457-7', '18262-6', '2089-1']],
	[['hdl'], ['2085-9']],
	[
		['egfr', 'gfr'],
		['33914-3', '48642-3', '62238-1', '88293-6', '98979-8'],
	],
	[['inr'], ['6301-6', '34714-6', '38875-1']],
	[['psa'], ['2857-1']],
	[
		['spo2', 'oxygen saturation'],
		['2708-6', '59408-5'],
	],
	[['wbc'], ['6690-2', '26464-8']],
	[['hgb', 'hb'], ['718-7']],
	[['bun'], ['3094-0', '6299-2']],
	[['crp'], ['1988-5', '30522-7']],
];

/** @param words folded @returns the codes that the words together are a name of, or null */
export function called(words: readonly string[]): ReadonlySet<string> | null {
	const name = words.join(' ');
	const found = NAMES.find(([names]) => names.includes(name));
	return found ? new Set(found[1]) : null;
}
