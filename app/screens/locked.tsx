import { Screen } from '../parts/screen.js';
import { lock as w } from '../words/lock.js';

/** In place of every screen while the wallet is locked. */
export function Locked() {
	return <Screen title={w.lockedTitle} narrow />;
}
