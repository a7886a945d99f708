import { Screen } from '../parts/screen.js';
import { activity as w } from '../words/activity.js';

/** What happened in this wallet, newest first. */
export function Activity() {
	return <Screen title={w.title} />;
}
