/** Codes, names and ranges that generated records are made of. */
export const LOINC = 'http://loinc.org';
export const SNOMED = 'http://snomed.info/sct';
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const CVX = 'http://hl7.org/fhir/sid/cvx';
export const UCUM = 'http://unitsofmeasure.org';
export const HL7 = 'http://terminology.hl7.org/CodeSystem';
export const US_CORE = 'http://hl7.org/fhir/us/core';

export type Term = readonly [code: string, display: string];

/** Code, display, unit, low, high, decimals. */
export type Measure = readonly [
	code: string,
	display: string,
	unit: string,
	low: number,
	high: number,
	decimals: number,
];

export const labs: readonly Measure[] = [
	['2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'mg/dL', 70, 99, 0],
	['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%', 4, 5.6, 1],
	['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL', 0.6, 1.3, 2],
	['718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 12, 16, 1],
	['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL', 120, 200, 0],
	['2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 'mg/dL', 40, 80, 0],
	['2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', 136, 145, 0],
	['2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L', 3.5, 5.1, 2],
	['3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 'mU/L', 0.4, 4, 2],
];

export const vitals: readonly Measure[] = [
	['8867-4', 'Heart rate', '/min', 60, 100, 0],
	['8310-5', 'Body temperature', 'Cel', 36.1, 37.5, 1],
	['29463-7', 'Body weight', 'kg', 50, 95, 1],
	['9279-1', 'Respiratory rate', '/min', 12, 20, 0],
	['2708-6', 'Oxygen saturation in Arterial blood', '%', 95, 100, 0],
];

export const conditions: readonly Term[] = [
	['38341003', 'Hypertensive disorder'],
	['44054006', 'Diabetes mellitus type 2'],
	['195967001', 'Asthma'],
	['396275006', 'Osteoarthritis'],
	['35489007', 'Depressive disorder'],
	['55822004', 'Hyperlipidemia'],
	['37796009', 'Migraine'],
];

export const medications: readonly Term[] = [
	['314076', 'lisinopril 10 MG Oral Tablet'],
	['860975', 'metformin hydrochloride 500 MG Extended Release Oral Tablet'],
	['617312', 'atorvastatin 20 MG Oral Tablet'],
	['745679', 'albuterol 0.09 MG/ACTUAT Metered Dose Inhaler'],
	['312940', 'sertraline 50 MG Oral Tablet'],
	['198440', 'acetaminophen 500 MG Oral Tablet'],
];

export const vaccines: readonly Term[] = [
	['140', 'Influenza, seasonal, injectable, preservative free'],
	['115', 'Tdap'],
	['03', 'MMR'],
	['208', 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose'],
	['133', 'Pneumococcal conjugate PCV 13'],
];

export const procedures: readonly Term[] = [
	['73761001', 'Colonoscopy'],
	['29303009', 'Electrocardiographic procedure'],
	['430193006', 'Medication reconciliation'],
	['268556000', 'Urine screening for diabetes'],
	['225323000', 'Smoking cessation education'],
];

export const allergens: readonly Term[] = [
	['91936005', 'Allergy to penicillin'],
	['91935009', 'Allergy to peanut'],
	['300913006', 'Shellfish allergy'],
	['419263009', 'Allergy to tree pollen'],
];

export const doctors = [
	'Amélie Fontaine',
	'Noah Brandt',
	'Wanjiru Kamau',
	'Søren Møller',
	'Priya Raman',
	'Eva Novák',
] as const;
